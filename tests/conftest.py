"""What every test stands on: a fresh database of either kind, the people of two offices and the bureau."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from db import changes, schema, sealing
from db.session import Database, connect
from db.settings import load
from tests import factories
from tests.factories import People

# the same examples each time, however busy the machine: what fails here fails everywhere
settings.load_profile('ci')

__all__ = ['People']  # the tests know it from here

POSTGRES = os.environ.get('TEST_POSTGRES_URL', 'postgresql+psycopg://postgres@127.0.0.1:5432/postgres')


@pytest.fixture(autouse=True)
def sealing_key() -> None:
    """Secrets are sealed with a key of the tests, and no file is made for one."""
    sealing.use(load(None, two_factor_key='a key for the tests, and only for them'))


@pytest.fixture(scope='session')
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest revision, copied for each test."""
    path = tmp_path_factory.mktemp('template') / 'empty.db'
    schema.upgrade(f'sqlite:///{path}')
    return path


def plain_address(database: str) -> str:
    """A database of the server as psycopg itself is told."""
    return make_url(POSTGRES).set(drivername='postgresql', database=database).render_as_string(hide_password=False)


def wait_until_somebody_waits(url: str) -> None:
    """For a lock, in this PostgreSQL database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    with psycopg.connect(plain_address(make_url(url).database or ''), autocommit=True) as admin:
        while admin.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline, 'nobody waits'
            time.sleep(0.01)


@pytest.fixture(scope='session')
def postgres_template() -> Iterator[str]:
    """An empty PostgreSQL database at the newest revision; new ones are made from it as a template."""
    try:
        admin = psycopg.connect(plain_address('postgres'), autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if os.environ.get('REQUIRE_POSTGRES'):
            raise
        pytest.skip(f'no PostgreSQL server: {error}')
    name = f'maakav_template_{uuid.uuid4().hex[:8]}'
    admin.execute(f'CREATE DATABASE {name}')
    schema.upgrade(make_url(POSTGRES).set(database=name).render_as_string(hide_password=False))
    yield name
    admin.execute(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')
    admin.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database."""
    path = tmp_path / 'maakav.db'
    path.write_bytes(sqlite_template.read_bytes())
    return f'sqlite:///{path}'


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    name = f'maakav_{uuid.uuid4().hex[:12]}'
    with psycopg.connect(plain_address('postgres'), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE {name} TEMPLATE {postgres_template}')
    yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(plain_address('postgres'), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE {name} WITH (FORCE)')


@pytest.fixture(params=['sqlite', pytest.param('postgres', marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind: every rule holds on both."""
    return str(request.getfixturevalue(f'{request.param}_url'))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The process connected to a fresh database."""
    connected = connect(database_url)
    yield connected
    connected.close()


@pytest.fixture
def people(database: Database) -> People:
    """Two competing offices and the bureau's staff."""
    return factories.make_people()


@pytest.fixture
def notices() -> Iterator[list[changes.Notice]]:
    """Everything that rang during the test."""
    heard: list[changes.Notice] = []
    stop: Callable[[], None] = changes.on_notice(heard.append)
    yield heard
    stop()
