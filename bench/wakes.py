"""From a commit here to the bell in another process that uses the same database."""

import random
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from bench.figures import Report, Size, p95
from bench.grounds import Audience, audiences, postgres_ground, sqlite_ground
from db.base import now
from db.changes import Change
from db.claims import Claim, save_fields
from db.session import connect, open_session

# it hears as the portal does, and says when which change rang; one clock runs for all processes of a machine
LISTENER = """
import sys, time
from db.doorbell import on_notice
from db.session import connect
from jobs.changes import hear_others
connect(sys.argv[1])
on_notice(lambda notice: print(notice.change_id, time.monotonic(), flush=True) if notice.change_id else None)
stop = hear_others()
print('ready', flush=True)
sys.stdin.read()
stop()
"""
CLAIMS, SAVES, PAUSE, PATIENCE_SECONDS = 10_000, 200, 0.03, 3.0
GOALS = {'SQLite': 25.0, 'PostgreSQL': 10.0}


def measure(size: Size) -> Report:
    """Save, and ask the other process when it knew."""
    report = Report('wakes', size)
    ground = replace(size, claims=CLAIMS, offices=20)
    for name, prepared in (('SQLite', sqlite_ground), ('PostgreSQL', postgres_ground)):
        with prepared(ground) as url:
            if url is None:
                print('No PostgreSQL server answers: not measured on it.')
            else:
                _measure_on(report, name, url)
    report.save()
    return report


def _measure_on(report: Report, name: str, url: str) -> None:
    database = connect(url)
    bureau = audiences(database)[0]
    command = [sys.executable, '-c', LISTENER, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as listener:
        assert listener.stdin is not None
        assert listener.stdout is not None
        listener.stdout.readline()
        committed = dict(_saves(bureau))
        time.sleep(PATIENCE_SECONDS)
        listener.stdin.close()
        lines = [line.split() for line in listener.stdout.read().splitlines()]
    rang = {int(change_id): float(at) for change_id, at in lines}
    waits = sorted((rang[change_id] - at) * 1000 for change_id, at in committed.items() if change_id in rang)
    report.raw[name] = waits
    report.add(f'{name}: commits of which another process never heard', len(committed) - len(waits), '', at_most=0)
    report.add(f'{name}: commit to the bell in another process, p50', statistics.median(waits), 'ms')
    report.add(f'{name}: commit to the bell in another process, p95', p95(waits), 'ms', at_most=GOALS[name])
    database.close()


def _saves(bureau: Audience) -> list[tuple[int, float]]:
    """Changes saved one by one, each with the moment right after its commit."""
    saved = []
    for _ in range(SAVES):
        sample = random.choice(bureau.samples)
        with open_session(bureau.actor) as session:
            claim = session.get_one(Claim, sample.id)
            save_fields(session, sample.id, {'daily_note': (claim.daily_note, f'bench {random.random()}')}, now())
        at = time.monotonic()
        with open_session(bureau.actor, reading=True) as session:
            newest = select(Change.id).where(Change.claim_id == sample.id).order_by(Change.id.desc()).limit(1)
            saved.append((session.scalars(newest).one(), at))
        time.sleep(PAUSE)
    return saved
