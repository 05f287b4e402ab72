"""From changes to alerts and bells: also for what another process commits, and once each."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from db import alerts, doorbell, messages, wakes
from db.base import now
from db.claims import Claim, change_status, save_fields
from db.doorbell import Ring
from db.messages import Letter, ThreadKey
from db.repairs import advance_repair
from db.scope import Actor
from db.seen_marks import mark_seen  # noqa: F401 - the code given to another process names it
from db.session import connect, fetch, open_session, own_connection
from jobs.changes import (
    HELD_BACK_SECONDS,
    Others,
    alert_all,
    clear_alerts,
    clear_rings,
    follow_changes,
    hear_others,
    seconds_to_next,
)
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim, make_people
from tests.processes import PROCESSES
from tests.waiting import until


def obey(url: str, actor: Actor, claim_id: int, office_id: int, order: str) -> None:
    connect(url)
    with open_session(actor) as session:
        exec(order, globals(), {'session': session, 'claim_id': claim_id, 'office_id': office_id})


def elsewhere(database_url: str, actor: Actor, claim: Claim, order: str) -> None:
    """Another process on the same database: what it does as whom, given as code."""
    process = PROCESSES.Process(target=obey, args=(database_url, actor, claim.id, claim.office_id, order))
    process.start()
    process.join(60)
    assert process.exitcode == 0


@pytest.fixture
def following(people: People) -> Iterator[None]:
    stop = follow_changes()
    yield
    stop()


@pytest.fixture
def others(people: People) -> Iterator[None]:
    stop = hear_others(0.1)
    yield
    stop()


def test_what_another_process_commits_rings_here(
    people: People, database_url: str, others: None, notices: list[doorbell.Notice]
) -> None:
    claim = make_claim(people.levi, people.staff)
    notices.clear()
    elsewhere(database_url, people.staff, claim, "change_status(session, claim_id, 'in_repair', '', 'new', now())")
    until(lambda: [notice.claim_id for notice in notices if notice.kind == 'claim'] == [claim.id])


def test_what_stands_in_no_change_rings_here_too(
    people: People, database_url: str, others: None, notices: list[doorbell.Notice]
) -> None:
    """A message to the office as a whole, how far it has come, a person's own marks, and a session that ends."""
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        letter = Letter('שלום לכולם')
        written = messages.write_message(session, ThreadKey(people.levi), letter, now())
    notices.clear()
    elsewhere(
        database_url,
        people.dana,
        claim,
        f"""
messages.mark_messages_read(session, ThreadKey(office_id), {written.id})
mark_seen(session, claim_id, now())
messages.write_message(session, ThreadKey(office_id), Letter('קיבלנו, תודה'), now())
""",
    )
    expected = {
        doorbell.Notice('receipt', people.levi, user_id=people.dana.user_id),
        doorbell.Notice('seen', people.levi, claim.id, user_id=people.dana.user_id),
        doorbell.Notice('message', people.levi),
    }
    until(lambda: set(notices) == expected)
    assert len(notices) == len(expected)


def test_what_is_committed_here_rings_once(people: People, others: None, notices: list[doorbell.Notice]) -> None:
    claim = make_claim(people.levi, people.staff)
    notices.clear()
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'in_repair', '', 'new', now())
        messages.write_message(session, ThreadKey(people.levi), Letter('שלום לכולם'), now())
    time.sleep(0.5)
    assert len([notice for notice in notices if notice.kind == 'claim']) == 1
    assert len([notice for notice in notices if notice.kind == 'message']) == 1


@pytest.fixture
def roused(people: People) -> Iterator[None]:
    """One that looks by itself so rarely that only a wake can explain what it hears."""
    stop = hear_others(300)
    yield
    stop()


def test_a_commit_elsewhere_wakes_long_before_the_next_look(
    people: People, database_url: str, roused: None, notices: list[doorbell.Notice]
) -> None:
    claim = make_claim(people.levi, people.staff)
    for seen, status in (('new', 'in_repair'), ('in_repair', 'new')):
        notices.clear()
        order = f"change_status(session, claim_id, '{status}', '', '{seen}', now())"
        elsewhere(database_url, people.staff, claim, order)
        until(lambda: [notice.claim_id for notice in notices if notice.kind == 'claim'] == [claim.id])


def test_what_is_committed_here_wakes_nobody_and_what_comes_after_it_elsewhere_does(
    people: People, database_url: str
) -> None:
    claim = make_claim(people.levi, people.staff)
    orders = (
        "change_status(session, claim_id, 'new', '', 'in_repair', now())",
        "messages.write_message(session, ThreadKey(office_id), Letter('כן'), now())",
    )
    with closing(wakes.listen()) as ear:
        with open_session(people.staff) as session:
            change_status(session, claim.id, 'in_repair', '', 'new', now())
            messages.write_message(session, ThreadKey(people.levi), Letter('שלום לכולם'), now())
        assert waited(ear, 0.5) >= 0.5
        for order in orders:
            elsewhere(database_url, people.staff, claim, order)
            assert waited(ear, 20) < 10, order


def waited(ear: wakes.Ear, seconds: float) -> float:
    begun = time.monotonic()
    ear.wait(seconds, threading.Event())
    return time.monotonic() - begun


@pytest.mark.postgres
def test_whoever_lost_his_connection_listens_anew_and_catches_up(
    postgres_url: str, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    database = connect(postgres_url)
    people = make_people()
    claim = make_claim(people.levi, people.staff)
    notices: list[doorbell.Notice] = []
    request.addfinalizer(doorbell.on_notice(notices.append))
    request.addfinalizer(hear_others(1))
    listeners = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    with psycopg.connect(database.writer.url.set(drivername='postgresql').render_as_string(), autocommit=True) as admin:
        until(lambda: admin.execute(listeners).fetchone())
        admin.execute(f'SELECT pg_terminate_backend(pid) FROM ({listeners}) AS theirs')
        until(lambda: not admin.execute(listeners).fetchone())
    elsewhere(postgres_url, people.staff, claim, "change_status(session, claim_id, 'in_repair', '', 'new', now())")
    until(lambda: [notice.claim_id for notice in notices if notice.kind == 'claim'] == [claim.id])
    assert 'trying again' in caplog.text
    database.close()


def test_who_could_not_look_tries_again_soon_and_then_ever_later(people: People, monkeypatch, request) -> None:
    looks: list[float] = []

    def look(_: Others) -> bool:
        looks.append(time.monotonic())
        raise ConnectionError

    monkeypatch.setattr(Others, 'look', look)
    request.addfinalizer(hear_others(300))
    until(lambda: len(looks) > 2)
    time.sleep(1)
    assert len(looks) < 10


@pytest.mark.postgres
def test_who_is_not_let_listen_leaves_no_connection_behind(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, opened = connect(postgres_url), []

    def noted() -> tuple[str, Any]:
        backend, connection = own_connection()
        opened.append(connection)
        return backend, connection

    monkeypatch.setattr(wakes, 'own_connection', noted)
    monkeypatch.setattr(wakes, 'CHANNEL', 'refused, as a server that follows another does')
    with pytest.raises(psycopg.Error):
        wakes.listen()
    assert [connection.closed for connection in opened] == [True]
    database.close()


def test_what_was_read_when_the_connection_was_lost_is_read_again(
    people: People, database_url: str, notices: list[doorbell.Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = make_claim(people.levi, people.staff)
    others = Others()
    elsewhere(database_url, people.staff, claim, "change_status(session, claim_id, 'in_repair', '', 'new', now())")
    notices.clear()

    def lost(*_: object) -> bool:
        raise ConnectionError

    def heard() -> bool:
        others.look()
        return bool(notices)

    with monkeypatch.context() as patched:
        patched.setattr('jobs.changes.waiting_after', lost)
        with pytest.raises(ConnectionError):
            until(heard)
    until(heard)
    assert [notice.claim_id for notice in notices if notice.kind == 'claim'] == [claim.id]


def test_what_is_written_elsewhere_after_a_rollback_here_rings_although_it_has_the_same_number(
    people: People, database_url: str, roused: None, notices: list[doorbell.Notice]
) -> None:
    claim = make_claim(people.levi, people.staff)
    with pytest.raises(ZeroDivisionError), open_session(people.staff) as session:
        change_status(session, claim.id, 'in_repair', '', 'new', now())
        session.flush()
        raise ZeroDivisionError
    notices.clear()
    elsewhere(database_url, people.staff, claim, "change_status(session, claim_id, 'in_repair', '', 'new', now())")
    until(lambda: [notice.claim_id for notice in notices if notice.kind == 'claim'] == [claim.id])


def test_what_was_rolled_back_rings_nowhere(people: People) -> None:
    with pytest.raises(ZeroDivisionError), open_session(people.staff) as session:
        messages.write_message(session, ThreadKey(people.levi), Letter('שלום לכולם'), now())
        raise ZeroDivisionError
    with open_session(SYSTEM, reading=True) as session:
        assert 'message' not in {ring.kind for ring in fetch(session, select(Ring))}


def test_a_change_written_elsewhere_tells_its_author_too_that_he_has_seen_it(
    people: People, database_url: str, roused: None, notices: list[doorbell.Notice]
) -> None:
    def rings() -> int:
        with open_session(SYSTEM, reading=True) as session:
            return len(fetch(session, select(Ring)))

    claim = make_claim(people.levi, people.staff)
    notices.clear()
    before = rings()
    elsewhere(database_url, people.staff, claim, "change_status(session, claim_id, 'in_repair', '', 'new', now())")
    until(lambda: 'seen' in {notice.kind for notice in notices})
    assert doorbell.Notice('seen', people.levi, claim.id, user_id=people.staff.user_id) in notices
    assert rings() == before, 'the change itself tells it'


def test_rings_are_forgotten_after_an_hour(people: People) -> None:
    with open_session(people.staff) as session:
        messages.write_message(session, ThreadKey(people.levi), Letter('שלום לכולם'), now())
    assert clear_rings() == 0
    with open_session(SYSTEM) as session:
        rung = session.scalars(select(doorbell.Ring)).all()
        for ring in rung:
            ring.at = now() - timedelta(hours=2)
    assert clear_rings() == len(rung) > 0
    with open_session(SYSTEM, reading=True) as session:
        assert fetch(session, select(Ring)) == []


def test_alerts_of_changes_that_were_read_are_forgotten_after_a_year(people: People) -> None:
    def kept() -> list[tuple[int | None, bool]]:
        with open_session(SYSTEM, reading=True) as session:
            return sorted((alert.user_id, alert.change_id is None) for alert in session.scalars(select(alerts.Alert)))

    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    alert_everybody()
    with open_session(SYSTEM) as session:
        told = {'kind': 'task.due', 'event': 'tasks', 'claim_id': claim.id, 'office_id': claim.office_id, 'at': now()}
        session.add(alerts.Alert(user_id=people.dana.user_id, key='task:1:2026-11-23', read_at=now(), **told))
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    before = kept()
    assert (people.dana.user_id, False) in before
    assert (people.manager.user_id, False) in before
    assert clear_alerts(now() + timedelta(days=364)) == 0
    assert clear_alerts(now() + timedelta(days=366)) == 1
    before.remove((people.dana.user_id, False))
    assert kept() == before, 'what nobody read stays, and what says that a date was told'


def test_a_change_becomes_an_alert_without_anybody_asking(people: People, following: None) -> None:
    make_claim(people.levi, people.staff)

    def rung() -> bool:
        with open_session(people.dana, reading=True) as session:
            return alerts.unread_groups(session) == 1

    until(rung)
    assert alert_all() == 0


def test_a_transaction_that_ends_without_a_word_holds_alerts_back_no_longer(people: People, database_url: str) -> None:
    if not database_url.startswith('postgresql'):
        pytest.skip('on SQLite writers take turns: nothing is held back')
    with psycopg.connect(database_url.replace('+psycopg', '', 1)) as other:
        other.execute('SELECT pg_current_xact_id()')
        make_claim(people.levi, people.staff)
        assert alert_all() == 0
        assert seconds_to_next() == HELD_BACK_SECONDS
        other.rollback()
    stop = follow_changes()
    try:
        until(lambda: seconds_to_next() is None)
    finally:
        stop()
    with open_session(people.dana, reading=True) as session:
        assert alerts.unread_groups(session) == 1


def test_a_claim_that_changes_hands_rings_both_agents(people: People, notices: list[doorbell.Notice]) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    notices.clear()
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'agent': (people.dana.user_id, people.yossi.user_id)}, now())
    told = {notice.user_id for notice in notices if notice.kind == 'person'}
    assert {people.dana.user_id, people.yossi.user_id} <= told


def test_what_waits_is_shown_when_it_is_due_without_anybody_ringing(people: People) -> None:
    """Also when the app was started anew in between: what waits stands in the database."""
    claim = make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    almost_over = now() - timedelta(minutes=10) + timedelta(seconds=5)
    with open_session(people.staff, at=almost_over) as session:
        advance_repair(session, claim.id, 'paint', None, almost_over)

    def unread() -> int:
        with open_session(people.dana, reading=True) as session:
            return alerts.unread_groups(session)

    alert_everybody()
    assert unread() == 0
    stop = follow_changes()
    until(lambda: unread() == 1)
    stop()
    assert seconds_to_next() is None


def test_what_is_due_later_does_not_keep_the_follower_busy(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        advance_repair(session, claim.id, 'paint', None, now())
    alert_everybody()
    left = seconds_to_next()
    assert left is not None
    assert 500 < left <= 600
    alert_all(at=now() + timedelta(minutes=10))
    assert seconds_to_next() is None
