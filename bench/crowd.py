"""A full house: what a thousand open lists cost while claims change all the time, and what a visit leaves behind."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import select

from bench.figures import Report, Size, p95
from bench.live import OFFICE, Ground, busy, copy_of, prepare, signed_in
from bench.meter import CHANGING, METER
from bench.serving import ask, serving
from bench.visitors import Visitor, open_pages
from db.base import now
from db.claims import Claim
from db.offices import AgentOffice
from db.scope import Actor, Role
from db.session import open_session

SEEING, A_SECOND = 50, 20
IDLE_SECONDS, BUSY_SECONDS, SETTLE_SECONDS = 10.0, 15.0, 5.0
# of the list and of a claim
AT_ONCE, VISITS = 25, 50
# a client that was left is forgotten after the time it may come back in, and what it held is looked for now and then
FORGOTTEN_SECONDS = 60.0


@dataclass(frozen=True)
class House:
    """Who has a list open: those of one office see what changes, the others do not."""

    ground: Ground
    claims: Sequence[int]
    others: Sequence[str]


def measure(size: Size) -> Report:
    """Open the lists, let claims change, and let people come and go."""
    report = Report('crowd', size)
    pages, rounds = (1000, 40) if size.slack == 1 else (200, 4)
    with tempfile.TemporaryDirectory() as folder:
        house = _fill(Path(folder), pages)
        portal = ('bench.portal_server',)
        with copy_of(house.ground) as url, serving(portal, url, house.ground.author) as origin:
            found = asyncio.run(_under_way(origin, house))
        with copy_of(house.ground) as url, serving(portal, url, house.ground.author) as origin:
            left = asyncio.run(_coming_and_going(origin, house.ground, rounds))
    report.raw |= {**found, 'left_kib': left}
    name = f'{pages} open lists'
    report.add(f'{name}: CPU at rest', found['idle'], '%', at_most=8)
    report.add(f'{name}, {A_SECOND} changes a second seen by {SEEING}: CPU', found['busy'], '%', at_most=25)
    report.add(f'{name}, {A_SECOND} changes a second: carried out', found['done'], '1/s')
    report.add(f'{name}, {A_SECOND} changes a second: commit to list, p50', found['p50'], 'ms')
    report.add(f'{name}, {A_SECOND} changes a second: commit to list, p95', found['p95'], 'ms')
    # the first rounds fill what all pages share
    early, visits = rounds // 2, rounds * VISITS
    each = (left[-1] - left[early]) / (rounds - early) / VISITS
    report.add(f'memory a visit leaves behind, after {visits} visits', each, 'KiB', at_most=1)
    report.save()
    return report


def _fill(folder: Path, pages: int) -> House:
    ground = prepare(folder, SEEING)
    moment = now()
    with open_session(Actor.system('bench')) as session:
        open_ones = select(Claim.id).where(Claim.office_id == OFFICE, Claim.is_open)
        claims = list(session.scalars(open_ones.order_by(Claim.seq.desc()).limit(A_SECOND)))
        offices = [AgentOffice(name=f'Office {n}', created_at=moment) for n in range(pages // SEEING - 1)]
        session.add_all(offices)
        session.flush()
        others = [cookie for office in offices for cookie in signed_in(session, SEEING, Role.AGENT, office.id)[1]]
    return House(ground, claims, others)


async def _under_way(origin: str, house: House) -> dict[str, float]:
    """How busy the server is with all lists open: while nothing happens, and while claims change."""
    cookies = house.ground.cookies
    meter = httpx.AsyncClient(base_url=origin, timeout=60, cookies={'sid': cookies[0]})
    async with meter, open_pages(origin, '/', cookies) as seeing, open_pages(origin, '/', house.others):
        await asyncio.sleep(SETTLE_SECONDS)
        idle = await busy(meter, IDLE_SECONDS)
        changing = asyncio.create_task(_change_all_the_time(meter, house.claims, seeing[-1]))
        under_fire = await busy(meter, BUSY_SECONDS)
        late, done = await changing
    slow = p95(late)
    return {'idle': idle, 'busy': under_fire, 'done': done, 'p50': statistics.median(late), 'p95': slow}


async def _change_all_the_time(
    meter: httpx.AsyncClient, claims: Sequence[int], reader: Visitor
) -> tuple[list[float], float]:
    """Claims change one after the other, each once a second; how late one of the lists heard of each change, in ms, and how many there were a second.

    What was not heard of at all counts as heard at the end.
    """
    heard = reader.changes = {}
    asked = {'claims': ','.join(map(str, claims)), 'a_second': A_SECOND, 'seconds': BUSY_SECONDS}
    committed = await ask(meter, CHANGING, **asked)
    await asyncio.sleep(SETTLE_SECONDS)
    end = time.monotonic()
    late = [(heard.get(number, end) - at) * 1000 for number, at in enumerate(committed)]
    return late, len(committed) / BUSY_SECONDS


async def _coming_and_going(origin: str, ground: Ground, rounds: int) -> list[float]:
    """What the server holds after each round of visits, when the visitors have been forgotten."""
    held, places = [], ('/', f'/claims/{ground.claim_no}')
    async with httpx.AsyncClient(base_url=origin, timeout=60, cookies={'sid': ground.cookies[0]}) as meter:
        for _ in range(rounds + 1):
            for address in places:
                async with open_pages(origin, address, ground.cookies[:AT_ONCE]):
                    await asyncio.sleep(1)
            await asyncio.sleep(FORGOTTEN_SECONDS)
            held.append((await ask(meter, METER))['memory_kib'])
    return held
