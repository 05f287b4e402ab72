"""The claims list on screen: a list state, the page of rows it means, and what happens to it while other people work."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

import orjson
from nicegui import background_tasks, ui
from nicegui.element import Element
from nicegui.elements.html import Html
from nicegui.events import GenericEventArguments

from components import accesses, row_news
from components.accesses import Seen
from components.bell import more_changes
from components.bulk_bar import BulkFound, BulkWork, read_bulk
from components.frame import log_error, say
from components.list_columns import ListColumns, cells_of, columns_drawn, found_text, staleness
from components.list_filters import Filter, counted_choices, filters_drawn, filters_for, unfit, with_namesakes
from components.list_sums import ListSum
from components.list_views import ListViews, ViewsRead, count_text, views_and_counts
from components.live import (
    MISSED,
    Subscription,
    ask,
    claims_topic,
    current_actor,
    has_rung,
    marks_topic,
    rung,
    show_changes,
    show_written,
    words_topic,
    work,
    written,
)
from components.marks import picture_html
from components.row_news import RowNews
from components.shared_words import people_known_to, reference
from components.theme import status_look
from components.words import headline_of, misread_text, moment_text, said_once, t, tn, unknown_text, whole_note_of
from db import list_counts, list_state, lists, texts, values
from db.access_log import LIST, SEARCH
from db.alerts import mark_all_read
from db.at_hand import AtHand, at_hand
from db.base import now
from db.doorbell import Notice
from db.list_rows import News, Row
from db.list_state import ListState
from db.lists import Page
from db.reference import Reference
from db.scope import Actor

# a burst of changes (an import, a bulk update) redraws a list a few times a second, not a thousand times
BREATH = 0.1
# nobody reads numbers in a menu that move faster
MENU_BREATH = 2.0
# a skeleton that flashes for a quick answer only disturbs
PATIENCE = 0.2


Names = tuple[Reference, Mapping[int, str], Sequence[Filter]]


class Opening(NamedTuple):
    """What the page of a list shows at first."""

    asked: ListState
    names: Names
    hand: AtHand
    page: Page
    counts: Mapping[str, int]
    demanded: int | None
    upto: int
    views: ViewsRead
    bulk: BulkFound


class ClaimsBar(Element, component='claims_bar.js'):
    """Views, search and filters."""


class ClaimsTable(Element, component='claims_table.js'):
    """Rows, or cards on the phone, and the pager; without rows a picture and what to do."""

    _picture: Html | None = None

    def show_picture(self, kind: str) -> None:
        """Draw what stands in the place of rows; most lists have some and never need it."""
        if self._picture is None:
            with self.add_slot('picture'):
                self._picture = ui.html('').classes('mk-contents')
        self._picture.set_content(picture_html(kind))


class _WrittenRows:
    """Rows as they travel, as long as all things are called what they are called."""

    MOST = 2000

    def __init__(self) -> None:
        self._words: Reference | None = None
        self._texts: dict[Hashable, bytes] = {}

    def text(self, words: Reference, row: Hashable, write: Callable[[], bytes]) -> bytes:
        """A row in these words, written if nobody has seen it so before."""
        if self._words is not words or len(self._texts) >= self.MOST:
            self._words, self._texts = words, {}
        if row not in self._texts:
            self._texts[row] = write()
        return self._texts[row]


# things are called one way in the bureau and another in the offices
_written_rows = {is_bureau: _WrittenRows() for is_bureau in (True, False)}


def _misread(query: Mapping[str, str], state: ListState) -> str:
    """What of an address was not understood when it was read into a list, in words."""
    days, others = values.misread_days(query, list_state.DAYS), list_state.misread(query, state)
    return ' '.join(filter(None, (misread_text(days), unknown_text(others))))


class ClaimsList:
    """One person's list on one page."""

    _menu_news: Subscription | None = None
    _noted: str | None = None

    def __init__(self, found: Opening, since: int, asked: Mapping[str, str]) -> None:
        """Draw what was found when `live.rung()` said `since`; `asked` is the address."""
        self.actor, self.state, self._menu = current_actor(), found.asked, ''
        self._misread = _misread(asked, found.asked)
        self._land(found.page.state, told=True)
        self._words, self._people, self._filters = found.names
        self._asked = self._newest = self._answered = self._heard = 0
        self._skeleton: asyncio.Task[None] | None = None
        self._ends: tuple[int, int] | None = None
        self.bar = ClaimsBar()
        self.bar._props.update(texts=_bar_texts(), scopes=_scopes())
        with self.bar.add_slot('views'):
            self.views = ListViews(self.actor, lambda: self.seen, self._view)
        with self.bar.add_slot('columns'):
            self.columns = ListColumns(self.actor, self._look)
        self.table = ClaimsTable()
        self.table._props.update(
            dense=False,
            sizes=list(list_state.PAGE_SIZES),
            texts=_table_texts(),
            upto=0,
            trail='',
            asked=0,
            listed=self.state.meant,
        )
        self.bulk = BulkWork(lambda: self.state, self.actor, since)
        self._sum = ListSum(self.table, self.actor)
        self._listen()
        self._draw_all(found, since)
        otherwise = Subscription([marks_topic(self.actor)], self._ring, breath=BREATH, since=since)
        RowNews(self, otherwise)
        if has_rung([claims_topic(self.actor)], since):
            otherwise.ring(MISSED)
        Subscription([words_topic()], self._reword, breath=BREATH, since=since)

    def _listen(self) -> None:
        self.bar.on('change', self._change)
        self.bar.on('filter', self._filter)
        self.bar.on('clear', self._clear)
        self.bar.on('restore', self._restore)
        self.bar.on('read_all', self._read_all, args=[])
        self.bar.on('menu', self._open_menu)
        self.table.on('sort', self._sort)
        self.table.on('page', lambda e: self.show(self.state.turned_to(_whole(e.args, 1), self._ends)))
        self.table.on('size', lambda e: self.show(replace(self.state, size=_whole(e.args, 25), page=1)))
        self.table.on('rescue', self._rescue)

    def _draw_all(self, found: Opening, since: int) -> None:
        self.columns.looks = found.hand.looks
        self.views.draw(found.views)
        self._draw_bar(found.counts, found.upto)
        self._draw(found.page, found.upto)
        self._sum.follow(self.state, found.counts[self.state.view], found.demanded, since)
        self.bulk.draw(self._words, found.bulk)

    @property
    def seen(self) -> ListState:
        """The list as it is seen: with the columns it shows, also when those are only what the person is used to."""
        return replace(self.state, columns=self._shown)

    @property
    def _shown(self) -> tuple[str, ...]:
        return list_state.columns_shown(self.state, self.columns.looks.columns, self.actor)

    # ---- what the person asks for

    async def show(self, state: ListState, *, step: bool = True) -> None:
        """Go to another state of the list: the address follows, so that reload, back and sharing work.

        `step`: whether going back should lead here; not for every pause in typing.
        """
        self.state, self._misread = with_namesakes(ListState.read(dict(parse_qsl(state.address()))), self._filters), ''
        self._follow(ui.navigate.history.push if step else ui.navigate.history.replace)
        await self.load(asked=True)

    def _follow(self, how: Callable[[str], None]) -> None:
        address = self.state.address()
        how(f'/?{address}' if address else '/')

    def _land(self, shown: ListState, *, told: bool) -> None:
        """Go on with what is shown; the address follows when the page that was asked for is past the last one."""
        page = self.state.page
        # columns that are only what the person is used to stay out of the address
        self.state = replace(shown, columns=self.state.columns)
        if shown.page < page:
            self._follow(ui.navigate.history.replace)
            past = t('There is no page {page}. The last one is shown.', page=page) if told else ''
            self._misread = ' '.join(filter(None, (self._misread, past)))

    def _note(self) -> None:
        """Have the log of access say what is listed, once for all its pages and orders."""
        if self._noted != (listed := self.state.meant):
            self._noted = listed
            searched = self.state.q.strip()
            seen = Seen(SEARCH, searched) if searched else Seen(LIST, listed)
            accesses.note(self.actor, seen)

    async def load(self, *, asked: bool = False) -> None:
        """Ask for the rows and show them; an answer overtaken by a newer question is dropped."""
        self._newest += 1
        question, state, upto, since = self._newest, self.seen, row_news.newest(), rung()
        if asked:
            self._draw_bar(None, None)
            self._asked += 1
            show_changes(self.table, {'busy': True})
            self._skeleton = background_tasks.create(
                self._draw_skeleton(question), name='skeleton', context=self.table.parent_slot
            )
        try:
            page, counts, demanded = await ask(_page_and_counts, state, self._sum.is_of(state))
        except Exception as error:  # whatever it is, who asked is told its number and may ask again
            if not asked:
                raise  # the rows stay, and the doorbell tries again
            if question == self._newest:
                self._draw_failure(log_error(error))
            return
        finally:
            self._answered = max(self._answered, question)
        if question != self._newest or self.table.is_deleted:
            return
        self._land(page.state, told=asked)
        self._draw_bar(counts, upto)
        self._draw(page, upto)
        self._sum.follow(self.state, counts[self.state.view], demanded, since)
        if asked:
            await self._count_menu()

    async def _ring(self, notices: set[Notice]) -> None:
        if any(notice.kind in ('person', MISSED.kind) for notice in notices):
            await self.columns.load()
        await self.load()
        if self.views.is_open or any(notice.kind in ('person', 'seen', MISSED.kind) for notice in notices):
            await self.views.load()

    async def _view(self, state: ListState) -> None:
        """Go to a view; one that names no columns keeps those there are."""
        await self.show(state if state.columns else replace(state, columns=self.state.columns, size=self.state.size))

    async def _look(self, columns: Sequence[str] | None) -> None:
        """Other columns: where the address names some (a saved view does) it follows; otherwise they are what the person is used to."""
        if columns is not None and self.state.columns:
            await self.show(replace(self.state, columns=tuple(columns)))
            return
        if columns is not None:
            await self.columns.prefer(columns=columns)
        await self.load(asked=True)

    async def _read_all(self) -> None:
        await work(mark_all_read, now())
        say(t('Everything is marked as read'))

    # ---- what is told to all lists at once

    @property
    def look(self) -> tuple[str, ...]:
        """The columns: lists that show the same ones draw their rows alike."""
        return self._shown

    def takes(self, news: News) -> bool:
        """Whether it shows the newest claims of a view, nothing narrows them down, and this row stays in the view or leads it.

        Not while an answer is on its way, nor while the menu with the numbers of other views is open. What one did oneself may be read or unread: the list asks.
        """
        state = self.state
        in_view = state.view in ('all', 'open' if news.is_open else 'closed')
        settled = (
            self._answered == self._newest and self.table._props.get('state') == 'ready' and not self.views.is_open
        )
        return (
            state.begins_with_news
            and in_view
            and settled
            and not news.turned
            and self.actor.user_id not in news.authors
        )

    def row_of(self, news: News) -> dict[str, Any]:
        """The row as the browser draws it; the way back to this very list, the browser adds itself."""
        moment, reader = now(), self.actor.language
        when, today = moment_text(news.row.updated_at, moment, reader), values.israel(moment).date()
        return self._row(news.row, '', when, today) | cells_of(news.row, self._shown, reader, today)

    async def _reword(self, _: set[Notice]) -> None:
        """Something is called differently from now on."""
        self._words, self._people, self._filters = await ask(names_for)
        await self.bulk.load(self._words)
        await self.load()

    async def _change(self, event: GenericEventArguments) -> None:
        wanted = {name: str(value) for name, value in _mapping(event.args).items() if name in ('view', 'q', 'scope')}
        query = {**dict(parse_qsl(self.state.address())), **wanted, 'page': '1'}
        state = ListState.read(query)
        if state != self.state:
            typing = replace(state, q=self.state.q) == replace(self.state, page=1) and bool(self.state.q)
            await self.show(state, step=not typing)

    def _hear(self, event: GenericEventArguments, length: int) -> list[Any]:
        """What the bar asks for, of this length. The answer names the number behind it: the bar may have asked again since."""
        given = event.args if isinstance(event.args, list) else [event.args]
        *said, number = given if len(given) == length + 1 else [0]
        self._heard = _whole(number, self._heard)
        return said

    async def _filter(self, event: GenericEventArguments) -> None:
        name, keys = self._hear(event, 2) or ('', [])
        if name in list_state.RANGES:
            no_end: dict[str, Any] = {f'{name}_to': None}
            self.state = replace(self.state, **no_end)
            name, keys = f'{name}_from', []
        if name in (*list_state.MANY, *list_state.DAYS) and isinstance(keys, list):
            chosen = ','.join(map(str, keys))
            if chosen and name in list_state.DAYS and values.day_in(chosen) is None:
                return  # no day: the field says so, and the list stays as it is
            await self.show(ListState.read({**dict(parse_qsl(self.state.address())), name: chosen, 'page': '1'}))

    async def _open_menu(self, event: GenericEventArguments) -> None:
        names = {one.name for one in self._filters}
        self._menu = event.args if isinstance(event.args, str) and event.args in names else ''
        if self._menu and self._menu_news is None:  # few ever open one
            topics = [claims_topic(self.actor), marks_topic(self.actor), words_topic()]
            self._menu_news = Subscription(topics, lambda _: self._count_menu(), breath=MENU_BREATH, since=rung())
        await self._count_menu()

    async def _count_menu(self) -> None:
        """Show how many claims each choice of the open menu has; with none open, ask nothing."""
        if not self._menu:
            return
        state, offered = self.state, next(one for one in self._filters if one.name == self._menu)
        counts = await ask(counted_choices, state, offered)
        if (self._menu, self.state) == (offered.name, state) and not self.bar.is_deleted:
            show_changes(self.bar, {'counts': {'menu': offered.name, 'choices': counts}})

    async def _clear(self, event: GenericEventArguments) -> None:
        self._hear(event, 0)
        await self.show(self.state.without_filters())

    async def _restore(self, event: GenericEventArguments) -> None:
        [given] = self._hear(event, 1) or ['']
        query = dict(parse_qsl(str(given)[:2000]))
        state = list_state.read_by(self.actor, query)
        self.state, self._misread = with_namesakes(state, self._filters), _misread(query, state)
        await self.load(asked=True)

    async def _sort(self, event: GenericEventArguments) -> None:
        name = str(event.args)
        descending_first = name in ('updated_at', 'event_date', 'demand_amount')
        falls = not self.state.falls if self.state.sorted_by == name else descending_first
        sort = f'-{name}' if falls else name
        await self.show(ListState.read({**dict(parse_qsl(self.state.address())), 'sort': sort, 'page': '1'}))

    async def _rescue(self, event: GenericEventArguments) -> None:
        if event.args == 'clear':
            await self.show(self.state.without_filters())
        else:
            await self.load(asked=True)

    # ---- drawing

    def _draw_bar(self, counts: Mapping[str, int] | None, upto: int | None) -> None:
        shown: dict[str, Any] = {
            'state': {'view': self.state.view, 'q': self.state.q, 'scope': self.state.scope},
            'misread': ' '.join(filter(None, (self._misread, unfit(self.state, self._filters)))),
            'heard': self._heard,
        }
        show_written(self.bar, filters=filters_drawn(self._filters, self.state))
        self.columns.draw(self._shown)
        if counts is not None:
            shown |= {'upto': upto, 'most': self.state.counted_up_to}
            shown['views'] = [
                {'name': name, 'label': label, 'count': count_text(counts[name], self.state)}
                for name, label in _views().items()
            ]
        show_changes(self.bar, shown)

    async def _draw_skeleton(self, question: int) -> None:
        """Show where rows will be, when their answer takes longer than a blink."""
        await asyncio.sleep(PATIENCE)
        if self._answered < question == self._newest and not self.table.is_deleted:
            show_changes(self.table, {'state': 'loading'})

    def _draw(self, page: Page, upto: int) -> None:
        state, reader, moment = page.state, self.actor.language, now()
        origin = self.state.address()
        names = self._shown
        self._note()
        rows = [self._written_row(row, origin, moment) for row in page.rows]
        self._ends = page.ends
        if not rows:
            self.table.show_picture('done' if state.view == 'unread' and not _narrowed(state) else 'nothing')
        pages, more = _pages(page)
        shown = {
            'dense': self.columns.looks.density == 'dense',
            'upto': upto,
            'trail': f'?list={quote(origin, safe="")}' if origin else '',
            'sort': state.sort,
            'page': state.page,
            'pages': pages,
            'more': more,
            'size': state.size,
            'range': _range_text(page),
            'state': 'ready' if rows else 'empty',
            'message': self._empty_message(),
            'asked': self._asked,
            'listed': state.meant,
            'busy': False,
        }
        show_written(self.table, rows=rows, **columns_drawn(names, reader))
        show_changes(self.table, shown)
        self.views.mark()
        show_changes(self.bulk.bar, {'total': page.total, 'totalText': count_text(page.total, state)})

    def _draw_failure(self, number: str) -> None:
        message = {
            'title': t('We could not load the claims'),
            'text': t('Our fault, your data is safe. Error no. {number}', number=number),
            'action': t('Try again'),
            'rescue': 'again',
        }
        self.table.show_picture('error')
        show_changes(self.table, {'state': 'error', 'message': message, 'busy': False})

    def _written_row(self, row: Row, origin: str, moment: datetime) -> orjson.Fragment:
        """A row as it travels; the same for all who see the same, and put down once for them."""
        reader, today = self.actor.language, values.israel(moment).date()
        when = moment_text(row.updated_at, moment, reader)

        def write() -> bytes:
            return written(self._row(row, origin, when, today) | cells_of(row, self._shown, reader, today))

        if row.change is not None:  # what is new in it is told in more words than the row has
            return orjson.Fragment(write())
        rows = _written_rows[self.actor.is_bureau]
        return orjson.Fragment(rows.text(self._words, (row, when, origin, reader, today, self._shown), write))

    def _row(self, row: Row, origin: str, when: str, today: date) -> dict[str, Any]:
        """What every row and card shows, whichever columns are chosen."""
        reader = self.actor.language
        status, waiting = self._words.statuses.get(row.status), self._words.waiting.get(row.waiting_on)
        look = status_look(row.status)
        return {
            'no': row.claim_no,
            'claim_no': row.claim_no,
            'seq': row.seq,
            'href': f'/claims/{quote(row.claim_no, safe="")}' + (f'?list={quote(origin, safe="")}' if origin else ''),
            'name': row.insured_name,
            'line2': ' · '.join(filter(None, (row.make_model, row.garage))),
            'plate': values.format_plate(row.plate) if row.plate else '',
            'status': {'hue': look.hue, 'icon': look.icon, 'label': status.label_in(reader) if status else row.status},
            'stage': self._stage(row, reader),
            'tp_insurer': row.tp_insurer,
            'waiting_on': waiting.label_in(reader) if waiting else '',
            'demand_amount': values.format_money(row.demand_amount, reader) if row.demand_amount is not None else '',
            'at': row.updated_at.isoformat(),
            'when': when,
            'exact': values.format_exact(row.updated_at),
            'stale': staleness(row, status, today, reader),
            'unread': row.unread,
            'hint': self._hint(row, reader),
            'found': found_text(row.found, reader) if row.found else '',
        }

    def _stage(self, row: Row, reader: str) -> dict[str, Any] | None:
        stage = self._words.stages.get(row.repair_stage or '')
        if stage is None:
            return None
        done, total = self._words.stage_place(row.repair_stage)
        label = stage.label_in(reader)
        spoken = texts.t('Stage {done} of {total}: {label}', reader, done=done, total=total, label=label)
        return {'label': label, 'done': done, 'total': total, 'aria': spoken}

    def _hint(self, row: Row, reader: str) -> dict[str, Any] | None:
        if not row.unread or row.change is None:
            return None
        label, before, after, more = headline_of(row.change, self._words, self._people, reader)
        hint = {'label': label, 'before': before, 'after': after, 'more': more_changes(more, reader) if more else ''}
        whole = whole_note_of(row.change)
        return hint | {'whole': whole} if whole else hint

    def _empty_message(self) -> dict[str, str]:
        if self.state.is_wordless:
            told = {'title': t('Nothing to look for'), 'text': t(list_state.NO_WORD)}
            return {**told, 'action': t('Clear filters'), 'rescue': 'clear'}
        if _narrowed(self.state):
            return {
                'title': t('No claims found'),
                'text': t('Check the digits, search in all claims or clear the filters.'),
                'action': t('Clear filters'),
                'rescue': 'clear',
            }
        if self.state.view == 'unread':
            return {'title': t('All caught up'), 'text': t('Every change in your claims has been seen.')}
        return {'title': t('No claims here yet'), 'text': t('A claim shows here as soon as the bureau opens it.')}


def _page_and_counts(
    session: Any, state: ListState, is_summed: bool = False
) -> tuple[Page, dict[str, int], int | None]:
    counts = list_counts.counts_of(session, state)
    total = counts[state.view]
    no_sum = is_summed or total > state.counted_up_to
    demanded = None if no_sum else list_counts.demanded_in(session, state)
    return lists.page_of(session, state, total), counts, demanded


def names_for(session: Any) -> Names:
    """What a list needs to know once: reference words, people's names, what can be filtered by."""
    return reference(session), people_known_to(session), filters_for(session)


def opening_of(session: Any, asked: ListState, upto: int) -> Opening:
    """All that the page of a list shows at first, read at one moment."""
    actor: Actor = session.info['actor']
    hand, names = at_hand(session), names_for(session)
    asked = with_namesakes(asked, names[2])
    seen = replace(asked, columns=list_state.columns_shown(asked, hand.looks.columns, actor))
    page, counts, demanded = _page_and_counts(session, seen)
    found = views_and_counts(session) if hand.views else ([], {}, hand.looks.pins)
    return Opening(asked, names, hand, page, counts, demanded, upto, found, read_bulk(session, hand.order))


def _whole(given: Any, default: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 1_000_000 else default


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _narrowed(state: ListState) -> bool:
    return bool(state.filters or state.q)


def _range_text(page: Page) -> str:
    first = (page.state.page - 1) * page.state.size + 1
    return tn(
        'Showing one claim',
        'Showing {first}–{last} of {total} claims',
        page.total,
        first=first,
        last=first + len(page.rows) - 1,
        total=count_text(page.total, page.state),
    )


def _pages(page: Page) -> tuple[list[int], bool]:
    """The page numbers around this one, and whether there is a next one."""
    present, size = page.state.page, page.state.size
    last = max(1, -(-page.total // size)) if page.total_is_exact else present + 3
    start = max(1, min(present - 2, last - 5))
    return list(range(start, min(last, start + 5) + 1)), present < last and len(page.rows) == size


def _views() -> dict[str, str]:
    return {'open': t('Open'), 'unread': t('Unread'), 'closed': t('Closed'), 'all': t('All')}


@said_once
def _scopes() -> list[dict[str, str]]:
    labels = (
        ('all', t('Everything')),
        ('claim_no', t('Claim no.')),
        ('plate', t('Vehicle no.')),
        ('insured_name', t('Client name')),
    )
    return [{'name': name, 'label': label} for name, label in labels]


@said_once
def _bar_texts() -> dict[str, str]:
    return {
        'views': t('Views'),
        'search': t('Claim no., vehicle no. or client name'),
        'searchIn': t('Search in'),
        'clearSearch': t('Clear the search'),
        'filters': t('Filters'),
        'more': t('More'),
        'moreFilters': t('More filters'),
        'readAll': t('Mark everything as read'),
        'remove': t('Remove filter'),
        'clear': t('Clear'),
        'from': t('From'),
        'pickFirst': t('Choose the first day'),
        'pickLast': t('Choose the last day'),
        'to': t('To'),
        'find': t('Find'),
        'show': t('Show claims'),
        'showOne': t('Show one claim'),
        'showMany': t('Show {n} claims', n='{n}'),
    }


@said_once
def _table_texts() -> dict[str, str]:
    return {
        'table': t('Claims'),
        'change': t('Change'),
        'plate': t('Vehicle no.'),
        'changedTo': t('changed to'),
        'pick': t('Select'),
        'pickPage': t('Select all rows on the page'),
        'isPicked': t('Selected'),
        'isNotPicked': t('Not selected'),
        'unread': t('Updated since your last visit'),
        'pageSize': t('Rows per page'),
        'pages': t('Pages'),
        'previous': t('Previous page'),
        'next': t('Next page'),
        'waitingOne': t('An update is waiting'),
        'waitingMany': t('{n} updates are waiting', n='{n}'),
    }
