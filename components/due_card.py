"""The cheques of the two weeks to come in small: the next ones with their days, what all of them add up to, and the way to the calendar."""

from datetime import date
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from components.live import Subscription, ask, claims_topic, current_actor
from components.marks import icon_html
from components.words import language
from db import texts, values
from db.base import now
from db.cheque_board import Board, due_soon
from db.cheques import REMIND_DAYS
from db.doorbell import Notice

BREATH = 1.0


class DueCard:
    """The card on one page; nothing stands there when nothing falls due. `load` fills it, and every change of a claim again."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        self._card = ui.html('').classes('mk-duew')
        Subscription([claims_topic(current_actor())], self._ring, breath=BREATH)

    async def load(self) -> None:
        """Ask for what falls due and draw it."""
        today = values.israel(now()).date()
        self._card.set_content(due_html(await ask(due_soon, today), today, language()))

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()


def due_html(board: Board, today: date, reader: str) -> str:
    """The card: a list on the desk, one line on the phone."""
    if not board.rows:
        return ''
    total = values.format_money(board.sums.total, reader, cents=False) if board.sums else ''
    count = texts.tn('{n} cheque', '{n} cheques', board.count, reader)
    title = escape(texts.t('Cheques due in the next 14 days', reader))
    return _list_html(board, today, title, f'{count} · {_number(total)}' if total else count, reader) + _line_html(
        board, today, title, f'{_number(total)} · {count}' if total else count, reader
    )


def _list_html(board: Board, today: date, title: str, sums: str, reader: str) -> str:
    rows = ''.join(_row_html(*row, today, reader) for row in board.rows)
    return (
        f'<section class="mk-card mk-hide-sm" data-testid="due-card" aria-label="{title}"><div class="mk-hd">'
        f'{icon_html("payments", "mk-lead")}<h2>{title}</h2></div><div class="mk-bd mk-stack2">{rows}'
        f'<p class="mk-row mk-sm mk-t2">{sums}</p>'
        f'<a class="mk-btn mk-soft mk-w" href="/cheques?view=calendar">{escape(texts.t("To the calendar of cheques", reader))}</a>'
        f'</div></section>'
    )


def _row_html(cheque: Any, claim: Any, today: date, reader: str) -> str:
    days = cheque.days_left(today)
    soon = ' mk-due' if days <= REMIND_DAYS else ''
    return (
        f'<a class="mk-chq{soon}" href="/claims/{quote(claim.claim_no, safe="")}?tab=money" data-testid="due-cheque">'
        f'{_days_html(days, reader)}<span class="mk-grow"><span class="mk-row"><b class="mk-ell mk-grow" dir="auto">{escape(claim.insured_name)}</b>'
        f'<b>{_number(values.format_money(cheque.amount, reader))}</b></span>'
        f'<span class="mk-row mk-sm mk-t3"><span class="mk-ell mk-grow" dir="auto">{escape(cheque.payee or cheque.drawer)}</span>'
        f'{_number(values.format_day(cheque.due_date))}</span></span></a>'
    )


def _days_html(days: int, reader: str) -> str:
    """The number of days over its word; small numbers are words of their own."""
    if days == 0:
        return f'<span class="mk-n"><b class="mk-w1">{escape(texts.t("Today", reader))}</b></span>'
    word = texts.tn('day', 'days', days, reader)
    number = '' if days <= 2 and reader == 'he' else f'<b>{days}</b>'
    return f'<span class="mk-n">{number}<span{"" if number else " class=mk-w1"}>{escape(word)}</span></span>'


def _line_html(board: Board, today: date, title: str, sums: str, reader: str) -> str:
    days = board.rows[0][0].days_left(today)
    return (
        f'<a class="mk-duecard mk-only-sm" href="/cheques" data-testid="due-line">{_days_html(days, reader)}'
        f'<span><b>{title}</b><br><span class="mk-sm mk-t2">{sums}</span></span>{icon_html("chevron_left", "mk-dir")}</a>'
    )


def _number(text: str) -> str:
    return f'<bdi class="mk-num" dir="ltr">{escape(text)}</bdi>'
