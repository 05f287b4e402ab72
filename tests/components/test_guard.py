"""The guard's rules one by one: frames, bodies, addresses, and that nothing runs for a person who is gone."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from nicegui import Client
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from components import guard, sessions, sockets
from db.base import now
from db.identity import SignedIn
from db.scope import Actor, Role

DANA = Actor(7, 'דנה ארז', Role.AGENT, 1)
SESSION = SignedIn('a' * 64, DANA, 'dana@levi.demo', 'auto', now(), now(), remembered=False)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A page with a bound socket, and what was done for it."""
    done: list[str] = []
    client = SimpleNamespace(id='page', _request=SimpleNamespace(scope={'state': {'session': SESSION}}))

    async def cut(_: Any) -> None:
        done.append('cut')

    monkeypatch.setattr(Client, 'instances', {'page': client})
    monkeypatch.setattr(sockets, 'cut', cut)
    monkeypatch.setattr(sockets, '_sockets', {'sid': sockets._Socket(SESSION, 'page')})
    monkeypatch.setattr(sockets, '_original', {'event': lambda sid, message: done.append(f'event {message["id"]}')})
    return done


def click(number: int = 1) -> dict[str, Any]:
    return {'client_id': 'page', 'id': number, 'listener_id': 'x', 'args': []}


def present(monkeypatch: pytest.MonkeyPatch, session: SignedIn | None) -> None:
    async def find(_: str) -> SignedIn | None:
        return session

    monkeypatch.setattr(sessions, 'find', find)


@pytest.mark.parametrize(
    'session',
    [
        None,
        SignedIn(
            'a' * 64, Actor(7, 'דנה ארז', Role.READ_ONLY, 1), 'dana@levi.demo', 'auto', now(), now(), remembered=False
        ),
        SignedIn(
            'a' * 64, Actor(7, 'דנה ארז', Role.AGENT, 1, sees_own_only=True), '', 'auto', now(), now(), remembered=False
        ),
    ],
)
async def test_nothing_runs_for_who_is_gone_or_may_less_now(
    done: list[str], monkeypatch: pytest.MonkeyPatch, session: SignedIn | None
) -> None:
    receive = sockets._receiver('event')
    present(monkeypatch, SESSION)
    await receive('sid', click())
    assert done == ['event 1']
    present(monkeypatch, session)
    await receive('sid', click(2))
    assert done == ['event 1', 'cut']


async def test_clicks_are_done_in_their_order_also_when_one_has_to_wait(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = iter([0.05, 0, 0.02, 0, 0])

    async def find(_: str) -> SignedIn:
        await asyncio.sleep(next(waits))
        return SESSION

    monkeypatch.setattr(sessions, 'find', find)
    receive = sockets._receiver('event')
    await asyncio.gather(*(receive('sid', click(number)) for number in range(5)))
    assert done == [f'event {number}' for number in range(5)]


@pytest.mark.parametrize(
    'frame',
    [
        '2',
        '3',
        '2probe',
        '5',
        '6',
        '1',
        '40',
        '40{"token":"x"}',
        '41',
        '42["event",{"a":"שלום"}]',
        '4217["event"]',
        '437[false]',
    ],
)
def test_what_a_page_says_passes(frame: str) -> None:
    assert guard._frame_is_sound(frame)


@pytest.mark.parametrize(
    'frame',
    [
        '',
        '0',
        '4',
        '44{"message":"x"}',
        '40{',
        '40[]',
        '42',
        '42{}',
        '42[',
        '42[]',
        '42[7]',
        '42["event",NaN]',
        '42/x,["event"]',
        '451-["x"]',
        '42' + '[' * 100_000 + ']' * 100_000,
        '42["\ud800"]',
        '7',
        'hello',
        '42["event"]x',
        '42' + '1' * 20 + '["x"]',
    ],
)
def test_what_no_page_says_is_dropped(frame: str) -> None:
    assert not guard._frame_is_sound(frame)


def test_a_long_frame_is_judged_quickly() -> None:
    began = time.perf_counter()
    for frame in ('42' + '1' * 250_000, '40' + '{' * 250_000, '42["' + '\\' * 250_000, '2probe' * 40_000):
        assert not guard._frame_is_sound(frame)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ('target', 'address'),
    [
        ('/', '/'),
        ('/claims/26-1?tab=money&q=%D7%A9', '/claims/26-1?tab=money&q=%D7%A9'),
        ('/?view=open', '/?view=open'),
        (None, '/'),
        ('//evil.example', '/'),
        ('/\\evil.example', '/'),
        ('https://evil.example', '/'),
        ('/login?next=/login', '/'),
        ('/%2F/evil.example', '/%2F/evil.example'),
        ('/a b', '/'),
        ('/a\n', '/'),
        ('/logout', '/'),
    ],
)
def test_the_way_on_stays_here(target: str | None, address: str) -> None:
    assert guard.same_site_path(target) == address


@pytest.mark.parametrize(
    ('path', 'limit'),
    [
        ('/login', guard.FORM_LIMIT),
        ('/setup/x', guard.FORM_LIMIT),
        ('/api/v1/claims', guard.BODY_LIMIT),
        ('/', guard.BODY_LIMIT),
        ('/_nicegui/client/x/upload/4', guard.UPLOAD_LIMIT),
        ('/_nicegui_ws/socket.io/', guard.SOCKET_MESSAGE_LIMIT),
    ],
)
def test_each_kind_of_body_has_its_limit(path: str, limit: int) -> None:
    assert guard._limit(path) == limit


# ---- frames that are written at once ----------------------------------------------------------------------------------------


class Wire:
    """The server's side of a socket: `open` while it takes frames, `gone` when its reader is."""

    def __init__(self) -> None:
        self.open, self.gone, self.written = asyncio.Event(), False, list[str]()
        self.open.set()

    async def send(self, message: Any) -> None:
        await self.open.wait()
        if self.gone:
            raise OSError
        self.written.append(message.get('text', message['type']))

    async def receive(self) -> Any:
        return {'type': 'websocket.disconnect'}


class Transport(asyncio.Transport):
    """The connection under the server's own protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.broken = False

    def write(self, data: Any) -> None:
        if self.broken:
            raise RuntimeError('the handler is closed')
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is held."""

    pause_reading = resume_reading = close


UPGRADE = (
    b'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
)


async def server_line() -> tuple[guard.Line, WebSocketsSansIOProtocol, Transport]:
    """A line to the server we run on, as it is once somebody is connected."""
    opened: asyncio.Future[guard.Line] = asyncio.get_running_loop().create_future()

    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({'type': 'websocket.accept'})
        opened.set_result(guard.Line(receive, send))
        await receive()

    config = uvicorn.Config(app, ws='websockets-sansio', ws_per_message_deflate=False, lifespan='off', log_config=None)
    config.load()
    protocol, transport = WebSocketsSansIOProtocol(config, ServerState(), {}), Transport()
    protocol.connection_made(transport)
    protocol.data_received(UPGRADE)
    line = await opened
    transport.written.clear()
    return line, protocol, transport


async def test_a_ready_frame_travels_as_the_server_would_send_it() -> None:
    line, _, transport = await server_line()
    for text in ('42["news"]', '42["חדשות", "' + 'x' * 500 + '"]', '42["' + 'x' * 70_000 + '"]'):
        transport.written.clear()
        assert line.put(text)
        await line.send({'type': 'websocket.send', 'text': text})
        assert len(transport.written) == 2
        assert transport.written[0] == transport.written[1]


async def test_nothing_is_written_to_a_server_line_that_is_slow_closing_or_gone() -> None:
    line, protocol, transport = await server_line()
    protocol.pause_writing()
    assert not line.put('slow')
    protocol.resume_writing()
    assert line.put('again')
    transport.broken = True
    assert not line.put('broken')
    transport.broken = False
    await line.send({'type': 'websocket.close', 'code': 1000})
    assert not line.put('closing')
    line, protocol, gone = await server_line()
    protocol.connection_lost(OSError())
    assert not line.put('gone')
    line, protocol, leaving = await server_line()
    protocol.shutdown()
    written = len(leaving.written)
    assert not line.put('leaving')
    assert (len(transport.written), len(gone.written), len(leaving.written)) == (2, 0, written)


async def test_a_frame_is_written_at_once_or_not_at_all() -> None:
    wire = Wire()
    line = guard.Line(wire.receive, wire.send)
    assert line.put('first')
    assert wire.written == ['first']
    wire.open.clear()
    assert not line.put('second'), 'a slow reader keeps nobody waiting'
    wire.open.set()
    await asyncio.sleep(0)
    assert wire.written == ['first'], 'and what could not be written is not written later, out of turn'
    wire.gone = True
    assert not line.put('third')
    wire.gone = False
    await line.hang_up()
    assert not line.put('fourth')
    assert wire.written == ['first', 'websocket.close']


async def test_nobody_is_told_anything_while_his_standing_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = {name: Wire() for name in ('dana', 'rival')}
    actors = {'dana': DANA, 'rival': Actor(8, 'אבי כהן', Role.AGENT, 2)}
    pages = {
        name: {
            'sid': sockets._Socket(
                SignedIn('a' * 64, actors[name], '', 'auto', now(), now(), remembered=False),
                name,
                guard.Line(wire.receive, wire.send),
            )
        }
        for name, wire in wires.items()
    }
    monkeypatch.setattr(sockets, '_of_page', pages)
    looked = asyncio.Event()

    async def recheck(_: int | None) -> None:
        await looked.wait()

    monkeypatch.setattr(sockets, 'recheck', recheck)
    assert sockets.tell('dana', 'news')
    assert not sockets.tell('nobody', 'news')
    sockets._in_doubt[7] += 1
    settling = asyncio.ensure_future(sockets._settle_doubt(7))
    assert not sockets.tell('dana', 'news')
    assert sockets.tell('rival', 'news')
    looked.set()
    await settling
    assert sockets.tell('dana', 'news')
    sockets._in_doubt[None] += 1
    assert not sockets.tell('rival', 'news'), 'an office was closed: whose, is being looked at'
    await sockets._settle_doubt(None)
    assert not sockets._in_doubt
    assert wires['dana'].written == ['news', 'news']
