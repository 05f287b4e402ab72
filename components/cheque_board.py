"""The cheques page on screen: what falls due, what is overdue, all of it, and the calendar; live, and taken further from the row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.cheque_words import cheque_row, tone_of
from components.frame import log_error, say
from components.live import Subscription, ask, claims_topic, current_actor, show_changes, words_topic, work
from components.undo_toast import UndoToast
from components.words import language, misread_text, t, tn, turned_round_text, unknown_text, weekday_of
from db import cheque_board, texts, values
from db.base import now
from db.cheque_board import COUNTED_UP_TO, PAGE_SIZES, Board, BoardState, MonthDay, Sums
from db.cheques import STATES, advance_cheque
from db.doorbell import Notice
from db.offices import User, offices
from db.reference import Insurer
from db.scope import Can
from db.session import fetch
from db.texts import N_

BREATH = 0.2
_DATED = ('day', 'due_from', 'due_to')
_VIEWS: Mapping[str, str] = {
    'due': N_('In the next 14 days'),
    'overdue': N_('Overdue'),
    'open': N_('All open'),
    'done': N_('Done'),
    'calendar': N_('Calendar'),
}
_EMPTY: Mapping[str, tuple[str, str]] = {
    'due': (N_('Nothing falls due in the next 14 days'), N_('A cheque shows here two weeks before its due date.')),
    'overdue': (N_('No cheque is overdue'), N_('Every cheque whose day passed was cleared or came to its end.')),
    'open': (N_('No open cheques'), N_('A cheque shows here as soon as the bureau writes it down.')),
    'done': (N_('No cheque is done yet'), N_('Cleared, cancelled and replaced cheques stay here.')),
    'calendar': (N_('No cheques on these days'), N_('Choose another day or another month.')),
}
_MONTHS = (
    *(N_('January'), N_('February'), N_('March'), N_('April'), N_('May'), N_('June')),
    *(N_('July'), N_('August'), N_('September'), N_('October'), N_('November'), N_('December')),
)
_DAYS = (N_('Su'), N_('Mo'), N_('Tu'), N_('We'), N_('Th'), N_('Fr'), N_('Sa'))


class ChequeBoard(Element, component='cheque_board.js'):
    """One person's cheques on one page."""

    def __init__(self, state: BoardState) -> None:
        """Draw the board, empty until `load` is awaited."""
        super().__init__()
        self._actor = current_actor()
        self.state = state = self._offered(state)
        self._newest = 0
        self._back: tuple[int, str] | None = None
        self._props.update(
            views=[], offices=[], rows=[], days=[], narrowed='', misread='', pages=1, status='loading', range='', sums=[], title='', months={},
            state=vars_of(state), bureau=self._actor.is_bureau, edits=self._actor.may(Can.HANDLE_MONEY), sizes=list(PAGE_SIZES),
            message={}, answer=None, texts=_texts(), week=[t(day) for day in _DAYS], sides=_sides(),
        )  # fmt: skip
        self.on('go', self._go)
        self.on('restore', self._restore)
        self.on('again', partial(self.load, asked=True), args=[])
        self.on('step', self._step)
        with self:
            Subscription([claims_topic(self._actor), words_topic()], self._ring, breath=BREATH)
            self._undo = UndoToast(self._take_back)

    async def load(self, *, asked: bool = False) -> None:
        """Ask for the cheques and show them; an answer overtaken by a newer question is dropped."""
        self._newest += 1
        question = self._newest
        try:
            read = await ask(_read, self.state, values.israel(now()).date())
        except Exception as error:  # whatever it is, who asked is told its number and may ask again
            if not asked:
                raise  # what is shown stays, and the doorbell tries again
            if question == self._newest:
                self._draw_failure(log_error(error))
            return
        if question == self._newest and not self.is_deleted:
            self.state = read[0].state
            self._draw(*read)

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()

    # ---- what the person asks for

    async def _go(self, event: GenericEventArguments) -> None:
        """To another view, filter, month, day or page; what the address does not know falls back to the default."""
        given = event.args if isinstance(event.args, dict) else {}
        names = set(vars_of(self.state))
        wanted = {name: str(value)[:20] for name, value in given.items() if name in names}
        kept = dict(parse_qsl(self.state.address()))
        if 'month' in wanted or 'view' in wanted:
            kept.pop('day', None)
        self.state = self._offered(BoardState.read({**kept, 'page': '1', **wanted}))
        address = self.state.address()
        ui.navigate.history.push(f'/cheques?{address}' if address else '/cheques')
        await self.load(asked=True)

    async def _restore(self, event: GenericEventArguments) -> None:
        self.state = self._offered(BoardState.read(dict(parse_qsl(str(event.args)[:500]))))
        await self.load(asked=True)

    def _offered(self, state: BoardState) -> BoardState:
        """People of an office have no choice of offices."""
        return state if self._actor.is_bureau else replace(state, office='')

    # ---- what the person orders

    async def _step(self, event: GenericEventArguments) -> None:
        """Take a cheque further; a refusal stands where he clicked."""
        given = event.args if isinstance(event.args, dict) else {}
        cheque_id, state = given.get('id'), str(given.get('state'))[:20]
        reason, confirmed = str(given.get('reason') or '')[:20], given.get('waiver') is True
        if type(cheque_id) is not int or not 0 < cheque_id < 2**53 or state not in STATES:
            return
        with answering(self) as answer:
            answer['id'] = cheque_id
            await work(advance_cheque, cheque_id, state, now(), reason=reason, waiver_confirmed=confirmed)
            answer['message'] = ''
        if answer['message']:
            return
        self._back = cheque_id, state
        left = await ask(_time_to_take_back, cheque_id)
        self._undo.offer(left, t(STATES[state]))

    async def _take_back(self) -> None:
        if self._back is not None:
            (cheque_id, state), self._back = self._back, None
            await work(cheque_board.take_back_cheque, cheque_id, state, now())
            say(t('The change was taken back.'))

    # ---- drawing

    def _draw(
        self,
        board: Board,
        counts: Mapping[str, int],
        days: Sequence[MonthDay],
        houses: Mapping[int, str],
        names: Sequence[str],
    ) -> None:
        reader, today = language(), values.israel(now()).date()
        edits = self._actor.may(Can.HANDLE_MONEY)
        rows = [
            cheque_row(cheque, claim, houses.get(cheque.office_id, ''), today, reader, editable=edits)
            for cheque, claim in board.rows
        ]
        views = [
            {'name': name, 'label': t(label), 'count': _count_text(counts[name]) if name in counts else ''}
            for name, label in _VIEWS.items()
        ]
        shown = {
            'state': {**vars_of(board.state), 'month': _month_of(board.state, today)},
            'narrowed': _narrowed(board.state, names),
            'misread': _misread(board.state),
            'views': views,
            'offices': [[str(key), name] for key, name in houses.items()] if self._actor.is_bureau else [],
            'rows': rows,
            'days': [_day(day, board.state, today, reader) for day in days],
            'months': _months_around(_month_of(board.state, today)),
            'title': _title(board.state, days, reader),
            'pages': max(1, -(-min(board.count, COUNTED_UP_TO) // board.state.size)),
            'range': _range_text(board),
            'sums': _sums_text(board.sums),
            'status': 'ready' if rows else 'empty',
            'message': self._empty(),
        }
        show_changes(self, shown)

    def _empty(self) -> dict[str, str]:
        title, text = _EMPTY[self.state.view]
        return {'title': t(title), 'text': t(text), 'clear': t('Clear filters') if self.state.is_filtered else ''}

    def _draw_failure(self, number: str) -> None:
        text = t('Our fault, your data is safe. Error no. {number}', number=number)
        message = {'title': t('We could not load the cheques'), 'text': text, 'again': t('Try again')}
        show_changes(self, {'status': 'error', 'message': message})


def vars_of(state: BoardState) -> dict[str, str | int]:
    """A state as plain words and numbers."""
    days = {name: value.isoformat() if value else '' for name, value in vars(state).items() if name in _DATED}
    return {**vars(state), **days}


def _read(
    session: Any, state: BoardState, today: date
) -> tuple[Board, dict[str, int], list[MonthDay], dict[int, str], list[str]]:
    board = cheque_board.page_of_board(session, state, today)
    counts = cheque_board.counts_of_board(session, state, today)
    days = cheque_board.month_of_board(session, state, today) if state.view == 'calendar' else []
    houses = {office.id: office.name for office in fetch(session, offices())} if session.info['actor'].is_bureau else {}
    firms_and_people = ((Insurer, state.insurer), (User, state.agent))
    named = [session.get(model, int(key)) for model, key in firms_and_people if key]
    return board, counts, days, houses, [row.name for row in named if row]


def _time_to_take_back(session: Any, cheque_id: int) -> timedelta | None:
    return cheque_board.time_to_take_back(session, cheque_id, now())


def _texts() -> dict[str, str]:
    return {
        'views': t('Views'),
        'direction': t('Who pays'),
        'everybody': t('All'),
        'remove': t('Remove filter'),
        'office': t('Office'),
        'everyOffice': t('Every office'),
        'table': t('Cheques'),
        'due': t('Due date'),
        'claim': t('Claim'),
        'plate': t('Vehicle no.'),
        'way': t('From whom to whom'),
        'number': t('Cheque no.'),
        'amount': t('Amount'),
        'state': t('How far it is'),
        'act': t('Update'),
        'late': t('Entered late'),
        'waiver': t('Carries a waiver'),
        'more': t('Further steps'),
        'close': t('Close'),
        'confirmWaiver': t('Depositing it may give up the rest of the claim. Go on only when that is agreed.'),
        'toClaim': t('To the claim'),
        'pages': t('Pages'),
        'previous': t('Previous page'),
        'next': t('Next page'),
        'before': t('Previous month'),
        'after': t('Next month'),
        'today': t('Today'),
        'wholeMonth': t('The whole month'),
        'incoming': t('From insurers'),
        'outgoing': t('From clients'),
        'soon': t('Within 14 days'),
        'later': t('Later'),
        'overdue': t('Overdue'),
        'cleared': t('Cleared'),
        'size': t('Rows per page'),
    }


def _sides() -> list[list[str]]:
    return [['', t('All')], ['in', t('From insurers')], ['out', t('From clients')]]


def _count_text(count: int) -> str:
    return f'{COUNTED_UP_TO:,}+' if count > COUNTED_UP_TO else f'{count:,}'


def _range_text(board: Board) -> str:
    first = (board.state.page - 1) * board.state.size + 1
    return tn(
        'Showing one cheque',
        'Showing {first}–{last} of {total} cheques',
        board.count,
        first=first,
        last=first + len(board.rows) - 1,
        total=_count_text(board.count),
    )


def _sums_text(sums: Sums | None) -> list[list[str]]:
    """What the cheques of the view add up to: [label, sum], each side that has any."""
    if sums is None:
        return []
    sides = [(t('From insurers'), sums.incoming), (t('From clients'), sums.outgoing)]
    return [[label, values.format_money(amount, language(), cents=False)] for label, amount in sides if amount]


# ---- the calendar -----------------------------------------------------------------------------------------------------------


def _month_of(state: BoardState, today: date) -> str:
    return state.month or today.isoformat()[:7]


def _months_around(month: str) -> dict[str, str]:
    first = date.fromisoformat(f'{month}-01')
    sides = {'before': first - timedelta(days=1), 'after': first + timedelta(days=31)}
    return {name: day.isoformat()[:7] for name, day in sides.items()}


def _title(state: BoardState, days: Sequence[MonthDay], reader: str) -> str:
    """The month; in front of it the day that was chosen, and what day it is."""
    if not days:
        return ''
    chosen = next((day for day in days if day.day == state.day), None)
    if chosen is None:
        first = next(day.day for day in days if day.in_month)
        return f'{texts.t(_MONTHS[first.month - 1], reader)} {first.year}'
    named = [f'{weekday_of(chosen.day, reader)}, {values.format_day(chosen.day)}', texts.t(chosen.occasion, reader)]
    return ' · '.join(filter(None, named))


def _day(day: MonthDay, state: BoardState, today: date, reader: str) -> dict[str, Any]:
    tone = tone_of((day.day - today).days)
    sums = [values.format_money(side, reader, cents=False) if side else '' for side in _both(day.waiting)]
    cleared = values.format_money(day.cleared.total, reader, cents=False) if day.cleared.count else ''
    occasion = texts.t(day.occasion, reader)
    count = tn('{n} cheque', '{n} cheques', day.waiting.count) if day.waiting.count else ''
    said = [weekday_of(day.day, reader), values.format_day(day.day), occasion, count]
    return {
        'day': day.day.isoformat(),
        'n': day.day.day,
        'in': day.in_month,
        'off': not day.works,
        'today': day.day == today,
        'on': day.day == state.day,
        'occasion': occasion,
        'count': day.waiting.count,
        'incoming': sums[0],
        'outgoing': sums[1],
        'cleared': cleared,
        'tone': tone if day.waiting.count else '',
        'said': ', '.join(filter(None, said)),
    }


def _misread(state: BoardState) -> str:
    days = misread_text(state.misread)
    if state.view == 'calendar' and not state.month and state.day is None:
        days = misread_text(state.misread, N_('Not a date: {days}. The calendar shows this month.'))
    return ' '.join(filter(None, (days, unknown_text(state.unknown), turned_round_text(state.turned_round))))


def _narrowed(state: BoardState, names: Sequence[str]) -> str:
    """What a figure of the reports narrowed the page to."""
    sides = [values.format_day(day) if day else '…' for day in (state.due_from, state.due_to)]
    days = t('Due {days}', days=' – '.join(sides)) if state.due_from or state.due_to else ''
    return ' · '.join(filter(None, (days, *names)))


def _both(sums: Sums) -> tuple[int, int]:
    return sums.incoming, sums.outgoing
