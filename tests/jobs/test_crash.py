"""A process that is killed, again and again: after the restart each change that was saved is alerted, and alerted once."""

import random
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import select

from db.alerts import Alert, Cursor
from db.changes import Change, latest_seq
from db.claims import Claim
from db.scope import Actor
from db.session import connect, fetch, open_session
from jobs import changes
from jobs.changes import alert_all, follow_changes
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.processes import PROCESSES


def serve(url: str, staff: Actor, claim_id: int, told: Connection, alerting: bool) -> None:
    """Save one change after the other and say so, alerting as the app does, until somebody pulls the plug."""
    connect(url)
    changes.BATCH = 3
    if alerting:
        follow_changes()
    for number in range(100_000):
        with open_session(staff) as session:
            session.get_one(Claim, claim_id).insured_address = f'הרצל {number} {time.monotonic()}'
        told.send(number)


def killed_after(commits: int, *arguments: object, alerting: bool) -> int:
    """Let a process commit so often, kill it in the middle of whatever it does; returns how many commits it told of."""
    heard, told = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=serve, args=(*arguments, told, alerting))
    process.start()
    told.close()
    for _ in range(commits):
        heard.recv()
    process.kill()
    process.join()
    with suppress(EOFError):  # what was told until the end
        while True:
            heard.recv()
            commits += 1
    return commits


def alert_everything() -> None:
    for _ in range(600):
        alert_all()
        with open_session(SYSTEM, reading=True) as session:
            cursor = session.get(Cursor, 'alerts')
            if cursor is not None and cursor.change_id == latest_seq(session):
                return
        time.sleep(0.05)
    raise TimeoutError('changes are held back')


@pytest.mark.slow
@pytest.mark.parametrize('alerting', [False, True], ids=['killed before any alert', 'killed while alerting'])
def test_after_a_kill_each_saved_change_is_alerted_once(database_url: str, people: People, alerting: bool) -> None:
    claim, rng = make_claim(people.levi, people.staff, agent=people.dana.user_id), random.Random(7)
    acknowledged = 0
    for _ in range(2):
        commits = rng.randint(3, 12)
        acknowledged += killed_after(commits, database_url, people.staff, claim.id, alerting=alerting)
    alert_everything()
    alert_all()
    with open_session(SYSTEM, reading=True) as session:
        saved = fetch(session, select(Change.id).where(Change.claim_id == claim.id, Change.kind == 'updated'))
        each = Counter((alert.user_id, alert.change_id) for alert in fetch(session, select(Alert)))
    assert len(saved) >= acknowledged, 'what was told to be saved is saved'
    for person in (people.manager, people.dana, people.yossi):
        assert [each[person.user_id or 0, change_id] for change_id in saved] == [1] * len(saved)
