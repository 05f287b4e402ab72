"""Settings are read once, fit together, are written down, and a wrong one is named."""

import re
from pathlib import Path

import pytest

from db.settings import Settings, SettingsError, load

ROOT = Path(__file__).parents[2]
NAMES = [name.upper() for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_without_any_setting_it_serves_this_machine_from_a_sqlite_file():
    settings = load(env_file=None)
    assert (settings.host, settings.port) == ('127.0.0.1', 8080)
    assert settings.database_url == 'sqlite:///data/maakav.db'
    assert settings.base_url == 'http://localhost:8080'
    assert settings.secure_cookies is False


def test_the_database_file_follows_the_folder_and_the_address_follows_the_port(monkeypatch):
    monkeypatch.setenv('DATA_DIR', 'elsewhere')
    monkeypatch.setenv('PORT', '9000')
    assert load(env_file=None).database_url == 'sqlite:///elsewhere/maakav.db'
    assert load(env_file=None).base_url == 'http://localhost:9000'


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    env_file = tmp_path / '.env'
    env_file.write_text('PORT=9001\nHOST=0.0.0.0\n', encoding='utf-8')
    monkeypatch.setenv('PORT', '9002')
    settings = load(env_file)
    assert (settings.host, settings.port) == ('0.0.0.0', 9002)


def test_an_empty_value_is_no_value(monkeypatch):
    monkeypatch.setenv('DATABASE_URL', '')
    assert load(env_file=None).database_url.startswith('sqlite:///')


def test_a_misspelt_name_in_the_file_is_refused(tmp_path):
    env_file = tmp_path / '.env'
    env_file.write_text('DATBASE_URL=sqlite:///x.db\n', encoding='utf-8')
    with pytest.raises(SettingsError, match='DATBASE_URL is no setting of Maakav'):
        load(env_file)


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('PORT', '80000', 'less than or equal to 65535'),
        ('PORT', 'eighty', 'valid integer'),
        ('LOG_LEVEL', 'loud', "'DEBUG', 'INFO'"),
        ('SECURE_COOKIES', 'maybe', 'valid boolean'),
        ('SESSION_IDLE_HOURS', '0', 'greater than or equal to 1'),
        ('SESSION_IDLE_HOURS', '2000', 'longer than SESSION_MAX_DAYS'),
        ('BACKUP_MINUTES', '1440', 'BACKUP_MINUTES must be shorter than BACKUP_HOURS'),
        ('BACKUP_MINUTES', '-1', 'greater than or equal to 0'),
        ('SESSION_MAX_DAYS', '-1', 'greater than or equal to 1'),
        ('DATA_DIR', str(Path(__file__)), 'is a file, not a folder'),
        ('DATABASE_URL', 'mysql://host/name', 'postgresql+psycopg://'),
        ('DATABASE_URL', 'postgres://host/name', 'postgresql+psycopg://'),
        ('DATABASE_URL', 'claims', 'not a database address'),
        ('DATABASE_URL', 'sqlite://', 'names no file'),
        ('BASE_URL', 'claims.example.org', 'not an address'),
        ('BASE_URL', 'http://example.org/claims', 'no path'),
        ('BASE_URL', 'https://claims.example.org', 'SECURE_COOKIES must be true'),
        ('SMTP_URL', 'mail.example.org', 'not an address like smtp://'),
        ('SMTP_URL', 'smtp://', 'not an address like smtp://'),
        ('SMTP_URL', 'smtp://mail.example.org:lots', 'not an address like smtp://'),
        ('SMTP_URL', 'smtp://user:a/b@mail.example.org', 'not an address like smtp://'),
        ('SMTP_URL', 'smtp://mail.example.org/path', 'ends with the port'),
        ('SMTP_URL', 'smtp://mail.example.org', 'MAIL_FROM is needed'),
        ('MAIL_FROM', 'Maakav', 'not an address like claims@'),
        ('FORWARDED_ALLOW_IPS', '*', 'believe every stranger'),
        ('FORWARDED_ALLOW_IPS', '10.0.0.1, *', 'believe every stranger'),
        ('FORWARDED_ALLOW_IPS', '0.0.0.0/0', 'believe every stranger'),
        ('FORWARDED_ALLOW_IPS', 'proxy', 'IPv4 or IPv6'),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value, reason, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load(env_file=None)
    message = str(refused.value)
    assert name in message
    assert reason in message
    assert len(message.splitlines()) == 2, 'one wrong value, one line about it'


def test_a_password_is_never_repeated(monkeypatch):
    monkeypatch.setenv('DATABASE_URL', 'postgres://maakav:open-sesame@host/name')
    with pytest.raises(SettingsError) as refused:
        load(env_file=None)
    assert 'open-sesame' not in str(refused.value)

    monkeypatch.setenv('DATABASE_URL', 'postgresql+psycopg://maakav:open-sesame@host/name')
    monkeypatch.setenv('SMTP_URL', 'smtp://maakav:open-sesame@host:587')
    monkeypatch.setenv('MAIL_FROM', 'Maakav <claims@example.org>')
    assert 'open-sesame' not in repr(load(env_file=None))


def test_an_https_address_with_secure_cookies_is_welcome(monkeypatch):
    monkeypatch.setenv('BASE_URL', 'https://claims.example.org/')
    monkeypatch.setenv('SECURE_COOKIES', 'true')
    assert load(env_file=None).base_url == 'https://claims.example.org'


def test_several_proxies_are_welcome(monkeypatch):
    monkeypatch.setenv('FORWARDED_ALLOW_IPS', '127.0.0.1, 10.0.0.0/8, ::1')
    assert load(env_file=None).forwarded_allow_ips == '127.0.0.1,10.0.0.0/8,::1'


@pytest.mark.parametrize('name', NAMES)
def test_every_setting_is_written_down(name):
    assert re.search(rf'^(# )?{name}=', (ROOT / '.env.example').read_text(encoding='utf-8'), re.MULTILINE)
    assert f'| `{name}` |' in (ROOT / 'README.md').read_text(encoding='utf-8')


def test_the_example_holds_the_defaults(tmp_path):
    example = tmp_path / '.env'
    example.write_text((ROOT / '.env.example').read_text(encoding='utf-8'), encoding='utf-8')
    assert load(example) == load(env_file=None)
