"""News of claims for the open lists: asked once for all who see the same, put into words once, written to all their sockets.

A list that shows the newest claims takes a changed row as it is. Every other one is rung, and asks again under its own scope.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable
from functools import partial
from itertools import count
from typing import Any, Protocol

from nicegui import background_tasks, ui
from nicegui import json as nicegui_json

from components import sockets
from components.live import LONGEST_PAUSE, Subscription, ask_as, claims_topic, listen, when_gone
from db import list_rows
from db.doorbell import Notice
from db.list_rows import News
from db.scope import Actor, Can

log = logging.getLogger(__name__)

# the first news of a room goes out at once; those that follow it closely go together
BREATH = 0.1
# more claims than these at once (an import, an order for many) are a new list
MOST = 10

_PRODUCT = Actor.system('lists')
_numbers = count(1)
_newest = 0

Audience = tuple[Any, ...]
_rooms: dict[Audience, '_Room'] = {}


def start() -> Callable[[], None]:
    """Begin with no list open; returns the way out."""
    _rooms.clear()
    return _rooms.clear


def newest() -> int:
    """The number of the newest news. Whoever asks for rows notes it first: what has a higher number came after his answer."""
    return _newest


def _next_number() -> int:
    global _newest  # noqa: PLW0603 - one count for the process: browsers compare with it
    _newest = next(_numbers)
    return _newest


def audience_of(actor: Actor) -> Audience:
    """All who see the same in the same words, as the session's filters look at it."""
    mine = actor.user_id if actor.sees_own_only else None
    rights = actor.may(Can.SEE_INTERNAL), actor.may(Can.SEE_ID_NUMBERS)
    return actor.office_id, mine, *rights, actor.language


class Listing(Protocol):
    """A list that somebody has open."""

    actor: Actor

    @property
    def look(self) -> tuple[str, ...]:
        """The columns it shows: lists of one look share what is written to them."""

    def takes(self, news: News) -> bool:
        """Whether a changed row may be shown in it as it is, without asking for the list again."""

    def row_of(self, news: News) -> dict[str, Any]:
        """The row as the browser draws it."""


class RowNews:
    """Keeps a list among those that are told, as long as the part of the page it stands in lives."""

    def __init__(self, listing: Listing, otherwise: Subscription) -> None:
        """`otherwise` is rung when the list has to ask again."""
        self.listing, self.otherwise = listing, otherwise
        self.slot = ui.context.slot
        self.client_id = self.slot.parent.client.id
        self.room = _Room.for_(listing.actor)
        self.room.members[id(self)] = self
        when_gone(self.slot.parent, partial(self.room.leave, self))


class _Room:
    """The open lists of all who see the same claims in the same words."""

    def __init__(self, audience: Audience, actor: Actor) -> None:
        self.members: dict[int, RowNews] = {}
        self._audience, self._actor = audience, actor
        self._waiting: set[Notice] = set()
        self._telling = False
        self._task: asyncio.Task[Any] | None = None
        self._leave = listen([claims_topic(actor)], self)

    @classmethod
    def for_(cls, actor: Actor) -> '_Room':
        """The room of everybody whose scope is the actor's."""
        audience = audience_of(actor)
        if audience not in _rooms:
            _rooms[audience] = cls(audience, actor)
        return _rooms[audience]

    def leave(self, member: RowNews) -> None:
        """A list is closed; with the last one goes the room."""
        self.members.pop(id(member), None)
        if not self.members and _rooms.get(self._audience) is self:
            del _rooms[self._audience]
            self._leave()

    def ring(self, notice: Notice) -> None:
        """A notice arrived, on the loop."""
        self._waiting.add(notice)
        if not self._telling:
            self._telling = True
            self._task = background_tasks.create(self._tell_all(), name='tell lists')

    async def _tell_all(self) -> None:
        """Tell until nothing waits. What could not be asked for is tried again, ever more patiently."""
        pause = 1.0
        try:
            while self._waiting and self.members:
                notices, self._waiting = self._waiting, set()
                try:
                    await self._tell(notices)
                    pause = 1.0
                    await asyncio.sleep(BREATH)
                except Exception:  # whatever it is, the lists wait for their news, which is asked for again
                    log.exception('could not ask for news; trying again in %.0f s', pause)
                    self._waiting |= notices
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._telling = False

    async def _tell(self, notices: set[Notice]) -> None:
        number, bell = _next_number(), next(iter(notices))
        claims = {notice.claim_id for notice in notices if notice.claim_id is not None}
        if len(claims) > MOST:
            for member in self.members.values():
                member.otherwise.ring(bell)
            return
        changes = {notice.change_id: notice.claim_id for notice in notices if notice.change_id is not None}
        columns = set[str]().union(*{member.listing.look for member in self.members.values()})
        news = await ask_as(self._actor, list_rows.news_of, claims, changes, columns)
        waiting = await self._waiting_for(news)
        for one in news:
            # what stands in no change (a silence that is measured anew) is in no row; a list may be narrowed down by it, though
            told = one.row.claim_id in changes.values()
            self._write(one, number if told else 0, waiting, bell)

    async def _waiting_for(self, news: Collection[News]) -> set[tuple[int, int]]:
        before = {one.row.claim_id: one.before for one in news if not one.is_quiet}
        people = {member.listing.actor.user_id or 0 for member in self.members.values()}
        return await ask_as(_PRODUCT, list_rows.waiting_for, before, people) if before else set()

    def _write(self, one: News, number: int, waiting: Collection[tuple[int, int]], bell: Notice) -> None:
        """To each list its frame; of all frames there are two for each look, for whom it was unread already and for whom not.

        Without a number there is nothing to tell, and only lists that have to ask do so.
        """
        frames: dict[Hashable, str] = {}
        claim_id = one.row.claim_id
        for member in tuple(self.members.values()):
            listing = member.listing
            if listing.takes(one):
                fresh = not one.is_quiet and (listing.actor.user_id, claim_id) not in waiting
                look = listing.look, fresh
                if look not in frames:
                    with member.slot:  # its words are those of a page
                        frames[look] = _frame(listing.row_of, one, number, fresh=fresh)
                if not number or sockets.tell(member.client_id, frames[look]):
                    continue
            member.otherwise.ring(bell)


def _frame(row_of: Callable[[News], dict[str, Any]], one: News, number: int, *, fresh: bool) -> str:
    """A message of the page's socket, as the browser's side of it reads them."""
    told = {'number': number, 'row': row_of(one), 'fresh': fresh, 'quiet': one.is_quiet}
    return f'42{nicegui_json.dumps(["news", told])}'
