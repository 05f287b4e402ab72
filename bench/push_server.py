"""What the push of a row is compared with: the same words broadcast on bare websockets, or sent as events by a plain FastAPI app."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp
from websockets.asyncio.server import ServerConnection, broadcast, serve

TELL, METER, LINE = '/api/bench/tell', '/api/bench/meter', '/line'
# as long as a row of the list
WORDS = 'x' * 1000


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--mode', choices=('raw', 'sse', 'channels'), required=True)
    for name in ('port', 'author'):
        parser.add_argument(f'--{name}', type=int, required=True)
    parser.add_argument('--url', required=True)
    given = parser.parse_args()
    if given.mode == 'raw':
        asyncio.run(_raw(given.port))
        return
    kept: dict[str, Any] = {'ws': 'websockets-sansio', 'ws_per_message_deflate': False, 'lifespan': 'off'}
    app = _plain() if given.mode == 'sse' else _channels()
    uvicorn.run(app, host='127.0.0.1', port=given.port, access_log=False, log_level='error', **kept)


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


def _channels() -> ASGIApp:
    """Django with channels, which is not among our requirements: a group in memory, and everybody's consumer in it."""
    import django  # noqa: PLC0415 - only where it is installed
    from django.conf import settings  # noqa: PLC0415

    layers = {'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}}
    settings.configure(SECRET_KEY='bench', ALLOWED_HOSTS=['*'], INSTALLED_APPS=['channels'], CHANNEL_LAYERS=layers)
    django.setup()
    from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: PLC0415 - after the settings
    from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: PLC0415
    from django.urls import re_path  # noqa: PLC0415

    class Follower(AsyncWebsocketConsumer):  # type: ignore[misc]
        async def connect(self) -> None:
            await self.channel_layer.group_add('lines', self.channel_name)
            await self.accept()

        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard('lines', self.channel_name)

        async def receive(self, text_data: str = '', bytes_data: bytes = b'') -> None:
            if text_data == METER:
                await self.send(f'{time.process_time()} {time.monotonic()}')
                return
            await self.channel_layer.group_discard('lines', self.channel_name)
            moment = time.monotonic()
            await self.channel_layer.group_send('lines', {'type': 'told', 'text': f'{text_data}{WORDS}'})
            await self.send(str(moment))

        async def told(self, event: dict[str, str]) -> None:
            await self.send(event['text'])

    app: ASGIApp = ProtocolTypeRouter({'websocket': URLRouter([re_path('', Follower.as_asgi())])})
    return app


if __name__ == '__main__':
    main()
