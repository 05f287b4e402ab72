"""The live bridge: database work off the loop, models whose columns push to the page, doorbells that ring on the right pages."""

import asyncio
import gc
import logging
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, lru_cache, partial
from types import MethodType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import orjson
from nicegui import Client, background_tasks, binding, core, helpers, ui
from nicegui.element import Element
from nicegui.elements.html import Html
from nicegui.props import Props

from db import meters
from db.base import Base, now
from db.claims import Claim, ClaimConflict
from db.doorbell import Notice, on_notice
from db.history import find_who_was_first
from db.messages import ThreadKey
from db.scope import Actor
from db.session import open_session
from db.watching import columns_of, take_over, watch

P = ParamSpec('P')
T = TypeVar('T')
Row = TypeVar('Row', bound=Base)
Topic = tuple[str, int | None]
LONGEST_PAUSE = 30.0
log = logging.getLogger(__name__)

# matched to the connection pools: more threads would only queue for a connection. Apart from each other, because writers
# wait for their turn: a burst of them would leave no thread to those who only look
_writers = ThreadPoolExecutor(4, thread_name_prefix='work')
_readers = ThreadPoolExecutor(8, thread_name_prefix='ask')
# what is being written, for the end to wait for
_under_way: set[Future[Any]] = set()
FINISH_SECONDS = 1.5
JOT_SECONDS = 2.0


# ---- what a page costs ------------------------------------------------------------------------------------------------------

_look_at = helpers.expects_arguments


@cache
def _method_expects_arguments(function: Callable[..., Any]) -> bool:
    return _look_at(MethodType(function, object()))


def _expects_arguments(func: Callable[..., Any]) -> bool:
    """Whether a handler wants arguments. A method is the same for every element, and NiceGUI asks of three for each: a fifth of a page."""
    return _method_expects_arguments(func.__func__) if isinstance(func, MethodType) else _look_at(func)


helpers.expects_arguments = _expects_arguments


def _as_it_is(_: Props[Any], value: Any) -> Any:
    """What an element shows is kept as it was given: nobody here changes it from within, an element is given something else.

    NiceGUI would make of each list and mapping in it one that watches itself, anew for every page: a fifth of a page's memory.
    """
    return value


Props._observe = _as_it_is  # type: ignore[method-assign, assignment]


def settle() -> None:
    """What stands when a server begins stands until it ends: the garbage collector need not look through it whenever pages have come and gone."""
    gc.collect()
    gc.freeze()
    # a look holds everybody up: one at 50,000 things after the other, which is no more work than one at 200,000
    gc.set_threshold(10_000, 5, 80)


# ---- database work ----------------------------------------------------------------------------------------------------------


def current_actor() -> Actor:
    """Who this page belongs to: fixed when it was loaded, never read from the browser again."""
    actor: Actor = ui.context.client.request.state.session.actor
    return actor


def base_url() -> str:
    """Where the portal is for everybody, by its settings: a link that is sent to somebody leads there, whatever this browser calls us."""
    return str(ui.context.client.request.state.base_url).rstrip('/')


async def work(verb: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Give an order: run a verb of `db` in a thread, in one transaction of this page's actor."""
    return await work_as(current_actor(), verb, *args, **kwargs)


async def jot(verb: Callable[Concatenate[Any, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
    """As `work`, for what nobody ordered: that this page's person was there, and what he saw.

    Nothing is kept while somebody else looks as he sees it. It is waited for a moment, so that who looks next finds it kept; while
    the database cannot be written people go on reading, and the log says what was not kept.
    """
    actor = current_actor()
    if not actor.only_looks:
        kept = asyncio.ensure_future(work_as(actor, verb, *args, **kwargs))
        kept.add_done_callback(_tell_of_failure)
        await asyncio.wait([kept], timeout=JOT_SECONDS)


def _tell_of_failure(kept: asyncio.Future[Any]) -> None:
    if not kept.cancelled() and (error := kept.exception()):
        log.error('what somebody saw was not kept', exc_info=error)


async def ask(question: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask a question: as `work`, but on the engine that only reads, so that it waits for no writer.

    What rang and was asked about before a form of the page was sent is asked about anew once the form is answered.
    """
    found = await ask_as(current_actor(), question, *args, **kwargs)
    while _answers_bell.get() and (held := _forms_of(ui.context.client)):
        await held[0].wait()
        found = await ask_as(current_actor(), question, *args, **kwargs)
    return found


async def work_as(actor: Actor, verb: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` for a plain route, which has a request with an actor but no page."""
    return await _in_thread(_writers, partial(_run, actor, False, verb, *args, **kwargs))


async def ask_as(actor: Actor, question: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`ask` for a plain route."""
    return await _in_thread(_readers, partial(_run, actor, True, question, *args, **kwargs))


def _run(actor: Actor, reading: bool, verb: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    try:
        with open_session(actor, reading=reading) as session:
            return verb(session, *args, **kwargs)
    except ClaimConflict as conflict:
        with open_session(actor, reading=True) as session:
            find_who_was_first(session, conflict, now())
        raise


async def _in_thread(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    writes = threads is _writers
    with meters.handler_seconds.labels('work' if writes else 'ask').time():
        under_way = threads.submit(copy_context().run, call)
        if writes:
            _under_way.add(under_way)
            under_way.add_done_callback(_under_way.discard)
        return await asyncio.wrap_future(under_way)


# ---- live models ------------------------------------------------------------------------------------------------------------


def live(row: Row, *names: str) -> Row:
    """Make a detached row's columns, or those named, bindable by push: elements bind to them directly and nothing ever polls.

    One row belongs to one page. Undo with `binding.remove([row])` when the page's part that shows it goes.
    """
    key = id(row)
    for name in names or columns_of(type(row)):
        binding.bindable_properties[key, path_of(name)] = row
    return row


@cache
def path_of(name: str) -> tuple[str]:
    """A column as NiceGUI's bindings know it; the same for every page, because each page keeps it for each of its columns."""
    return (name,)


def refresh_live(row: Base, fresh: Base) -> list[str]:
    """Take over newer values and send what changed to the elements bound to it; drafts stay. Returns the changed names."""
    changed = take_over(row, fresh)
    _propagate(row, changed)
    return changed


def _propagate(row: Base, names: Sequence[str]) -> None:
    for name in names:
        if (id(row), path_of(name)) in binding.bindings and name in row.__dict__:  # never load inside the event loop
            binding._propagate(row, path_of(name))  # private: pinned, and covered by a test


def _push(row: Base, names: Sequence[str]) -> None:
    """A column was set somewhere, maybe in a thread, and its value is about to be stored: propagate once it is."""
    bound = [name for name in names if (id(row), path_of(name)) in binding.bindings]
    if bound and core.loop is not None:
        core.loop.call_soon_threadsafe(_propagate, row, bound)


def written(value: Any) -> bytes:
    """A value as it travels, in as much room as it takes: the writer leaves its answers the room they might have taken, up to nine times that."""
    return bytes(memoryview(orjson.dumps(value)))


@lru_cache(maxsize=128)
def _shared(text: bytes) -> bytes:
    return text


def show_written(element: Element, **shown: Any) -> None:
    """As `show_changes`, for what is large and never looked at again: it is kept as it travels, a fraction of what rows of values weigh.

    What many pages show is kept once.
    """
    kept: dict[str, bytes] = element.__dict__.setdefault('_written', {})
    for name, value in shown.items():
        text = _shared(written(value))
        if kept.get(name) != text:
            kept[name] = text
            element._props[name] = orjson.Fragment(text)


def show_html(element: Html, html: str) -> None:
    """As `element.content`, for what is large, or on many pages: kept as it travels."""
    show_written(element, **{Html.CONTENT_PROP: html})


def written_html(html: str, tag: str = 'div', *, ours: bool = False) -> Html:
    """As `ui.html`, for what is large, or on many pages; with `ours`, for what holds our own words only: the browser need not clean it, which also takes `target` from links."""
    element = ui.html(tag=tag, sanitize=not ours)
    show_html(element, html)
    return element


def show_changes(element: Element, shown: Mapping[str, Any]) -> None:
    """Give an element what it shows; nothing travels when it shows that already."""
    if any(element._props.get(name) != value for name, value in shown.items()):
        element._props.update(shown)
        element.update()


# ---- doorbells --------------------------------------------------------------------------------------------------------------


class Listener(Protocol):
    """Whoever is rung on the loop."""

    def ring(self, notice: Notice) -> None:
        """Something happened; ids only."""


_subscribers: defaultdict[Topic, dict[int, Listener]] = defaultdict(dict)
# how often anything rang since the start, and when each topic did last; of offices and people there are few, of claims too many
_rung = 0
_rung_last: dict[Topic, int] = {}
_COUNTLESS = frozenset({'claim', 'thread'})
# rings for whatever happened while nobody listened
MISSED = Notice('missed')


def rung() -> int:
    """How often anything rang. Whoever asks first and listens then notes it before he asks: `Subscription(since=…)` makes up for what lies between."""
    return _rung


def has_rung(topics: Sequence[Topic], since: int) -> bool:
    """Whether any of these rang after `rung()` said `since`; of single claims and threads that is not known."""
    return any(_rung_last.get(topic, 0) > since for topic in topics)


def listen(topics: Sequence[Topic], listener: Listener) -> Callable[[], None]:
    """Ring somebody for these topics; returns the way out."""
    for topic in topics:
        _subscribers[topic][id(listener)] = listener

    def leave() -> None:
        for topic in topics:
            _subscribers[topic].pop(id(listener), None)
            if not _subscribers[topic]:
                del _subscribers[topic]

    return leave


def claim_topic(claim_id: int) -> Topic:
    """Everything that happens to one claim."""
    return 'claim', claim_id


def claims_topic(actor: Actor) -> Topic:
    """Everything that happens to any claim of the actor's office; of every office for the bureau."""
    return 'office', actor.office_id


def person_topic(actor: Actor) -> Topic:
    """The actor's own marks and alerts, changed in whichever of his tabs; what he has seen is told to `marks_topic` alone."""
    return 'person', actor.user_id


def marks_topic(actor: Actor) -> Topic:
    """What the actor has seen, and which claims are his: what decides how his lists look, without his alerts."""
    return 'marks', actor.user_id


def bulk_topic(actor: Actor) -> Topic:
    """How far the actor's orders for many claims have come."""
    return 'bulk', actor.user_id


def exports_topic(actor: Actor) -> Topic:
    """How far the actor's workbooks are."""
    return 'export', actor.user_id


def thread_topic(key: ThreadKey) -> Topic:
    """What is written in one thread, and how far it has come."""
    return ('thread', key.claim_id) if key.claim_id else ('general', key.office_id)


def messages_topic(actor: Actor) -> Topic:
    """What is written in any thread of the actor's office; of every office for the bureau."""
    return 'messages', actor.office_id


def words_topic() -> Topic:
    """What people, offices, statuses and the like are called, and which of them there are."""
    return 'words', None


def imports_topic() -> Topic:
    """How far any import has come."""
    return 'import', None


def when_gone(part: Element, leave: Callable[[], None]) -> None:
    """Call `leave` when a part of a page goes. What only listens needs no element of its own: each weighs 4 KiB, and the browser would draw it."""
    if has_gone(part):  # its person was cut off while the page was being made: nobody would ever tell it to leave
        leave()
        return
    if '_leaving' not in part.__dict__:
        part.__dict__['_leaving'] = []
        part._handle_delete = partial(_go, weakref.ref(part))  # type: ignore[method-assign]
    part.__dict__['_leaving'].append(leave)


def has_gone(part: Element) -> bool:
    """Whether a part of a page, or its page, is no longer there."""
    return part.is_deleted or part.client.is_deleted


def _go(there: weakref.ref[Element]) -> None:
    part = there()
    if part is None:
        return
    for leave in part.__dict__.pop('_leaving'):
        leave()
    type(part)._handle_delete(part)


# in what answers a doorbell
_answers_bell: ContextVar[bool] = ContextVar('answers_bell', default=False)


def _forms_of(client: Client) -> list[asyncio.Event]:
    """One for each form of a page that is being answered."""
    held: list[asyncio.Event] = client.__dict__.setdefault('_held', [])
    return held


@contextmanager
def heard_later(client: Client) -> Iterator[None]:
    """What rings on a page meanwhile is answered afterwards."""
    over, held = asyncio.Event(), _forms_of(client)
    held.append(over)
    try:
        yield
    finally:
        held.remove(over)
        over.set()


def _told_of_the_line(client: Client) -> list['Subscription']:
    """Those of a page who catch up after its line was down."""
    if '_told' not in client.__dict__:
        client.__dict__.update(_told=[], _was_up=client.has_socket_connection)
        client.on_connect(_line_is_up)
    told: list[Subscription] = client.__dict__['_told']
    return told


def _line_is_up(client: Client) -> None:
    if client.__dict__['_was_up']:
        for subscription in _told_of_the_line(client):
            subscription.catch_up()
    client.__dict__['_was_up'] = True


class Subscription:
    """Listens for doorbells as long as the part of the page it stands in lives.

    Rings that come while the answer to an earlier one is still being worked out are answered together, once.
    """

    def __init__(
        self,
        topics: Sequence[Topic],
        answer: Callable[[set[Notice]], Awaitable[None]],
        *,
        breath: float = 0.0,
        since: int | None = None,
    ) -> None:
        """`answer` gets the notices that rang; ids only, so it asks again under its own scope. `breath`: seconds to gather more.

        `since`: what `rung()` said before the page was asked for what it shows. What rang since then is answered at once (of a single
        claim or thread that is not known: ask `has_rung` of its office), and so is whatever may have been missed while the line was down.
        """
        self._slot = ui.context.slot
        self._part = self._slot.parent
        self._breath = breath
        self._answer = answer
        self._waiting: set[Notice] = set()
        self._answering = False
        self._task: asyncio.Task[Any] | None = None
        when_gone(self._part, listen(topics, self))
        if since is not None:
            _told_of_the_line(self._part.client).append(self)
            if has_rung(topics, since):
                self.ring(MISSED)

    def catch_up(self) -> None:
        """The line had been down: what was told meanwhile is lost, since NiceGUI keeps only what it says itself."""
        if not has_gone(self._part):
            self.ring(MISSED)

    def ring(self, notice: Notice) -> None:
        """A notice arrived, on the loop."""
        self._waiting.add(notice)
        if not self._answering:
            self._answering = True
            self._task = background_tasks.create(self._answer_all(), name='answer doorbell', context=self._slot)

    async def _answer_all(self) -> None:
        """Answer until nothing waits. What could not be answered is not forgotten: it is tried again, ever more patiently."""
        pause = 1.0
        _answers_bell.set(True)
        try:
            while self._waiting and not has_gone(self._part):
                await asyncio.sleep(self._breath)
                while held := _forms_of(self._part.client):
                    await held[0].wait()
                notices, self._waiting = self._waiting, set()
                try:
                    await self._answer(notices)
                    pause = 1.0
                except Exception:  # whatever it is, the page lives on and tries again
                    if has_gone(self._part):  # its person left, or was cut off, in the middle of it
                        return
                    log.exception('a page could not answer a doorbell; it tries again in %.0f s', pause)
                    self._waiting |= notices
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._answering = False


def _dispatch(notice: Notice) -> None:
    global _rung  # noqa: PLW0603 - one count for the process
    topics: list[Topic] = []
    if notice.kind == 'claim':
        topics = [('claim', notice.claim_id), ('office', notice.office_id), ('office', None)]
    elif notice.kind in ('person', 'seen', 'alert'):
        told = {'person': ('person', 'marks'), 'seen': ('marks',), 'alert': ('person',)}[notice.kind]
        topics = [(name, notice.user_id) for name in told]
    elif notice.kind == 'words':
        topics = [words_topic()]
    elif notice.kind == 'import':
        topics = [imports_topic()]
    elif notice.kind in ('bulk', 'export'):
        topics = [(notice.kind, notice.user_id)]
    elif notice.kind in ('message', 'receipt'):
        everybody = notice.kind == 'message'
        topics = [thread_topic(ThreadKey(notice.office_id or 0, notice.claim_id))]
        topics += [('messages', notice.office_id), ('messages', None)] if everybody else [('person', notice.user_id)]
    _rung += 1
    _rung_last.update((topic, _rung) for topic in topics if topic[0] not in _COUNTLESS)
    ringing = {key: listener for topic in topics for key, listener in _subscribers.get(topic, {}).items()}
    for listener in ringing.values():
        listener.ring(notice)


def _hear(notice: Notice) -> None:
    """In the thread that committed: cross over to the loop, where elements may be touched."""
    if core.loop is not None and not core.loop.is_closed():
        core.loop.call_soon_threadsafe(_dispatch, notice)


def start() -> Callable[[], None]:
    """Listen to commits and to live rows, for as long as the app runs; returns the way out, which lets writes come to their end."""
    stop_hearing, stop_watching = on_notice(_hear), watch(Claim, _push)

    def stop() -> None:
        stop_hearing()
        stop_watching()
        _subscribers.clear()
        _rung_last.clear()
        wait([*_under_way], FINISH_SECONDS)

    return stop
