"""What stands in `deploy/` fits the portal it is for. Containers and systemd do not run here; nginx does (`tests/e2e/test_instances.py`).

Most of it was found by starting the containers: each would have been refused, or would have answered wrongly.
"""

import configparser
import os
import re
import shutil
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
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
    # nothing else is reached from outside, and each keeps for itself what is on the way in
    assert [name for name, service in services.items() if 'ports' in service] == ['nginx']
    kept = [services[name]['volumes'] for name in instances]
    assert len({str(volumes) for volumes in kept}) == len(instances)


def test_nobody_sits_on_an_address_that_nginx_looks_for(compose):
    """Docker gives the first free one to whoever starts first; nginx asks for a name once, when it starts."""
    (network,) = compose['networks']['inside']['ipam']['config']
    services = compose['services']
    named = [name for name in services if name == 'nginx' or name.startswith('portal-')]
    kept = [IPv4Address(services[name]['networks']['inside']['ipv4_address']) for name in named]
    assert len(set(kept)) == len(kept) >= 3
    given, whole = IPv4Network(network['ip_range']), IPv4Network(network['subnet'])
    assert given.subnet_of(whole)
    assert all(address in whole and address not in given for address in kept)


def test_an_image_is_ours_or_of_a_named_version(compose):
    images = {service['image'] for service in compose['services'].values()}
    assert all(image == 'maakav' or re.search(r':\d', image) for image in images)
    assert [service['build']['dockerfile'] for service in compose['services'].values() if 'build' in service]


def test_what_a_container_writes_does_not_fill_the_disk(compose):
    kept_by = {name: service.get('logging', {}).get('driver') for name, service in compose['services'].items()}
    assert set(kept_by.values()) == {'local'}, kept_by
    logs = {compose['services']['nginx']['environment'][name] for name in ('ACCESS_LOG', 'ERROR_LOG')}
    assert logs == {'/dev/stdout', '/dev/stderr'}


def test_nginx_is_told_everything_that_its_template_asks_for(compose):
    template = (DEPLOY / 'nginx' / 'maakav.conf.template').read_text('utf-8')
    asked = set(re.findall(r'\$\{([A-Z_]+)\}', template))
    assert asked == set(compose['services']['nginx']['environment'])
    (by_hand,) = re.findall(r"envsubst '([^']+)'", template)
    assert asked == {name.removeprefix('$') for name in by_hand.split()}


def test_nobody_but_the_portal_answers_on_port_80(compose):
    """The image of nginx brings a server of its own for it, which would greet instead of sending on to TLS."""
    mounted = [volume.split(':')[:2] for volume in compose['services']['nginx']['volumes']]
    assert ['./nginx/tls.conf', '/etc/nginx/conf.d/default.conf'] in mounted
    named = [place for place, _ in mounted if place.startswith('./')]
    assert all((DEPLOY / place).exists() for place in named), 'Docker would make a folder of it'


def test_the_schema_waits_for_the_database_that_stays(compose):
    """While the image makes the database, a server answers on the socket that is stopped again; by TCP it does not."""
    database = compose['services']['database']
    assert '--host=127.0.0.1' in database['healthcheck']['test']
    # an end in order writes everything down; Docker's own ten seconds may be too few for that
    assert int(database['stop_grace_period'].removesuffix('s')) >= 60


def test_what_belongs_to_one_installation_is_not_committed():
    ignored = (DEPLOY.parent / '.gitignore').read_text('utf-8').splitlines()
    assert {'/deploy/.env', '/deploy/certificates/'} <= set(ignored)


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
    assert settings.documents_url == 's3://maakav:secret@documents?endpoint=http://store:8333'
    assert 's3.bucket.create -name documents\\n' in compose['services']['bucket']['command'][0]


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
    # the only places it may write in: its own, and those where all of them leave backups and documents
    own, shared, *documents = service['StateDirectory'].split()
    told = (DEPLOY / 'systemd' / name).read_text('utf-8')
    assert f' DATA_DIR=/var/lib/{own}' in told.replace('Environment=', ' ')
    assert f' BACKUP_DIR=/var/lib/{shared}\n' in told.replace('Environment=', ' ')
    assert shared == 'maakav/backups'
    assert documents == re.findall(r'DOCUMENTS_URL=file:/var/lib/(\S+)\n', told)
    assert 'test -n "$$DATABASE_URL"' in told, 'else each would make itself one in its DATA_DIR'


def test_the_one_instance_is_shut_in_as_several_are():
    several, one = ((DEPLOY / 'systemd' / name).read_text('utf-8') for name in ('maakav@.service', 'maakav.service'))
    shut_in = '# what it cannot do even when'
    assert one.partition(shut_in)[2] == several.partition(shut_in)[2]
    assert 'User=maakav' in one
    # the schema before the portal, and a place to write in that the settings are told to name
    assert re.findall(r'ExecStart\w*=\S+ (.+)', one) == ['-m jobs.upgrade', 'app.py']
    assert 'StateDirectory=maakav\n' in one
    assert 'DATA_DIR=/var/lib/maakav\n' in (DEPLOY.parent / 'docs' / 'running.md').read_text('utf-8')


def test_what_each_instance_has_of_its_own_has_a_place():
    told = (DEPLOY / 'systemd' / 'maakav@.service').read_text('utf-8').splitlines()
    places = [line.removeprefix('EnvironmentFile=') for line in told if line.startswith('EnvironmentFile=')]
    # two that answered with figures on one port would be one that does not start; the later file wins
    assert places == ['/etc/maakav/maakav.env', '-/etc/maakav/%i.env']


def test_systemd_understands_the_units(tmp_path):
    program = shutil.which('systemd-analyze')
    if program is None:
        pytest.skip('no systemd-analyze on this machine')
    units = [tmp_path / name for name in ('maakav.service', 'maakav@.service', 'maakav-schema.service')]
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
    for name in ('schema', 'portal-1', 'portal-2'):
        assert services[name]['environment']['BACKUP_DIR'] == '/backups'
        assert '${BACKUPS:-backups}:/backups' in services[name]['volumes']
    assert services['portal-1']['depends_on']['schema'] == {'condition': 'service_completed_successfully'}
    assert {'backups', 'documents'} <= set(compose['volumes'])
    image = (DEPLOY / 'Dockerfile').read_text('utf-8')
    (user,) = re.findall(r'useradd .*--uid (\d+) ', image)
    assert f'/data:uid={user},mode=0700' in services['schema']['tmpfs'], 'a restore takes a lock there'
    # pg_dump reads servers of its own version and older ones
    server = services['database']['image'].removeprefix('postgres:')
    assert f'postgresql-client-{server} ' in image
    assert re.search(r'install --directory --owner=maakav --mode=0700 /data /backups\n', image), (
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


def test_nothing_that_a_visitor_says_of_his_way_here_gets_past_nginx():
    """The portal leaves these out itself, so no answer would tell."""
    written = (DEPLOY / 'nginx' / 'maakav.conf.template').read_text('utf-8')
    said = dict(re.findall(r'^\s*proxy_set_header (X-Forwarded-\w+|Forwarded)\s+([^;]+);', written, re.MULTILINE))
    assert said['X-Forwarded-Prefix'] == '""'
    assert '$http_' not in ''.join(said.values())
    assert said['X-Forwarded-For'] == '$remote_addr'


def test_nginx_takes_the_configuration_with_tls_too(tmp_path):
    program = nginx_program()
    key, certificate = tmp_path / 'privkey.pem', tmp_path / 'fullchain.pem'
    subject = ['-subj', '/CN=claims.example.org', '-keyout', str(key), '-out', str(certificate)]
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', *subject], check=True, capture_output=True
    )
    tls = (DEPLOY / 'nginx' / 'tls.conf').read_text('utf-8').replace('/etc/ssl/maakav', str(tmp_path))
    tls = tls.replace('listen 80;', 'listen 127.0.0.1:18080;')
    # Debian's nginx.conf says this before; said again on the same level, the one would be added to the other
    tls = f'ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;\n{tls}'
    portal = configured('127.0.0.1:18443 ssl http2', ['127.0.0.1:8081', '127.0.0.1:8082'], tmp_path)
    main = write_configuration(tmp_path, f'{tls}\n{portal}')
    done = subprocess.run([program, '-t', '-c', str(main), '-e', 'stderr'], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'warn' not in done.stderr
