"""Several real instances on one PostgreSQL and one store of documents, behind a real nginx with the configuration of `deploy/`."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy.engine import make_url

from db import identity, schema
from db.base import now
from db.session import connect, open_session
from tests import factories
from tests.conftest import POSTGRES, People, plain_address
from tests.e2e.conftest import Server, free_port, serving
from tests.factories import PASSWORD
from tests.nginx import configured, nginx_program, write_configuration
from tests.waiting import until


@dataclass(frozen=True)
class Door:
    """The nginx before the instances, and what it wrote down."""

    server: Server
    logs: Path

    @property
    def told(self) -> list[dict[str, Any]]:
        """Its access log."""
        return [json.loads(line) for line in (self.logs / 'maakav.log').read_text('utf-8').splitlines()]


@dataclass(frozen=True)
class Installation:
    """Two instances that run, one that can be started and killed, the door before the three, and the people of two offices."""

    database_url: str
    people: People
    one: Server
    two: Server
    door: Door
    spare_port: int
    settings: dict[str, Any]

    @contextmanager
    def spare(self, folder: Path) -> Iterator[Server]:
        """The third instance, for as long as a test needs it, or until it is killed."""
        with serving('app', folder, port=self.spare_port, **self.settings) as server:
            yield server


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[Door]:
    """Run nginx before instances on these ports."""
    port = free_port()
    main = write_configuration(folder, configured(f'127.0.0.1:{port}', [f'127.0.0.1:{one}' for one in ports], folder))
    output = folder / 'output'
    with output.open('w') as log:
        command = [nginx_program(), '-c', str(main), '-e', 'stderr']
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    door = Door(Server(f'http://127.0.0.1:{port}', output, child), folder)
    try:
        until(lambda: (folder / 'pid').exists() or child.poll() is not None)
        assert child.poll() is None, door.server.written()
        yield door
    finally:
        child.terminate()
        child.wait(10)


@contextmanager
def postgres_of_its_own_role() -> Iterator[str]:
    """An empty database that belongs to a role like the one of `deploy/`: no superuser, and no policy is past it."""
    name = f'maakav_instances_{os.getpid()}_{free_port()}'
    with psycopg.connect(plain_address('postgres'), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'apart' NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
        admin.execute(f'CREATE DATABASE {name} OWNER {name}')
    url = make_url(POSTGRES).set(username=name, password='apart', database=name).render_as_string(hide_password=False)
    try:
        schema.upgrade(url)
        yield url
    finally:
        with psycopg.connect(plain_address('postgres'), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE {name} WITH (FORCE)')
            admin.execute(f'DROP ROLE {name}')


@contextmanager
def bucket() -> Iterator[str]:
    """An S3-compatible store with an empty bucket, as DOCUMENTS_URL names it."""
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f'http://{host}:{port}'
    keys = {'aws_access_key_id': 'key', 'aws_secret_access_key': 'secret'}
    client = boto3.client('s3', endpoint_url=address, region_name='us-east-1', **keys)
    client.create_bucket(Bucket='claims')
    client.close()
    yield f's3://key:secret@claims?endpoint={address}'
    server.stop()


@pytest.fixture(scope='module')
def installation(postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Everything real, and an office's people with a password."""
    nginx_program()
    with ExitStack() as stack:
        url, documents = stack.enter_context(postgres_of_its_own_role()), stack.enter_context(bucket())
        database = stack.enter_context(_connected(url))
        assert database
        people = _people()
        # each is told from the others by what it drew when it began: none comes from the forge, which drew once
        settings: dict[str, Any] = {'DATABASE_URL': url, 'DOCUMENTS_URL': documents, 'anew': True}
        folders = [tmp_path_factory.mktemp(name) for name in ('one', 'two', 'door')]
        with ThreadPoolExecutor(2) as starting:
            one, two = starting.map(lambda folder: stack.enter_context(serving('app', folder, **settings)), folders[:2])
        spare_port = free_port()
        ports = [*(int(server.url.rpartition(':')[2]) for server in (one, two)), spare_port]
        door = stack.enter_context(nginx(folders[2], ports))
        yield Installation(url, people, one, two, door, spare_port, settings)
        written = one.written() + two.written()
        assert 'Traceback' not in written
        assert '"level": "error"' not in written, written


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    database = connect(url)
    yield database
    database.close()


def _people() -> People:
    people: People = factories.make_people()
    password_hash = identity.hash_password(PASSWORD)
    everybody = (people.dana, people.yossi, people.manager, people.rival, people.staff, people.staff2, people.admin)
    with open_session(factories.SYSTEM) as session:
        for person in everybody:
            identity.keep_password(session, person.user_id or 0, password_hash, now())
    return people
