"""The guard before every request and socket: session, origin, sizes, whose page it is, and the headers that protect it."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from nicegui import __version__, background_tasks, core
from nicegui import json as nicegui_json
from nicegui.nicegui import sio_app
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from components import accesses, sessions, sockets
from components.accesses import Seen
from components.looking import LOOK_AS, STOP_LOOKING, banner_html, looking_refused
from components.outcome import Outcome
from components.plain import plain_page
from components.sessions import refuse
from db.access_log import LOOK
from db.doorbell import Notice, on_notice
from db.identity import SignedIn, hash_of
from db.settings import Settings
from db.texts import t

log = logging.getLogger(__name__)

OPEN_PAGES = frozenset(
    {'/login', '/login/code', '/forgot', '/logout', '/healthz', '/readyz', '/csp-report', '/accessibility'}
    | {'/favicon.ico', '/robots.txt', '/manifest.webmanifest', '/sw.js', '/offline.html'}
)
SOCKETS = '/_nicegui_ws'
ASSETS = ('/static/', f'/_nicegui/{__version__}/')
BY_LINK = '/t/'
BY_KEY = '/api/v1/'
OPEN_FOLDERS = (*ASSETS, '/setup/', BY_LINK, BY_KEY)
NO_PAGES = ('/api/', '/files/', '/_nicegui')

SAFE_METHODS = frozenset({'GET', 'HEAD', 'OPTIONS'})
FORM_LIMIT, UPLOAD_LIMIT, BODY_LIMIT = 64 * 1024, 6 * 1024 * 1024, 1024 * 1024
DOCUMENT_LIMIT = 26 * 1024 * 1024  # the route stops at 25 MB itself, and says so in words
SOCKET_MESSAGE_LIMIT, SOCKET_MESSAGES_A_SECOND = 256 * 1024, 200
PAGES_WAITING_LIMIT = 20
CHOOSE_ANOTHER = '/account/password'  # where somebody lands who must choose another password
SET_UP = '/account/two-factor'  # and who must set up the second step of signing in
OWN_PAGES = '/account'
FORMS = ('/login', '/forgot', '/logout', '/setup/', '/account/', '/csp-report', LOOK_AS, BY_LINK)


def cookie_name(secure: bool, name: str = 'sid') -> str:
    """The name of a cookie of ours; the prefix makes browsers refuse one that another host tries to plant."""
    return f'__Host-{name}' if secure else name


def same_site_path(target: str | None) -> str:
    """An address of our own to go on to after signing in; anything else becomes the first page."""
    if not target or len(target) > 2000 or not re.fullmatch(r'/(?![/\\])[^\\\x00-\x20\x7f]*', target):
        return '/'
    parts = urlsplit(target)
    return '/' if parts.scheme or parts.netloc or parts.path in OPEN_PAGES else target


def protect(portal: Starlette, settings: Settings) -> None:
    """Put the guard before everything the app answers, also what is mounted on it."""
    sessions.configure(timedelta(hours=settings.session_idle_hours))
    portal.add_middleware(Guard, settings=settings, routes=portal.routes)
    # it would write down each socket's address, and with it whose page it is
    logging.getLogger('uvicorn.error').addFilter(_tells_no_socket)


def _tells_no_socket(record: logging.LogRecord) -> bool:
    return 'WebSocket' not in str(record.msg)


def start() -> Callable[[], None]:
    """Begin to watch, on the loop, once NiceGUI has started; returns the way out."""
    sessions.forget()
    sockets.take_over()
    watching = background_tasks.create(sockets.watch(), name='watch over the sessions')
    stop_hearing = on_notice(_hear)

    def stop() -> None:
        stop_hearing()
        watching.cancel()

    return stop


def forget_sessions_of(_: int | None) -> None:
    """A person changed something of his own: the very next request shall see it."""
    sessions.forget()


def _hear(notice: Notice) -> None:
    """In the thread that committed: cross over to the loop."""
    if notice.kind == 'access' and core.loop is not None and not core.loop.is_closed():
        core.loop.call_soon_threadsafe(sockets.on_access, notice.user_id)


# NiceGUI would write the one's value into the page; for the other it would send pages that we cannot read
_DROPPED = (b'x-forwarded-prefix', b'accept-encoding')


class Guard:
    """Stands before the whole app; what comes through carries `request.state.session` (None for strangers) and `base_url`."""

    def __init__(self, app: ASGIApp, *, settings: Settings, routes: Sequence[BaseRoute] = ()) -> None:
        """`settings` say where we live and whether cookies travel over TLS only; `routes` are those of the app."""
        self.app = app
        self.routes = routes
        self.secure = settings.secure_cookies
        self.origin = settings.base_url
        self.cookie = cookie_name(self.secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or turn away."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        kept = [pair for pair in scope['headers'] if pair[0] not in _DROPPED]
        scope = {
            **scope,
            'headers': kept,
            'state': {**scope.get('state', {}), 'session': None, 'base_url': self.origin},
        }
        headers = Headers(scope=scope)
        # a program brings a key of its own there, which the route looks at: a browser's cookie opens nothing, so nobody else can make it
        if not scope['path'].startswith((*ASSETS, BY_KEY)):
            scope['state']['session'] = await self._session(headers)
        if scope['type'] == 'websocket':
            await self._admit_socket(scope, headers, receive, send)
        else:
            await self._admit_request(scope, headers, receive, send)

    async def _session(self, headers: Headers) -> SignedIn | None:
        token = cookie_parser(headers.get('cookie', '')).get(self.cookie, '')
        return await sessions.find(hash_of(token)) if 20 < len(token) < 100 else None

    # ---- requests -----------------------------------------------------------------------------------------------------------

    async def _admit_request(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        # the address of a page by link is its key: reports of the browser, which name it, would carry it into the log
        reports = not scope['path'].startswith(BY_LINK)
        told, session = Outcome(scope, send), scope['state']['session']
        who = session.told if session is not None else {'user': None, 'office': None}
        banner = banner_html(session) if session is not None else ''
        protect = _Protected(told, self._headers(), partial(self._policy, reports=reports), banner)
        with bound_contextvars(request=told.request, **who):
            try:
                await self._answer(scope, headers, receive, protect)
                told.write_down()
            except Exception as error:  # noqa: BLE001 - whatever it is, it ends here, in one line of the log
                await told.break_off(error, partial(_broken, scope, headers), receive, protect)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, protect: '_Protected') -> None:
        answer = self._refusal(scope, headers)
        if answer is None and scope['path'] == '/csp-report' and scope['method'] == 'POST':
            answer = await _csp_report(receive)
        if answer is not None:
            await answer(scope, receive, protect)
            return
        session: SignedIn | None = scope['state']['session']
        if session is not None and not scope['path'].startswith(f'{SOCKETS}/'):
            sessions.in_use(session.token_hash)
        await self.app(scope, _limited(receive, _limit(scope['path'])), protect)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        # a page by link is opened by its own token, and no cookie counts there: nobody else's can be made to send it
        by_itself = scope['path'].startswith((BY_LINK, BY_KEY))
        if scope['method'] not in SAFE_METHODS and not by_itself and not self._from_here(headers):
            refuse('cross-origin')
            return PlainTextResponse('cross-origin', 403)
        # of what a program sends nothing is read
        if _announced(headers) > _limit(scope['path']) and not scope['path'].startswith(BY_KEY):
            refuse('too large')
            return PlainTextResponse('too large', 413)
        session: SignedIn | None = scope['state']['session']
        if scope['path'] in OPEN_PAGES or scope['path'].startswith(OPEN_FOLDERS):
            return None if session is not None or self._is_something(scope) else PlainTextResponse('not found', 404)
        return _refuse_stranger(scope) if session is None else _refuse_foreign(scope, session)

    def _is_something(self, scope: Scope) -> bool:
        """Whether there is such an address: for one that leads nowhere NiceGUI would build a page, even for a stranger."""
        plain = [route for route in self.routes if not (isinstance(route, Mount) and route.app is core.app)]
        return any(route.matches(scope)[0] is not Match.NONE for route in (*plain, *core.app.routes))

    def _from_here(self, headers: Headers) -> bool:
        """Whether a browser sends this from a page of ours. Programs send neither header; they have no cookie to steal."""
        if headers.get('sec-fetch-site', 'same-origin') not in ('same-origin', 'none'):
            return False
        origin = headers.get('origin')
        if origin is None or origin == self.origin:
            return True
        parts = urlsplit(origin)
        return parts.netloc == headers.get('host') and parts.scheme in (
            ('https',) if self.secure else ('http', 'https')
        )

    def _headers(self) -> dict[str, str]:
        headers = {
            'X-Content-Type-Options': 'nosniff',
            'Referrer-Policy': 'same-origin',
            'Cross-Origin-Opener-Policy': 'same-origin',
            'Cross-Origin-Resource-Policy': 'same-origin',
            'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
        }
        return {**headers, 'Strict-Transport-Security': 'max-age=31536000'} if self.secure else headers

    def _policy(self, nonce: str, *, reports: bool = True) -> str:
        # Vue compiles templates in the page, so eval stays; what an injected tag brings along does not run
        socket = self.origin.replace('http', 'ws', 1)
        return (
            f"default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
            f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {socket}; object-src 'none'; "
            "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
            + ('; report-uri /csp-report' if reports else '')
        )

    # ---- sockets ------------------------------------------------------------------------------------------------------------

    async def _admit_socket(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        session: SignedIn | None = scope['state']['session']
        if not scope['path'].startswith(f'{SOCKETS}/') or not self._from_here(headers) or _foreign_connection(scope):
            refuse('foreign socket')
            await receive()
            await send({'type': 'websocket.close', 'code': 1008})
        elif session is None:
            refuse('signed out')
            await _tell_to_reload(receive, send)
        else:
            line = Line(receive, send)
            scope['state']['line'] = line
            # what else the app has looks at requests alone, and two dozen frames of it would stay for as long as the page is open
            await sio_app({**scope, 'root_path': SOCKETS}, line.receive, line.send)


def _refuse_stranger(scope: Scope) -> Response:
    path = scope['path']
    if scope['method'] in ('GET', 'HEAD') and not path.startswith(NO_PAGES):
        query = scope['query_string'].decode('latin-1')
        target = same_site_path(f'{quote(path)}?{query}' if query else quote(path))
        return RedirectResponse('/login' if target == '/' else f'/login?next={quote(target, safe="")}', 303)
    refuse('stranger')
    return JSONResponse({'error': 'sign in first'}, 401)


def _refuse_unfinished(scope: Scope, session: SignedIn) -> Response | None:
    """Whoever has something to do before anything else is led there."""
    path: str = scope['path']
    if session.must_change and path != CHOOSE_ANOTHER:
        refuse('password to be changed')
        return RedirectResponse(CHOOSE_ANOTHER, 303) if scope['method'] == 'GET' else PlainTextResponse('password', 403)
    if session.must_set_up and path not in (CHOOSE_ANOTHER, SET_UP, f'{SET_UP}/start'):
        refuse('two-step verification to be set up')
        return RedirectResponse(SET_UP, 303) if scope['method'] == 'GET' else PlainTextResponse('two steps', 403)
    return None


def _refuse_looking(scope: Scope, session: SignedIn) -> Response | None:
    """Whoever looks as an agent sends nothing but that he stops, and sees nothing of how that agent signs in."""
    path: str = scope['path']
    if not session.actor.only_looks or path == STOP_LOOKING or path.startswith(f'{SOCKETS}/'):
        return None
    reads = scope['method'] in SAFE_METHODS
    if reads and path != OWN_PAGES and not path.startswith(f'{OWN_PAGES}/'):
        return None
    refuse('only looking')
    if path == LOOK_AS and not reads:
        accesses.note(session.actor, Seen(LOOK, granted=False))
    return looking_refused(session.actor, as_page=not path.startswith(NO_PAGES), reads=reads)


def _refuse_foreign(scope: Scope, session: SignedIn) -> Response | None:
    path: str = scope['path']
    if refusal := _refuse_unfinished(scope, session) or _refuse_looking(scope, session):
        return refusal
    if path.startswith('/_nicegui/client/') and not sockets.owns(session, path.split('/')[3]):
        refuse('foreign page')
        return PlainTextResponse('not your page', 403)
    if path.startswith(f'{SOCKETS}/') and _foreign_connection(scope):
        refuse('foreign socket')
        return PlainTextResponse('not your page', 403)
    if not path.startswith(NO_PAGES) and scope['method'] == 'GET' and _too_many_waiting(session):
        refuse('too many pages')
        return _too_many_pages(session.actor.language)
    return None


def _broken(scope: Scope, headers: Headers, number: str) -> Response:
    """What somebody gets of an answer that broke: a page in his language, from which he can try again; the words alone where no page is read."""
    session: SignedIn | None = scope['state']['session']
    reader = session.actor.language if session is not None else 'he'
    if 'text/html' in headers.get('accept', ''):
        return HTMLResponse(plain_page('error.html', reader, error_id=number, address=_again(scope)), 500)
    words = t('Something went wrong on our side. Error no. {number}', reader, number=number)
    return PlainTextResponse(words, 500)


def _again(scope: Scope) -> str:
    """Where one tries again: the same page, or where the form was."""
    path: str = scope['path']
    same = (scope['method'] in SAFE_METHODS or path.startswith(BY_LINK)) and not path.startswith('//')
    query = scope['query_string'].decode('latin-1')
    return f'{quote(path)}?{query}'.removesuffix('?') if same else '/'


def _too_many_pages(reader: str) -> Response:
    told = {
        'title': t('Too many pages at once', reader),
        'text': t('Please wait a minute, then open it again.', reader),
    }
    page = plain_page('message.html', reader, **told, button=t('To the claims', reader), address='/')
    return HTMLResponse(page, 429, {'Retry-After': '60'})


def _too_many_waiting(session: SignedIn) -> bool:
    return sockets.pages_waiting(session) >= PAGES_WAITING_LIMIT


def _foreign_connection(scope: Scope) -> bool:
    """Whether a request goes on with a connection that another session opened."""
    engine_ids = parse_qs(scope['query_string'].decode('latin-1')).get('sid', [])
    session: SignedIn | None = scope['state']['session']
    owners = [sockets.session_of_connection(engine_id) for engine_id in engine_ids]
    return any(session is None or owner is None or owner.token_hash != session.token_hash for owner in owners)


# ---- bodies -----------------------------------------------------------------------------------------------------------------


def _limit(path: str) -> int:
    if path.startswith(f'{SOCKETS}/'):
        return SOCKET_MESSAGE_LIMIT
    if path.startswith('/_nicegui/client/'):
        return UPLOAD_LIMIT
    if path.startswith(('/files/claims/', '/files/imports')) or (
        path.startswith(BY_LINK) and path.endswith(('/photo', '/document'))
    ):
        return DOCUMENT_LIMIT
    return FORM_LIMIT if path.startswith(FORMS) else BODY_LIMIT


def _announced(headers: Headers) -> int:
    length = headers.get('content-length', '0')
    return int(length) if length.isdecimal() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """A body that says nothing of its size, or lies, is cut at the limit."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get('body', b''))
        if received > limit:
            refuse('too large')
            raise HTTPException(413, 'too large')
        return message

    return receive_limited


async def _csp_report(receive: Receive) -> Response:
    """A browser tells that it kept something from running."""
    body = (await receive()).get('body', b'')
    refuse('content policy')
    if _may_report():
        log.warning('content policy: %s', _named_in_report(body))
    return Response(status_code=204)


def _named_in_report(body: bytes) -> str:
    """Which rule kept what kind of thing from running: the addresses in a report say too much about people."""
    try:
        told = dict(json.loads(body)['csp-report'])
    except (ValueError, KeyError, TypeError):
        return 'a report nobody can read'
    rule = re.sub(r'[^a-z-]', '', str(told.get('effective-directive') or told.get('violated-directive'))[:60])
    blocked = urlsplit(str(told.get('blocked-uri'))[:200])
    return f'{rule} {blocked.scheme or "inline"} {blocked.hostname or ""}'.strip()


def _may_report() -> bool:
    """At most one line in ten seconds: a page full of violations reports each."""
    global _last_report  # noqa: PLW0603 - one clock for all
    quiet = time.monotonic() - _last_report > 10
    _last_report = time.monotonic() if quiet else _last_report
    return quiet


_last_report = -10.0


class _Protected:
    """Sends an answer on with the protecting headers; pages also get a nonce on each script they bring themselves."""

    def __init__(self, send: Send, headers: dict[str, str], policy: Callable[[str], str], banner: str = '') -> None:
        self.send = send
        self.banner = banner.encode()
        self.headers = headers
        self.policy = policy
        self.start: Message | None = None
        self.body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message['type'] == 'http.response.start':
            await self._begin(message)
        elif message['type'] == 'http.response.body' and self.start is not None:
            self.body.append(message.get('body', b''))
            if not message.get('more_body', False):
                await self._finish(self.start)
        else:
            await self.send(message)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(raw=list(message['headers']))
        for name, value in self.headers.items():
            headers.setdefault(name, value)
        is_page = headers.get('content-type', '').startswith('text/html') and 'content-encoding' not in headers
        own_policy = 'content-security-policy' in headers
        if not own_policy:
            headers['X-Frame-Options'] = 'DENY'
        if is_page:
            headers.setdefault('Cache-Control', 'no-store')
        elif not own_policy:
            headers['Content-Security-Policy'] = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
        message = {**message, 'headers': headers.raw}
        if is_page and not own_policy:
            self.start = message
        else:
            await self.send(message)

    async def _finish(self, start: Message) -> None:
        # what people wrote is escaped everywhere, so a `<script` in the page is always ours
        nonce = token_urlsafe(16)
        body = re.sub(rb'<script(?=[\s>])', f'<script nonce="{nonce}"'.encode(), b''.join(self.body))
        if self.banner:  # every page says it, whichever way it is made
            body = re.sub(rb'<body[^>]*>', lambda begins: begins[0] + self.banner, body, count=1)
        self.body.clear()  # NiceGUI keeps a page's request, and with it this, for as long as the page is open
        headers = MutableHeaders(raw=start['headers'])
        headers['Content-Security-Policy'] = self.policy(nonce)
        if body:  # an answer to HEAD has none, and says how long it would be
            headers['Content-Length'] = str(len(body))
        await self.send({**start, 'headers': headers.raw})
        await self.send({'type': 'http.response.body', 'body': body})


# ---- frames -----------------------------------------------------------------------------------------------------------------


class Line:
    """A socket's both directions: sound text frames pass, others are dropped, and too much ends it."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        wire = getattr(send, '__self__', None)
        plain = isinstance(wire, WebSocketsSansIOProtocol) and not wire.config.ws_per_message_deflate
        self._wire: Any = wire if plain else None
        self._ended = False
        self.allowance = 2.0 * SOCKET_MESSAGES_A_SECOND
        self.moment = time.monotonic()

    async def hang_up(self, code: int = 1008) -> None:
        """End it from our side, whatever the other side or the layers between still want to say."""
        if not self._ended:
            self._ended = True
            await self._send({'type': 'websocket.close', 'code': code})

    def put(self, text: str) -> bool:
        """Write a frame at once, in this very call. False, and nothing is written, when the other side is gone or slow to read.

        To the server we know it is written as it travels, which is made once for all sockets.
        NOTE: any server's `send` waits at its beginning for room, and for nothing else; the one step it is given tells which.
        """
        if self._ended:
            return False
        try:
            return self._step({'type': 'websocket.send', 'text': text}) if self._wire is None else self._write(text)
        except (OSError, RuntimeError):  # gone, or going
            return False

    def _write(self, text: str) -> bool:
        wire = self._wire
        gone = wire.disconnected or wire.close_sent or wire.conn.state is not State.OPEN
        if gone or not wire.writable.is_set():
            return False
        wire.transport.write(_as_it_travels(text))
        return True

    def _step(self, message: Message) -> bool:
        step: Any = self._send(message)
        try:
            step.send(None)
        except StopIteration:
            return True
        step.close()
        return False

    async def send(self, message: Message) -> None:
        """What the app says; nothing after the end."""
        if not self._ended:
            self._ended = message['type'] == 'websocket.close'
            await self._send(message)

    async def receive(self) -> Message:
        """The next sound frame."""
        while True:
            message = await self._receive()
            if message['type'] == 'websocket.disconnect':
                self._ended = True
            if message['type'] != 'websocket.receive':
                return message
            text = message.get('text')
            if len(text or message.get('bytes') or b'') > SOCKET_MESSAGE_LIMIT or not self._in_pace():
                refuse('too much')
                await self.hang_up(1009)
                return {'type': 'websocket.disconnect', 'code': 1009}
            if text is not None and _frame_is_sound(text):
                return message
            refuse('malformed')

    def _in_pace(self) -> bool:
        moment = time.monotonic()
        gained = (moment - self.moment) * SOCKET_MESSAGES_A_SECOND
        self.allowance = min(self.allowance + gained, 2.0 * SOCKET_MESSAGES_A_SECOND) - 1
        self.moment = moment
        return self.allowance >= 0


@lru_cache(maxsize=16)
def _as_it_travels(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


_FRAME = re.compile(r'(?:[1-356](?:probe)?|4(?:0(\{.*)?|1|[23]\d{0,9}(\[.*)))', re.DOTALL)


def _frame_is_sound(text: str) -> bool:
    """Whether a frame is one that the page's own socket sends: heartbeat, hello, goodbye, a message, its receipt."""
    match = _FRAME.fullmatch(text)
    if match is None:
        return False
    told = match[1] or match[2]
    if told is None:
        return True
    try:
        said = nicegui_json.loads(told)  # the reader that it goes to next: they differ over NaN and the like
    except ValueError:
        return False
    return isinstance(said, dict) or text[1] == '3' or (bool(said) and isinstance(said[0], str))


async def _tell_to_reload(receive: Receive, send: Send) -> None:
    """Talk just enough of the socket's language to make the page load itself again; it then lands on the sign-in page."""
    hello = {'sid': 'ended', 'upgrades': [], 'pingInterval': 25000, 'pingTimeout': 20000, 'maxPayload': 1000}
    await receive()
    await send({'type': 'websocket.accept'})
    await send({'type': 'websocket.send', 'text': f'0{json.dumps(hello)}'})
    try:
        message: dict[str, Any] = dict(await asyncio.wait_for(receive(), timeout=5))
    except TimeoutError:
        message = {'type': 'websocket.receive'}
    if message['type'] == 'websocket.receive':
        refusal = json.dumps({'message': sockets.RELOAD_WORDS})
        await send({'type': 'websocket.send', 'text': f'44{refusal}'})
        await send({'type': 'websocket.close', 'code': 1008})
