"""Pages load nothing of Quasar; a NiceGUI that looks different is noticed at the start, and nobody draws with Quasar's elements."""

import asyncio
import re
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nicegui import __version__, client, core, ui
from nicegui.app.app import prune_tab_storage
from nicegui.element import Element
from nicegui.middlewares import RedirectWithPrefixMiddleware, SetCacheControlMiddleware
from nicegui.outbox import Outbox
from nicegui.page import page as page_of
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request, empty_receive
from starlette.types import Message, Receive, Scope, Send

from components.lean import (
    PAGE,
    _dumps,
    _keep_elements_lean,
    _keep_nothing_by_tab,
    _let_go,
    _let_pages_rest,
    _tell_pages_once_they_are_made,
    answer_straight,
    lean,
)

ROOT = Path(__file__).parents[2]
THEIRS = Path(client.__file__).parent / 'templates' / PAGE


def test_a_page_loads_nothing_of_quasar() -> None:
    page = lean(THEIRS.read_text('utf-8'))
    loaded = re.findall(r'(?:src|href|url)[=(]"([^"]+)"', page)
    assert not [address for address in loaded if re.search('quasar|fonts.css|/lang/', address)]
    assert [address for address in loaded if address.endswith(('nicegui.js', 'nicegui.css', 'socket.io.min.js'))]


def test_another_page_of_nicegui_is_refused() -> None:
    with pytest.raises(RuntimeError, match='0 times'):
        lean('<html></html>')


async def test_browsers_keep_the_files_of_nicegui_and_no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = [Middleware(layer) for layer in (RedirectWithPrefixMiddleware, SetCacheControlMiddleware)]
    monkeypatch.setattr(core.app, 'user_middleware', [*theirs, Middleware(SessionMiddleware, secret_key='x')])
    monkeypatch.setattr(core.app.config, 'cache_control_directives', 'for ever', raising=False)
    answer_straight()
    layers: list[Any] = core.app.user_middleware
    kept, other = layers
    assert other.cls is SessionMiddleware, 'nobody else is taken away'

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})

    async def headers_at(path: str) -> dict[str, str]:
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        await kept.cls(answer)({'type': 'http', 'path': path}, empty_receive, send)
        return dict(Headers(raw=told[0]['headers']))

    folder = f'/_nicegui/{__version__}'
    assert await headers_at(f'{folder}/static/nicegui.js') == {'cache-control': 'for ever'}
    for path in ('/', '/claims/7', f'{folder}/dynamic_resources/x', '/_nicegui/0/static/nicegui.js'):
        assert await headers_at(path) == {}, path


def test_what_a_page_shows_is_escaped_as_nicegui_does_it() -> None:
    shown = {'text': 'רונית & <b>"x"</b> `${1}` &amp; \\ \u2028 🚗'}
    written = _dumps(shown)
    assert written.translate(client.HTML_ESCAPE_TABLE) == str(written).translate(client.HTML_ESCAPE_TABLE)
    assert '&lt;b&gt;' in written.translate(client.HTML_ESCAPE_TABLE)


def test_what_answered_a_request_goes_once_its_page_is_open() -> None:
    class Answering:
        async def __call__(self, message: Message) -> None:
            raise AssertionError(message)

    answering = Answering()
    gone = weakref.ref(answering)
    scope = {'type': 'http', 'path': '/', 'headers': [], 'state': {'session': 'his'}, 'fastapi_inner_astack': answering}
    page: Any = SimpleNamespace(request=Request(scope, send=answering))
    del answering
    _let_go(page)
    assert gone() is None
    assert (page.request.state.session, page.request.url.path) == ('his', '/')


async def test_a_tab_that_was_closed_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    tabs: dict[str, Any] = {}
    monkeypatch.setattr(core.app.storage, '_tabs', tabs)
    monkeypatch.setattr(core.app.storage, 'max_tab_storage_age', core.app.storage.max_tab_storage_age)
    await core.app.storage._create_tab_storage('of a visit')
    _keep_nothing_by_tab()
    await prune_tab_storage()  # NiceGUI does it every ten seconds
    assert not tabs


def test_an_element_hears_of_whatever_it_is_drawn_with() -> None:
    _keep_elements_lean()
    page = client.Client(page_of(''))
    part, other = Element('div', _client=page), Element('div', _client=page)
    page._response_built = True
    for change in (
        lambda: part.props('role=tab aria-label="x"'),
        lambda: part.props(remove='role'),
        lambda: part.props.update(more=[1]),
        lambda: part.classes('mk-a mk-b'),
        lambda: part.classes(remove='mk-a'),
        lambda: part.style('color: red'),
        lambda: part.style(replace='top: 0'),
        lambda: part.set_visibility(False),
    ):
        page.outbox.updates.clear()
        change()
        assert list(page.outbox.updates) == [part.id]
    assert part.props == {'aria-label': 'x', 'more': [1]}
    assert (part.classes, part.style) == (['mk-b', 'hidden'], {'top': '0'})
    assert (other.props, other.classes, other.style) == ({}, [], {})
    page.outbox.updates.clear()
    with part.props.suspend_updates():
        part.props['quiet'] = True
    assert not page.outbox.updates
    assert (part.props._suspend_count, other.props._suspend_count) == (0, 0)
    assert not any(vars(drawn) for drawn in (other.props, other.classes, other.style)), 'no room for what nobody keeps'
    part.on('click', print)
    part.on('click', print)
    assert len(part._event_listeners) == 2, 'told apart'
    page.delete()


def test_what_is_called_differently_now_is_still_told() -> None:
    _keep_elements_lean()
    page = client.Client(page_of(''))
    part, other = Element('div', _client=page), Element('div', _client=page)
    part.props.add_rename('colour', 'color')
    other.props['colour'] = 'red'
    part.props['resource_path'] = '/x'
    part.props['colour'] = 'red'
    assert (part.props['resource-path'], part.props['color']) == ('/x', 'red')
    assert other.props == {'colour': 'red'}
    part.props.add_warning('old', 'not any more')
    part.props['old'] = 1
    assert 'old' not in part.props
    assert not other.props._warnings
    page.delete()


async def test_a_page_that_is_told_nothing_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _let_pages_rest()
    told, alarms = list[str](), list[object]()

    async def emit(_: Outbox, message: tuple[str, str, object]) -> None:
        told.append(message[1])

    monkeypatch.setattr(Outbox, '_emit', emit)
    monkeypatch.setattr(client.Client, 'has_socket_connection', True)
    page = client.Client(page_of(''))
    page.outbox.updates.clear()
    sending = asyncio.create_task(page.outbox.loop())
    loop = asyncio.get_running_loop()
    for name in ('call_later', 'call_at'):
        monkeypatch.setattr(loop, name, lambda *args, **_: alarms.append(args))
    for kind in ('first', 'second'):
        page.outbox.enqueue_message(kind, {}, page.id)
        for _ in range(20):
            await asyncio.sleep(0)
        assert told[-1] == kind
    assert not alarms, 'it waits for a ring, and no clock wakes it'
    page.outbox.stop()
    await sending
    page.delete()


def test_what_is_drawn_while_a_page_is_made_travels_with_it_and_what_changes_later_is_told() -> None:
    _tell_pages_once_they_are_made()
    page = client.Client(page_of(''))
    with page:
        part = ui.html('<b>1</b>', sanitize=False).props('role=note')
    assert not page.outbox.updates
    assert part._to_dict()['props'] == {'innerHTML': '<b>1</b>', 'tag': 'div', 'sanitize': False, 'role': 'note'}
    page._response_built = True
    part.set_content('<b>2</b>')
    part.set_visibility(False)
    assert list(page.outbox.updates) == [part.id]
    assert (part.content, part.visible) == ('<b>2</b>', False)
    page.delete()


def test_nobody_draws_with_elements_that_are_not_loaded() -> None:
    # Quasar's own, and NiceGUI's that stand on them; in the browser they would be nothing at all
    ours = [path for folder in ('components', 'pages') for path in (ROOT / folder).iterdir()]
    python = [path.read_text('utf-8') for path in ours if path.suffix == '.py']
    drawn = {name for text in python for name in re.findall(r'\bui\.([a-z_]+)\b', text)}
    taken = {name for text in python for name in re.findall(r'\bfrom nicegui\.elements\.(\w+)', text)}
    plain = {'element', 'html', 'label', 'echart'}
    orders = {
        'run_javascript',
        'page_title',
        'add_head_html',
        'add_body_html',
        'on_exception',
        'page',
        'navigate',
        'context',
    }
    assert drawn <= plain | orders
    assert taken <= {'html'}
    assert not [path.name for path in ours if path.suffix == '.js' and re.search(r'<q-|\$q\b', path.read_text('utf-8'))]
