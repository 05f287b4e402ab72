"""What a claim's page reads: what all who may see the claim read alike, asked for once for everybody who has it open, and what is one's own."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nicegui import background_tasks

from components import claim_desk
from components.claim_tabs import Behind, behind
from components.claim_watch import watched
from components.live import ask_as
from components.repair_words import Repair, read_repair
from components.shared_words import people_known_to, reference
from db import values
from db.alerts import is_unseen
from db.base import now
from db.changes import Change, history_of, news_among, news_since, seen_seq
from db.cheques import Cheque, next_cheque_of
from db.claims import Claim, claim_by_no
from db.clocks import Clock, clocks_of
from db.lists import ListState, Neighbours, neighbours_of
from db.messages import ThreadKey, unread_messages
from db.offices import AgentOffice
from db.reference import Reference
from db.sanity import Doubt, open_doubts
from db.scope import Actor
from db.session import fetch, fetch_one

HISTORY_PAGE = 50


@dataclass(frozen=True)
class Reading:
    """A claim as everybody of one role and office reads it. Nobody changes what is in it; only words are kept beside it."""

    claim: Claim
    reference: Reference
    people: Mapping[int, str]
    office: str
    history: Sequence[Change]
    repair: Repair
    doubts: Sequence[Doubt]
    cheque: Cheque | None
    clocks: Sequence[Clock]
    desk: claim_desk.Reading
    behind: Behind
    is_whole: bool
    _said: dict[Hashable, str] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The newest change it knows."""
        return max(self.claim.seq, *(change.id for change in self.history[:1]), 0)

    def said(self, how: Hashable, say: Callable[[], str]) -> str:
        """What is put into the same words on many of the pages that share the reading."""
        if how not in self._said:
            self._said[how] = say()
        return self._said[how]

    def news(self, seen: int, user_id: int | None) -> Sequence[Change] | None:
        """What others changed since, oldest first; None when the record that was read does not reach back so far."""
        reaches = self.is_whole or self.history[-1].id <= seen
        return news_among(self.history, seen, user_id) if reaches else None


@dataclass(frozen=True)
class Own:
    """What is the reader's own: his news, his unread messages, and whether looking at the claim would change anything for him."""

    news: Sequence[Change]
    messages: int
    unseen: bool


@dataclass(frozen=True)
class Arrival:
    """The first reading, with what was seen before, how the person watches the claim, and where it stands in the list he came from."""

    reading: Reading
    own: Own
    seen: int
    last_visit: datetime | None
    neighbours: Neighbours | None
    watched: Mapping[str, Any] | None


def arrive(session: Any, claim_no: str, came_from: ListState) -> Arrival | None:
    """Read a claim somebody opens, with what is new to him and its place in the list he came from."""
    claim = fetch_one(session, claim_by_no(claim_no))
    if claim is None:
        return None
    neighbours = neighbours_of(session, came_from, claim.id)
    seen, last_visit = seen_seq(session, claim.id)
    reading = read(session, claim.id, HISTORY_PAGE + 1)
    mine = watched(session, claim.id, now(), session.info['actor'].language)
    own = read_own(session, claim.id, seen, reading)
    return Arrival(reading, own, seen, last_visit, neighbours, mine) if reading and own else None


def read(session: Any, claim_id: int, most: int) -> Reading | None:
    """Read a claim under the asker's scope, and nothing that is his own; None when he may not see it (any more)."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    office = session.get(AgentOffice, claim.office_id) if session.info['actor'].is_bureau else None
    today = values.israel(now()).date()
    history = fetch(session, history_of(claim_id).limit(most))
    return Reading(
        claim,
        reference(session),
        people_known_to(session),
        office.name if office else '',
        history,
        read_repair(session, claim_id),
        open_doubts(session, claim, today),
        fetch_one(session, next_cheque_of(claim_id)),
        clocks_of(session, claim, today),
        claim_desk.read(session, claim_id),
        behind(session, claim, today),
        is_whole=len(history) < most,
    )


def read_own(session: Any, claim_id: int, seen: int, reading: Reading | None = None) -> Own | None:
    """What is the asker's own of a claim; None when he may not see it. `reading`: what was read of it in the same moment."""
    actor, claim = session.info['actor'], session.get(Claim, claim_id)
    if claim is None:
        return None
    news = reading.news(seen, actor.user_id) if reading else None
    if news is None:
        news = fetch(session, news_since(claim_id, seen, actor.user_id))
    thread = ThreadKey(claim.office_id, claim_id)
    return Own(news, unread_messages(session, thread), is_unseen(session, claim))


# ---- once for all -----------------------------------------------------------------------------------------------------------

Audience = tuple[int, int, int | None, int | None, str, str]


class _Once:
    """One reading, for everybody who asked before it began."""

    def __init__(self, audience: Audience, actor: Actor) -> None:
        self._audience, self._actor = audience, actor
        self._turns = asyncio.Lock()
        self._reading = background_tasks.create(self._read(), name='read a claim')

    async def _read(self) -> Reading | None:
        await asyncio.sleep(0)  # whoever was rung by the same bell has asked by now
        if _asked.get(self._audience) is self:
            del _asked[self._audience]  # whoever asks from now on may have been rung by something newer
        claim_id, most, *_ = self._audience
        return await ask_as(self._actor, read, claim_id, most)

    async def answer(self) -> Reading | None:
        """The reading; of many who wait for it, each leaves the loop to others before the next one draws."""
        reading: Reading | None = await asyncio.shield(self._reading)
        async with self._turns:
            await asyncio.sleep(0)
        return reading


# what was asked for and is not being read yet
_asked: dict[Audience, _Once] = {}


def start() -> Callable[[], None]:
    """Begin with nothing asked for; returns the way out. What an earlier life of the app did not come to read, nobody waits for."""
    _asked.clear()
    return _asked.clear


async def read_once(actor: Actor, claim_id: int, most: int) -> Reading | None:
    """`read`, once for all pages that ask before the reading begins: one bell rings them all, and they see the same."""
    mine = actor.user_id if actor.sees_own_only else None
    # as the session's filters look at it, and who puts names of documents into words
    audience = claim_id, most, actor.office_id, mine, str(actor.role), actor.language
    if audience not in _asked:
        _asked[audience] = _Once(audience, actor)
    return await _asked[audience].answer()
