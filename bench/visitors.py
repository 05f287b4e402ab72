"""Open pages without a browser: load each, hold its socket as NiceGUI's own page does, and hear when it is told something."""

import asyncio
import json
import random
import re
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

_CLIENT_ID = re.compile(r"""['"]client_id['"]: ['"]([0-9a-f-]{36})['"]""")
_NEXT_MESSAGE = re.compile(r"""['"]next_message_id['"]: (\d+)""")
_MESSAGE_ID = re.compile(r'"_id":(\d+)')
# as the meter's author writes them
_CHANGE = re.compile(r'bench-(\d+)-')
ACKNOWLEDGE_SECONDS = 3  # as nicegui.js
PATIENCE_SECONDS = 20
LONGEST_PAUSE_SECONDS = 2.0  # as maakav.js


@dataclass
class Visitor:
    """One open page."""

    origin: str
    cookie: str
    listens_for: str | None = None
    heard_at: float | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)
    # when it first heard of each change, by number, where somebody asks
    changes: dict[int, float] | None = None
    # when anything came last, and when the other side closed the socket
    bytes_at: float = 0.0
    closed_at: float | None = None
    _socket: ClientConnection | None = None
    _client_id: str = ''
    _next_message: int = 0
    _acknowledged: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self, address: str, browser: httpx.AsyncClient) -> None:
        """Load the page and shake hands."""
        page = await browser.get(f'{self.origin}{address}', headers=self._headers)
        page.raise_for_status()
        found, following = _CLIENT_ID.search(page.text), _NEXT_MESSAGE.search(page.text)
        if found is None or following is None:
            raise RuntimeError(f'{address} is no page of ours')
        self._client_id, self._next_message = found[1], int(following[1])
        answer = await self._connect()
        if not answer.startswith('40'):
            raise RuntimeError(f'{address} refused the socket: {answer!r}')
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._acknowledge())]

    async def _connect(self) -> str:
        """Open the socket of the page that is loaded; gives what it is answered."""
        query = {
            'EIO': 4,
            'transport': 'websocket',
            'client_id': self._client_id,
            'next_message_id': self._next_message,
            'implicit_handshake': 'true',
            'document_id': str(uuid.uuid4()),
            'tab_id': str(uuid.uuid4()),
            'old_tab_id': '',
        }
        self._socket = await connect(
            f'{self.origin.replace("http", "ws", 1)}/_nicegui_ws/socket.io/?{urlencode(query)}',
            additional_headers=self._headers,
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        await self._socket.recv()
        await self._socket.send('40')
        return str(await self._socket.recv())

    async def come_back(self, address: str, browser: httpx.AsyncClient) -> None:
        """Wait until the other side is gone, try the socket again and again, and load the page anew once it is answered.

        The pauses are those of Socket.IO, of which maakav.js has the longest shortened.
        """
        await self._tasks[0]
        await self.close()
        pause = 1.0
        while True:
            await asyncio.sleep(min(pause * random.uniform(0.5, 1.5), LONGEST_PAUSE_SECONDS))
            pause *= 2
            with suppress(OSError, ConnectionClosed, InvalidHandshake):
                if (await self._connect()).startswith('40'):
                    raise RuntimeError('the page was known after a restart')
                break
        await self.close()
        await self.open(address, browser)

    @property
    def _headers(self) -> dict[str, str]:
        return {'Cookie': f'sid={self.cookie}', 'Origin': self.origin}

    def listen_for(self, text: str) -> None:
        """From now on wait for a message with this in it."""
        self.listens_for, self.heard_at = text, None
        self.told.clear()

    async def _listen(self) -> None:
        assert self._socket is not None
        with suppress(ConnectionClosed):
            async for message in self._socket:
                text, self.bytes_at = str(message), time.monotonic()
                if text == '2':
                    await self._socket.send('3')
                elif text.startswith('42'):
                    self._hear(text)
        self.closed_at = time.monotonic()

    def _hear(self, text: str) -> None:
        if self.listens_for is not None and self.heard_at is None and self.listens_for in text:
            self.heard_at = time.monotonic()
            self.told.set()
        if self.changes is not None:
            for number in _CHANGE.findall(text):
                self.changes.setdefault(int(number), time.monotonic())
        for number in _MESSAGE_ID.findall(text):
            self._next_message = max(self._next_message, int(number) + 1)

    async def _acknowledge(self) -> None:
        assert self._socket is not None
        with suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(ACKNOWLEDGE_SECONDS)
                if self._acknowledged < self._next_message:
                    told = {'client_id': self._client_id, 'next_message_id': self._next_message}
                    await self._socket.send(f'42{json.dumps(["ack", told])}')
                    self._acknowledged = self._next_message

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            await self._socket.close()


@asynccontextmanager
async def open_pages(origin: str, address: str, cookies: Sequence[str]) -> AsyncIterator[list[Visitor]]:
    """A page for each cookie, opened a few at a time."""
    visitors, turns = [Visitor(origin, cookie) for cookie in cookies], asyncio.Semaphore(4)
    async with httpx.AsyncClient(timeout=60) as browser:

        async def enter(visitor: Visitor) -> None:
            async with turns:
                await visitor.open(address, browser)

        await asyncio.gather(*map(enter, visitors))
    try:
        yield visitors
    finally:
        await asyncio.gather(*(visitor.close() for visitor in visitors))


class Listener(Protocol):
    """Somebody who waits for a message."""

    heard_at: float | None
    told: asyncio.Event

    def listen_for(self, text: str) -> None:
        """From now on wait for a message with this in it."""


async def heard(visitors: Sequence[Listener]) -> list[float]:
    """When each of them was told what they listen for; those who never are count as told when patience ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(visitor.told.wait() for visitor in visitors))
    return [visitor.heard_at or time.monotonic() for visitor in visitors]
