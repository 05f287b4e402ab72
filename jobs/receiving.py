"""A file on its way in: the body of a request, whoever sends it, becomes a file in the store's incoming folder, piece by piece.

It is never in memory as a whole, and gone afterwards unless the store took it over.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

from db import files, meters
from db.documents import Arrived
from jobs import children, intake
from jobs.intake import Refused, Uploaded

P = ParamSpec('P')
T = TypeVar('T')

# a line that says nothing for so long is given up
PATIENCE_SECONDS = 60
PIECE = 512 * 1024

# apart from each other: a slow disk holds up no inspection
disk = ThreadPoolExecutor(6, thread_name_prefix='disk')
_inspecting = ThreadPoolExecutor(children.CHILDREN, thread_name_prefix='intake')


async def in_thread(threads: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it in one of these threads."""
    return await asyncio.get_running_loop().run_in_executor(threads, partial(call, *args, **kwargs))


def announced_size(length: str) -> int:
    """How many bytes a request says it brings; 0 when it does not say. Raises `Refused` when that is too much already."""
    size = int(length) if length.isdecimal() else 0
    if size > intake.MOST_BYTES:
        raise Refused('too_big')
    return size


@asynccontextmanager
async def received(body: AsyncIterable[bytes], name: str) -> AsyncIterator[Uploaded]:
    """The body as a file in the store's incoming folder."""
    with ExitStack() as stack:
        path, file = await in_thread(disk, stack.enter_context, files.new_file(files.store()))
        digest, size = hashlib.sha256(), 0
        async for piece in _pieces_of(body):
            size += len(piece)
            if size > intake.MOST_BYTES:
                raise Refused('too_big')
            await in_thread(disk, _write, file, digest, piece)
        await in_thread(disk, file.flush)
        yield Uploaded(Path(path), size, digest.hexdigest(), name)


async def inspected(uploaded: Uploaded, clamd_url: str) -> Arrived:
    """Look at it from all sides and keep it; raises `Refused`."""
    try:
        arrived = await in_thread(_inspecting, intake.take_in, uploaded, files.store(), clamd_url)
    except Refused as refused:
        meters.uploads.labels(refused.why).inc()
        raise
    meters.uploads.labels('taken').inc()
    return arrived


async def _pieces_of(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The body in pieces worth a trip to a thread."""
    waiting = bytearray()
    async with asyncio.timeout(PATIENCE_SECONDS) as patience:
        async for piece in body:
            patience.reschedule(asyncio.get_running_loop().time() + PATIENCE_SECONDS)
            waiting += piece
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


def _write(file: BinaryIO, digest: Any, piece: bytes) -> None:
    file.write(piece)
    digest.update(piece)
