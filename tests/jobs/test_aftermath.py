"""After an admin's edit: renamed firms are found by their new names, and a new requirement is counted on every open claim."""

import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from db import list_counts, list_state
from db.admin_changes import AdminChange
from db.admin_rows import save_row
from db.admin_tables import TABLES
from db.alerts import Cursor
from db.catch_up import waiting_after
from db.claims import Claim, change_status
from db.offices import AgentOffice
from db.reference import Garage, Insurer
from db.session import open_session
from jobs import aftermath
from jobs.aftermath import CURSOR
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aftermath, 'BATCH', 2)


def follow_edits() -> int:
    """Follow until every edit so far was followed. PostgreSQL holds edits back while any older transaction runs."""
    followed = 0
    for _ in range(3000):
        followed += aftermath.follow_edits()
        with open_session(SYSTEM, reading=True) as session:
            cursor = session.get(Cursor, CURSOR)
            if not waiting_after(session, (cursor.xid, cursor.change_id) if cursor else (0, 0), AdminChange):
                return followed
        time.sleep(0.02)
    raise TimeoutError('edits are held back')


def found(people: People, typed: str) -> int:
    with open_session(people.staff, reading=True) as session:
        return list_counts.count_of(session, list_state.ListState(view='all', q=typed))


def test_claims_are_found_by_what_their_garage_insurer_and_office_are_called_now(people: People) -> None:
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך אביב')
        session.add(garage)
        session.flush()
        insurer = session.scalars(select(Insurer.id).where(Insurer.code == 'ayalon')).one()
    for _ in range(5):
        make_claim(people.levi, people.staff, garage=garage.id, tp_insurer=insurer)
    make_claim(people.cohen, people.staff, insured_name='אביב כהן')
    with open_session(people.admin) as session:
        session.get_one(Garage, garage.id).name = 'מוסך צוקים'
        session.get_one(Insurer, insurer).name = 'אופקים'
        session.get_one(AgentOffice, people.levi).name = 'סוכנות גליל'
    follow_edits()
    assert [found(people, word) for word in ('צוקים', 'אופקים', 'גליל', 'איילון')] == [5, 5, 5, 0]
    assert found(people, 'אביב') == 1  # whose name it is keeps it
    assert follow_edits() == 0


def test_a_new_line_of_the_matrix_is_counted_on_every_open_claim(people: People) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(5)]
    with open_session(people.staff) as session:
        change_status(session, claims[0].id, 'closed', 'test', 'new', NOON)
    follow_edits()
    with open_session(SYSTEM, reading=True) as session:
        before = {claim.id: session.get_one(Claim, claim.id).required_documents for claim in claims}
    wanted = {'type': 'other_required', 'required': 'yes', 'blocking': 'yes', 'flag_value': 'yes'}
    with open_session(people.admin) as session:
        save_row(session, TABLES['requirements'], '', {}, wanted, NOON)
    follow_edits()
    with open_session(SYSTEM, reading=True) as session:
        now = {claim.id: session.get_one(Claim, claim.id) for claim in claims}
    assert [now[claim.id].required_documents - before[claim.id] for claim in claims] == [0, 1, 1, 1, 1]
    assert {now[claim.id].documents for claim in claims[1:]} == {'missing_blocking'}


def test_an_edit_that_is_committed_after_a_later_one_is_followed_too(people: People) -> None:
    """On PostgreSQL two admins write at once; on SQLite they take turns, and the later one waits."""
    with open_session(people.staff) as session:
        slow, quick = Garage(name='מוסך אביב'), Garage(name='מוסך סתיו')
        session.add_all([slow, quick])
        session.flush()
    for garage in (slow, quick):
        make_claim(people.levi, people.staff, garage=garage.id)
    follow_edits()
    begun, saved = threading.Event(), threading.Event()

    def rename_slowly() -> None:
        with open_session(people.admin) as session:
            session.get_one(Garage, slow.id).name = 'מוסך צוקים'
            session.flush()
            begun.set()
            if session.get_bind().dialect.name == 'postgresql':
                assert saved.wait(20)

    first = threading.Thread(target=rename_slowly)
    first.start()
    assert begun.wait(20)
    with open_session(people.admin) as session:
        session.get_one(Garage, quick.id).name = 'מוסך נחלים'
    aftermath.follow_edits()
    saved.set()
    first.join()
    follow_edits()
    assert [found(people, word) for word in ('צוקים', 'נחלים', 'אביב', 'סתיו')] == [1, 1, 0, 0]
