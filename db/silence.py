"""The silence meter (מד שתיקה): of every party of an open claim, when it was last heard, how often it was tried since, and what is usual for it.

Heard is what came from them: a talk, a document, a step by their link, a message, an offer, an inspection; never what was only
written to them. What the bureau keeps to itself does not count, so the office may read every line of it. The rows are worked out
of the records by `settle_silences`, and whatever they say can be worked out again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from statistics import median_low
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import Date, Index, Integer, Select, bindparam, case, cast, func, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import texts, values
from db.base import Base, BigKey, Json, alias_of
from db.calendar import Calendar, calendar_of
from db.calls import Call
from db.claims import Claim, lock_claims
from db.documents import Document
from db.doorbell import Notice, ring_for
from db.messages import Message
from db.money import Offer
from db.offices import User
from db.reference import CallOutcome, DocumentType
from db.repairs import BEFORE_THE_GARAGE, DELIVERED, RepairEvent
from db.scope import Can, ClaimPart, claim_key, shared_by_all
from db.texts import N_

GARAGE, APPRAISER, INSURER, INSURED, AGENT = PARTIES = ('garage', 'appraiser', 'insurer', 'insured', 'agent')
# how many tries are named one by one
TRIES_NAMED = 5
# so many gaps it takes to speak of what is usual for a firm
ENOUGH, MEASURED_DAYS = 10, 180
# in business days, for a party nobody has measured
USUAL: Mapping[str, int] = MappingProxyType({GARAGE: 3, APPRAISER: 3, INSURER: 14, INSURED: 3, AGENT: 3})
WAITING: Mapping[str, str] = MappingProxyType(
    {'garage': GARAGE, 'appraiser': APPRAISER, 'tp_insurer': INSURER, 'insured': INSURED, 'agent': AGENT}
)
_FIRM: Mapping[str, str] = MappingProxyType({GARAGE: 'garage', APPRAISER: 'appraiser', INSURER: 'tp_insurer'})
_SUPPLIER: Mapping[str, str] = MappingProxyType(
    {'garage': GARAGE, 'appraiser': APPRAISER, 'tp_insurer': INSURER, 'insured': INSURED, 'agent': AGENT}
)
# a claim comes into these only because the insurer said something
_SAID_BY_INSURER = frozenset(
    {
        *('insurer_requested_info', 'offer_received', 'approved_for_payment'),
        *('awaiting_payment', 'partially_paid', 'paid', 'rejected'),
    }
)
# the recorded fields of a claim that silences go by: a change of others makes nobody heard, and nobody waited for
SILENCES_GO_BY = frozenset(
    {'status', 'repair_stage', 'waiting_on', 'appraised_at', 'garage', 'appraiser', 'tp_insurer'}
)
_BY_LINK = N_('{name}, by link')
Heard = tuple[datetime, str]
Place = tuple[int, str]


class Silence(ClaimPart, Base):
    """What is known of one party of an open claim: last heard when and how, tried how often since, and from which day on it is silent.

    `over_on` is None for a party from which nobody expects anything now.
    """

    __tablename__ = 'silences'
    __table_args__ = (claim_key(), Index('ix_silences_over', 'over_on', 'claim_id', 'office_id'))
    writable_with: ClassVar[Can] = Can.KEEP_BOOKS

    claim_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    party: Mapped[str] = mapped_column(primary_key=True)
    # since when it is silent: the last that was heard, or the day it was first waited for
    since: Mapped[datetime]
    heard: Mapped[str] = mapped_column(default='')
    tries: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[list[str]] = mapped_column(Json, default=list)
    usual_days: Mapped[int]
    measured: Mapped[bool] = mapped_column(default=False)
    over_on: Mapped[date | None]

    def days(self, today: date) -> int:
        """For how many days nothing was heard."""
        return (today - values.israel(self.since).date()).days

    def is_over(self, today: date) -> bool:
        """Whether it is silent for longer than is usual."""
        return self.over_on is not None and self.over_on <= today


@shared_by_all
class PartyUsual(Base):
    """After how many days a firm is usually heard again, as measured in our own records."""

    __tablename__ = 'party_usuals'
    writable_with: ClassVar[Can] = Can.KEEP_BOOKS

    party: Mapped[str] = mapped_column(primary_key=True)
    firm_id: Mapped[int] = mapped_column(primary_key=True)
    days: Mapped[int]
    gaps: Mapped[int]


# ---- questions --------------------------------------------------------------------------------------------------------------


def silences_of(claim_id: int) -> Select[Silence]:
    """What is known of each party of a claim; whom one waits for comes first."""
    order = (Silence.over_on.is_(None), Silence.over_on, Silence.since, Silence.party)
    return select(Silence).where(Silence.claim_id == claim_id).order_by(*order)


def silent_parties(today: date) -> Select[Silence]:
    """Everybody who is silent for longer than usual, the longest first: whom to call."""
    return select(Silence).where(Silence.over_on <= today).order_by(Silence.over_on, Silence.claim_id, Silence.party)


def told_silence(silence: Silence, today: date, reader: str) -> str:
    """The line of a claim: who has not been heard for how long, and how often one tried."""
    who = texts.t(_NAMES[silence.party], reader)
    days = silence.days(today)
    if silence.is_over(today):
        said = _told_over(silence, days, reader)
    elif silence.heard:
        said = _told_heard(who, days, reader)
    elif silence.over_on is None:
        said = texts.t('{who}: not heard yet', reader, who=who)
    elif days < 1:
        said = texts.t('{who}: waited for since today', reader, who=who)
    else:
        said = texts.tn('{who}: waited for since {n} day', '{who}: waited for since {n} days', days, reader, who=who)
    return ' – '.join(filter(None, (said, _told_tries(silence, reader))))


def _told_heard(who: str, days: int, reader: str) -> str:
    if days < 1:
        return texts.t('{who}: heard today', reader, who=who)
    return texts.tn('{who}: last heard {n} day ago', '{who}: last heard {n} days ago', days, reader, who=who)


def _told_over(silence: Silence, days: int, reader: str) -> str:
    if silence.party == INSURER:  # in Hebrew a company is a she
        return texts.tn('The insurer is silent for {n} day', 'The insurer is silent for {n} days', days, reader)
    who = texts.t(_NAMES[silence.party], reader)
    return texts.tn('{who} is silent for {n} day', '{who} is silent for {n} days', days, reader, who=who)


def _told_tries(silence: Silence, reader: str) -> str:
    if not silence.tries:
        return ''
    # several calls on one day are one date
    days = ', '.join(dict.fromkeys(f'{values.israel(datetime.fromisoformat(at)):%d/%m}' for at in silence.tried_at))
    return texts.tn('we called once ({days})', 'we called {n} times ({days})', silence.tries, reader, days=days)


_NAMES: Mapping[str, str] = MappingProxyType(
    {
        GARAGE: N_('The garage'),
        APPRAISER: N_('The appraiser'),
        INSURER: N_('The insurer'),
        INSURED: N_('The client'),
        AGENT: N_("The agent's office"),
    }
)


# ---- what was heard ---------------------------------------------------------------------------------------------------------


def heard_from(session: Session, claims: Sequence[Claim]) -> dict[Place, Heard]:
    """Of each of these claims and each party: when it was last heard, and how. A few questions for any number of claims."""
    latest: dict[Place, Heard] = {}
    ids = [claim.id for claim in claims]
    sources = (
        _by_calls(session, ids),
        _by_documents(session, ids),
        _by_links(session, ids),
        _by_messages(session, ids),
        _by_offers(session, ids),
        _by_the_claim(claims),
    )
    for place, heard in (pair for source in sources for pair in source):
        if place not in latest or heard[0] > latest[place][0]:
            latest[place] = heard
    return latest


def _by_calls(session: Session, ids: Sequence[int]) -> Iterator[tuple[Place, Heard]]:
    for claim_id, party, at in session.execute(_REACHED, {'ids': ids}):
        yield (claim_id, party), (at, 'call')


def _by_documents(session: Session, ids: Sequence[int]) -> Iterator[tuple[Place, Heard]]:
    """Whose papers came, whoever filed them; and what the office itself sent."""
    came = session.execute(_CAME, {'ids': ids}).all()
    types = session.scalars(_TYPES) if came else ()
    alone = {row.id: row.suppliers[0] for row in types if len(row.suppliers) == 1}
    for claim_id, kind, at, office in came:
        party = AGENT if office else _SUPPLIER.get(alone.get(kind, ''))
        if party:
            yield (claim_id, party), (at, 'document')


def _by_links(session: Session, ids: Sequence[int]) -> Iterator[tuple[Place, Heard]]:
    """What a garage did by its link: a stage, a day, a halt, a note, a photo of a stage."""
    for question in _signed_by_link():
        for claim_id, at in session.execute(question, {'ids': ids}):
            yield (claim_id, GARAGE), (at, 'link')


def _by_messages(session: Session, ids: Sequence[int]) -> Iterator[tuple[Place, Heard]]:
    for claim_id, at in session.execute(_WRITTEN, {'ids': ids}):
        yield (claim_id or 0, AGENT), (at, 'message')


def _by_offers(session: Session, ids: Sequence[int]) -> Iterator[tuple[Place, Heard]]:
    for claim_id, at in session.execute(_OFFERED, {'ids': ids}):
        yield (claim_id, INSURER), (at, 'offer')


def _by_the_claim(claims: Iterable[Claim]) -> Iterator[tuple[Place, Heard]]:
    for claim in claims:
        if claim.status in _SAID_BY_INSURER:
            yield (claim.id, INSURER), (claim.status_since, 'status')
        if claim.appraised_at is not None:
            noon = datetime.combine(claim.appraised_at, time(12), tzinfo=values.ISRAEL)
            yield (claim.id, APPRAISER), (noon.astimezone(UTC), 'inspection')


def _tries(session: Session, ids: Sequence[int]) -> Mapping[Place, list[datetime]]:
    """When each party was called in vain, oldest first."""
    tries: defaultdict[Place, list[datetime]] = defaultdict(list)
    for claim_id, party, at in session.execute(_TRIED, {'ids': ids}):
        tries[claim_id, party].append(at)
    return tries


# made once: so many changes ask these
_ids: Any = bindparam('ids', expanding=True)


def _standing(*columns: Any) -> Select[Any]:
    """Of the calls about these claims that nobody corrected and everybody may read."""
    correction = alias_of(Call)
    corrected = select(correction.id).where(correction.corrects == Call.id).exists()
    return (
        select(*columns)
        .join(CallOutcome, CallOutcome.id == Call.outcome)
        .where(Call.claim_id.in_(_ids), Call.internal.is_(False), ~corrected)
    )


@cache
def _signed_by_link() -> Sequence[Select[int, datetime]]:
    signed = texts.t(_BY_LINK, 'he', name='')
    return [
        select(model.claim_id, func.max(model.at))
        .where(model.claim_id.in_(_ids), nobody.is_(None), model.by.endswith(signed))
        .group_by(model.claim_id)
        for model, nobody in ((RepairEvent, RepairEvent.user_id), (Document, Document.uploaded_by))
    ]


_REACHED = _standing(Call.claim_id, Call.party, func.max(Call.at)).where(CallOutcome.reached)
_REACHED = _REACHED.group_by(Call.claim_id, Call.party)
_TRIED = _standing(Call.claim_id, Call.party, Call.at).where(CallOutcome.attempt, Call.direction == 'outbound')
_TRIED = _TRIED.order_by(Call.at)
_TYPES = select(DocumentType)
_CAME = (
    select(Document.claim_id, Document.type, func.max(Document.at), func.max(User.office_id))
    .outerjoin(User, User.id == Document.uploaded_by)
    .where(Document.claim_id.in_(_ids), Document.deleted_at.is_(None), Document.repair_stage.is_(None))
    .group_by(Document.claim_id, Document.type, User.office_id.is_not(None))
)
_WRITTEN = (
    select(Message.claim_id, func.max(Message.at))
    .where(Message.claim_id.in_(_ids), Message.internal.is_(False), Message.from_bureau.is_(False))
    .group_by(Message.claim_id)
)
_OFFERED = select(Offer.claim_id, func.max(Offer.at)).where(Offer.claim_id.in_(_ids)).group_by(Offer.claim_id)
_USUALS = select(PartyUsual)
_KEPT = select(Silence).where(Silence.claim_id.in_(_ids))


# ---- orders -----------------------------------------------------------------------------------------------------------------


@dataclass
class _Meter:
    """What deciding about a handful of claims takes: read once for all of them."""

    calendar: Calendar
    heard: Mapping[Place, Heard]
    tries: Mapping[Place, list[datetime]]
    usuals: Mapping[tuple[str, int], int]
    kept: dict[Place, Silence] = field(default_factory=dict)


def settle_silences(session: Session, claim_ids: Iterable[int]) -> int:
    """Bring the rows of these claims in line with the records; returns how many differed. May run any number of times."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    ids = list(claim_ids)
    claims = lock_claims(session, ids)
    usuals = {(row.party, row.firm_id): row.days for row in session.scalars(_USUALS)}
    meter = _Meter(calendar_of(session), heard_from(session, claims), _tries(session, ids), usuals)
    meter.kept = {(row.claim_id, row.party): row for row in session.scalars(_KEPT, {'ids': ids})}
    changed = {claim.id for claim in claims if _settle(session, claim, meter)}
    ring_for(session, {Notice('claim', claim.office_id, claim.id) for claim in claims if claim.id in changed})
    return len(changed)


def _settle(session: Session, claim: Claim, meter: _Meter) -> bool:
    wanted = {party: _measured(claim, party, meter) for party in PARTIES if _is_there(claim, party)}
    changed = False
    for party in PARTIES:
        row, told = meter.kept.get((claim.id, party)), wanted.get(party)
        if told is None and row is not None:
            session.delete(row)
        elif told is not None and row is None:
            session.add(Silence(claim_id=claim.id, office_id=claim.office_id, party=party, **told))
        elif told is not None and any(getattr(row, name) != value for name, value in told.items()):
            for name, value in told.items():
                setattr(row, name, value)
        else:
            continue
        changed = True
    return changed


def _is_there(claim: Claim, party: str) -> bool:
    """Whether an open claim has such a party at all."""
    return claim.is_open and (party not in _FIRM or getattr(claim, _FIRM[party]) is not None)


def _expected_since(claim: Claim, party: str) -> datetime | None:
    """Since when one waits for a word of theirs; None when nobody does."""
    if WAITING.get(claim.waiting_on) == party:
        return claim.waiting_since
    at_the_garage = claim.repair_stage is not None and claim.repair_stage not in {*BEFORE_THE_GARAGE, DELIVERED}
    return claim.stage_since if party == GARAGE and at_the_garage else None


def _measured(claim: Claim, party: str, meter: _Meter) -> dict[str, Any]:
    place, expected = (claim.id, party), _expected_since(claim, party)
    at, how = meter.heard.get(place, (None, ''))
    since = at or expected or claim.created_at
    tries = [moment for moment in meter.tries.get(place, ()) if moment > since]
    firm = getattr(claim, _FIRM[party]) if party in _FIRM else 0
    own = meter.usuals.get((party, firm))
    usual = own or USUAL[party]
    return {
        'since': since,
        'heard': how,
        'tries': len(tries),
        'tried_at': [moment.isoformat() for moment in tries[-TRIES_NAMED:]],
        'usual_days': usual,
        'measured': own is not None,
        'over_on': None if expected is None else _over_on(meter.calendar, max(since, expected), usual),
    }


def _over_on(calendar: Calendar, since: datetime, usual: int) -> date:
    """The day after the last on which nobody would wonder."""
    return calendar.business_days_after(values.israel(since).date(), usual + 1).day


# ---- what is usual ----------------------------------------------------------------------------------------------------------

_calls, _claims, _outcomes = (Base.metadata.tables[name] for name in ('calls', 'claims', 'call_outcomes'))
_FIRM_COLUMN = MappingProxyType({GARAGE: 'garage_id', APPRAISER: 'appraiser_id', INSURER: 'tp_insurer_id'})


def measure_usuals(session: Session, now: datetime) -> int:
    """Measure how long each firm usually lets one wait, by the days between one talk about a claim and the next; returns for how many.

    One question a party, which the database answers with a line for each firm and number of days. Past the session's scope:
    it is the product's own, over everybody's claims.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    measured: dict[tuple[str, int], tuple[int, int]] = {}
    for party, column in _FIRM_COLUMN.items():
        counted: defaultdict[int, list[int]] = defaultdict(list)
        for firm, days, times in session.connection().execute(_gaps(session, party, column, now)):
            counted[firm] += [days] * times
        measured |= {
            (party, firm): (max(1, median_low(gaps)), len(gaps))
            for firm, gaps in counted.items()
            if len(gaps) >= ENOUGH
        }
    kept = {(row.party, row.firm_id): row for row in session.scalars(select(PartyUsual))}
    for key, (days, gaps) in measured.items():
        row = kept.pop(key, None) or PartyUsual(party=key[0], firm_id=key[1])
        row.days, row.gaps = days, gaps
        session.add(row)
    for row in kept.values():
        session.delete(row)
    return len(measured)


def _gaps(session: Session, party: str, column: str, now: datetime) -> Select[Any]:
    call, claim = _calls.c, _claims.c
    before = func.lag(call.at).over(partition_by=call.claim_id, order_by=call.at)
    if session.get_bind().dialect.name == 'postgresql':
        days: Any = cast(call.at, Date) - cast(before, Date)
    else:
        days = cast(func.julianday(func.date(call.at)) - func.julianday(func.date(before)), Integer)
    talks = (
        select(claim[column].label('firm'), days.label('days'))
        .select_from(_calls.join(_claims, claim.id == call.claim_id).join(_outcomes, _outcomes.c.id == call.outcome))
        .where(call.party == party, _outcomes.c.reached, claim[column].is_not(None))
        .where(call.at >= now - timedelta(days=MEASURED_DAYS), call.internal.is_(False))
        .subquery()
    )
    days_of = case((talks.c.days < 1, literal(1)), else_=talks.c.days).label('days')
    counted = select(talks.c.firm, days_of, func.count()).where(talks.c.days.is_not(None))
    return counted.group_by(talks.c.firm, days_of)
