"""What stands in `deploy/` fits the portal it is for. Containers and systemd do not run here; nginx does (`tests/e2e/test_instances.py`)."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy.engine import make_url

from components import streams
from db import schema
from db.settings import Settings, load
from jobs import archive, backup
from tests.nginx import configured, nginx_program, write_configuration

DEPLOY = Path(__file__).parents[1] / 'deploy'
NEEDED = re.compile(r'\$\{([A-Z_]+)(?::\?|:-[^}]*)?\}')


@pytest.fixture(scope='module')
def compose() -> dict[str, Any]:
    told = yaml.safe_load((DEPLOY / 'compose.yaml').read_text('utf-8'))
    assert isinstance(told, dict)
    return told


def settings_in(text: str) -> dict[str, str]:
    lines = [line.removeprefix('# ') for line in text.splitlines() if re.match(r'(# )?[A-Z_]+=', line)]
    return dict(line.split('=', 1) for line in lines)


def test_every_instance_stands_behind_the_door_and_is_believed_by_nobody_else(compose):
    services = compose['services']
    instances = [name for name in services if name.startswith('portal-')]
    assert len(instances) >= 2
    assert re.findall(r'server (\S+):8080 ', services['nginx']['environment']['INSTANCES']) == instances
    address = services['nginx']['networks']['inside']['ipv4_address']
    assert services['portal-1']['environment']['FORWARDED_ALLOW_IPS'] == address
    (network,) = compose['networks']['inside']['ipam']['config']
    assert ip_address(address) in ip_network(network['subnet'])
    # nothing else is reached from outside, and each keeps for itself what is on the way in
    assert [name for name, service in services.items() if 'ports' in service] == ['nginx']
    kept = [services[name]['volumes'] for name in instances]
    assert len({str(volumes) for volumes in kept}) == len(instances)


def test_the_settings_of_the_containers_are_settings_and_start_the_portal(compose, monkeypatch):
    given = settings_in((DEPLOY / 'maakav.env.example').read_text('utf-8'))
    asked = set(NEEDED.findall((DEPLOY / 'compose.yaml').read_text('utf-8')))
    assert {name for name, value in given.items() if not value} == {
        'POSTGRES_PASSWORD', 'DATABASE_PASSWORD', 'STORE_SECRET', 'TWO_FACTOR_KEY',
    }, 'no secret has a value of its own'  # fmt: skip
    optional = {'SECURE_COOKIES', 'LOG_LEVEL', 'LISTEN'}
    assert asked - optional == set(given)
    given |= {name: 'secret' for name, value in given.items() if not value}
    given |= {'SECURE_COOKIES': 'true', 'LOG_LEVEL': 'INFO', 'TWO_FACTOR_KEY': 'k' * 48}
    for name, value in compose['services']['portal-1']['environment'].items():
        assert name.lower() in Settings.model_fields
        filled = NEEDED.sub(lambda match: NEEDED.sub(lambda inner: given[inner[1]], given[match[1]]), value)
        monkeypatch.setenv(name, filled)
    settings = load(env_file=None)
    assert settings.database_url == 'postgresql+psycopg://maakav:secret@database:5432/maakav'
    assert settings.documents_url == 's3://maakav:secret@documents?endpoint=http://store:9000'


def test_the_role_of_the_portal_is_no_superuser_and_no_policy_is_past_it(compose):
    script = (DEPLOY / 'postgres' / '10-maakav.sh').read_text('utf-8')
    assert re.search(r'CREATE ROLE maakav LOGIN .*NOSUPERUSER .*NOBYPASSRLS', script)
    assert 'CREATE DATABASE maakav OWNER maakav' in script
    mounted = compose['services']['database']['volumes']
    assert any(volume.startswith('./postgres/10-maakav.sh:/docker-entrypoint-initdb.d/') for volume in mounted)


def test_the_image_holds_what_the_portal_imports_and_reads():
    root = DEPLOY.parent
    copied = set(re.findall(r'^COPY (\S+)', (DEPLOY / 'Dockerfile').read_text('utf-8'), re.MULTILINE))
    product = {'app.py', 'requirements.txt', 'components', 'db', 'jobs', 'locale', 'pages', 'static'}
    assert copied == product
    assert all((root / name).exists() for name in product)
    let_in = (DEPLOY / 'Dockerfile.dockerignore').read_text('utf-8').splitlines()
    assert {line[1:] for line in let_in if line.startswith('!')} == product


@pytest.mark.parametrize('name', ['maakav@.service', 'maakav-schema.service'])
def test_a_unit_starts_the_portal_as_nobody_in_particular(name):
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / 'systemd' / name, 'utf-8')
    service = unit['Service']
    assert service['ExecStart'].removeprefix('/opt/maakav/.venv/bin/python ') in {'app.py', '-m jobs.upgrade'}
    assert service['User'] == 'maakav'
    assert service['ProtectSystem'] == 'strict'
    assert service['NoNewPrivileges'] == 'true'
    assert not service['CapabilityBoundingSet']
    # the only places it may write in: its own, and the one where all of them leave backups
    own, shared = service['StateDirectory'].split()
    told = (DEPLOY / 'systemd' / name).read_text('utf-8')
    assert f' DATA_DIR=/var/lib/{own}' in told.replace('Environment=', ' ')
    assert f' BACKUP_DIR=/var/lib/{shared}\n' in told.replace('Environment=', ' ')
    assert shared == 'maakav/backups'


def test_systemd_understands_the_units(tmp_path):
    program = shutil.which('systemd-analyze')
    if program is None:
        pytest.skip('no systemd-analyze on this machine')
    units = [tmp_path / name for name in ('maakav@.service', 'maakav-schema.service')]
    for path in units:
        told = (DEPLOY / 'systemd' / path.name).read_text('utf-8')
        path.write_text(told.replace('/opt/maakav/.venv/bin/python', sys.executable), 'utf-8')
    done = subprocess.run(
        [program, 'verify', '--man=no', '--recursive-errors=no', *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, '')


def test_before_an_upgrade_the_database_is_copied_where_all_backups_are(compose):
    services = compose['services']
    assert services['schema']['command'] == ['python', '-m', 'jobs.upgrade']
    place = '${BACKUPS:-backups}:/backups'
    for name in ('schema', 'portal-1', 'portal-2'):
        assert services[name]['environment']['BACKUP_DIR'] == '/backups'
        assert place in services[name]['volumes']
        assert services['portal-1']['depends_on'] == {'schema': {'condition': 'service_completed_successfully'}}
    assert 'backups' in compose['volumes']
    image = (DEPLOY / 'Dockerfile').read_text('utf-8')
    # pg_dump reads servers of its own version and older ones
    server = services['database']['image'].removeprefix('postgres:')
    assert f'postgresql-client-{server} ' in image
    assert re.search(r'install --directory --owner=maakav .*/backups', image), (
        'a new volume belongs to whom the folder does'
    )


@pytest.mark.postgres
def test_the_upgrade_of_the_containers_makes_a_backup_first(postgres_url, tmp_path, monkeypatch, compose):
    older = schema.revisions()[-3]
    with psycopg.connect(make_url(postgres_url).set(drivername='postgresql').render_as_string(False)) as database:
        database.execute('DROP SCHEMA public CASCADE')
        database.execute('CREATE SCHEMA public')
    schema.upgrade(postgres_url, older)
    environment = {**os.environ, 'DATABASE_URL': postgres_url, 'DATA_DIR': str(tmp_path / 'data')}
    environment['BACKUP_DIR'] = str(tmp_path / 'backups')
    command = [sys.executable, *compose['services']['schema']['command'][1:]]
    done = subprocess.run(command, cwd=DEPLOY.parent, env=environment, capture_output=True, text=True, check=True)
    ((_, path),) = backup.kept(tmp_path / 'backups')
    assert f'backup before the upgrade: {path}' in done.stdout
    assert archive.verified(path).revision == older
    assert schema.revision_of(postgres_url) == schema.newest_revision()


def test_a_silence_that_the_portal_keeps_is_none_for_nginx():
    written = (DEPLOY / 'nginx' / 'maakav.conf.template').read_text('utf-8')
    patience = int(re.findall(r'proxy_read_timeout (\d+)s', written)[0])
    reconnect = int(re.findall(r'reconnect_timeout=(\d+)', (DEPLOY.parent / 'app.py').read_text('utf-8'))[0])
    assert patience > (0.8 + 0.4) * reconnect, 'the ping of a page and the time it has to answer'
    assert patience > streams.HEARTBEAT_SECONDS


def test_nginx_takes_the_configuration_with_tls_too(tmp_path):
    program = nginx_program()
    key, certificate = tmp_path / 'privkey.pem', tmp_path / 'fullchain.pem'
    subject = ['-subj', '/CN=claims.example.org', '-keyout', str(key), '-out', str(certificate)]
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', *subject], check=True, capture_output=True
    )
    tls = (DEPLOY / 'nginx' / 'tls.conf.example').read_text('utf-8').replace('/etc/ssl/maakav', str(tmp_path))
    tls = tls.replace('listen 80;', 'listen 127.0.0.1:18080;')
    portal = configured('127.0.0.1:18443 ssl http2', ['127.0.0.1:8081', '127.0.0.1:8082'], tmp_path)
    main = write_configuration(tmp_path, f'{tls}\n{portal}')
    done = subprocess.run([program, '-t', '-c', str(main), '-e', 'stderr'], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'warn' not in done.stderr
