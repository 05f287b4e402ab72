"""The call log (תיעוד שיחות): who was called about a claim and what was said. Evidence: a slip is corrected by another call."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, validates

from db import values
from db.base import Base, BigKey, alias_of
from db.claims import Claim, lock_claim
from db.offices import User
from db.reference import Appraiser, CallOutcome, CallParty, Garage, Insurer
from db.scope import Actor, Can, ClaimPart, Event, Evidence, Internal, Recorded, claim_key
from db.texts import N_, ClaimError

DIRECTIONS = {'outbound': N_('Outgoing call'), 'inbound': N_('Incoming call')}
AGENTS_PARTY = 'insured'
LONGEST_MINUTES = 600
# a clock that runs a little ahead is no reason to refuse
_AHEAD = timedelta(minutes=5)
# what the record tells of a call, in the order people ask for it
TOLD = ('party', 'person', 'phone', 'direction', 'outcome', 'minutes', 'summary', 'follow_up', 'at')


class Call(ClaimPart, Internal, Recorded, Evidence, Base):
    """A call about a claim. `corrects` is the call this one puts right; that one stays readable."""

    __tablename__ = 'calls'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('corrects'),
        Index('ix_calls_claim', 'claim_id', 'at'),
        Index('ix_calls_follow_up', 'follow_up'),
        Index('ix_calls_key', 'user_id', 'key', unique=True),
    )
    writable_with: ClassVar[Can] = Can.LOG_CALL

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey('call_parties.id'))
    person: Mapped[str] = mapped_column(default='')
    phone: Mapped[str] = mapped_column(default='')
    direction: Mapped[str]
    at: Mapped[datetime]
    minutes: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(ForeignKey('call_outcomes.id'))
    summary: Mapped[str] = mapped_column(default='')
    follow_up: Mapped[date | None]
    user_id: Mapped[int | None]
    by: Mapped[str]
    logged_at: Mapped[datetime]
    corrects: Mapped[int | None] = mapped_column(BigKey, ForeignKey('calls.id'))
    # drawn by the form: a call saved again because the answer got lost is still one call
    key: Mapped[str | None]

    @validates('person')
    def _person(self, _: str, person: str) -> str:
        return values.text(person, limit=120)

    @validates('phone')
    def _phone(self, _: str, phone: str) -> str:
        return values.phone(phone) if phone.strip() else ''

    @validates('summary')
    def _summary(self, _: str, summary: str) -> str:
        return values.long_text(summary)

    @validates('direction')
    def _direction(self, _: str, direction: str) -> str:
        if direction not in DIRECTIONS:
            raise ClaimError(N_('Please choose who called whom.'))
        return direction

    @validates('minutes')
    def _minutes(self, _: str, minutes: int | None) -> int | None:
        if minutes is not None and not 0 <= minutes <= LONGEST_MINUTES:
            raise values.Malformed(N_('A call lasts up to {most} minutes. Please check.'), most=LONGEST_MINUTES)
        return minutes

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """A call stands in the record of its claim; a correction with what it put right, unless that was internal."""
        if not new:
            return None
        session = object_session(self)
        was = session.get(Call, self.corrects) if session and self.corrects else None
        if was is None or was.internal is not self.internal:
            return Event('call', {name: [None, _told(self, name)] for name in TOLD if _told(self, name)}, self.internal)
        pairs = {name: [_told(was, name), _told(self, name)] for name in TOLD}
        told = {name: pair for name, pair in pairs.items() if pair[0] != pair[1] or name in ('party', 'person')}
        return Event('call_corrected', told, self.internal)


def _told(call: Call, name: str) -> Any:
    value = getattr(call, name)
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True)
class CallNote:
    """What a person writes down of a call. Without an `at` it was just now."""

    party: str
    direction: str
    outcome: str
    person: str = ''
    phone: str = ''
    minutes: int | None = None
    summary: str = ''
    follow_up: date | None = None
    at: datetime | None = None
    internal: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Contact:
    """Whom one would call at a party of a claim."""

    person: str = ''
    phone: str = ''


# ---- questions --------------------------------------------------------------------------------------------------------------


def calls_of(claim_id: int, party: str | None = None) -> Select[Call]:
    """The calls of a claim, newest first, corrected ones among them."""
    calls = select(Call).where(Call.claim_id == claim_id).order_by(Call.at.desc(), Call.id.desc())
    return calls if party is None else calls.where(Call.party == party)


def standing(calls: Iterable[Call]) -> list[Call]:
    """The calls that nobody corrected, in the order given."""
    known = list(calls)
    corrected = {call.corrects for call in known}
    return [call for call in known if call.id not in corrected]


def is_new_to(actor: Actor, call: Call, last_visit: datetime | None) -> bool:
    """Whether somebody else logged it since; nothing is new to somebody who was never here."""
    return last_visit is not None and call.logged_at > last_visit and call.user_id != actor.user_id


def calls_per_party(session: Session, claim_id: int) -> dict[str, int]:
    """How many calls there were with each party."""
    return dict(Counter(call.party for call in standing(session.scalars(calls_of(claim_id)))))


def attempts_since_spoke(session: Session, claim_id: int) -> dict[str, int]:
    """How often each party was called in vain since somebody was last reached there; parties without are left out."""
    outcomes = {outcome.id: outcome for outcome in session.scalars(select(CallOutcome))}
    return attempts_among(session.scalars(calls_of(claim_id)), outcomes)


def attempts_among(newest_first: Iterable[Call], outcomes: Mapping[str, CallOutcome]) -> dict[str, int]:
    """The same of calls that are at hand. A wrong number counts as neither."""
    attempts: Counter[str] = Counter()
    reached: set[str] = set()
    for call in standing(newest_first):
        outcome = outcomes[call.outcome]
        if outcome.reached:
            reached.add(call.party)
        elif outcome.attempt and call.direction == 'outbound' and call.party not in reached:
            attempts[call.party] += 1
    return dict(attempts)


def follow_ups_among(newest_first: Iterable[Call], outcomes: Mapping[str, CallOutcome]) -> dict[int, bool]:
    """Call id → whether its follow-up is done: somebody of that party was reached since."""
    done: dict[int, bool] = {}
    reached: set[str] = set()
    for call in standing(newest_first):
        if call.follow_up is not None:
            done[call.id] = call.party in reached
        if outcomes[call.outcome].reached:
            reached.add(call.party)
    return done


def follow_ups_due(today: date) -> Select[Call]:
    """Calls whose follow-up is due and still open, on any claim the asker may see, the longest overdue first."""
    later, correction = alias_of(Call), alias_of(Call)
    since = select(later.id).join(CallOutcome, CallOutcome.id == later.outcome).where(CallOutcome.reached)
    answered = since.where(later.claim_id == Call.claim_id, later.party == Call.party, later.at > Call.at).exists()
    corrected = select(correction.id).where(correction.corrects == Call.id).exists()
    due = select(Call).where(Call.follow_up <= today, ~answered, ~corrected)
    return due.order_by(Call.follow_up, Call.id)


def parties_for(actor: Actor, parties: Iterable[CallParty]) -> list[CallParty]:
    """The parties this person may log a call with, in menu order: the bureau with all, an agent with his own client."""
    if not actor.may(Can.LOG_CALL):
        return []
    return [party for party in parties if party.active and (actor.is_bureau or party.id == AGENTS_PARTY)]


def may_correct(actor: Actor, call: Call) -> bool:
    """Whether this person may put a call right: his own, and the bureau every one."""
    return actor.may(Can.LOG_CALL) and (actor.is_bureau or call.user_id == actor.user_id)


def contacts_of(session: Session, claim: Claim) -> dict[str, Contact]:
    """Whom the claim names at each party, to start a call's note from."""
    return {party: found(session, claim) for party, found in _CONTACTS.items()}


def _garage(session: Session, claim: Claim) -> Contact:
    garage = session.get(Garage, claim.garage) if claim.garage else None
    return Contact(garage.contact or garage.name, garage.phone) if garage else Contact()


def _appraiser(session: Session, claim: Claim) -> Contact:
    appraiser = session.get(Appraiser, claim.appraiser) if claim.appraiser else None
    return Contact(appraiser.contact or appraiser.name, appraiser.phone) if appraiser else Contact()


def _insurer(session: Session, claim: Claim) -> Contact:
    insurer = session.get(Insurer, claim.tp_insurer) if claim.tp_insurer else None
    return Contact(claim.claims_adjuster or (insurer.name if insurer else ''), claim.claims_adjuster_phone)


def _agent(session: Session, claim: Claim) -> Contact:
    agent = session.get(User, claim.agent) if claim.agent else None
    return Contact(agent.name) if agent else Contact()


_CONTACTS: Mapping[str, Callable[[Session, Claim], Contact]] = {
    'insured': lambda _, claim: Contact(claim.insured_name, claim.insured_phone),
    'garage': _garage,
    'appraiser': _appraiser,
    'insurer': _insurer,
    'agent': _agent,
    'third_party': lambda _, claim: Contact(claim.tp_policy_holder, claim.tp_phone),
    'tp_agent': lambda _, claim: Contact(claim.tp_agent, claim.tp_agent_phone),
}


# ---- orders -----------------------------------------------------------------------------------------------------------------


def log_call(session: Session, claim_id: int, note: CallNote, now: datetime) -> Call:
    """Write a call down. The bureau logs calls with everybody, an agent his own with the client, for all to see.

    Sent twice with one key, it is one call.
    """
    _check_right(session, note)
    claim = lock_claim(session, claim_id)
    return _sent(session, note) or _add(session, claim, note, now)


def correct_call(session: Session, call_id: int, note: CallNote, now: datetime) -> Call:
    """Put a call right by another one. The wrong one is never touched; it reads as corrected from then on."""
    _check_right(session, note)
    wrong = session.get(Call, call_id)
    if wrong is None:
        raise ClaimError(N_('This call was not found.'))
    claim = lock_claim(session, wrong.claim_id)
    if not may_correct(session.info['actor'], wrong):
        raise ClaimError(N_('Only your own calls can be corrected.'))
    if (sent := _sent(session, note)) is not None:
        return sent
    if session.scalar(select(Call.id).where(Call.corrects == wrong.id)) is not None:
        raise ClaimError(N_('This call was corrected already. Please correct the newer one.'))
    if note.internal and not wrong.internal:
        raise ClaimError(N_('The office could already read this call; a correction cannot hide it.'))
    return _add(session, claim, note, now, corrected=wrong)


def _check_right(session: Session, note: CallNote) -> None:
    actor: Actor = session.info['actor']
    actor.need(Can.LOG_CALL)
    if not actor.is_bureau and note.party != AGENTS_PARTY:
        raise ClaimError(N_('Please choose a call with your client. The bureau logs the other calls.'))
    if note.internal:
        actor.need(Can.SEE_INTERNAL)


def _sent(session: Session, note: CallNote) -> Call | None:
    """The call that came with this key before; whoever asks holds the claim, so that nobody else writes it meanwhile."""
    if not note.key:
        return None
    mine = select(Call).where(Call.user_id == session.info['actor'].user_id, Call.key == note.key)
    return session.scalars(mine).one_or_none()


def _add(session: Session, claim: Claim, note: CallNote, now: datetime, corrected: Call | None = None) -> Call:
    actor: Actor = session.info['actor']
    at = note.at or now
    if corrected is not None and (
        note.at is None or note.at.replace(second=0) == corrected.at.replace(second=0, microsecond=0)
    ):
        at = corrected.at  # forms know minutes only
    _check_moments(note, at, now)
    call = Call(
        **{**vars(note), 'at': at},
        claim_id=claim.id,
        office_id=claim.office_id,
        user_id=actor.user_id,
        by=actor.name,
        logged_at=now,
        corrects=corrected.id if corrected else None,
    )
    _check_complete(session, call)
    session.add(call)
    return call


def _check_moments(note: CallNote, at: datetime, now: datetime) -> None:
    if at > now + _AHEAD:
        raise ClaimError(N_('The call is in the future. Please check its time.'))
    if note.follow_up is not None and note.follow_up < values.israel(at).date():
        raise ClaimError(N_('The follow-up is before the call. Please check its date.'))


def _check_complete(session: Session, call: Call) -> None:
    """The browser can send any id, and a talk without a word of what was said is no evidence."""
    party, outcome = session.get(CallParty, call.party), session.get(CallOutcome, call.outcome)
    if party is None or not party.active:
        raise ClaimError(N_('Please choose with whom the call was.'))
    if outcome is None or not outcome.active:
        raise ClaimError(N_('Please choose how the call ended.'))
    if outcome.reached and not call.summary:
        raise ClaimError(N_('Please write in a few words what was said.'))
    if party.id not in _CONTACTS and not call.person:
        raise ClaimError(N_('Please write who it was.'))
