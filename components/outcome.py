"""What becomes of a request: its number, how long it took, and one line in the log when it failed, without its address."""

import time
from collections.abc import Callable
from secrets import token_hex

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from db import meters

log = structlog.get_logger(__name__)

# what an address is called in log and figures; numbers of claims and tokens are nobody's business there
_KINDS = frozenset(
    {
        'static',
        'login',
        'logout',
        'files',
        'claims',
        'messages',
        'cheques',
        'alerts',
        'work',
        'import',
        'admin',
        'account',
    }
    | {'t', 'setup', 'api', 'healthz', 'readyz', 'csp-report', '_nicegui', '_nicegui_ws'}
)


class Outcome:
    """Sends an answer on under the number of its request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        """The request has just come."""
        self._scope, self._send, self._begun, self._method = scope, send, time.monotonic(), scope['method']
        first = scope['path'].split('/')[1]
        self._kind = first if first in _KINDS else 'other' if first else 'list'
        self.request, self._status = token_hex(6), 0

    async def __call__(self, message: Message) -> None:
        """Send on, and measure until the answer begins."""
        if message['type'] == 'http.response.start':
            self._status = message['status']
            meters.http_seconds.labels(self._kind, f'{self._status // 100}xx').observe(time.monotonic() - self._begun)
            message = {**message, 'headers': [*message['headers'], (b'x-request-id', self.request.encode())]}
        await self._send(message)

    def write_down(self) -> None:
        """Nothing is written of what went well."""
        if self._status >= 400:
            write = log.error if self._status >= 500 else log.info
            write('request failed', method=self._method, kind=self._kind, status=self._status)

    async def break_off(
        self, error: Exception, answer: Callable[[str], Response], receive: Receive, send: Send
    ) -> None:
        """Something broke that nobody expected: its whole story stands in the log, the visitor gets its number in an answer."""
        started = self._status
        log.error('request failed', method=self._method, kind=self._kind, status=started or 500, exc_info=error)
        if started:
            raise ConnectionAbortedError('broke off in the middle of an answer') from None
        await answer(self.request)(self._scope, receive, send)
