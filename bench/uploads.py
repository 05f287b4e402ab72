"""Files under fire: what hostile uploads and heavy ones cost everybody else, on a real server."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import func, select

from bench.figures import Report, Size
from bench.meter import LAG, METER
from bench.serving import ask, serving
from db.base import now
from db.claims import Claim
from db.demo import load_demo
from db.documents import Document
from db.identity import Browser, start_session
from db.offices import User
from db.scope import Actor, Role
from db.session import open_session
from tests import papers

ATTACKERS, SENDERS, HEAVY = 4, 10, 10_000_000
QUIET_SECONDS, LOOK_SECONDS, PATIENCE = 3.0, 0.02, 120.0
OFFICE = 1


@dataclass(frozen=True)
class Ground:
    """Where files are sent to, and by whom."""

    folder: Path
    claim_no: str
    author: int
    cookies: Sequence[str]

    def kept(self) -> tuple[int, int]:
        """How many documents and how many files there are."""
        with open_session(Actor.system('bench'), reading=True) as session:
            rows = session.scalar(select(func.count()).select_from(Document)) or 0
        return rows, sum(path.is_file() for path in (self.folder / 'documents').rglob('*'))


def measure(size: Size) -> Report:
    """Throw the hostile set at one server and a hundred megabytes at another, in turns, and report the medians."""
    report = Report('uploads', size)
    rounds = []
    for _ in range(size.rounds):
        with _ground() as (ground, origin):
            found = asyncio.run(_attack(ground, origin))
        with _ground() as (ground, origin):
            rounds.append(found | asyncio.run(_load(ground, origin)))
    report.raw = {'rounds': rounds}
    _report(report, {name: statistics.median(one[name] for one in rounds) for name in rounds[0]})
    report.save()
    return report


def _report(report: Report, found: dict[str, float]) -> None:
    hostile = f'{len(papers.HOSTILE)} hostile files x {ATTACKERS} people'
    heavy = f'{SENDERS * HEAVY // 1_000_000} MB by {SENDERS} people at once'
    report.add(f'{hostile}: loop lag p99 (limit: quiet)', found['lag'], 'ms', limit=found['quiet'], at_most=50)
    report.add(f'{hostile}: slowest refusal', found['slowest'], 's', at_most=5)
    report.add(f'{hostile}: not refused', found['taken'], '', at_most=0)
    report.add(f'{hostile}: rows and files left behind', found['left'], '', at_most=0)
    report.add(f'{hostile}: memory growth of the server', found['attack_mib'], 'MiB', at_most=150)
    report.add(f'{heavy}: memory growth of the server', found['load_mib'], 'MiB', at_most=150)
    report.add(f'{heavy}: loop lag p99 (limit: quiet)', found['load_lag'], 'ms', limit=found['load_quiet'])
    report.add(f'{heavy}: all kept after', found['load_seconds'], 's')


@contextmanager
def _ground() -> Iterator[tuple[Ground, str]]:
    """The demo with a signed-in person for each sender, and a server that keeps its files in a folder of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder, moment = Path(place), now()
        url = f'sqlite:///{folder}/ground.db'
        load_demo(url, moment)
        with open_session(Actor.system('bench')) as session:
            claim_no = session.scalars(
                select(Claim.claim_no).where(Claim.office_id == OFFICE, Claim.is_open).limit(1)
            ).one()
            author = session.scalars(select(User.id).where(User.role == Role.HANDLER).limit(1)).one()
            people = [
                User(name=f'Sender {n}', role=Role.AGENT, office_id=OFFICE, created_at=moment) for n in range(SENDERS)
            ]
            session.add_all(people)
            session.flush()
            cookies = [start_session(session, one.id, Browser(), moment, timedelta(hours=6)) for one in people]
        with serving(('bench.portal_server',), url, author, DATA_DIR=place) as origin:
            yield Ground(folder, claim_no, author, cookies), origin


async def _attack(ground: Ground, origin: str) -> dict[str, float]:
    """Several people send everything that is made to hurt, each one file after the other."""
    files = [(name, make()) for name, make, _ in papers.HOSTILE.values()]
    before = ground.kept()
    verdicts: list[tuple[int, float]] = []

    async def send_all(cookie: str) -> None:
        async with _person(origin, cookie) as person:
            verdicts.extend([await _send(person, ground, name, content) for name, content in files])

    watched = await _watched(origin, ground, [send_all(cookie) for cookie in ground.cookies[:ATTACKERS]])
    return {
        'lag': watched['lag'],
        'quiet': watched['quiet'],
        'slowest': max(seconds for _, seconds in verdicts),
        'taken': sum(status != 422 for status, _ in verdicts),
        'left': sum(after - there for after, there in zip(ground.kept(), before, strict=True)),
        'attack_mib': watched['grown_mib'],
    }


async def _load(ground: Ground, origin: str) -> dict[str, float]:
    """Ten people send a heavy photo each at the same moment."""

    async def send_one(number: int) -> None:
        async with _person(origin, ground.cookies[number]) as person:
            status, _ = await _send(person, ground, f'{number}.jpg', photos[number])
            if status != 201:
                raise RuntimeError(f'a sound photo was answered by {status}')

    photos = [papers.heavy_photo(number, HEAVY) for number in range(SENDERS)]
    watched = await _watched(origin, ground, [send_one(number) for number in range(SENDERS)])
    return {
        'load_mib': watched['grown_mib'],
        'load_lag': watched['lag'],
        'load_quiet': watched['quiet'],
        'load_seconds': watched['seconds'],
    }


async def _watched(origin: str, ground: Ground, sending: Sequence[Awaitable[Any]]) -> dict[str, float]:
    """Let people send; meanwhile the server tells how late its loop comes back and how much memory it holds."""
    async with _person(origin, ground.cookies[-1]) as meter:
        quiet = await ask(meter, LAG, seconds=QUIET_SECONDS)
        before, begun = (await ask(meter, METER))['memory_kib'], time.monotonic()
        lags: list[float] = []
        peaks = [before]
        sent = asyncio.gather(*sending)
        await asyncio.gather(sent, _listen(meter, sent, lags), _weigh(meter, sent, peaks))
    return {
        'quiet': _p99(quiet),
        'lag': _p99(lags),
        'grown_mib': (max(peaks) - before) / 1024,
        'seconds': time.monotonic() - begun,
    }


async def _listen(meter: httpx.AsyncClient, sent: asyncio.Future[Any], lags: list[float]) -> None:
    while not sent.done():
        lags += await ask(meter, LAG, seconds=1)


async def _weigh(meter: httpx.AsyncClient, sent: asyncio.Future[Any], peaks: list[float]) -> None:
    while not sent.done():
        peaks.append((await ask(meter, METER))['memory_kib'])
        await asyncio.sleep(LOOK_SECONDS)


def _p99(lags: Sequence[float]) -> float:
    return statistics.quantiles(lags, n=100)[98]


def _person(origin: str, cookie: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=origin, timeout=PATIENCE, cookies={'sid': cookie})


async def _send(person: httpx.AsyncClient, ground: Ground, name: str, content: bytes) -> tuple[int, float]:
    """Send one file; how it was answered, and after how many seconds."""
    told = {'X-Maakav-Upload': '1', 'X-File-Name': quote(name), 'X-Document-Type': 'damage_photos'}
    begun = time.monotonic()
    answer = await person.post(f'/files/claims/{quote(ground.claim_no, safe="")}', content=content, headers=told)
    return answer.status_code, time.monotonic() - begun
