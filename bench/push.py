"""The push: what it costs to tell one changed claim to many open lists, beside a bare broadcast and beside plain server-sent events."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from bench.figures import Report, Size, p95
from bench.live import Ground, copy_of, prepare
from bench.meter import CHANGE, word
from bench.meter import METER as PORTAL_METER
from bench.push_server import LINE, METER, TELL
from bench.serving import ask, serving
from bench.visitors import Listener, Visitor, heard, open_pages
from db.scope import Role

CHANGES, IDLE_SECONDS, SETTLE_SECONDS, PAUSE = 20, 5.0, 3.0, 0.4
HANDSHAKES = 50


@dataclass
class Line:
    """One bare line: a websocket, or a stream of events."""

    listens_for: str = ''
    heard_at: float | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def listen_for(self, text: str) -> None:
        """As a visitor does."""
        self.listens_for, self.heard_at = text, None
        self.told.clear()

    def hear(self, text: str) -> None:
        """Something came."""
        if self.listens_for and self.heard_at is None and self.listens_for in text:
            self.heard_at = time.monotonic()
            self.told.set()


class Way(Protocol):
    """A server with everybody connected."""

    @property
    def listeners(self) -> Sequence[Listener]:
        """Everybody at the other end."""

    async def cpu(self) -> tuple[float, float]:
        """The CPU time of the server, and its clock."""

    async def tell(self, word: str) -> float:
        """Have everybody told; when it was committed."""


# ---- the ways ---------------------------------------------------------------------------------------------------------------


@dataclass
class Raw:
    """Bare websockets."""

    listeners: list[Line]
    author: ClientConnection

    @classmethod
    @asynccontextmanager
    async def open(cls, origin: str, many: int) -> AsyncIterator[Self]:
        """Connect everybody."""
        address = origin.replace('http', 'ws', 1)
        lines, tasks = [Line() for _ in range(many)], []
        sockets = await _in_turns([_open_socket(address) for _ in range(many)])
        author = await _open_socket(address)
        tasks = [asyncio.create_task(_read_socket(*pair)) for pair in zip(sockets, lines, strict=True)]
        yield cls(lines, author)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in [*sockets, author]))

    async def cpu(self) -> tuple[float, float]:
        """Ask on the author's socket."""
        await self.author.send(METER)
        cpu, moment = str(await self.author.recv()).split()
        return float(cpu), float(moment)

    async def tell(self, word: str) -> float:
        """Say it on the author's socket."""
        await self.author.send(word)
        return float(await self.author.recv())


async def _open_socket(address: str) -> ClientConnection:
    return await connect(address, compression=None, max_size=None, ping_interval=None)


async def _read_socket(socket: ClientConnection, line: Line) -> None:
    async for message in socket:
        line.hear(str(message))


@dataclass
class Events:
    """Plain FastAPI and server-sent events."""

    listeners: list[Line]
    meter: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def open(cls, origin: str, many: int) -> AsyncIterator[Self]:
        """Connect everybody."""
        host, port = origin.removeprefix('http://').split(':')
        lines = [Line() for _ in range(many)]
        streams = await _in_turns([asyncio.open_connection(host, int(port)) for _ in lines])
        for _, writer in streams:
            writer.write(f'GET {LINE} HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode())
        pairs = zip(streams, lines, strict=True)
        tasks = [asyncio.create_task(_read_events(reader, line)) for (reader, _), line in pairs]
        async with httpx.AsyncClient(base_url=origin, timeout=60) as meter:
            yield cls(lines, meter)
        for task in tasks:
            task.cancel()
        for _, writer in streams:
            writer.close()

    async def cpu(self) -> tuple[float, float]:
        """Ask the app."""
        found = await ask(self.meter, METER)
        return found['cpu'], found['moment']

    async def tell(self, word: str) -> float:
        """Ask the app to tell."""
        return float(await ask(self.meter, TELL, word=word))


async def _read_events(reader: asyncio.StreamReader, line: Line) -> None:
    while data := await reader.read(65_536):
        line.hear(data.decode('utf-8', 'replace'))


@dataclass
class Portal:
    """Open lists of the real portal."""

    listeners: list[Visitor]
    meter: httpx.AsyncClient
    ground: Ground

    @classmethod
    @asynccontextmanager
    async def open(cls, origin: str, ground: Ground, many: int) -> AsyncIterator[Self]:
        """Open the list in everybody's name."""
        meter = httpx.AsyncClient(base_url=origin, timeout=60, cookies={'sid': ground.cookies[0]})
        async with meter, open_pages(origin, '/', ground.cookies[:many]) as visitors:
            yield cls(visitors, meter, ground)

    async def cpu(self) -> tuple[float, float]:
        """Ask the meter beside the portal's routes."""
        found = await ask(self.meter, PORTAL_METER)
        return found['cpu'], found['moment']

    async def tell(self, word: str) -> float:
        """Commit a change of a claim."""
        return float(await ask(self.meter, CHANGE, claim_id=self.ground.claim_id, text=word))


async def _in_turns(opening: Sequence[Any]) -> list[Any]:
    opened: list[Any] = []
    for start in range(0, len(opening), HANDSHAKES):
        opened += await asyncio.gather(*opening[start : start + HANDSHAKES])
    return opened


# ---- measuring --------------------------------------------------------------------------------------------------------------


def measure(size: Size) -> Report:
    """Every way, in turns, for each number of readers."""
    report = Report('push', size)
    for many in (50,) if size.slack > 1 else (300, 1000):
        _measure_with(report, size, many)
    report.save()
    return report


def _measure_with(report: Report, size: Size, many: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        bureau, office = prepare(Path(one), many, Role.HANDLER), prepare(Path(other), many)
        bare = ('raw', 'sse', *(('channels',) if find_spec('channels') else ()))
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in (*bare, 'one', 'bureau', 'office')}
        for _ in range(size.rounds):
            for mode in bare:
                with serving(('bench.push_server', '--mode', mode), '-', 0) as origin:
                    rounds[mode].append(asyncio.run(_bare(mode, origin, many)))
            for name, ground, pages in (('one', bureau, 1), ('bureau', bureau, many), ('office', office, many)):
                with copy_of(ground) as url, serving(('bench.portal_server',), url, ground.author) as origin:
                    rounds[name].append(asyncio.run(_portal(origin, ground, pages)))
    report.raw[str(many)] = rounds
    medians = {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]} for name, found in rounds.items()
    }
    _report(report, many, medians)


def _report(report: Report, many: int, found: dict[str, dict[str, float]]) -> None:
    raw, sse, lists, alone = found['raw'], found['sse'], found['bureau'], found['one']
    name = f'{many} open lists'
    times = 2.5 if many <= 300 else 3.5
    # what the change costs anyway (its record, the search index, the jobs that follow it) is measured with one list open
    each = (lists['event'] - alone['event']) / (many - 1)
    report.add(f'{name}: CPU of each further list (limit: bare broadcast)', each, 'us', limit=raw['cpu'], times=times)
    report.add(f'{name}: CPU of each further list (limit: FastAPI and SSE)', each, 'us', limit=sse['cpu'], times=1.5)
    if 'channels' in found:
        report.add(
            f'{name}: CPU of each further list (limit: Django and channels)',
            each,
            'us',
            limit=found['channels']['cpu'],
            times=1,
        )
    report.add(
        f'{name}: CPU of a change and its push, all of it', lists['event'] / 1000, 'ms', limit=alone['event'] / 1000
    )
    report.add(f'{name}: commit to list, p50', lists['p50'], 'ms', limit=raw['p50'])
    late: dict[str, float] = {'times': 1.5} if many <= 300 else {'at_most': 50}
    report.add(f'{name}: commit to list, p95', lists['p95'], 'ms', limit=raw['p95'], **late)
    report.add(f'{name}: heard by frame', lists['heard'] * 100, '%')
    report.add(f'{name} of one office, alerts and bells too: CPU each', found['office']['cpu'], 'us', limit=raw['cpu'])
    report.add(f'{name} of one office: commit to list, p95', found['office']['p95'], 'ms', limit=raw['p95'])


async def _bare(mode: str, origin: str, many: int) -> dict[str, float]:
    opening = Events.open(origin, many) if mode == 'sse' else Raw.open(origin, many)
    async with opening as way:
        return await _push(way)


async def _portal(origin: str, ground: Ground, many: int) -> dict[str, float]:
    async with Portal.open(origin, ground, many) as way:
        return await _push(way)


async def _push(way: Way) -> dict[str, float]:
    """Tell it several times; what that costs the server beyond doing nothing, for each listener, and how late it came."""
    await asyncio.sleep(SETTLE_SECONDS)
    await _tell(way, 'bench-warm')
    await asyncio.sleep(SETTLE_SECONDS)
    before, start = await way.cpu()
    await asyncio.sleep(IDLE_SECONDS)
    quiet, begun = await way.cpu()
    idle = (quiet - before) / (begun - start)
    late: list[float] = []
    for number in range(CHANGES):
        late += await _tell(way, word(number))
        await asyncio.sleep(PAUSE)
    after, end = await way.cpu()
    spent = after - quiet - idle * (end - begun)
    return {
        'event': spent * 1_000_000 / CHANGES,
        'cpu': spent * 1_000_000 / CHANGES / len(way.listeners),
        'p50': statistics.median(late),
        'p95': p95(late),
        'heard': sum(ms < 20_000 for ms in late) / len(late),
        'idle': idle * 100,
    }


async def _tell(way: Way, word: str) -> list[float]:
    for listener in way.listeners:
        listener.listen_for(word)
    committed = await way.tell(word)
    return [(moment - committed) * 1000 for moment in await heard(way.listeners)]
