"""The end of what people have open: a restart under a hundred pages, and an account closed while fifty of its pages are told of changes."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx

from bench.figures import Report, Size, seconds_of
from bench.live import Ground, copy_of, prepare
from bench.meter import CHANGING, DISABLE
from bench.serving import ask, free_port, serving, wait_for
from bench.visitors import open_pages

PAGES, OF_ONE, A_SECOND, ROUNDS = 100, 50, 10, 5
# how long changes go on, before the account is closed and after it
BEFORE, AFTER = 2.0, 4.0


def measure(size: Size) -> Report:
    """The same with every size: the goals name the numbers."""
    report = Report('leaving', size)
    with tempfile.TemporaryDirectory() as folder:
        ground = prepare(Path(folder), PAGES)
        left, back = zip(*(_restart(ground) for _ in range(ROUNDS)), strict=True)
        closings = [_closing(ground) for _ in range(ROUNDS)]
    report.add(f'SIGTERM with {PAGES} lists open: until the server is gone', max(left), 's', at_most=5)
    report.add(f'the server is up again: until all {PAGES} lists are open again', max(back), 's', at_most=5)
    lasts, ends = (list(column) for column in zip(*closings, strict=True))
    name = f'closed while {OF_ONE} pages hear of {A_SECOND} changes a second'
    report.add(f'{name}: the last byte after it, worst', max(lasts), 'ms', at_most=1000)
    report.add(f'{name}: until all sockets are closed, median', median(ends), 'ms')
    report.raw = {'left': left, 'back': back, 'last bytes': lasts, 'closed': ends}
    report.save()
    return report


# ---- a restart --------------------------------------------------------------------------------------------------------------


def _restart(ground: Ground) -> tuple[float, float]:
    """How many seconds the server takes to leave, and all pages to come back once it is up."""
    port = free_port()
    with copy_of(ground) as url, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_left_and_back(url, folder, port, ground.cookies))


async def _left_and_back(url: str, folder: str, port: int, cookies: Sequence[str]) -> tuple[float, float]:
    """The pages that were open wait, and come back by themselves."""
    origin = f'http://127.0.0.1:{port}'
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        with _portal(url, folder, port) as server:
            visitors = await stack.enter_async_context(open_pages(origin, '/', cookies))
            returns = asyncio.gather(*(visitor.come_back('/', browser) for visitor in visitors))
            server.send_signal(signal.SIGTERM)
            left = await asyncio.to_thread(lambda: seconds_of(lambda: server.wait(30)))
        # the loop goes on meanwhile: they try, and find nobody
        await asyncio.to_thread(stack.enter_context, _portal(url, folder, port))
        begun = time.monotonic()
        await returns
        return left, time.monotonic() - begun


@contextmanager
def _portal(url: str, folder: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The product itself, as `make run` starts it."""
    settings = {'HOST': '127.0.0.1', 'PORT': str(port), 'DATA_DIR': folder, 'DATABASE_URL': url, 'BACKUP_HOURS': '0'}
    command = [sys.executable, '-m', 'app']
    with subprocess.Popen(
        command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as server:
        try:
            wait_for(server, port)
            yield server
        finally:
            server.kill()


# ---- an account is closed ---------------------------------------------------------------------------------------------------


def _closing(ground: Ground) -> tuple[float, float]:
    """How many ms after an account was closed its pages heard the last byte, and the last socket was closed."""
    with copy_of(ground) as url, serving(('bench.portal_server',), url, ground.author) as origin:
        return asyncio.run(_closed(ground, origin))


async def _closed(ground: Ground, origin: str) -> tuple[float, float]:
    meter = httpx.AsyncClient(base_url=origin, timeout=60, cookies={'sid': ground.cookies[1]})
    pages = open_pages(origin, f'/claims/{ground.claim_no}', [ground.cookies[0]] * OF_ONE)
    async with meter, pages as visitors:
        asked = {'claims': str(ground.claim_id), 'a_second': A_SECOND, 'seconds': BEFORE + AFTER}
        changing = asyncio.create_task(ask(meter, CHANGING, **asked))
        await asyncio.sleep(BEFORE)
        at = await ask(meter, DISABLE, user_id=ground.reader)
        changes = await changing
        told = [visitor.bytes_at for visitor in visitors]
        if min(told) < at - 1 or max(changes) < at + AFTER / 2:
            raise RuntimeError('nobody was told of changes until the account was closed, or none followed')
        ends = [visitor.closed_at for visitor in visitors]
        if None in ends:
            raise RuntimeError('a page of a closed account kept its socket')
    return max(0.0, max(told) - at) * 1000, (max(end or 0.0 for end in ends) - at) * 1000
