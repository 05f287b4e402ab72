"""The schema over time: up, down, and never half way, whatever goes wrong on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, select, text
from sqlalchemy.engine import make_url

from db import schema, views
from db.base import Base, now
from db.bureau import BureauSettings, bureau_settings
from db.engines import make_engine
from db.list_looks import looks_of
from db.list_state import ListState
from db.session import connect, open_session
from tests.conftest import POSTGRES
from tests.factories import SYSTEM, make_claim, make_office
from tests.processes import PROCESSES

ROOT = Path(__file__).parents[2]


def psycopg_address(database: str) -> str:
    return make_url(POSTGRES).set(drivername='postgresql', database=database).render_as_string(hide_password=False)


@pytest.fixture(params=['sqlite', pytest.param('postgres', marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == 'sqlite':
        yield f'sqlite:///{tmp_path / "new.db"}'
        return
    request.getfixturevalue('postgres_template')
    name = f'maakav_empty_{os.getpid()}_{abs(hash(request.node.name)) % 10**6}'
    with psycopg.connect(psycopg_address('postgres'), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE {name}')  # type: ignore[arg-type, unused-ignore]
    yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(psycopg_address('postgres'), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE {name} WITH (FORCE)')  # type: ignore[arg-type, unused-ignore]


def standing(url: str) -> list[Any]:
    """What stands in a database: tables, indexes, triggers, columns and the revision."""
    engine = make_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == 'sqlite':
            found = connection.execute(text('SELECT type, name, sql FROM sqlite_master ORDER BY type, name')).all()
        else:
            found = connection.execute(
                text(
                    "SELECT 'column', table_name, column_name, data_type, column_default, is_nullable "
                    "FROM information_schema.columns WHERE table_schema = 'public' "
                    "UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public' "
                    "UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' "
                    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
                    "UNION ALL SELECT 'extension', extname, '', '', '', '' FROM pg_extension ORDER BY 1, 2, 3"
                )
            ).all()
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return [revision, *found]


def revisions() -> list[str]:
    """All revisions, oldest first."""
    return [step.revision for step in ScriptDirectory.from_config(schema._config()).walk_revisions()][::-1]


def downgrade(url: str, revision: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        command.downgrade(schema._config(connection), revision)
    engine.dispose()


@pytest.mark.filterwarnings('ignore:Skipped unsupported reflection of expression-based index ix_claims_demand')
def test_an_empty_database_becomes_what_the_models_say(empty_url):
    assert schema.revision_of(empty_url) is None
    schema.upgrade(empty_url)
    assert schema.revision_of(empty_url) == schema.newest_revision() == revisions()[-1]
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        wanted = {
            'compare_type': True,
            'include_object': lambda _, name, *__: (
                name in {*Base.metadata.tables}
                or ('claim_' not in name and name not in ('ix_claims_search', 'ix_claims_demand'))
            ),
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=wanted), Base.metadata)
    engine.dispose()
    assert set(Base.metadata.tables) <= present
    assert [difference for difference in differences if 'claim_fts' not in str(difference)] == []


def test_upgrading_again_changes_nothing(empty_url):
    schema.upgrade(empty_url)
    before = standing(empty_url)
    schema.upgrade(empty_url)
    assert standing(empty_url) == before


def test_every_step_goes_up_and_down(empty_url):
    seen = [standing(empty_url)]
    for revision in revisions():
        schema.upgrade(empty_url, revision)
        seen.append(standing(empty_url))
    for before, revision in zip(seen[-2::-1], [*revisions()[-2::-1], 'base'], strict=True):
        downgrade(empty_url, revision)
        now_standing = standing(empty_url)
        # the extension may stay, and the table that keeps the revision does
        assert without_rest(now_standing) == without_rest(before), revision
    schema.upgrade(empty_url)
    assert without_rest(standing(empty_url)) == without_rest(seen[-1])


def without_rest(found: list[Any]) -> list[Any]:
    return [line for line in found if 'alembic_version' not in str(line) and 'pg_trgm' not in str(line)]


class Broken(Exception):  # noqa: N818
    """The disk, the network, the power: something in the middle."""


def breaking(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let migrations run into trouble right after that many statements that change something."""
    done = 0

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        nonlocal done
        if statement.lstrip().upper().startswith(('CREATE', 'ALTER', 'DROP', 'INSERT', 'UPDATE', 'DELETE')):
            done += 1
            if done == after:
                raise Broken

    def make(url: str, **over: Any) -> Engine:
        engine = make_engine(url, **over)
        event.listen(engine, 'after_cursor_execute', count)
        return engine

    monkeypatch.setattr(schema, 'make_engine', make)


@pytest.mark.slow
def test_trouble_anywhere_on_the_way_leaves_the_schema_as_it_was(empty_url):
    before = standing(empty_url)
    # after every so many statements: the whole way is one transaction, and each try walks it from the start;
    # PostgreSQL is all or nothing by nature and takes its time, SQLite is so because we make it
    for after in range(1, 5_000, 7 if empty_url.startswith('sqlite') else 37):
        try:
            with pytest.MonkeyPatch.context() as patch:
                breaking(patch, after)
                schema.upgrade(empty_url)
        except Broken:
            assert standing(empty_url) == before, after
        else:
            break
    assert after > 60, 'so many statements there are at least'
    assert schema.revision_of(empty_url) == schema.newest_revision()


def test_trouble_after_each_step_of_the_newest_migrations_leaves_the_schema_as_it_was(empty_url):
    schema.upgrade(empty_url, revisions()[-4])
    steps = 0
    for revision in revisions()[-3:]:
        before, after = standing(empty_url), 0
        while schema.revision_of(empty_url) != revision:
            after += 1
            try:
                with pytest.MonkeyPatch.context() as patch:
                    breaking(patch, after)
                    schema.upgrade(empty_url, revision)
            except Broken:
                assert standing(empty_url) == before, (revision, after)
        steps += after
    assert steps > 8, 'one of them may be for the other kind of database alone, but not all'


def test_trouble_on_the_way_up_loses_no_data(empty_url):
    first = revisions()[1]
    schema.upgrade(empty_url, first)
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                'INSERT INTO garages (network, name, contact, phone, email, address, active) '
                "VALUES (false, 'מוסך', '', '', '', '', true)"
            )
        )
    engine.dispose()
    before = standing(empty_url)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Broken):
        breaking(patch, 2)
        schema.upgrade(empty_url)
    assert standing(empty_url) == before
    schema.upgrade(empty_url)
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        assert connection.execute(text('SELECT name FROM garages')).scalars().all() == ['מוסך']
    engine.dispose()


def test_sqlite_knows_of_all_indexes_after_an_upgrade(people, database, database_url):
    if not database_url.startswith('sqlite'):
        pytest.skip('PostgreSQL keeps what it knows with the columns')
    make_claim(people.levi, people.staff)
    known = analysed(database_url, anew=True)
    downgrade(database_url, 'office_orders')  # the last one before indexes were built
    assert analysed(database_url) < known
    schema.upgrade(database_url)
    assert analysed(database_url) == known


def analysed(url: str, *, anew: bool = False) -> set[str]:
    engine = make_engine(url)
    with engine.begin() as connection:
        if anew:
            connection.execute(text('ANALYZE'))
        found = set(connection.execute(text('SELECT idx FROM sqlite_stat1 WHERE idx IS NOT NULL')).scalars())
    engine.dispose()
    return found


def upgrade_and_die(url: str, after: int) -> None:
    done = 0

    def die(*_: Any) -> None:
        nonlocal done
        done += 1
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)

    def make(url: str, **over: Any) -> Engine:
        engine = make_engine(url, **over)
        event.listen(engine, 'after_cursor_execute', die)
        return engine

    vars(schema)['make_engine'] = make
    schema.upgrade(url)


def test_killed_on_the_way_it_stands_where_it_stood(empty_url):
    before = standing(empty_url)
    victim = PROCESSES.Process(target=upgrade_and_die, args=(empty_url, 40))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    assert standing(empty_url) == before
    schema.upgrade(empty_url)
    assert schema.revision_of(empty_url) == schema.newest_revision()
    connected = connect(empty_url)
    assert make_office('סוכנות לוי')
    connected.close()


def test_the_command_upgrades_and_says_where_it_stands(tmp_path):
    address = f'sqlite:///{tmp_path / "new.db"}'
    environment = {**os.environ, 'DATABASE_URL': address, 'DATA_DIR': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-m', 'db.schema'], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f'schema: {schema.newest_revision()}\n'
    assert schema.revision_of(address) == schema.newest_revision()


def test_an_older_schema_is_not_served(empty_url):
    assert not schema.can_work(empty_url)
    with pytest.raises(SystemExit, match='make migrate'):
        schema.refuse_unless_newest(empty_url)
    schema.upgrade(empty_url)
    assert schema.can_work(empty_url)
    schema.refuse_unless_newest(empty_url)


def test_a_schema_of_a_newer_version_is_neither_served_nor_upgraded(empty_url):
    with pytest.raises(SystemExit, match=r'of a newer one.*before-upgrade'):
        schema.refuse_newer('of_the_future')
    schema.refuse_newer(None)
    for known in schema.revisions():
        schema.refuse_newer(known)


def test_a_database_that_does_not_answer_cannot_work():
    assert not schema.can_work('postgresql+psycopg://nobody@127.0.0.1:9/nothing')


def test_there_is_one_newest_revision_and_no_fork():
    scripts = ScriptDirectory.from_config(schema._config())
    assert scripts.get_heads() == [schema.newest_revision()]
    assert len(revisions()) == len(set(revisions())) == len(list((schema.MIGRATIONS / 'versions').glob('20*.py')))


def test_where_handlers_sign_in_in_two_steps_the_teams_do_too(people, database, database_url):
    def required() -> list[str]:
        engine = make_engine(database_url)
        with engine.connect() as connection:
            [(roles,)] = connection.execute(select(BureauSettings.__table__.c.two_factor_roles)).all()
        engine.dispose()
        return list(roles)

    with open_session(SYSTEM) as session:
        bureau_settings(session).two_factor_roles = ['admin', 'handler', 'repair_team']
    downgrade(database_url, 'submission_packs')
    assert required() == ['admin', 'handler']
    schema.upgrade(database_url)
    assert required() == ['admin', 'handler', 'repair_team', 'submission_team']
    downgrade(database_url, 'submission_packs')
    with open_session(SYSTEM) as session:
        bureau_settings(session).two_factor_roles = ['admin']
    schema.upgrade(database_url)
    assert required() == ['admin']


def test_what_people_had_pinned_of_their_own_they_have_pinned_after_the_upgrade(people, database, database_url):
    with open_session(people.dana) as session:
        first, second = (views.save_view(session, name, ListState(), now()).key for name in ('ב', 'א'))
        for key in (first, 'stuck', second):
            views.pin_view(session, key, pinned=True)
    downgrade(database_url, 'stage_explanations')
    engine = make_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT name FROM saved_views WHERE pinned ORDER BY name')).scalars().all()
    engine.dispose()
    assert rows == ['א', 'ב']
    schema.upgrade(database_url)
    with open_session(people.dana, reading=True) as session:
        pins = views.pinned_among(views.views_of(session), looks_of(session).pins)
    assert pins == [second, first], 'by name, as they stood there'
