"""The way back from a slip of the status: everybody sees both, nobody keeps an alert of it, and the claim stands as it stood."""

from datetime import timedelta

import pytest

from db.alert_news import alert_followers
from db.alerts import Cursor, unread_groups
from db.base import now
from db.catch_up import waiting_after
from db.changes import history_of
from db.claims import Claim, ClaimConflict, change_status, save_fields
from db.scope import Actor
from db.session import fetch, open_session
from db.slips import may_take_status_back, take_status_back
from db.tasks import settle_tasks, tasks_of
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim
from tests.waiting import until


@made_once
def claim(people: People) -> Claim:
    """Waiting for its documents since yesterday."""
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.admin.user_id)
    yesterday = now() - timedelta(days=1)
    with open_session(people.admin, at=yesterday) as session:
        change_status(session, claim.id, 'awaiting_documents', '', 'new', yesterday)
    return claim


def go(actor: Actor, claim: Claim, status: str, reason: str = '') -> None:
    with open_session(actor) as session:
        change_status(session, claim.id, status, reason, session.get_one(Claim, claim.id).status, now())


def back(actor: Actor, claim: Claim, seen: str, minutes: float = 0) -> None:
    with open_session(actor) as session:
        take_status_back(session, claim.id, seen, now() + timedelta(minutes=minutes))


def stored(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


def left(actor: Actor, claim: Claim) -> timedelta | None:
    with open_session(actor, reading=True) as session:
        return may_take_status_back(session, claim.id, now())


def unread(actor: Actor) -> int:
    """Once everybody was alerted of everything: PostgreSQL holds changes back while any older transaction runs."""
    until(all_is_told)
    with open_session(actor, reading=True) as session:
        return unread_groups(session)


def all_is_told() -> bool:
    with open_session(SYSTEM) as session:
        alert_followers(session)
        cursor = session.get_one(Cursor, 'alerts')
        return not waiting_after(session, (cursor.xid, cursor.change_id))


def test_a_status_is_taken_back_and_whoever_has_not_read_of_it_need_not(people, claim):
    before, heard = stored(claim), unread(people.dana)
    go(people.staff, claim, 'rejected', 'אין כיסוי')
    assert unread(people.dana) == 1, 'it rings at once'
    assert (left(people.staff, claim) or timedelta(0)) > timedelta(minutes=4)
    back(people.staff, claim, 'rejected')
    here = stored(claim)
    for name in ('status', 'status_reason', 'waiting_on', 'is_open'):
        assert getattr(here, name) == getattr(before, name), name
    for name in ('status_since', 'waiting_since'):
        assert timedelta(0) < getattr(here, name) - getattr(before, name) < timedelta(seconds=5), name
    assert (unread(people.dana), heard) in ((0, 0), (1, 1)), 'what was there before, and no more'
    with open_session(people.dana, reading=True) as session:
        told = [change.fields['status'] for change in fetch(session, history_of(claim.id)) if 'status' in change.fields]
    assert told[:2] == [['rejected', 'awaiting_documents'], ['awaiting_documents', 'rejected']]


def test_the_tasks_that_the_slip_ended_come_back(people, claim):
    def titles() -> list[str]:
        with open_session(SYSTEM) as session:
            settle_tasks(session, [claim.id], now())
        with open_session(people.staff, reading=True) as session:
            return sorted(task.title for task in fetch(session, tasks_of(claim.id)) if task.is_open)

    stood = titles()
    assert stood
    go(people.staff, claim, 'in_negotiation')
    assert titles() != stood
    back(people.staff, claim, 'in_negotiation')
    assert titles() == stood


def test_it_is_ones_own_last_change_and_only_for_some_minutes(people, claim):
    go(people.staff, claim, 'in_negotiation')
    assert (left(people.admin, claim), left(people.dana, claim)) == (None, None)
    for actor, seen, minutes in (
        (people.admin, 'in_negotiation', 0),
        (people.dana, 'in_negotiation', 0),
        (people.staff, 'in_negotiation', 6),
    ):
        with pytest.raises(ClaimError):
            back(actor, claim, seen, minutes)
    with pytest.raises(ClaimConflict):
        back(people.staff, claim, 'rejected')
    go(people.admin, claim, 'in_repair')
    with pytest.raises(ClaimError):
        back(people.staff, claim, 'in_repair')
    assert stored(claim).status == 'in_repair'


def test_what_was_said_since_on_whom_it_waits_stays(people, claim):
    go(people.staff, claim, 'rejected', 'אין כיסוי')
    with open_session(people.admin) as session:
        waits = session.get_one(Claim, claim.id).waiting_on
        save_fields(session, claim.id, {'waiting_on': (waits, 'garage')}, now())
    back(people.staff, claim, 'rejected')
    assert (stored(claim).status, stored(claim).waiting_on) == ('awaiting_documents', 'garage')


@pytest.mark.parametrize(('status', 'reason'), [('closed', 'paid_in_full'), ('insurer_requested_info', 'צילומים')])
def test_what_had_other_consequences_has_its_own_way_back(people, claim, status, reason):
    go(people.staff, claim, status, reason)
    assert left(people.staff, claim) is None
    with pytest.raises(ClaimError):
        back(people.staff, claim, status)
