"""Several instances on one PostgreSQL: how soon a change committed in one is drawn in a browser at another, and how soon somebody is out."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import Browser as Chromium
from sqlalchemy import select

from bench.browser import PATIENCE_MS, ask_meter, chromium, drawn, open_page, watch
from bench.figures import Report, Size, p95
from bench.grounds import postgres_ground
from bench.meter import CHANGE, DISABLE, word
from bench.serving import serving
from db.base import now
from db.changes import latest_seq
from db.claims import Claim
from db.identity import Browser, start_session
from db.offices import User
from db.scope import Actor, Role
from db.session import connect, open_session

CHANGES, WARMING_UP, DISABLED = 20, 3, 3


@dataclass(frozen=True)
class Ground:
    """Who reads what, and with which sessions."""

    url: str
    claim_id: int
    claim_no: str
    author: int
    readers: Sequence[int]
    cookies: Sequence[str]


def measure(size: Size) -> Report:
    """Two servers on one database; the limit is the same change in a browser at the server that committed it."""
    report = Report('instances', size)
    with postgres_ground(size) as url:
        if url is None:
            print('No PostgreSQL server answers: not measured.')
            return report
        ground = _prepare(url)
        with ExitStack() as stack:
            one, two = (stack.enter_context(serving(('bench.portal_server',), url, ground.author)) for _ in range(2))
            browser = stack.enter_context(chromium())
            _measure_changes(report, browser, ground, one, two)
            _measure_disabling(report, browser, ground, one, two)
    report.save()
    return report


def _prepare(url: str) -> Ground:
    moment, count = now(), DISABLED + 1
    database = connect(url)
    with open_session(Actor.system('bench')) as session:
        claim = session.scalars(select(Claim).where(Claim.is_open).order_by(Claim.id).limit(1)).one()
        author = session.scalars(select(User.id).where(User.role == Role.HANDLER).order_by(User.id).limit(1)).one()
        told = {'role': Role.OFFICE_MANAGER, 'office_id': claim.office_id, 'created_at': moment}
        people = [User(name=f'Reader {n}', baseline_seq=latest_seq(session), **told) for n in range(count)]
        session.add_all(people)
        session.flush()
        cookies = [start_session(session, person.id, Browser(), moment, timedelta(hours=6)) for person in people]
        ground = Ground(url, claim.id, claim.claim_no, author, [person.id for person in people], cookies)
    database.close()
    return ground


def _measure_changes(report: Report, browser: Chromium, ground: Ground, one: str, two: str) -> None:
    path = f'/claims/{ground.claim_no}'
    pages = [open_page(browser, origin, ground.cookies[0], path) for origin in (one, two)]
    for page in pages:
        watch(page)
    waits: list[list[float]] = []
    for n in range(WARMING_UP + CHANGES):
        committed = ask_meter(one, ground.cookies[0], CHANGE, claim_id=ground.claim_id, text=word(n))
        waits.append([drawn(page, word(n)) - committed for page in pages])
        time.sleep(0.2)
    here, there = (list(column) for column in zip(*waits[WARMING_UP:], strict=True))
    report.raw = {'same instance': here, 'other instance': there}
    report.add(
        'commit to DOM at the other instance, p50', statistics.median(there), 'ms', limit=statistics.median(here)
    )
    report.add('commit to DOM at the other instance, p95', p95(there), 'ms', limit=p95(here), at_most=150)


def _measure_disabling(report: Report, browser: Chromium, ground: Ground, one: str, two: str) -> None:
    """From the commit in the one until the browser at the other stands at the sign-in."""
    waits = []
    for user_id, cookie in zip(ground.readers[1:], ground.cookies[1:], strict=True):
        page = open_page(browser, two, cookie, '/')
        committed = ask_meter(one, ground.cookies[0], DISABLE, user_id=user_id)
        page.wait_for_url('**/login*', timeout=PATIENCE_MS, wait_until='commit')
        waits.append(time.time() * 1000 - committed)
    report.raw['disabled'] = waits
    report.add('disabled at one: at the sign-in of the other, worst', max(waits), 'ms', at_most=3000)
