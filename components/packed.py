"""Answers travel packed: what never changes under its address once and as tightly as it can be, everything else quickly."""

import asyncio
from typing import Any

import brotli
from nicegui import background_tasks, run
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.guard import ASSETS

try:
    from isal import isal_zlib as zlib  # a list takes it a tenth of the time, and comes out no larger
except ImportError:  # not made for every machine
    import zlib  # type: ignore[no-redef]

# more than all assets there are; nobody fills the memory with addresses of his own
MOST = 500
_WORTH_IT = ('text/', 'application/javascript', 'application/json', 'image/svg')
_OF_ONE_REQUEST = ('content-length', 'etag', 'x-request-id', 'date')

Kept = tuple[list[tuple[bytes, bytes]], bytes]


def pack(portal: Starlette) -> None:
    """Have all answers packed, outside the guard: it must read pages to mark their scripts."""
    portal.add_middleware(QuicklyPacked, minimum_size=1000)
    portal.add_middleware(Packed)


class QuicklyPacked(GZipMiddleware):
    """Packs what is made anew for each request, for whoever understands it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, and pack what comes back."""
        if scope['type'] == 'http' and 'gzip' in Headers(scope=scope).get('accept-encoding', ''):
            await _Quick(self.app, self.minimum_size)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Quick(GZipResponder):
    @property
    def compressor(self) -> Any:
        if self._compressor is None:
            self._compressor = zlib.compressobj(2, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # type: ignore[assignment]
        return self._compressor


class Packed:
    """Keeps assets packed tightly: whoever comes for the first time loads a fifth less.

    Stands before everything; what it does not have it lets through, and packs it meanwhile for the next one.
    """

    def __init__(self, app: ASGIApp) -> None:
        """`app` serves the assets as they are."""
        self.app = app
        self._kept: dict[str, Kept] = {}
        self._seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what is packed, or let through."""
        if not _may_have_it_packed(scope):
            await self.app(scope, receive, send)
            return
        path = scope['path']
        if path in self._kept:
            headers, body = self._kept[path]
            await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
            await send({'type': 'http.response.body', 'body': body})
            return
        outcome = _Watched(send)
        await self.app(scope, receive, outcome)
        if outcome.status == 200 and path not in self._seen and len(self._seen) < MOST:
            self._seen.add(path)
            self._packing = background_tasks.create(self._pack(scope), name='pack an asset')

    async def _pack(self, scope: Scope) -> None:
        """Ask for it once more, as it is, and keep it when it is worth it."""
        plain = [pair for pair in scope['headers'] if pair[0] != b'accept-encoding']
        answer = _Answer()
        await self.app({**scope, 'headers': plain}, _Silence(), answer)
        if answer.status == 200 and answer.headers.get('content-type', '').startswith(_WORTH_IT):
            body = await run.io_bound(brotli.compress, answer.body)
            if body is None:  # the server is about to end
                return
            headers = MutableHeaders(
                raw=[pair for pair in answer.headers.raw if pair[0].decode() not in _OF_ONE_REQUEST]
            )
            headers['Content-Encoding'] = 'br'
            headers['Content-Length'] = str(len(body))
            headers.add_vary_header('Accept-Encoding')
            self._kept[scope['path']] = headers.raw, body


def _may_have_it_packed(scope: Scope) -> bool:
    if scope['type'] != 'http' or scope['method'] != 'GET' or scope['query_string']:
        return False
    headers = Headers(scope=scope)
    understood = [name.split(';')[0].strip() for name in headers.get('accept-encoding', '').split(',')]
    in_part = 'range' in headers or 'if-none-match' in headers or 'if-modified-since' in headers
    return scope['path'].startswith(ASSETS) and 'br' in understood and not in_part


class _Watched:
    """Sends on, and knows how it went."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self.status = message['status']
        await self._send(message)


class _Answer:
    """What the app answers, put together."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, Headers(), b''

    async def __call__(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            self.status, self.headers = message['status'], Headers(raw=list(message['headers']))
        elif message['type'] == 'http.response.body':
            self.body += message.get('body', b'')


class _Silence:
    """A visitor who asks for nothing more and does not go."""

    def __init__(self) -> None:
        self._has_asked = False

    async def __call__(self) -> Message:
        if self._has_asked:
            await asyncio.Event().wait()
        self._has_asked = True
        return {'type': 'http.request', 'body': b'', 'more_body': False}
