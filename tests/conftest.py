"""What every test stands on: a fresh database of either kind, the people of two offices and the bureau."""

import atexit
import gc
import os
import pickle
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url
from sqlalchemy.util import LRUCache

from components import accesses
from db import doorbell, engines, schema, sealing
from db.masks import hides_numbers
from db.session import Database, connect
from db.settings import load
from tests import factories
from tests.factories import People

# the same examples each time, however busy the machine: what fails here fails everywhere
settings.load_profile('ci')

__all__ = ['People']  # the tests know it from here

ROOT = Path(__file__).parents[1]
POSTGRES = os.environ.get('TEST_POSTGRES_URL', 'postgresql+psycopg://postgres@127.0.0.1:5432/postgres')


# A portal compiles a question once and asks it for days. Here thousands of databases live for one test each and are asked the same:
# what was compiled for one is known to all of its kind.
_compiled: LRUCache[Any, Any] = LRUCache(2000)


def _engine(url: str, **options: Any) -> Engine:
    return create_engine(url, execution_options={'compiled_cache': _compiled}, **options)


def _speech_of(dialect: Any) -> tuple[type, bool]:
    """What is read through a mask is read by another question."""
    return type(dialect), hides_numbers(dialect)


engines.create_engine = _engine  # type: ignore[attr-defined, assignment]
for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
    dialect.__hash__ = lambda self: hash(_speech_of(self))  # type: ignore[method-assign]
    dialect.__eq__ = lambda self, other: _speech_of(self) == _speech_of(other)  # type: ignore[method-assign]


# Secrets are sealed with a key of the tests, and no file is made for one.
SEALED = load(None, two_factor_key='a key for the tests, and only for them')


@pytest.fixture(autouse=True)
def sealing_key() -> None:
    """Whatever key the test before had."""
    sealing.use(SEALED)


@pytest.fixture(autouse=True)
def nothing_noted() -> None:
    """Whatever the test before looked at."""
    accesses.forget()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: much of the time they wait, for a server, a browser, a lock or a clock."""
    return 2 * len(os.sched_getaffinity(0))


# half a minute and more each
LONGEST = (
    'tests/e2e/test_accessibility.py',
    'tests/db/test_lists.py',
    'tests/test_isolation.py',
    'tests/e2e/test_messages_story.py',
    'tests/jobs/test_backup.py',
    'tests/jobs/test_exports.py',
    'tests/e2e/test_documents_story.py',
    'tests/db/test_concurrency.py',
    'tests/e2e/test_export_story.py',
    'tests/db/test_search.py',
    'tests/e2e/test_work_story.py',
    'tests/db/test_schema.py',
    'tests/db/test_demo.py',
    'tests/e2e/test_views_story.py',
    'tests/e2e/test_calls_story.py',
    'tests/pages/test_files_under_fire.py',
    'tests/e2e/test_instances.py',
    'tests/e2e/test_repair_story.py',
    'tests/e2e/test_claim_story.py',
    'tests/db/test_reports.py',
    'tests/e2e/test_money_story.py',
    'tests/db/test_masks.py',
    'tests/e2e/test_restart_story.py',
    'tests/jobs/test_import_work.py',
    'tests/jobs/test_imports.py',
    'tests/e2e/test_the_story.py',
    'tests/jobs/test_previews.py',
    'tests/pages/test_reports.py',
    'tests/e2e/test_attack.py',
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files go to whichever worker is free: the longest first, so that none waits for another at the end.

    Then one from each folder in turn, for two that both drive browsers and servers get in each other's way.
    """
    turns: Counter[Path] = Counter()
    places: dict[Path, tuple[int, int]] = {}
    for path in dict.fromkeys(item.path for item in items):
        name = path.relative_to(ROOT).as_posix()
        turns[path.parent] += 1
        places[path] = LONGEST.index(name) if name in LONGEST else len(LONGEST), turns[path.parent]
    items.sort(key=lambda item: places[item.path])


def pytest_collection_finish() -> None:
    """What stands until the end is not looked through for waste again and again: each portal that is built collects twice."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was told again says why, so that it can be mended: the second try hides it otherwise."""
    for report in terminalreporter.getreports('rerun'):
        terminalreporter.section(f'told again: {report.nodeid}')
        terminalreporter.line(report.longreprtext)


@pytest.fixture(scope='session')
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest revision, copied for each test."""
    path = tmp_path_factory.mktemp('template') / 'empty.db'
    schema.upgrade(f'sqlite:///{path}')
    return path


def plain_address(database: str) -> str:
    """A database of the server as psycopg itself is told."""
    return make_url(POSTGRES).set(drivername='postgresql', database=database).render_as_string(hide_password=False)


def postgres_address(database: str) -> str:
    """A database of the server as SQLAlchemy is told."""
    return make_url(POSTGRES).set(database=database).render_as_string(hide_password=False)


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
        admin = _admin()
    except psycopg.OperationalError as error:
        if os.environ.get('REQUIRE_POSTGRES'):
            raise
        pytest.skip(f'no PostgreSQL server: {error}')
    name = f'maakav_template_{uuid.uuid4().hex[:8]}'
    admin.execute(f'CREATE DATABASE {name}')
    schema.upgrade(postgres_address(name))
    yield name
    admin.execute(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')


@cache
def _admin() -> psycopg.Connection[Any]:
    """One connection makes and drops all databases of the process: to connect for each takes half as long as to copy one."""
    admin = psycopg.connect(plain_address('postgres'), autocommit=True, connect_timeout=3)
    atexit.register(admin.close)
    return admin


@contextmanager
def copy_of(url: str, folder: Path) -> Iterator[str]:
    """A database of one's own like the one at `url`, to which nobody may be connected."""
    template = make_url(url)
    if template.get_backend_name() == 'sqlite':
        shutil.copyfile(template.database or '', folder / 'maakav.db')
        yield f'sqlite:///{folder / "maakav.db"}'
        return
    name = f'maakav_{uuid.uuid4().hex[:12]}'
    admin = _admin()
    # block by block through the log is how it copies since 15, and slower for what is so small
    by_file = ' STRATEGY FILE_COPY' if admin.info.server_version >= 150_000 else ''
    admin.execute(f'CREATE DATABASE {name} TEMPLATE {template.database}{by_file}')
    yield template.set(database=name).render_as_string(hide_password=False)
    admin.execute(f'DROP DATABASE {name} WITH (FORCE)')


@contextmanager
def peopled(template: str, folder: Path) -> Iterator[tuple[str, People]]:
    """A copy of an empty database in which the people are already: making them takes longer than most tests."""
    with copy_of(template, folder) as url:
        connected = connect(url)
        people = factories.make_people()
        connected.close()
        yield url, people


@pytest.fixture(scope='session')
def sqlite_people(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, People]]:
    """The people of the tests, and the database they are in, copied for each test that names them."""
    with peopled(f'sqlite:///{sqlite_template}', tmp_path_factory.mktemp('people')) as made:
        yield made


@pytest.fixture(scope='session')
def postgres_people(postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, People]]:
    """Likewise in PostgreSQL."""
    with peopled(postgres_address(postgres_template), tmp_path_factory.mktemp('people')) as made:
        yield made


def _kind_of(url: str) -> str:
    return 'sqlite' if url.startswith('sqlite') else 'postgres'


Maker = Callable[..., Any]
_makers: dict[tuple[str, str], Maker] = {}


def made_once(make: Maker) -> Any:
    """In the place of `pytest.fixture`, for what is made of `people` and takes long: made once for a file and each kind of database, and
    copied with its database for each test that names it. It may ask for the `database` too. A test names one such thing at most.
    """
    _makers[make.__module__, make.__name__] = make

    @pytest.fixture(name=make.__name__)
    def made(grounds_of_file: 'Grounds', database_url: str, people: People) -> Any:
        return grounds_of_file.made(_kind_of(database_url), make)

    return made


@dataclass
class Grounds:
    """Databases in which something stands beside the people."""

    folders: pytest.TempPathFactory
    kept: ExitStack
    _made: dict[tuple[str, Maker], tuple[str, bytes]] = field(default_factory=dict)

    def url(self, kind: str, make: Maker, template: str, people: People) -> str:
        """Where it stands; made the first time."""
        if (kind, make) not in self._made:
            url = self.kept.enter_context(copy_of(template, self.folders.mktemp('ground')))
            given: dict[str, Any] = {'people': people, 'database': connect(url)}
            made = make(**{name: given[name] for name in signature(make).parameters})
            given['database'].close()
            self._made[kind, make] = url, pickle.dumps(made)
        return self._made[kind, make][0]

    def made(self, kind: str, make: Maker) -> Any:
        """What was made; each test has its own, as it has its own database."""
        return pickle.loads(self._made[kind, make][1])


@pytest.fixture(scope='module')
def grounds_of_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """What `made_once` made for this file."""
    with ExitStack() as kept:
        yield Grounds(tmp_path_factory, kept)


@contextmanager
def _fresh(request: pytest.FixtureRequest, kind: str, empty: str, folder: Path) -> Iterator[str]:
    """A database of one's own, with the people in it if the test names them, and what was made of them once."""
    names = request.fixturenames
    template, people = request.getfixturevalue(f'{kind}_people') if 'people' in names else (empty, None)
    makers = [_makers[place] for name in names if (place := (request.module.__name__, name)) in _makers]
    assert len(makers) <= 1, 'what is made once is not made of another such thing'
    for make in makers:
        template = request.getfixturevalue('grounds_of_file').url(kind, make, template, people)
    with copy_of(template, folder) as url:
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """A fresh SQLite database."""
    with _fresh(request, 'sqlite', f'sqlite:///{sqlite_template}', tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_template: str, tmp_path: Path) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    with _fresh(request, 'postgres', postgres_address(postgres_template), tmp_path) as url:
        yield url


KINDS = ['sqlite', pytest.param('postgres', marks=pytest.mark.postgres)]


@pytest.fixture(scope='module', params=KINDS)
def template_url(request: pytest.FixtureRequest) -> str:
    """The empty database of each kind, for what a file of tests makes once and copies for each: see `copy_of`."""
    template = request.getfixturevalue(f'{request.param}_template')
    return f'sqlite:///{template}' if request.param == 'sqlite' else postgres_address(template)


@pytest.fixture(params=KINDS)
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
def people(request: pytest.FixtureRequest, database_url: str, database: Database) -> People:
    """Two competing offices and the bureau's staff."""
    _, people = request.getfixturevalue(f'{_kind_of(database_url)}_people')
    return cast(People, people)


@pytest.fixture
def notices() -> Iterator[list[doorbell.Notice]]:
    """Everything that rang during the test."""
    heard: list[doorbell.Notice] = []
    stop: Callable[[], None] = doorbell.on_notice(heard.append)
    yield heard
    stop()
