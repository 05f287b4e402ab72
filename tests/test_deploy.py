"""What stands in `deploy/` fits the portal it is for. Containers and systemd do not run here; nginx does (`tests/e2e/test_instances.py`)."""

import configparser
import re
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import streams
from db.settings import Settings, load
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
        'POSTGRES_PASSWORD', 'DATABASE_PASSWORD', 'STORE_SECRET',
    }, 'no secret has a value of its own'  # fmt: skip
    optional = {'SECURE_COOKIES', 'LOG_LEVEL', 'LISTEN'}
    assert asked - optional == set(given)
    given |= {name: 'secret' for name, value in given.items() if not value}
    given |= {'SECURE_COOKIES': 'true', 'LOG_LEVEL': 'INFO'}
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
    assert service['ExecStart'].removeprefix('/opt/maakav/.venv/bin/python ') in {'app.py', '-m db.schema'}
    assert service['User'] == 'maakav'
    assert service['ProtectSystem'] == 'strict'
    assert service['NoNewPrivileges'] == 'true'
    assert not service['CapabilityBoundingSet']
    # the only place it may write in
    assert f'DATA_DIR=/var/lib/{service["StateDirectory"]}' in service['Environment']


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
