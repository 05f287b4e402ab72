"""NiceGUI's page without what nobody here needs: Quasar, half of a first visit, of which only the three elements under every page are used."""

import asyncio
import re
import weakref
from collections.abc import Awaitable, Mapping
from functools import lru_cache
from itertools import count
from types import MappingProxyType, SimpleNamespace
from typing import Any

from jinja2 import ChoiceLoader, DictLoader
from nicegui import __version__, client, core, event_listener, json, outbox
from nicegui import element as elements
from nicegui.classes import Classes
from nicegui.element import Element
from nicegui.elements.html import Html
from nicegui.middlewares import RedirectWithPrefixMiddleware, SetCacheControlMiddleware
from nicegui.props import Props
from nicegui.style import Style
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import empty_receive, empty_send
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = 'index.html'

# what NiceGUI's own page loads and nobody here looks at; each stands in it exactly once
_NOT_NEEDED = (
    r'@import url\("[^"]*/fonts\.css"\)[^\n]*\n',
    r'\{% if prod_js %\}\s*@import.*?\{% endif %\}',
    r'@layer quasar \{.*?\n      \}\n',
    r'\{% if prod_js %\}\s*<script.*?\{% endif %\}',
    r'<script defer src="[^"]*/lang/[^"]*"></script>',
)

_INSTEAD = r"""
        for (const tag of ['q-layout', 'q-page-container', 'q-page'])
            app.component(tag, {props: ['view'], render() { return Vue.h('div', {class: tag}, this.$slots.default?.()); }});
        const device = matchMedia('(prefers-color-scheme: dark)');
        const paint = (dark) => {
            document.body.classList.toggle('body--dark', dark);
            document.body.classList.toggle('body--light', !dark);
        };
        darkSetter = (dark) => {
            device.onchange = dark === None ? () => paint(device.matches) : null;
            paint(dark ?? device.matches);
        };
        setDark(dark);
"""
"""In the place of Quasar's own beginning: the three elements, and light or dark as the person or his device wants it."""


def lean(page: str) -> str:
    """NiceGUI's template of a page without what is not needed; an error when another version of it looks different."""
    for part in _NOT_NEEDED:
        page, found = re.subn(part, '', page, flags=re.DOTALL)
        if found != 1:
            raise RuntimeError(f"NiceGUI's page has {found} times what should be left out of it: {part}")
    return page


_OF_ANSWERING = (
    *('starlette.exception_handlers', 'fastapi_middleware_astack', 'fastapi_inner_astack', 'fastapi_function_astack'),
)


class _Written(str):
    """What a page shows, as it travels. NiceGUI has it escaped letter by letter, an eighth of what a page costs; a search for each does the same."""

    __slots__ = ()

    def translate(self, table: Mapping[int, str], /) -> str:  # type: ignore[override]
        """As `str.translate`, for a table that turns `&`, and letters into what has an `&` in it."""
        text = str(self)
        for letter, escaped in sorted(table.items(), key=lambda pair: pair[0] != ord('&')):
            text = text.replace(chr(letter), escaped)
        return text


def _dumps(shown: Any) -> str:
    return _Written(json.dumps(shown))


def _let_go(page: client.Client) -> None:
    """What answered the request for a page is not kept as long as the page is open; what the request said is."""
    request = page.request
    request._receive, request._send = empty_receive, empty_send
    for name in _OF_ANSWERING:
        request.scope.pop(name, None)


# ---- answers ----------------------------------------------------------------------------------------------------------------


class _LongKept:
    """NiceGUI's own files are kept by browsers, since their address changes with its version."""

    FOLDER = f'/_nicegui/{__version__}/'
    MADE_ANEW = f'{FOLDER}dynamic_resources/'

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say so beside the answer."""

        async def told(message: Message) -> None:
            if message['type'] == 'http.response.start':
                MutableHeaders(scope=message)['Cache-Control'] = core.app.config.cache_control_directives
            await send(message)

        path: str = scope.get('path', '')
        is_kept = path.startswith(self.FOLDER) and not path.startswith(self.MADE_ANEW)
        await self.app(scope, receive, told if is_kept else send)


def answer_straight() -> None:
    """Let nothing stand around a page's answer that is not needed. NiceGUI puts it through two tasks and two streams:
    to lead to addresses behind a prefix, which nobody can name here (the guard drops it), and for what `_LongKept` says.
    """
    instead: dict[Any, list[Middleware]] = {
        RedirectWithPrefixMiddleware: [],
        SetCacheControlMiddleware: [Middleware(_LongKept)],
    }
    layers = core.app.user_middleware
    layers[:] = [new for one in layers for new in instead.get(one.cls, [one])]


# ---- elements ---------------------------------------------------------------------------------------------------------------

_RENAMES = MappingProxyType({'resource_path': 'resource-path', 'dynamic_resource_path': 'dynamic-resource-path'})


def _rename(self: Props[Any], prop: str, replacement: str) -> None:
    if self._renames.get(prop) != replacement:
        self._renames = {**self._renames, prop: replacement}
        self._check_rename(prop, replacement)


def _warn(self: Props[Any], prop: str, message: str) -> None:
    self._warnings = {**self._warnings, prop: message}
    self._check_warning(prop, message)


def _lean(kind: type[Any], plain: type[Any], **known: Any) -> type[Any]:
    """One of the three collections that an element is drawn with, which keeps its element and nothing else."""

    def begin(self: Any, given: Any, *, element: Element) -> None:
        plain.__init__(self, given)
        self._element = weakref.ref(element)

    shared = {'_change_handlers': (), '_observer_refs': (), '_parent_ref': None, 'last_modified': 0.0}
    told = {'__init__': begin, '_handle_change': kind._update, '_suspend_count': 0, '__slots__': ('_element',)}
    return type(kind.__name__, (kind,), {**shared, **told, **known})


_LeanProps = _lean(
    *(Props, dict),
    parse=staticmethod(lru_cache(maxsize=500)(Props.parse)),  # the same few lines on every page
    _renames=_RENAMES,
    _warnings=MappingProxyType({}),
    add_rename=_rename,
    add_warning=_warn,
)
_LeanStyle, _LeanClasses = _lean(Style, dict), _lean(Classes, list)


def _keep_elements_lean() -> None:
    """What an element is drawn with tells its element when it changes, and nobody else: what NiceGUI keeps for other listeners is half of what an element weighs."""
    vars(elements).update(Props=_LeanProps, Style=_LeanStyle, Classes=_LeanClasses)
    # what an element begins with is no change; NiceGUI would note it down and look who is bound to it
    setattr(Element, '___visible', True)
    setattr(Html, '___content', '')
    # an element tells its listeners apart by their numbers; NiceGUI asks the system for 16 bytes of chance for each
    vars(event_listener)['uuid'] = SimpleNamespace(uuid4=count().__next__)


# ---- what a page is told ----------------------------------------------------------------------------------------------------


class _LeanOutbox(outbox.Outbox):
    """Notes nothing down while its page is being made: the page takes along how everything looks by then."""

    def enqueue_update(self, element: Element) -> None:
        """An element looks different now."""
        if getattr(self.client, '_response_built', False):  # its very first elements come before it says so
            super().enqueue_update(element)


def _without_end(waited_for: Awaitable[Any], timeout: float) -> Awaitable[Any]:
    return waited_for


def _let_pages_rest() -> None:
    """A page that is told nothing does nothing. NiceGUI has each look every second whether something is to be sent, though whatever is rings."""
    vars(outbox)['asyncio'] = SimpleNamespace(**{**vars(asyncio), 'wait_for': _without_end})


def _tell_pages_once_they_are_made() -> None:
    vars(client)['Outbox'] = _LeanOutbox


def _keep_nothing_by_tab() -> None:
    """NiceGUI keeps a storage for every tab that was ever opened, for thirty days. Nothing of ours is in it."""
    core.app.storage.max_tab_storage_age = 0.0


def use() -> None:
    """Let every page be lean. NiceGUI is told through places of its own: its template, how it writes, and what a page does before it is shown."""
    _keep_elements_lean()
    _let_pages_rest()
    _tell_pages_once_they_are_made()
    _keep_nothing_by_tab()
    loader = client.templates.env.loader
    if not isinstance(loader, ChoiceLoader):  # the template outlives a portal, as tests make them one after the other
        assert loader is not None  # it reads its own folder
        page, _, _ = loader.get_source(client.templates.env, PAGE)
        client.templates.env.loader = ChoiceLoader([DictLoader({PAGE: lean(page)}), loader])
    client.json = SimpleNamespace(dumps=_dumps, loads=json.loads)  # type: ignore[assignment, attr-defined]
    core.app.config.vue_config_script = _INSTEAD
    core.app.on_connect(_let_go)
