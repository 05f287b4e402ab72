"""Real server processes on databases of their own, and visitors without a browser who speak to them byte by byte."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.forged import Forged, forged, untested_environment
from tests.waiting import until

_connections = ExitStack()
ROOT: Path = Path(__file__).parents[2]
START_SECONDS = 90


@pytest.fixture(scope='session', autouse=True)
def everything_closed() -> Iterator[None]:
    """No connection outlives the tests."""
    with _connections:
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where everything runs, several browsers and servers share two cores: what broke is told again, twice at most, before it counts.

    The report lists it as a rerun.
    """
    if 'REQUIRE_BROWSER' not in os.environ:
        return
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=2))


@dataclass
class Server:
    """A running server: where it is, and what it wrote."""

    url: str
    log: Path
    process: subprocess.Popen[bytes] | Forged

    def kill(self) -> None:
        """As the power does: nothing is finished, nobody is told."""
        self.process.kill()
        self.process.wait(10)

    def written(self) -> str:
        """All its output so far."""
        return self.log.read_text('utf-8', 'replace')


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(module: str, folder: Path, *, port: int = 0, anew: bool = False, **environment: str) -> Iterator[Server]:
    """Run a module as a server process with these settings until the test is done with it.

    `anew`: the portal too as a program of its own, from its first line on.
    """
    port = port or free_port()
    settings = {'HOST': '127.0.0.1', 'PORT': str(port), 'DATA_DIR': str(folder), 'PYTHONPATH': str(ROOT)}
    written = folder / 'server.log'
    written.touch()
    with _process(module, {**untested_environment(), **settings, **environment}, written, anew) as child:
        server = Server(f'http://127.0.0.1:{port}', written, child)
        until(lambda: answers(server.url) or child.poll() is not None, START_SECONDS)
        assert child.poll() is None, server.written()
        yield server


@contextmanager
def _process(
    module: str, environment: dict[str, str], written: Path, anew: bool
) -> Iterator[subprocess.Popen[bytes] | Forged]:
    if module == 'app' and not anew:
        with forged(environment, written) as child:
            yield child
        return
    with (
        written.open('a') as log,
        subprocess.Popen(
            [sys.executable, '-m', module], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()  # to leave in order takes seconds, and is a story of its own


def answers(url: str) -> bool:
    """Whether somebody listens there. Asked so often that the asking must cost nothing, or it holds up who is to answer."""
    line = HTTPConnection(url.removeprefix('http://'), timeout=2)
    try:
        line.request('GET', '/healthz')
        return line.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        line.close()


@dataclass
class Visitor:
    """Somebody with a cookie jar."""

    server: Server
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        client = httpx.Client(
            base_url=self.server.url, timeout=10, verify=False
        )  # all certificates of the world are read slowly
        self.http = _connections.enter_context(client)

    def sign_in(self, email: str, password: str) -> 'Visitor':
        """Go through the form."""
        answer = self.http.post('/login', data={'email': email, 'password': password})
        assert answer.status_code == 303, answer.text
        return self

    @property
    def cookie(self) -> str:
        """The header a browser would send."""
        return '; '.join(f'{name}={value}' for name, value in self.http.cookies.items())

    def open(self, path: str = '/') -> 'Page':
        """Load a page, as a browser does before its socket comes."""
        answer = self.http.get(path)
        assert answer.status_code == 200, (answer.status_code, answer.headers.get('location'))
        return Page.read(answer.text)


@dataclass
class Page:
    """A loaded page: what it says of itself, which is all an attacker can learn."""

    client_id: str
    elements: dict[int, dict[str, Any]]
    tab_id: str = field(default_factory=lambda: str(uuid4()))

    @classmethod
    def read(cls, html: str) -> 'Page':
        """Find the client id and the elements in the HTML."""
        client_id = re.search(r"'client_id': '([^']+)'", html)
        elements = re.search(r'parseElements\(String\.raw`(.*?)`\)', html, re.DOTALL)
        assert client_id
        assert elements
        parsed = json.loads(unescape(elements[1]))
        return cls(client_id[1], {int(key): value for key, value in parsed.items()})

    def element(self, testid: str) -> int:
        """The number of an element."""
        return next(key for key, value in self.elements.items() if value.get('props', {}).get('data-testid') == testid)

    def event(self, testid: str, *args: Any, kind: str = '') -> dict[str, Any]:
        """The message that this element's listener expects."""
        element = self.element(testid)
        listener = next(event for event in self.elements[element]['events'] if event['type'].startswith(kind))
        return self._message(element, listener, args)

    def order(self, kind: str, *args: Any, **props: Any) -> dict[str, Any]:
        """The message that the first element with these properties that listens for this kind expects."""
        return next(
            self._message(key, listener, args)
            for key, value in self.elements.items()
            for listener in value.get('events', ())
            if listener['type'] == kind and props.items() <= value.get('props', {}).items()
        )

    def _message(self, element: int, listener: dict[str, Any], args: tuple[Any, ...]) -> dict[str, Any]:
        return {
            'id': element,
            'client_id': self.client_id,
            'listener_id': listener['listener_id'],
            'args': [json.dumps(arg) for arg in args],
        }

    @property
    def query(self) -> str:
        """What its socket connects with."""
        return (
            f'client_id={self.client_id}&tab_id={self.tab_id}&document_id={uuid4()}&next_message_id=0'
            '&implicit_handshake=true'
        )


class Socket:
    """A socket spoken by hand."""

    def __init__(self, server: Server, query: str, cookie: str = '', origin: str | None = None) -> None:
        """Connect; `origin` as a browser would tell it."""
        address = server.url.replace('http', 'ws') + f'/_nicegui_ws/socket.io/?{query}&EIO=4&transport=websocket'
        headers = {'Cookie': cookie} if cookie else {}
        options: dict[str, Any] = {'origin': origin, 'open_timeout': 5, 'max_size': None, 'compression': None}
        options['ping_interval'] = None  # who does not listen for a while is not gone
        self.raw: ClientConnection = _connections.enter_context(connect(address, additional_headers=headers, **options))
        self.heard: list[tuple[float, str]] = []
        assert str(self.raw.recv(5)).startswith('0{')
        self.raw.send('40')
        self.greeting = str(self.raw.recv(5))

    @property
    def admitted(self) -> bool:
        """Whether the conversation began."""
        return self.greeting.startswith('40')

    def emit(self, name: str, *said: Any) -> None:
        """Say something."""
        self.raw.send(f'42{json.dumps([name, *said])}')

    def ask(self, name: str, *said: Any) -> Any:
        """Say something and wait for the receipt."""
        self.raw.send(f'427{json.dumps([name, *said])}')
        receipt = self.listen(lambda text: text.startswith('437'))
        return json.loads(receipt[3:])

    def listen(self, wanted: Callable[[str], bool], seconds: float = 5) -> str:
        """Hear until the wanted frame comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            text = str(self.raw.recv(left))
            self.heard.append((time.monotonic(), text))
            if text == '2':
                self.raw.send('3')
            if wanted(text):
                return text
        raise TimeoutError

    def listen_to_the_end(self, seconds: float = 5) -> float:
        """Hear until the other side hangs up; when the last words came."""
        with pytest.raises(ConnectionClosed):
            self.listen(lambda _: False, seconds)
        return self.heard[-1][0] if self.heard else 0.0

    def close(self) -> None:
        """Hang up."""
        self.raw.close()


from tests.e2e.browsing import chromium, demo, demo_data, person  # noqa: E402, F401 - fixtures for the package
from tests.e2e.instances import installation  # noqa: E402, F401 - likewise
