"""What is demanded in a list in all: asked for by each page that opens, and then once for all equal lists of those who see the same, a breath after anything changed.

A list of more claims than are counted has no sum: a part of one would mislead.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from html import escape
from typing import Any

from nicegui import background_tasks
from nicegui.element import Element
from nicegui.elements.html import Html

from components.live import (
    LONGEST_PAUSE,
    ask_as,
    claims_topic,
    has_gone,
    has_rung,
    listen,
    marks_topic,
    when_gone,
    words_topic,
    written_html,
)
from components.row_news import Audience, audience_of
from components.words import t
from db import values
from db.doorbell import Notice
from db.list_counts import demanded_in
from db.list_state import ListState
from db.scope import Actor

log = logging.getLogger(__name__)

# nobody reads a sum that moves faster
BREATH = 3.0

_rooms: dict[Hashable, '_Room'] = {}


def start() -> Callable[[], None]:
    """Begin with no list open; returns the way out."""
    _rooms.clear()
    return _rooms.clear


def _key(actor: Actor, state: ListState) -> tuple[Audience, str, int | None]:
    """For whom and for which lists the sum is the same."""
    return audience_of(actor), state.meant, actor.user_id if state.is_personal else None


class ListSum:
    """The sum in the foot of one list."""

    def __init__(self, table: Element, actor: Actor) -> None:
        """Nothing is shown, and no element made, until there is a sum."""
        self._table, self._actor = table, actor
        self._shown: Html | None = None
        self._room: _Room | None = None
        when_gone(table, self._leave)

    def is_of(self, state: ListState) -> bool:
        """Whether it is told already what is demanded in this list, and nobody need ask."""
        return self._room is not None and self._room.key == _key(self._actor, state)

    def follow(self, state: ListState, total: int, amount: int | None, since: int) -> None:
        """From now on it is the sum of this list of `total` claims; `amount` was asked for after `live.rung()` said `since`, unless it `is_of` this list already."""
        is_counted = total <= state.counted_up_to
        if has_gone(self._table) or (is_counted and self.is_of(state)):
            return
        self._leave()
        if is_counted:
            self._room = _Room.for_(_key(self._actor, state), self._actor, state)
            self._room.join(self, amount, since)
        self.show(amount if is_counted else None)

    def show(self, amount: int | None) -> None:
        """Say it, in the words of the page."""
        if self._shown is None:
            if amount is None:
                return
            with self._table.add_slot('sum'):
                self._shown = written_html('', ours=True).classes('mk-sum mk-hide-xs')
            self._table.update()
        with self._shown:
            self._shown.set_content('' if amount is None else _sum_html(amount, self._actor.language))

    def _leave(self) -> None:
        if self._room is not None:
            self._room.leave(self)
        self._room = None


def _sum_html(amount: int, reader: str) -> str:
    money = escape(values.format_money(amount, reader))
    return f'{escape(t("Demanded in all"))} <bdi class="mk-num" dir="ltr" data-testid="demanded">{money}</bdi>'


class _Room:
    """The equal open lists of all who see the same claims."""

    def __init__(self, key: tuple[Audience, str, int | None], actor: Actor, state: ListState) -> None:
        self.key = key
        self._members: dict[int, ListSum] = {}
        self._actor, self._state = actor, state
        self._rung = self._asking = False
        self._amount: int | None = None
        self._task: asyncio.Task[Any] | None = None
        # what one has read leaves one's own unread claims; what counts as stuck is a word of the bureau's
        personal = [marks_topic(actor)] if state.is_personal else []
        self._topics = [claims_topic(actor), words_topic(), *personal]
        self._stop = listen(self._topics, self)

    @classmethod
    def for_(cls, key: tuple[Audience, str, int | None], actor: Actor, state: ListState) -> '_Room':
        """The room of all lists of this key."""
        if key not in _rooms:
            _rooms[key] = cls(key, actor, state)
        return _rooms[key]

    def join(self, member: ListSum, amount: int | None, since: int) -> None:
        """One more list, which was just told another sum if anything happened, or if a day went by."""
        is_first = not self._members
        self._members[id(member)] = member
        if has_rung(self._topics, since) or (not is_first and amount != self._amount):
            self._wake()
        if is_first:
            self._amount = amount

    def leave(self, member: ListSum) -> None:
        """A list is closed or has become another one; with the last one goes the room."""
        self._members.pop(id(member), None)
        if not self._members and _rooms.get(self.key) is self:
            del _rooms[self.key]
            self._stop()

    def ring(self, _: Notice) -> None:
        """Something happened to a claim, on the loop."""
        self._wake()

    def _wake(self) -> None:
        self._rung = True
        if not self._asking:
            self._asking = True
            self._task = background_tasks.create(self._follow(), name='sum up lists')

    async def _follow(self) -> None:
        """Ask until nothing has rung meanwhile. What could not be asked for is tried again, ever more patiently."""
        pause = BREATH
        try:
            while self._rung and self._members:
                await asyncio.sleep(pause)
                self._rung = False
                try:
                    self._amount = await ask_as(self._actor, demanded_in, self._state)
                    pause = BREATH
                except Exception:  # whatever it is, the lists keep the sum they have until there is another
                    log.exception('could not sum up a list; trying again in %.0f s', pause)
                    self._rung, pause = True, min(pause * 2, LONGEST_PAUSE)
                    continue
                for member in tuple(self._members.values()):
                    member.show(self._amount)
        finally:
            self._asking = False
