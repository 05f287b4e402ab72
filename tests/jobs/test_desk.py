"""The desk's jobs: what claims call for is made whoever changed them, at once and in the sweep, and never twice."""

import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from db import silence, tasks
from db.alerts import Cursor, alert_groups
from db.base import now
from db.catch_up import waiting_after
from db.changes import latest_seq
from db.claims import Claim, change_status, save_fields
from db.repairs import advance_repair
from db.session import fetch, open_session
from db.tasks import Task, open_tasks
from db.watching import columns_of
from jobs.desk import CURSOR, follow_claims, remind_of_tasks, sweep_desk
from tests.conftest import People
from tests.factories import SYSTEM, make_claim


def follow_everything() -> None:
    """Follow until every change so far was followed. PostgreSQL holds changes back while any older transaction runs."""
    for _ in range(3000):
        follow_claims()
        with open_session(SYSTEM, reading=True) as session:
            cursor = session.get_one(Cursor, CURSOR)
            if not waiting_after(session, (cursor.xid, cursor.change_id)):
                return
        time.sleep(0.02)
    raise TimeoutError('changes are held back')


def rules() -> list[str]:
    with open_session(SYSTEM, reading=True) as session:
        return sorted(task.rule or '' for task in fetch(session, open_tasks()))


@pytest.fixture(autouse=True)
def _claims(people: People) -> None:
    for _ in range(3):
        make_claim(people.levi, people.staff, handler=people.staff.user_id)


def test_the_sweep_also_tells_of_a_limitation_that_runs_on_over_a_claim_closed_unpaid(people):
    happened = now().date() - timedelta(days=round(7 * 365.2425) - 360)  # a year before the end of seven: five days ago
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id, event_date=happened)
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', 'closed_no_recovery', 'new', now())
    sweep_desk()
    with open_session(people.dana, reading=True) as session:
        assert 'deadline.limitation' in [group.kind for group in alert_groups(session)]


def test_the_first_time_every_open_claim_is_looked_at(people):
    follow_everything()
    assert rules() == ['first_check'] * 3
    assert sweep_desk() == 3
    assert rules() == ['first_check'] * 3


def test_a_change_is_followed_by_its_tasks(people):
    follow_everything()
    with open_session(people.staff) as session:
        change_status(session, 1, 'in_repair', '', 'new', now())
    follow_everything()
    assert rules() == ['first_check', 'first_check', 'garage']
    with open_session(people.staff) as session:
        advance_repair(session, 1, 'awaiting_repair_approval', None, now())
    follow_everything()
    assert rules() == ['approval', 'first_check', 'first_check', 'garage']
    with open_session(SYSTEM, reading=True) as session:
        before = latest_seq(session)
    follow_everything()  # its own marks on the claims call for nothing more
    with open_session(SYSTEM, reading=True) as session:
        assert latest_seq(session) == before


def test_what_no_task_and_no_silence_goes_by_is_passed_over(people, database):
    follow_everything()
    asked: list[str] = []
    event.listen(database.writer, 'before_cursor_execute', lambda _, __, statement, *___: asked.append(statement))
    with open_session(people.staff) as session:
        save_fields(session, 1, {'daily_note': ('', 'נבדק')}, now())
    asked.clear()
    follow_everything()
    assert not [statement for statement in asked if 'FROM tasks' in statement or 'FROM silences' in statement]
    with open_session(people.staff) as session:
        planned = session.get_one(Claim, 1).next_action
        save_fields(session, 1, {'next_action': (planned, 'להתקשר')}, now())
    follow_everything()
    assert [statement for statement in asked if 'FROM tasks' in statement]


def test_every_field_that_tasks_and_silences_go_by_is_named(people, monkeypatch):
    """A change of a field that were not named would be passed over."""
    read: set[str] = set()

    def noting(claim: Claim, name: str) -> Any:
        if sys._getframe(1).f_globals['__name__'] in (tasks.__name__, silence.__name__):
            read.add(name)
        return object.__getattribute__(claim, name)

    with open_session(SYSTEM) as session:
        claim = session.get_one(Claim, 1)
        monkeypatch.setattr(Claim, '__getattribute__', noting)
        for awaited in tasks.AWAITED:
            tasks.TaskRule(status=claim.status, awaits=awaited, days=1, active=True).since(claim)
        tasks.settle_tasks(session, [claim.id], now())
        silence.settle_silences(session, [claim.id])
        monkeypatch.undo()
    recorded = set(columns_of(Claim)) - Claim.unrecorded
    assert read & recorded == tasks.TASKS_GO_BY | silence.SILENCES_GO_BY


def test_whoever_is_due_hears_of_it_however_long_nobody_looked(people):
    follow_everything()
    later = now() + timedelta(days=9)
    assert remind_of_tasks(later) == 3
    assert remind_of_tasks(later) == 0
    with open_session(people.staff) as session:
        session.get_one(Task, 1).user_id = None
    assert remind_of_tasks(later + timedelta(days=1)) == 0
