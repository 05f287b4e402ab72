"""What the push of a row is compared with: the same words broadcast on bare websockets, or sent as events by a plain FastAPI app."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from websockets.asyncio.server import ServerConnection, broadcast, serve

TELL, METER, LINE = '/api/bench/tell', '/api/bench/meter', '/line'
# as long as a row of the list
WORDS = 'x' * 1000


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--mode', choices=('raw', 'sse'), required=True)
    for name in ('port', 'author'):
        parser.add_argument(f'--{name}', type=int, required=True)
    parser.add_argument('--url', required=True)
    given = parser.parse_args()
    if given.mode == 'raw':
        asyncio.run(_raw(given.port))
    else:
        uvicorn.run(_plain(), host='127.0.0.1', port=given.port, access_log=False, log_level='error')


def _meter() -> dict[str, float]:
    return {'cpu': time.process_time(), 'moment': time.monotonic()}


async def _raw(port: int) -> None:
    """Bare websockets, asked and told on a socket too: whoever says a word has it broadcast, whoever says none is asked nothing."""
    lines: set[ServerConnection] = set()

    async def answer(line: ServerConnection) -> None:
        lines.add(line)
        try:
            async for word in line:
                if word == METER:
                    await line.send(f'{time.process_time()} {time.monotonic()}')
                else:
                    lines.discard(line)
                    moment = time.monotonic()
                    broadcast(lines, f'{word!s}{WORDS}')
                    await line.send(str(moment))
        finally:
            lines.discard(line)

    async with serve(answer, '127.0.0.1', port, compression=None, ping_interval=None) as server:
        await server.serve_forever()


def _plain() -> FastAPI:
    """The usual way: a queue for each stream, and a generator that waits on it."""
    portal = FastAPI(openapi_url=None)
    streams: set[asyncio.Queue[bytes]] = set()

    @portal.get(LINE)
    async def follow() -> StreamingResponse:
        return StreamingResponse(_events(streams), media_type='text/event-stream')

    @portal.get(METER)
    async def meter() -> dict[str, float]:
        return _meter()

    @portal.get(TELL)
    async def tell(word: str) -> float:
        moment, event = time.monotonic(), f'data: {word}{WORDS}\n\n'.encode()
        for stream in streams:
            stream.put_nowait(event)
        return moment

    return portal


async def _events(streams: set[asyncio.Queue[bytes]]) -> AsyncIterator[bytes]:
    stream: asyncio.Queue[bytes] = asyncio.Queue()
    streams.add(stream)
    try:
        yield b': here\n\n'
        while True:
            yield await stream.get()
    finally:
        streams.discard(stream)


if __name__ == '__main__':
    main()
