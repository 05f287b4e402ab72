"""The live promise: what many open pages cost while nothing happens, and how soon the last of them shows a change."""

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.figures import Report, Size
from bench.meter import CHANGE, LAG, METER, word
from bench.serving import ask, serving
from bench.visitors import Visitor, heard, open_pages
from db.base import now
from db.changes import latest_seq
from db.claims import Claim
from db.demo import load_demo
from db.identity import Browser, start_session
from db.offices import User
from db.scope import Actor, Role
from db.session import connect, open_session

IDLE_SECONDS, LAG_SECONDS, CHANGES, SETTLE_SECONDS = 10.0, 3.0, 5, 3.0
FIRST = 20
OFFICE = 1


@dataclass(frozen=True)
class Ground:
    """The database a measure starts from: who reads, who writes, and which claim everybody has open."""

    file: Path
    claim_id: int
    claim_no: str
    author: int
    reader: int
    cookies: Sequence[str]


@dataclass(frozen=True)
class Way:
    """One way to have pages open."""

    name: str
    server: Sequence[str]
    address: str
    shows_changes: bool = True


def measure(size: Size) -> Report:
    """Run every way, in turns, and report the medians."""
    report = Report('live', size)
    with tempfile.TemporaryDirectory() as folder:
        ground = prepare(Path(folder), size.pages)
        ways = _ways(ground)
        found: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
        for _ in range(size.rounds):
            for way in ways:
                found[way.name].append(_run(way, ground))
    report.raw = dict(found)
    medians = {name: _medians(rounds) for name, rounds in found.items()}
    _report(report, medians, size)
    report.save()
    return report


def _ways(ground: Ground) -> list[Way]:
    bound = ('bench.live_server', '--claim', str(ground.claim_id), '--reader', str(ground.reader), '--mode')
    return [
        *(Way(mode, (*bound, mode), '/claim') for mode in ('push', 'polling', 'unbound')),
        Way('empty', (*bound, 'unbound'), '/empty', shows_changes=False),
        Way('claim page', ('bench.portal_server',), f'/claims/{ground.claim_no}'),
        Way('claims list', ('bench.portal_server',), '/'),
    ]


def _report(report: Report, medians: dict[str, dict[str, float]], size: Size) -> None:
    polling, bare, push = medians['polling'], medians['unbound'], medians['push']
    bound = f'{size.pages} pages x 40 fields'
    report.add(
        f'{bound}: idle CPU, push (limit: polling)', push['idle'], '%', limit=polling['idle'], at_most=5, times=0.5
    )
    report.add(f'{bound}: idle CPU, push (limit: nothing bound)', push['idle'], '%', limit=bare['idle'])
    report.add(f'{bound}: active links, push', push['links'], '', limit=polling['links'], at_most=0)
    report.add(
        f'{bound}: commit to last page, push (limit: polling)', push['last'], 'ms', limit=polling['last'], at_most=300
    )
    report.add(f'{bound}: commit to last page, push (limit: by hand)', push['last'], 'ms', limit=bare['last'])
    report.add(f'{bound}: loop lag p99, push (limit: polling)', push['lag'], 'ms', limit=polling['lag'], at_most=20)
    for name, at_most in (('claim page', 1000), ('claims list', 2000)):
        _report_real(report, f'{size.pages} x {name}', medians[name], bare, at_most)
        _report_page(report, f'{size.pages} x {name}', medians[name], medians['empty'])


def _report_real(report: Report, name: str, real: dict[str, float], bare: dict[str, float], at_most: float) -> None:
    report.add(f'{name}: idle CPU', real['idle'], '%', limit=bare['idle'], at_most=5)
    report.add(f'{name}: commit to median page', real['median'], 'ms', limit=bare['median'])
    report.add(f'{name}: commit to last page', real['last'], 'ms', limit=bare['last'], at_most=at_most)
    report.add(f'{name}: CPU of one change, each page', real['change_ms'], 'ms', limit=bare['change_ms'])


def _report_page(report: Report, name: str, real: dict[str, float], empty: dict[str, float]) -> None:
    """What a page costs to make and to keep, beside NiceGUI's own with one word on it."""
    report.add(
        f'{name}: CPU to open a page (limit: empty page)', real['open_ms'], 'ms', limit=empty['open_ms'], times=2.2
    )
    kept: dict[str, float] = {'limit': empty['page_kib'], 'times': 2.7, 'at_most': 300}
    report.add(f'{name}: memory of a page (limit: empty page)', real['page_kib'], 'KiB', **kept)


def _medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


# ---- the ground -------------------------------------------------------------------------------------------------------------


def prepare(folder: Path, pages: int, role: Role = Role.AGENT) -> Ground:
    """The demo, and a signed-in person of one office, or of the bureau, for each page."""
    file = folder / 'ground.db'
    load_demo(f'sqlite:///{file}', now())
    with open_session(Actor.system('bench')) as session:
        claim = session.scalars(select(Claim).where(Claim.office_id == OFFICE, Claim.is_open).limit(1)).one()
        author = session.scalars(select(User.id).where(User.role == Role.HANDLER).limit(1)).one()
        office = OFFICE if role is Role.AGENT else None
        people, cookies = signed_in(session, pages, role, office)
        return Ground(file, claim.id, claim.claim_no, author, people[0].id, cookies)


def signed_in(session: Session, many: int, role: Role, office: int | None) -> tuple[list[User], list[str]]:
    """New people who have seen everything so far, with the cookies of their sessions."""
    moment, seen = now(), latest_seq(session)
    people = [
        User(name=f'Reader {n}', role=role, office_id=office, baseline_seq=seen, created_at=moment) for n in range(many)
    ]
    session.add_all(people)
    session.flush()
    return people, [start_session(session, person.id, Browser(), moment, timedelta(hours=6)) for person in people]


@contextmanager
def copy_of(ground: Ground) -> Iterator[str]:
    """A copy for one run, so that each starts from the same ground."""
    connect(f'sqlite:///{ground.file}').close()  # nothing is left in the journal
    with tempfile.TemporaryDirectory() as folder:
        yield f'sqlite:///{shutil.copy(ground.file, folder)}'


# ---- one run ----------------------------------------------------------------------------------------------------------------


def _run(way: Way, ground: Ground) -> dict[str, float]:
    with copy_of(ground) as url, serving(way.server, url, ground.author) as origin:
        return asyncio.run(_visit(way, ground, origin))


async def _visit(way: Way, ground: Ground, origin: str) -> dict[str, float]:
    meter = httpx.AsyncClient(base_url=origin, timeout=60, cookies={'sid': ground.cookies[0]})
    async with meter, AsyncExitStack() as opened:
        # the first ones fill what all pages share (compiled questions, the database's own pages)
        first = await opened.enter_async_context(open_pages(origin, way.address, ground.cookies[:FIRST]))
        await asyncio.sleep(SETTLE_SECONDS)
        before = await ask(meter, METER)
        others = await opened.enter_async_context(open_pages(origin, way.address, ground.cookies[FIRST:]))
        visitors = [*first, *others]
        await asyncio.sleep(SETTLE_SECONDS)
        held = await ask(meter, METER)
        if held['pages'] != len(visitors):
            raise RuntimeError(f'{way.name}: only {held["pages"]} of {len(visitors)} pages are connected')
        idle = await busy(meter, IDLE_SECONDS)
        lags = await ask(meter, LAG, seconds=LAG_SECONDS)
        quiet = await ask(meter, METER)
        changes = CHANGES if way.shows_changes else 0
        told = [await _change(meter, ground, visitors, word(n)) for n in range(changes)]
        after = await ask(meter, METER)
    return {
        'idle': idle,
        'links': held['active_links'],
        'lag': statistics.quantiles(lags, n=100)[98],
        'median': statistics.median([median for median, _ in told] or [0.0]),
        'last': statistics.median([last for _, last in told] or [0.0]),
        'change_ms': (after['cpu'] - quiet['cpu']) * 1000 / len(visitors) / CHANGES,
        'page_kib': (held['memory_kib'] - before['memory_kib']) / len(others),
        'open_ms': (held['cpu'] - before['cpu']) * 1000 / len(others),
    }


async def busy(meter: httpx.AsyncClient, seconds: float) -> float:
    """CPU of the server for a while, in percent of a core."""
    before = await ask(meter, METER)
    await asyncio.sleep(seconds)
    after = await ask(meter, METER)
    return float((after['cpu'] - before['cpu']) * 100 / (after['moment'] - before['moment']))


async def _change(
    meter: httpx.AsyncClient, ground: Ground, visitors: Sequence[Visitor], text: str
) -> tuple[float, float]:
    """Commit a change; how long until the median and the last page were told, in ms."""
    for visitor in visitors:
        visitor.listen_for(text)
    committed = await ask(meter, CHANGE, claim_id=ground.claim_id, text=text)
    told = await heard(visitors)
    await asyncio.sleep(0.5)
    return (statistics.median(told) - committed) * 1000, (max(told) - committed) * 1000
