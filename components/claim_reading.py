"""What a claim's page reads: what all who may see the claim read alike, asked for once for everybody who has it open, and what is one's own."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from nicegui import background_tasks

from components import claim_desk
from components.claim_tabs import Behind, behind
from components.claim_watch import choices_about
from components.live import ask_as
from components.repair_words import Repair, read_repair
from components.shared_words import people_known_to, reference
from db import values
from db.alerts import is_unseen
from db.base import now
from db.changes import Change, history_of, news_among, news_since
from db.cheques import Cheque, next_cheque_of
from db.claims import Claim, number_and_version
from db.clocks import Clock, clocks_of
from db.doorbell import Notice, on_notice
from db.list_state import ListState
from db.lists import Neighbours, neighbours_of
from db.messages import ThreadKey, unread_messages
from db.offices import AgentOffice
from db.reference import Reference
from db.sanity import Doubt, open_doubts
from db.scope import Actor
from db.seen_marks import seen_seq
from db.session import fetch, fetch_one

T = TypeVar('T')
HISTORY_PAGE = 50
SAID_AT_MOST = 40


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
    day: date
    _said: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The newest change it knows."""
        return max(self.claim.seq, *(change.id for change in self.history[:1]), 0)

    @property
    def author(self) -> str:
        """Who wrote the last news of the claim; '' when it lies further back than was read."""
        return next((change.by for change in self.history if change.id == self.claim.seq), '')

    def said(self, how: Hashable, say: Callable[[], T]) -> T:
        """What is put into the same words on many of the pages that share the reading."""
        if how not in self._said:
            if len(self._said) >= SAID_AT_MOST:  # it has been shown for long, to many
                self._said.clear()
            self._said[how] = say()
        said: T = self._said[how]
        return said

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
    since = turn()  # before the session looks at anything
    here = number_and_version(session, claim_no)
    if here is None:
        return None
    claim_id, version = here
    neighbours = neighbours_of(session, came_from, claim_id)
    seen, last_visit = seen_seq(session, claim_id)
    audience = audience_of(session.info['actor'], claim_id, HISTORY_PAGE + 1)
    reading = kept(audience, version) or read(session, claim_id, HISTORY_PAGE + 1)
    if reading is None:
        return None
    mine = choices_about(session, reading.claim, now(), session.info['actor'].language)
    own = read_own(session, seen, reading, marked=seen)
    keep(
        audience, reading, since
    )  # nothing is asked after it: what a session that failed has read is no good to others
    return Arrival(reading, own, seen, last_visit, neighbours, mine)


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
        day=today,
    )


def read_own(session: Any, seen: int, reading: Reading, *, marked: int | None = None) -> Own:
    """What is the asker's own of a claim that he read. `marked`: up to where he has seen it, when that was asked for already."""
    actor, claim = session.info['actor'], reading.claim
    news = reading.news(seen, actor.user_id)
    if news is None:
        news = fetch(session, news_since(claim.id, seen, actor.user_id))
    thread = ThreadKey(claim.office_id, claim.id)
    return Own(news, unread_messages(session, thread), is_unseen(session, claim, marked))


# ---- kept while it is shown -------------------------------------------------------------------------------------------------

Audience = tuple[int, int, int | None, int | None, str, str]


def audience_of(actor: Actor, claim_id: int, most: int) -> Audience:
    """Who reads the same of a claim: as the session's filters look at it, and who puts names of documents into words."""
    mine = actor.user_id if actor.sees_own_only else None
    return claim_id, most, actor.office_id, mine, str(actor.role), actor.language


class _Kept:
    """What was read last for each audience, for as long as a page shows it and nothing has rung for its claim."""

    listening = False
    lock = Lock()
    turn = 0
    readings: ClassVar[WeakValueDictionary[Audience, Reading]] = WeakValueDictionary()


# a person's own: of no claim's reading
_PERSONAL = frozenset({'person', 'seen', 'alert', 'receipt', 'bulk', 'export'})


def turn() -> int:
    """How often anything rang that a reading may show: noted before one begins to read."""
    return _Kept.turn


def kept(audience: Audience, version: int) -> Reading | None:
    """What a page of this audience shows, as long as it is what one would read now."""
    reading = _Kept.readings.get(audience)
    today = values.israel(now()).date()
    return reading if reading and (reading.claim.version, reading.day) == (version, today) else None


def keep(audience: Audience, reading: Reading | None, since: int) -> Reading | None:
    """Keep a reading for those who come later, unless something rang since `turn()` was noted; gives it back."""
    with _Kept.lock:
        if reading is not None and _Kept.listening and _Kept.turn == since:
            _Kept.readings[audience] = reading
    return reading


def _hear(notice: Notice) -> None:
    if notice.kind in _PERSONAL:
        return
    with _Kept.lock:
        _Kept.turn += 1
        for audience in [*_Kept.readings.keys()]:
            if notice.claim_id in (None, audience[0]):
                _Kept.readings.pop(audience, None)


# ---- once for all -----------------------------------------------------------------------------------------------------------


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
        since = turn()
        return keep(self._audience, await ask_as(self._actor, read, claim_id, most), since)

    async def answer(self) -> Reading | None:
        """The reading; of many who wait for it, each leaves the loop to others before the next one draws."""
        reading: Reading | None = await asyncio.shield(self._reading)
        async with self._turns:
            await asyncio.sleep(0)
        return reading


# what was asked for and is not being read yet
_asked: dict[Audience, _Once] = {}


def start() -> Callable[[], None]:
    """Begin with nothing asked for and nothing kept; returns the way out. What an earlier life of the app did not come to read, nobody waits for.

    NOTE: before the pages are rung, so that whoever is rung reads what is new.
    """
    stop_hearing = on_notice(_hear)
    _asked.clear()
    _Kept.listening, _Kept.readings = True, WeakValueDictionary()

    def stop() -> None:
        stop_hearing()
        _asked.clear()
        _Kept.listening, _Kept.readings = False, WeakValueDictionary()

    return stop


async def read_once(actor: Actor, claim_id: int, most: int) -> Reading | None:
    """`read`, once for all pages that ask before the reading begins: one bell rings them all, and they see the same."""
    audience = audience_of(actor, claim_id, most)
    if audience not in _asked:
        _asked[audience] = _Once(audience, actor)
    return await _asked[audience].answer()
