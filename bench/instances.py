"""Several instances on one PostgreSQL: how soon a change committed in one is drawn in a browser at another, and how soon somebody is out."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select

from bench.figures import Report, Size
from bench.grounds import postgres_ground
from bench.meter import CHANGE, DISABLE
from bench.serving import serving
from db.base import now
from db.changes import latest_seq
from db.claims import Claim
from db.identity import Browser, start_session
from db.offices import User
from db.scope import Actor, Role
from db.session import connect, open_session

CHANGES, WARMING_UP, DISABLED = 20, 3, 3
PATIENCE_MS = 20_000
PROGRAM = os.environ.get('CHROMIUM', '/usr/bin/chromium')
# notes when each text is first drawn, by the clock of the machine
_WATCH = r"""() => {
  window.drawn = {};
  const look = () => {
    for (const text of document.body.textContent.match(/bench-\d+/g) || [])
      window.drawn[text] ??= performance.timeOrigin + performance.now();
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


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
            chromium = stack.enter_context(_chromium())
            _measure_changes(report, chromium, ground, one, two)
            _measure_disabling(report, chromium, ground, one, two)
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


@contextmanager
def _chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=['--no-sandbox', '--disable-gpu'])
        yield browser
        browser.close()


def _open(chromium: Chromium, origin: str, cookie: str, path: str) -> Page:
    context = chromium.new_context(base_url=origin, locale='he-IL')
    context.add_cookies([{'name': 'sid', 'value': cookie, 'url': origin}])
    page = context.new_page()
    page.goto(path)
    page.wait_for_function('window.did_handshake')
    return page


def _ask(origin: str, cookie: str, route: str, **query: str | int) -> float:
    """What a meter committed, and when, by the clock of the machine in ms."""
    answer = httpx.get(f'{origin}{route}', params=query, cookies={'sid': cookie}, timeout=30)
    answer.raise_for_status()
    return (float(answer.json()) + time.time() - time.monotonic()) * 1000


def _measure_changes(report: Report, chromium: Chromium, ground: Ground, one: str, two: str) -> None:
    path = f'/claims/{ground.claim_no}'
    pages = [_open(chromium, origin, ground.cookies[0], path) for origin in (one, two)]
    for page in pages:
        page.evaluate(_WATCH)
    waits: list[list[float]] = []
    for n in range(WARMING_UP + CHANGES):
        committed = _ask(one, ground.cookies[0], CHANGE, claim_id=ground.claim_id, text=f'bench-{n}')
        waits.append([_drawn(page, f'bench-{n}') - committed for page in pages])
        time.sleep(0.2)
    here, there = (list(column) for column in zip(*waits[WARMING_UP:], strict=True))
    report.raw = {'same instance': here, 'other instance': there}
    report.add(
        'commit to DOM at the other instance, p50', statistics.median(there), 'ms', limit=statistics.median(here)
    )
    report.add('commit to DOM at the other instance, p95', _p95(there), 'ms', limit=_p95(here), at_most=150)


def _drawn(page: Page, text: str) -> float:
    page.wait_for_function('text => window.drawn[text]', arg=text, timeout=PATIENCE_MS)
    return float(page.evaluate('text => window.drawn[text]', text))


def _measure_disabling(report: Report, chromium: Chromium, ground: Ground, one: str, two: str) -> None:
    """From the commit in the one until the browser at the other stands at the sign-in."""
    waits = []
    for user_id, cookie in zip(ground.readers[1:], ground.cookies[1:], strict=True):
        page = _open(chromium, two, cookie, '/')
        committed = _ask(one, ground.cookies[0], DISABLE, user_id=user_id)
        page.wait_for_url('**/login*', timeout=PATIENCE_MS, wait_until='commit')
        waits.append(time.time() * 1000 - committed)
    report.raw['disabled'] = waits
    report.add('disabled at one: at the sign-in of the other, worst', max(waits), 'ms', at_most=3000)


def _p95(found: list[float]) -> float:
    return statistics.quantiles(found, n=20)[18]
