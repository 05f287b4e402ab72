"""The rules of the page's socket: only its own page, only while its person is signed in, and cut at once when he is not.

NiceGUI takes the client id in each message for proof; here it counts only on the socket that loaded the page.
"""

import asyncio
import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import parse_qs

from nicegui import Client, background_tasks, core
from structlog.contextvars import bound_contextvars

from components import sessions
from components.sessions import refuse
from db.identity import SignedIn
from db.log import clean

log = logging.getLogger(__name__)

LOG_LINE_LIMIT = 300
WATCH_SECONDS, USE_SECONDS, TIDY_SECONDS = 2, 30, 600
WAITING_SECONDS = 90  # longer than NiceGUI keeps a page whose socket never came
# the words NiceGUI's page understands: it loads itself again and so lands on the sign-in page
RELOAD_WORDS = 'Implicit handshake failed'
# a moment later, so that a form on its way (signing out) arrives first
_RELOAD = {'code': 'setTimeout(() => window.location.reload(), 300)'}

Message = dict[str, Any]


class Line(Protocol):
    """The connection under a socket; the guard makes it."""

    def put(self, text: str) -> bool:
        """Write a frame at once, or say that it cannot be written now."""

    async def hang_up(self) -> None:
        """End it."""


@dataclass
class _Socket:
    """A socket that belongs to a page. Long polling has no line."""

    session: SignedIn
    client_id: str
    line: Line | None = None
    # one message after the other, also when one of them has to wait for the database
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_sockets: dict[str, _Socket] = {}
_of_page: defaultdict[str, dict[str, _Socket]] = defaultdict(dict)
# people whose standing is being looked at this moment (None: everybody's)
_in_doubt: Counter[int | None] = Counter()
_original: dict[str, Callable[..., Any]] = {}


def owner_of(client: Client) -> SignedIn | None:
    """The session that loaded a page."""
    request = client._request
    session = request.scope.get('state', {}).get('session') if request is not None else None
    return session if isinstance(session, SignedIn) else None


def owns(session: SignedIn | None, client_id: object) -> bool:
    """Whether a page was loaded by this session."""
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    owner = owner_of(client) if client is not None else None
    return owner is not None and session is not None and owner.token_hash == session.token_hash


def count() -> int:
    """How many sockets belong to pages."""
    return len(_sockets)


def pages_waiting(session: SignedIn) -> int:
    """How many pages a session has loaded whose sockets never came. NiceGUI lets go of these after a minute; the newest page stands last."""
    since = time.time() - WAITING_SECONDS
    young = takewhile(lambda client: client.created >= since, reversed(Client.instances.values()))
    return sum(client._pinned_tab_id is None and owns(session, client.id) for client in young)


def session_of_connection(engine_id: str) -> SignedIn | None:
    """The session that opened a connection, for the requests of long polling that go on with it."""
    return _session_in(core.sio.environ.get(engine_id, {}))


def _session_in(environ: dict[str, Any]) -> SignedIn | None:
    session = environ.get('asgi.scope', {}).get('state', {}).get('session')
    return session if isinstance(session, SignedIn) else None


# ---- messages ---------------------------------------------------------------------------------------------------------------


def take_over() -> None:
    """Put our rules before NiceGUI's handlers; once, however often it is called."""
    handlers = core.sio.handlers['/']
    if handlers['connect'] is not _on_connect:
        names = ('connect', 'handshake', 'disconnect', *_SOUND)
        _original.update({name: handlers[name] for name in names})
    core.sio.on('connect', _on_connect)
    core.sio.on('handshake', _on_handshake)
    core.sio.on('disconnect', _on_disconnect)
    for kind in _SOUND:
        core.sio.on(kind, _receiver(kind))


async def _on_connect(sid: str, environ: dict[str, Any], _: Any = None) -> None:
    query = _query_of(environ)
    at_once = query.get('implicit_handshake') == 'true'
    if at_once and not _may_bind(sid, query):
        # NiceGUI refuses it in the words that its page understands
        environ = {'QUERY_STRING': 'implicit_handshake=true&client_id=nobody'}
    await _original['connect'](sid, environ)
    if at_once:
        _bind(sid, query)


async def _on_handshake(sid: str, message: Any = None, *_: Any) -> bool:
    if not _may_bind(sid, message) or not await _original['handshake'](sid, message):
        return False
    _bind(sid, message)
    return True


def _query_of(environ: dict[str, Any]) -> dict[str, str]:
    # NOTE: exactly as NiceGUI reads it: of two client ids both take the first
    return {name: given[0] for name, given in parse_qs(environ.get('QUERY_STRING', '')).items()}


def _may_bind(sid: str, message: Any) -> bool:
    """Whether this socket may become the one of the page it names."""
    if not isinstance(message, dict) or not all(isinstance(message.get(name), str) for name in _HANDSHAKE):
        refuse('malformed')
        return False
    next_id = message.get('next_message_id')
    if next_id is not None and not (isinstance(next_id, int) or str(next_id).isdecimal()):
        refuse('malformed')
        return False
    if sid in _sockets or not owns(_session_in(core.sio.get_environ(sid)), message['client_id']):
        refuse('foreign page')
        return False
    return True


_HANDSHAKE = ('client_id', 'tab_id', 'document_id')


def _bind(sid: str, message: Message) -> None:
    session = _session_in(core.sio.get_environ(sid))
    client = Client.instances.get(message['client_id'])
    if session is not None and client is not None and sid in client._socket_to_document_id:
        _sockets[sid] = _of_page[client.id][sid] = _Socket(session, client.id, _line_of(sid))


def _line_of(sid: str) -> Line | None:
    engine_id = core.sio.manager.eio_sid_from_sid(sid, '/')
    line: Line | None = core.sio.environ.get(engine_id, {}).get('asgi.scope', {}).get('state', {}).get('line')
    return line


def _forget(sid: str) -> None:
    socket = _sockets.pop(sid, None)
    if socket is not None:
        _of_page[socket.client_id].pop(sid, None)
        if not _of_page[socket.client_id]:
            del _of_page[socket.client_id]


def tell(client_id: str, frame: str) -> bool:
    """Write a ready frame to a page's sockets, at once. False when it has none that takes it: then the page is to ask for itself.

    Nobody is told while his standing is in doubt.
    """
    sockets = _of_page.get(client_id)
    if not sockets:
        return False
    told = True
    for socket in sockets.values():
        doubted = _in_doubt and bool({None, *socket.session.people} & _in_doubt.keys())
        told = socket.line is not None and not doubted and socket.line.put(frame) and told
    return told


def _on_disconnect(sid: str, *_: Any) -> None:
    _forget(sid)
    _original['disconnect'](sid)


def _receiver(kind: str) -> Callable[..., Any]:
    async def receive(sid: str, message: Any = None, *_: Any) -> None:
        socket = _sockets.get(sid)
        if not isinstance(message, dict) or not _SOUND[kind](message):
            refuse('malformed')
        elif socket is None or message.get('client_id') != socket.client_id:
            refuse('foreign page')
        else:
            async with socket.turn:
                await _hear(kind, sid, socket, message)

    return receive


async def _hear(kind: str, sid: str, socket: _Socket, message: Message) -> None:
    present = await sessions.find(socket.session.token_hash)
    client = Client.instances.get(socket.client_id)
    if client is None:
        return
    owner = owner_of(client)  # the page may be older than its socket, and made for another
    if not socket.session.still(present) or owner is None or not owner.still(present):
        refuse('signed out')
        await cut([client])
        return
    if kind == 'log':
        _log(socket, message)
        return
    if kind == 'event':
        sessions.in_use(socket.session.token_hash)
    try:
        with bound_contextvars(request=token_hex(6), **owner.told):
            _original[kind](sid, message)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        # an element that is gone, a listener that never was, arguments no page of ours sends
        refuse('malformed')


def _log(socket: _Socket, message: Message) -> None:
    """What a page complains of: one line, whatever stands in it, without what it quotes of the page."""
    line = json.dumps(clean(message['message'][:LOG_LINE_LIMIT], foreign=True))
    log.warning('page of user %s says %s: %s', socket.session.actor.really.user_id, message['level'], line)


def _event_is_sound(message: Message) -> bool:
    args = message.get('args', [])
    return (
        type(message.get('id')) is int
        and isinstance(message.get('listener_id'), str)
        and isinstance(args, list)
        and all(arg is None or isinstance(arg, str) for arg in args)
    )


def _log_is_sound(message: Message) -> bool:
    return isinstance(message.get('message'), str) and message.get('level') in ('debug', 'info', 'warning', 'error')


_SOUND: dict[str, Callable[[Message], bool]] = {
    'event': _event_is_sound,
    'javascript_response': lambda message: isinstance(message.get('request_id'), str),
    'ack': lambda message: type(message.get('next_message_id')) is int,
    'log': _log_is_sound,
}


# ---- cutting off ------------------------------------------------------------------------------------------------------------


async def cut(clients: Iterable[Client]) -> None:
    """End pages: from this moment nothing is sent to them and nothing they ask is done; their browsers load them anew."""
    sockets = [sid for client in list(clients) for sid in _silence(client)]
    for sid in sockets:
        await core.sio.emit('run_javascript', dict(_RELOAD), to=sid)
    await asyncio.sleep(0.2)  # let the words out before the door closes
    for sid in sockets:
        await _hang_up(sid)


def _silence(client: Client) -> list[str]:
    sockets = list(client._socket_to_document_id)
    for sid in sockets:
        _forget(sid)
        core.sio.manager.basic_leave_room(sid, '/', client.id)  # first, so that nothing under way arrives any more
    client.outbox.stop()
    for document_id in list(client._delete_tasks):
        client._cancel_delete_task(document_id)
    if client.id in Client.instances:
        client.delete()
    return sockets


async def _hang_up(sid: str) -> None:
    # the connection, not only the conversation on it: a page that missed the words comes back, and is told to reload
    engine_id = core.sio.manager.eio_sid_from_sid(sid, '/')
    if engine_id is None:
        return
    line = _line_of(sid)
    if line is not None:
        await line.hang_up()
    await core.sio.eio.disconnect(engine_id)


async def recheck(user_id: int | None = None) -> None:
    """Look again at the sessions of the open pages (of one person, or all) and cut those that no longer stand."""
    owners = {client: owner for client in list(Client.instances.values()) if (owner := owner_of(client)) is not None}
    if user_id is not None:
        owners = {client: owner for client, owner in owners.items() if user_id in owner.people}
    present = await sessions.find_afresh({owner.token_hash for owner in owners.values()})
    fallen = [client for client, owner in owners.items() if not owner.still(present.get(owner.token_hash))]
    if fallen:
        refuse('signed out')
        await cut(fallen)


def on_access(user_id: int | None) -> None:
    """Somebody's account or session changed, told on the loop."""
    sessions.forget()
    _in_doubt[user_id] += 1
    _ = background_tasks.create(_settle_doubt(user_id), name='recheck sessions')


async def _settle_doubt(user_id: int | None) -> None:
    try:
        await recheck(user_id)
    finally:
        _in_doubt[user_id] -= 1
        if not _in_doubt[user_id]:
            del _in_doubt[user_id]


async def watch() -> None:
    """What nobody rings for: other instances' changes, sessions that run out, closed offices; and the books' tidying."""
    seconds = 0
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        seconds += WATCH_SECONDS
        try:
            await recheck()
            if seconds % USE_SECONDS == 0:
                await sessions.write_down_use()
            if seconds % TIDY_SECONDS == 0:
                await sessions.tidy_up()
            if seconds % USE_SECONDS == 0:
                await sessions.end_looks()
        except Exception:  # a database that is away for a moment must not end the watch
            log.exception('watch over the sessions failed; going on')
