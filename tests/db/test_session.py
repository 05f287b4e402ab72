"""The door: nobody comes in without a name, readers only read, one commit at the end, and nothing half done stays."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session as SqlSession
from sqlalchemy.orm import defer
from sqlalchemy.sql.base import WriteableColumnCollection

import db.session
from db import doorbell, engines, guard_reads, search
from db.base import alias_of, now
from db.changes import Change, history_of
from db.claims import Claim, open_claim, save_fields
from db.doorbell import on_notice
from db.list_state import ListState
from db.messages import note_internally
from db.offices import AgentOffice, User
from db.scope import Actor, Role, Unscoped
from db.session import Database, connect, fetch, fetch_one, open_session
from db.texts import ClaimError
from db.views import SavedView, save_view
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_office, make_people, make_user

PHONE = ('0525550134', '0527654321')


def counted(database: Database, name: str) -> int:
    with database.reader.connect() as connection:
        return int(connection.execute(text(f'SELECT count(*) FROM {name}')).scalar_one())


def test_a_session_without_an_actor_raises(database):
    with pytest.raises(Unscoped), open_session(None):  # type: ignore[arg-type]
        pass
    for made in (database.writing(), database.reading(), database.writing(info={'actor': 'admin', 'reading': False})):
        with made as session:
            for question in (select(Claim), select(func.count()).select_from(User)):
                with pytest.raises(Unscoped):
                    session.scalars(question)
            session.add(AgentOffice(name='אלמוני', created_at=now()))
            with pytest.raises(Unscoped):
                session.flush()


def test_the_database_must_be_connected_first(database, monkeypatch):
    monkeypatch.setattr(db.session, '_database', None)
    with pytest.raises(Unscoped), open_session(SYSTEM):
        pass


def test_connecting_again_leaves_the_old_database(database, database_url):
    again = connect(database_url)
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_bind() is again.reader
    again.close()


def test_a_person_of_an_office_without_an_office_is_nobody():
    # he would see every office
    for role in (Role.AGENT, Role.OFFICE_MANAGER, Role.READ_ONLY):
        with pytest.raises(ValueError, match='office'):
            Actor(user_id=1, name='x', role=role)


# ---- reading ----------------------------------------------------------------------------------------------------------------


def test_a_reading_session_refuses_to_write(people):
    claim = make_claim(people.levi, people.staff)
    for write in (
        lambda session: setattr(session.get_one(Claim, claim.id), 'plate', '1234567'),
        lambda session: session.delete(session.get_one(Claim, claim.id)),
        lambda session: note_internally(session, claim.id, 'x', now()),
        lambda session: open_claim(session, people.levi, {'insured_name': 'x', 'event_date': now().date()}, now()),
    ):
        with pytest.raises((Unscoped, DBAPIError)), open_session(people.staff, reading=True) as session:
            write(session)
    with open_session(people.staff, reading=True) as session:
        assert session.get_one(Claim, claim.id).plate == claim.plate


def test_the_reading_engine_itself_refuses_to_write(database):
    with database.reader.connect() as connection, pytest.raises(DBAPIError, match=r'read.?only'):
        connection.execute(text('DELETE FROM sign_in_attempts'))


def test_setting_a_value_to_itself_is_not_writing(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff, reading=True) as session:
        found = session.get_one(Claim, claim.id)
        found.plate = claim.plate


def test_a_reader_sees_one_moment(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.dana, reading=True) as session:
        before = fetch_one(session, select(Claim.insured_phone).where(Claim.id == claim.id))
        with open_session(people.staff) as writing:
            save_fields(writing, claim.id, {'insured_phone': PHONE}, now())
        assert fetch_one(session, select(Claim.insured_phone).where(Claim.id == claim.id)) == before
        assert len(fetch(session, history_of(claim.id))) == 1
    with open_session(people.dana, reading=True) as session:
        assert len(fetch(session, history_of(claim.id))) == 2


def test_readers_do_not_wait_for_a_writer(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as writing:
        save_fields(writing, claim.id, {'insured_phone': PHONE}, now())
        writing.flush()
        with open_session(people.dana, reading=True) as session:
            assert session.get_one(Claim, claim.id).insured_phone == PHONE[0]


# ---- one commit -------------------------------------------------------------------------------------------------------------


def test_there_are_no_savepoints(people):
    for begin in (lambda session: session.begin_nested(), lambda session: session.begin(nested=True)):
        with open_session(people.staff) as session, pytest.raises(Unscoped):
            begin(session)


def test_only_the_door_commits(people, database):
    before = counted(database, 'claims')
    with pytest.raises(Unscoped), open_session(people.staff) as session:
        open_claim(session, people.levi, {'insured_name': 'x', 'event_date': now().date()}, now())
        session.commit()
    assert counted(database, 'claims') == before


def test_a_click_is_one_transaction(people, database):
    seen: list[str] = []
    for name in ('begin', 'commit', 'rollback', 'savepoint'):
        event.listen(database.writer, name, lambda *_, name=name: seen.append(name))
    with open_session(people.staff) as session:
        claim = open_claim(session, people.levi, {'insured_name': 'x', 'event_date': now().date()}, now())
        note_internally(session, claim.id, 'x', now())
        session.flush()
        save_fields(session, claim.id, {'insured_name': ('x', 'y')}, now())
    assert seen[:2] == ['begin', 'commit']
    assert set(seen[2:]) <= {'rollback'}  # the pool's, when the connection comes back


def test_a_rollback_leaves_nothing_behind(people, database, notices):
    claim = make_claim(people.levi, people.staff)
    tables = ('claims', 'changes', 'claim_search', 'messages', 'seen_marks')
    before, old = [counted(database, name) for name in tables], seq_and_version(claim.id)
    notices.clear()
    for error in (ValueError('a bug'), ClaimError('a rule'), KeyboardInterrupt()):
        with pytest.raises(type(error)), open_session(people.staff) as session:
            open_claim(session, people.levi, {'insured_name': 'אלמוני', 'event_date': now().date()}, now())
            save_fields(session, claim.id, {'insured_name': (claim.insured_name, 'אלמוני')}, now())
            note_internally(session, claim.id, 'x', now())
            session.flush()
            raise error
    assert [counted(database, name) for name in tables] == before
    assert seq_and_version(claim.id) == old
    assert notices == []
    with database.reader.connect() as connection:
        texts = connection.execute(select(search.ClaimSearch.__table__.c.text)).scalars().all()
    assert not [kept for kept in texts if 'אלמוני' in kept]


def test_what_the_commit_refuses_leaves_nothing_behind(people, database, notices):
    claim = make_claim(people.levi, people.staff)
    notices.clear()
    before = counted(database, 'changes')
    with pytest.raises(IntegrityError), open_session(people.staff) as session:
        session.get_one(Claim, claim.id).waiting_on = 'nobody'
    assert counted(database, 'changes') == before
    assert notices == []


def seq_and_version(claim_id: int) -> tuple[int, int]:
    with open_session(SYSTEM, reading=True) as session:
        claim = session.get_one(Claim, claim_id)
        return claim.seq, claim.version


def test_a_question_that_several_ask_first_at_once_is_narrowed_for_each(people, monkeypatch):
    """SQLAlchemy learns an alias' columns when they are first asked about, one after the other, and lets others look meanwhile."""

    def learn_slowly(self: Any) -> None:
        for _, _, known in () if self._proxy_index else self._collection:
            for column in known.column._expanded_proxy_set:
                self._proxy_index[column].add(known)
            time.sleep(0.003)

    monkeypatch.setattr(WriteableColumnCollection, '_init_proxy_index', learn_slowly)
    for office in (people.levi, people.levi, people.cohen):
        make_claim(office, people.staff)
    newest = alias_of(Claim, select(Claim.id, Claim.office_id).limit(1000).subquery())
    question, actors = select(func.count()).select_from(newest), [people.dana, people.rival] * 2
    together = threading.Barrier(len(actors))

    def ask(actor: Actor) -> int:
        with open_session(actor, reading=True) as session:
            together.wait()
            return session.scalars(question).one()

    with ThreadPoolExecutor(len(actors)) as threads:
        assert list(threads.map(ask, actors)) == [2, 1] * 2


def test_nothing_rings_before_the_commit(people, database, notices):
    with open_session(people.staff) as session:
        claim = open_claim(session, people.levi, {'insured_name': 'x', 'event_date': now().date()}, now())
        session.flush()
        assert notices == []
        claim_id = claim.id
    # whoever hears it finds it
    assert {notice.claim_id for notice in notices} == {claim_id}


def test_whoever_hears_the_bell_finds_what_it_rang_for(people):
    found: list[int] = []

    def listen(notice: doorbell.Notice) -> None:
        with open_session(people.dana, reading=True) as session:
            if notice.change_id:
                found.append(session.get_one(Change, notice.change_id).claim_id)

    stop = on_notice(listen)
    try:
        claim = make_claim(people.levi, people.staff)
    finally:
        stop()
    assert found == [claim.id]


def test_a_listener_that_fails_stops_nobody(people, notices, caplog):
    def fail(_: doorbell.Notice) -> None:
        raise ValueError('a broken page')

    doorbell._listeners.insert(0, fail)
    try:
        claim = make_claim(people.levi, people.staff)
    finally:
        doorbell._listeners.remove(fail)
    assert {notice.claim_id for notice in notices} == {claim.id}
    assert 'a broken page' in caplog.text
    with open_session(SYSTEM, reading=True) as session:
        assert session.get(Claim, claim.id) is not None


def test_a_connection_goes_back_whatever_happened(people, database):
    for _ in range(40):  # more than the pool holds
        with pytest.raises(ZeroDivisionError), open_session(people.staff) as session:
            fetch(session, select(User))
            raise ZeroDivisionError
    assert database.writer.pool.checkedout() == 0


def test_threads_have_sessions_of_their_own(people):
    names: dict[str, list[str]] = {}

    def look(actor: Actor) -> None:
        for _ in range(10):
            with open_session(actor, reading=True) as session:
                names[actor.name] = fetch(session, select(AgentOffice.name))

    threads = [threading.Thread(target=look, args=(actor,)) for actor in (people.dana, people.rival, people.staff)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names[people.dana.name] == ['סוכנות לוי']
    assert names[people.rival.name] == ['סוכנות כהן']
    assert len(names[people.staff.name]) == 2


# ---- afterwards -------------------------------------------------------------------------------------------------------------


def test_rows_stay_usable_when_the_door_is_shut(people):
    # pages bind to them: a row that wanted to load something then would stop everybody's page
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        written = save_fields(session, claim.id, {'insured_phone': PHONE}, now())
    with open_session(people.dana, reading=True) as session:
        read = session.get_one(Claim, claim.id)
        change = fetch(session, history_of(claim.id))[0]
    rows: list[Any] = [claim, written, read, change]
    for row in rows:
        assert inspect(row).detached
        assert not inspect(row).expired_attributes
        for item in inspect(type(row)).column_attrs:
            getattr(row, item.key)
    assert written.insured_phone == read.insured_phone == PHONE[1]
    assert (written.seq, written.version, written.updated_at) == (read.seq, read.version, read.updated_at)


def test_nothing_loads_by_itself(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        found = session.get_one(Claim, claim.id, options=[defer(Claim.circumstances)])
        with pytest.raises(Unscoped):
            assert found.circumstances
        session.expire(found, ['plate'])
        with pytest.raises(Unscoped):
            assert found.plate
        with pytest.raises(Unscoped):
            session.refresh(found)


def test_the_record_is_dated_as_told(people):
    at = datetime(2020, 1, 2, 3, 4, tzinfo=UTC)
    with open_session(people.staff, at=at) as session:
        claim = open_claim(session, people.levi, {'insured_name': 'x', 'event_date': at.date()}, at)
    with open_session(SYSTEM, reading=True) as session:
        assert [change.at for change in fetch(session, history_of(claim.id))] == [at]
        assert session.get_one(Claim, claim.id).updated_at == at


def test_times_without_a_zone_are_refused(people):
    with pytest.raises(Exception, match='naive time'), open_session(SYSTEM) as session:
        session.add(AgentOffice(name='x', created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_fetch_one_says_when_there_are_two(people):
    with open_session(people.staff, reading=True) as session:
        assert fetch_one(session, select(AgentOffice).where(AgentOffice.id == 0)) is None
        with pytest.raises(Exception, match=r'[Mm]ultiple'):
            fetch_one(session, select(AgentOffice))


def test_sqlite_keeps_what_it_acknowledged(sqlite_url):
    # FULL: what was acknowledged survives a power cut; foreign keys are off in SQLite unless asked for
    connected = connect(sqlite_url)
    for engine in (connected.writer, connected.reader):
        with engine.connect() as connection:
            asked = {
                name: connection.exec_driver_sql(f'PRAGMA {name}').scalar()
                for name in ('journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout')
            }
        assert asked == {'journal_mode': 'wal', 'synchronous': 2, 'foreign_keys': 1, 'busy_timeout': 15000}
    connected.close()


def test_an_old_sqlite_is_told_of(monkeypatch, caplog):
    engines.warn_of_old_sqlite()
    assert caplog.text == ''
    monkeypatch.setattr('db.engines.sqlite.sqlite_version_info', (3, 40, 1))
    engines.warn_of_old_sqlite()
    assert 'damage' in caplog.text


def test_two_clicks_of_one_person_at_once_do_not_share_anything(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff, reading=True) as one, open_session(people.staff, reading=True) as other:
        assert one.get_one(Claim, claim.id) is not other.get_one(Claim, claim.id)


def test_a_save_asks_and_says_little(people: People, database: Database) -> None:
    claim = make_claim(people.levi, people.staff)
    said: list[str] = []

    def note(_: Any, __: Any, statement: str, *more: Any) -> None:
        said.append(' '.join(statement.split()[:3]))

    event.listen(database.writer, 'before_cursor_execute', note)
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'daily_note': ('', 'דיברנו')}, now())
    event.remove(database.writer, 'before_cursor_execute', note)
    written = [statement for statement in said if not statement.startswith(('SELECT', 'BEGIN'))]
    # there, the number of the change comes with what its author has seen
    of_the_mark = 'WITH drawn AS' if database.writer.dialect.name == 'postgresql' else 'UPDATE seen_marks SET'
    assert sorted(written) == ['INSERT INTO changes', 'UPDATE claims SET', of_the_mark]
    # the claim, and on SQLite the number of the change
    assert len([statement for statement in said if statement.startswith('SELECT')]) <= 2


def test_a_question_made_once_is_narrowed_for_each_who_asks_it(people: People) -> None:
    claims = {make_claim(office, people.staff).id for office in (people.levi, people.cohen)}
    question = select(Claim.office_id).where(Claim.id.in_(claims)).order_by(Claim.office_id)
    both = [people.levi, people.cohen]
    for actor, offices in 3 * [(people.staff, both), (people.manager, both[:1]), (people.rival, both[1:])]:
        with open_session(actor, reading=True) as session:
            assert fetch(session, question) == offices, actor.name


def agents_of(people: People) -> list[Actor]:
    """Of two offices, and two of one in which agents see their own only: of either kind all see as much, each of something else."""
    office = make_office('סוכנות מור', agents_see_own_only=True)
    agents = [people.dana, people.rival, *(make_user(name, Role.AGENT, office) for name in ('מור', 'טל'))]
    for agent in agents:
        make_claim(agent.office_id or 0, people.staff, agent=agent.user_id)
        with open_session(agent) as session:
            save_view(session, agent.name, ListState(), now())
    return agents


def test_people_who_see_as_much_ask_the_same_and_each_finds_his_own(people: People) -> None:
    agents = agents_of(people)
    claims, views = select(Claim.agent), select(SavedView.name)
    for agent in 3 * agents:
        with open_session(agent, reading=True) as session:
            assert fetch(session, claims) == fetch(session, select(Claim.agent)) == [agent.user_id]
            assert fetch(session, views) == [agent.name]


def test_nobody_says_for_himself_for_whom_he_asks(people: People) -> None:
    agents = agents_of(people)
    question = select(Claim.agent)
    for agent, other in zip(agents, reversed(agents), strict=True):
        said = {'scope_me': other.user_id, 'scope_office': other.office_id}
        with open_session(agent, reading=True) as session:
            assert session.scalars(question, said).all() == session.scalars(question.params(said)).all()
            assert session.scalars(question, said).all() == [agent.user_id]


def test_what_is_narrowed_and_asked_for_nobody_finds_nothing(people: People, database: Database) -> None:
    with SqlSession(database.reader) as bare:
        for agent in agents_of(people):
            sight = guard_reads.Sight.of(agent, books_open=False)
            for question in (select(Claim.id), select(SavedView.name), select(Change.id), select(AgentOffice.id)):
                assert bare.scalars(question).all()
                assert bare.scalars(guard_reads.narrowed(question, sight)).all() == []


def test_a_question_that_is_asked_no_more_is_not_kept(people: People) -> None:
    question = select(Claim.id)
    with open_session(people.dana, reading=True) as session:
        fetch(session, question)
    there = weakref.ref(question)
    del question
    gc.collect()
    assert there() is None


@pytest.mark.postgres
def test_what_every_save_says_is_planned_once_and_what_is_searched_each_time(postgres_url: str) -> None:
    database = connect(postgres_url)
    people = make_people()
    claim = make_claim(people.levi, people.staff)
    for number in range(8):
        with open_session(people.staff) as session:
            fetch(session, select(Claim.id).where(Claim.insured_key.contains('דנה')))
            save_fields(session, claim.id, {'daily_note': (f'{number}' if number else '', f'{number + 1}')}, now())
    with database.writer.connect() as connection:
        asked = text("SELECT statement FROM pg_prepared_statements WHERE name LIKE '!_pg3!_%' ESCAPE '!'")
        kept = [' '.join(statement.split()) for statement in connection.execute(asked).scalars()]
    for said in ('UPDATE claims', 'UPDATE seen_marks', 'INSERT INTO changes', 'nextval', 'FOR NO KEY UPDATE'):
        assert [said in statement for statement in kept].count(True) == 1, (said, kept)
    assert not [statement for statement in kept if 'LIKE' in statement]
    database.close()


@pytest.mark.postgres
def test_connections_whose_server_went_away_meanwhile_are_not_used(postgres_url: str) -> None:
    database = connect(postgres_url)
    people = make_people()
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff, reading=True) as session:
        assert session.get(Claim, claim.id) is not None
    address = database.writer.url.set(drivername='postgresql').render_as_string(hide_password=False)
    theirs = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
    with psycopg.connect(address, autocommit=True) as admin:
        assert len(admin.execute(f'SELECT pg_terminate_backend(pid) FROM ({theirs}) AS them').fetchall()) > 1
        while admin.execute(theirs).fetchone():
            pass
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'daily_note': ('', 'דיברנו')}, now())
    with open_session(people.staff, reading=True) as session:
        assert session.get_one(Claim, claim.id).daily_note == 'דיברנו'
    database.close()
