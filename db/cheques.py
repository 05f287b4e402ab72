"""Cheques in both directions: the insurer's, and the client's post-dated ones; their lifecycle, and what is due when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey, has_changed
from db.calendar import Calendar, calendar_of
from db.claims import Claim, ClaimConflict, Part, lock_claim
from db.documents import Document
from db.money import Offer
from db.reference import DamageHead
from db.scope import Actor, Can, ClaimPart, Event, Evidence, Recorded, claim_key
from db.texts import N_, ClaimError

WARN_DAYS = 14
REMIND_DAYS = 3
DIRECTIONS: Mapping[str, str] = {
    'insurer_to_insured': N_('Insurer to client'),
    'insurer_to_garage': N_('Insurer to garage'),
    'insurer_to_bureau': N_('Insurer to the bureau'),
    'insured_to_garage': N_('Client to garage'),
    'insured_to_appraiser': N_('Client to appraiser'),
}
STATES: Mapping[str, str] = {
    'expected': N_('Cheque expected'),
    'issued': N_('Cheque issued'),
    'received': N_('Cheque received'),
    'handed_over': N_('Cheque handed over'),
    'deposited': N_('Cheque deposited'),
    'cleared': N_('Cheque cleared'),
    'bounced': N_('Cheque bounced'),
    'cancelled': N_('Cheque cancelled'),
    'replaced': N_('Cheque replaced'),
}
# where a cheque may go from where it is; whatever stands not here does not happen
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    'expected': ('issued', 'received', 'cancelled'),
    'issued': ('received', 'cancelled'),
    'received': ('handed_over', 'deposited', 'cancelled', 'replaced'),
    'handed_over': ('deposited', 'cleared', 'bounced', 'cancelled', 'replaced'),
    'deposited': ('cleared', 'bounced'),
    'bounced': ('deposited', 'replaced', 'cancelled'),
    'cleared': (),
    'cancelled': (),
    'replaced': (),
}
# the way a cheque usually goes, for the stepper; and where it may begin
USUAL = ('expected', 'issued', 'received', 'handed_over', 'deposited', 'cleared')
FIRST_STATES = ('expected', 'issued', 'received', 'handed_over')
# it came to its end: nobody waits for its day any more
ENDED = frozenset(state for state, following in TRANSITIONS.items() if not following)
LIVE = tuple(state for state in TRANSITIONS if state not in ENDED)
BOUNCE_REASONS = {
    'no_cover': N_('Not enough cover'),
    'stopped': N_('Stopped by the drawer'),
    'signature': N_('Signature or details'),
    'account': N_('Account blocked or closed'),
    'other': N_('Another reason'),
}
CANCEL_REASONS = {
    'mistake': N_('Entered by mistake'),
    'paid_otherwise': N_('Paid in another way'),
    'lost': N_('Lost or damaged'),
    'agreed': N_('Given back by agreement'),
    'other': N_('Another reason'),
}
REPLACE_REASONS = {
    'postponed': N_('The due date was put off'),
    'bounced': N_('The cheque bounced'),
    'details': N_('Wrong sum or details'),
    'lost': N_('Lost or damaged'),
    'other': N_('Another reason'),
}
# where a cheque goes only with a reason from a list
REASONS: Mapping[str, Mapping[str, str]] = {
    'bounced': BOUNCE_REASONS,
    'cancelled': CANCEL_REASONS,
    'replaced': REPLACE_REASONS,
}
_ASKED_WHY = {
    'bounced': N_('Please choose why the cheque bounced.'),
    'cancelled': N_('Please choose why the cheque was cancelled.'),
    'replaced': N_('Please choose why the cheque was replaced.'),
}
STEPS = {
    'postpone': N_('The garage was asked to postpone the cheque'),
    'press': N_('The insurer was pressed to pay'),
    'warn': N_('The client was warned of the cheque'),
}
# the banks people write cheques of, by the code that stands on the cheque
BANKS: Mapping[str, str] = {
    '04': 'יהב',
    '09': 'הדואר',
    '10': 'לאומי',
    '11': 'דיסקונט',
    '12': 'הפועלים',
    '14': 'אוצר החייל',
    '17': 'מרכנתיל דיסקונט',
    '18': 'וואן זירו',
    '20': 'מזרחי טפחות',
    '31': 'הבינלאומי',
    '46': 'מסד',
    '52': 'פועלי אגודת ישראל',
    '54': 'ירושלים',
}
_EDITABLE = (
    *('direction', 'drawer', 'payee', 'cheque_no', 'bank', 'branch', 'account', 'amount', 'due_date'),
    *('waiver', 'head', 'offer_id', 'image_id', 'note'),
)
_TOLD = (*_EDITABLE, 'state', 'reason')
_DIGITS: Mapping[str, int] = {'bank': 2, 'branch': 3, 'account': 9, 'cheque_no': 12}
_FURTHEST = timedelta(days=3660)


class Cheque(ClaimPart, Recorded, Base):
    """A cheque about a claim. `warn_on` is the day on which its warning is due, kept from the calendar."""

    __tablename__ = 'cheques'
    __table_args__ = (
        claim_key(),
        Index('ix_cheques_claim', 'claim_id', 'due_date'),
        Index('ix_cheques_due', 'live', 'due_date', 'office_id', 'claim_id'),
        Index('ix_cheques_warn', 'live', 'warn_on', 'id'),
        Index('ix_cheques_key', 'claim_id', 'key', unique=True),
    )
    writable_with: ClassVar[Can] = Can.HANDLE_MONEY

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    version: Mapped[int] = mapped_column()
    direction: Mapped[str]
    drawer: Mapped[str] = mapped_column(default='')
    payee: Mapped[str] = mapped_column(default='')
    cheque_no: Mapped[str] = mapped_column(default='')
    bank: Mapped[str] = mapped_column(default='')
    branch: Mapped[str] = mapped_column(default='')
    account: Mapped[str] = mapped_column(default='')
    amount: Mapped[int] = mapped_column(BigKey)
    due_date: Mapped[date]
    warn_on: Mapped[date]
    # it was written down, or its date set, when less than the two weeks were left
    late: Mapped[bool] = mapped_column(default=False)
    # why nobody works on the day it is due, as a text; '' on a business day
    closed_note: Mapped[str] = mapped_column(default='')
    state: Mapped[str]
    state_since: Mapped[datetime]
    live: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str] = mapped_column(default='')
    replaces: Mapped[int | None] = mapped_column(BigKey, ForeignKey('cheques.id'))
    image_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey('documents.id'))
    # depositing it may give up the rest of the claim
    waiver: Mapped[bool] = mapped_column(default=False)
    waiver_confirmed_by: Mapped[str] = mapped_column(default='')
    head: Mapped[str | None] = mapped_column('head_id', ForeignKey('damage_heads.id'))
    offer_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey('offers.id'))
    note: Mapped[str] = mapped_column(default='')
    entered_at: Mapped[datetime]
    by: Mapped[str]
    # the opened form it was written in
    key: Mapped[str | None]

    __mapper_args__ = {'version_id_col': version}  # noqa: RUF012 - SQLAlchemy reads it while it builds the class

    @validates('drawer', 'payee')
    def _name(self, _: str, name: str) -> str:
        return values.text(name, limit=120)

    @validates('note')
    def _note(self, _: str, note: str) -> str:
        return values.text(note, limit=300)

    @validates('bank', 'branch', 'account', 'cheque_no')
    def _digits(self, name: str, typed: str) -> str:
        return bank_digits(name, typed)

    @validates('amount')
    def _agorot(self, _: str, amount: int) -> int:
        if not isinstance(amount, int) or amount <= 0:
            raise values.Malformed(N_('Please fill in the sum.'))
        return amount

    @validates('state')
    def _state(self, _: str, state: str) -> str:
        self.live = state not in ENDED
        return state

    @property
    def by_client(self) -> bool:
        """Whether the client pays with it; otherwise the insurer does."""
        return self.direction.startswith('insured_')

    @property
    def counts(self) -> bool:
        """Whether its sum is still meant to be paid by it, or was."""
        return self.state not in ('cancelled', 'replaced', 'bounced')

    def days_left(self, today: date) -> int:
        """Days until it is due; below zero when that passed."""
        return (self.due_date - today).days

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """It was entered, it changed, or it went on."""
        told = {name: pair for name, pair in edited.items() if name in _TOLD and pair[1] not in (None, '', False)}
        if not told:
            return None
        always = {name: [None, _plain(getattr(self, name))] for name in ('direction', 'amount', 'due_date')}
        kind = 'cheque' if new else 'cheque.state' if 'state' in edited else 'cheque.changed'
        # which cheque it was, for whoever is second; and why it had bounced, for whoever takes the step back
        which = {} if new else {'cheque': [None, self.id]}
        why = _if_any(edited, 'reason') if kind == 'cheque.state' else {}
        return Event(kind, {**always, **told, **which, **why})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _if_any(edited: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: edited[name]} if any(edited.get(name, ())) else {}


class ChequeStep(ClaimPart, Recorded, Evidence, Base):
    """Something done because a client's cheque falls before the insurer's money: whom one wrote to, and what."""

    __tablename__ = 'cheque_steps'
    __table_args__ = (claim_key(), Index('ix_cheque_steps_cheque', 'cheque_id', 'at'))
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    cheque_id: Mapped[int] = mapped_column(BigKey, ForeignKey('cheques.id'))
    kind: Mapped[str]
    wording: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """It stands in the record of the claim."""
        return Event('cheque.step', {'step': [None, self.kind]}) if new else None


@dataclass(frozen=True)
class Slip:
    """What a person writes down of a cheque."""

    direction: str
    amount: int
    due_date: date
    drawer: str = ''
    payee: str = ''
    cheque_no: str = ''
    bank: str = ''
    branch: str = ''
    account: str = ''
    waiver: bool = False
    head: str | None = None
    offer_id: int | None = None
    image_id: int | None = None
    note: str = ''


def bank_digits(name: str, typed: str) -> str:
    """The digits of a bank, a branch, an account or a cheque, in any writing. Raises `Malformed`."""
    digits = values.text(typed, limit=40).replace('-', '').replace(' ', '').replace('/', '')
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS[name]):
        raise values.Malformed(N_('Bank details are digits: bank 2, branch 3, account up to 9, cheque up to 12.'))
    return digits.zfill(_DIGITS[name]) if digits and name in ('bank', 'branch') else digits


def possible_due(due_date: date, today: date) -> date:
    """The day, if a cheque may fall due on it: one ten years away is a slip of the pen. Raises `Malformed`."""
    if abs(due_date - today) > _FURTHEST:
        raise values.Malformed(N_('The due date is too far away. Please check the year.'))
    return due_date


def warning_day(calendar: Calendar, due_date: date) -> date:
    """The day of the warning: 14 days before, or the last business day before that; never later."""
    return calendar.last_business_day(due_date - timedelta(days=WARN_DAYS)).day


# ---- questions --------------------------------------------------------------------------------------------------------------


def cheques_of(claim_id: int) -> Select[Cheque]:
    """The cheques of a claim, the next one due first, ended ones last."""
    question = select(Cheque).where(Cheque.claim_id == claim_id)
    return question.order_by(Cheque.live.desc(), Cheque.due_date, Cheque.id)


def next_cheque_of(claim_id: int) -> Select[Cheque]:
    """The cheque of a claim whose day comes first, of those still open."""
    return cheques_of(claim_id).where(Cheque.live).limit(1)


def steps_of(claim_id: int) -> Select[ChequeStep]:
    """What was done about the cheques of a claim, newest first."""
    return select(ChequeStep).where(ChequeStep.claim_id == claim_id).order_by(ChequeStep.id.desc())


def cheques_due(first: date, last: date) -> Select[Cheque]:
    """Cheques still open that are due between two days, on any claim the asker may see."""
    question = select(Cheque).where(Cheque.live, Cheque.due_date.between(first, last))
    return question.order_by(Cheque.due_date, Cheque.id)


def count_and_sum(session: Session, cheques: Select[Cheque]) -> tuple[int, int]:
    """How many cheques a question finds, and what they come to in agorot."""
    asked = cheques.with_only_columns(func.count(Cheque.id), func.coalesce(func.sum(Cheque.amount), 0)).order_by(None)
    count, total = session.execute(asked).one()
    return count, int(total)


def cheques_overdue(today: date) -> Select[Cheque]:
    """Cheques whose day passed and nobody wrote down that they were cleared, the longest first."""
    return select(Cheque).where(Cheque.live, Cheque.due_date < today).order_by(Cheque.due_date, Cheque.id)


def with_claims(cheques: Select[Cheque]) -> Select[Any]:
    """The same cheques beside their claims."""
    return cheques.join(Claim, Claim.id == Cheque.claim_id).add_columns(Claim)


def next_states(cheque: Cheque) -> tuple[str, ...]:
    """Where this cheque may go by a click; a replacement is entered by its own form."""
    return tuple(state for state in TRANSITIONS[cheque.state] if state != 'replaced')


def cheque_to_edit(session: Session, cheque_id: int) -> Cheque:
    """Under the lock of its claim, so that two people move one cheque one after the other."""
    return _locked(session, cheque_id, Can.HANDLE_MONEY)


def _locked(session: Session, cheque_id: int, right: Can) -> Cheque:
    actor: Actor = session.info['actor']
    actor.need(right)
    known = select(Cheque).where(Cheque.id == cheque_id)
    cheque = session.scalar(known)
    if cheque is None:
        raise ClaimError(N_('This cheque was not found.'))
    lock_claim(session, cheque.claim_id)
    return session.scalars(known.execution_options(populate_existing=True)).one()


# ---- orders -----------------------------------------------------------------------------------------------------------------


def enter_cheque(
    session: Session, claim_id: int, slip: Slip, state: str, now: datetime, *, key: str | None = None
) -> Cheque:
    """Write a cheque down.

    Sent twice with one key, because the first answer got lost, it is one cheque: as it was written the second time.
    """
    claim = _claim_to_edit(session, claim_id)
    if state not in FIRST_STATES:
        raise ClaimError(N_('Please choose how far the cheque is.'))
    known = session.scalar(select(Cheque).where(Cheque.claim_id == claim.id, Cheque.key == key)) if key else None
    if known is not None:
        return change_cheque(session, known.id, slip, known.version, now)
    return _enter(session, claim, slip, state, now, key=key)


def change_cheque(session: Session, cheque_id: int, slip: Slip, seen: int, now: datetime) -> Cheque:
    """Put right what was written down. A new date counts anew: it is warned of again.

    `seen` is the version the person saw: a cheque that changed meanwhile is looked at again first.
    """
    cheque = cheque_to_edit(session, cheque_id)
    if not cheque.live:
        raise ClaimError(N_('This cheque came to its end and is not changed any more.'))
    if cheque.version != seen:
        raise ClaimConflict('', None, cheque.claim_id, Part('cheque.%', 'cheque', cheque.id))
    _check(session, cheque.claim_id, slip, now)
    with session.no_autoflush:  # a new date and the old day of its warning would alert at once
        for name in _EDITABLE:
            setattr(cheque, name, getattr(slip, name))
        if has_changed(cheque, 'due_date'):
            _set_warning(session, cheque, now)
    if has_changed(cheque, 'waiver'):
        cheque.waiver_confirmed_by = ''
    return cheque


def advance_cheque(
    session: Session, cheque_id: int, state: str, now: datetime, *, reason: str = '', waiver_confirmed: bool = False
) -> Cheque:
    """Let a cheque go on to a state it may go to from here.

    A cheque that carries a waiver is deposited only by somebody who says that he knows; a bounce and a cancellation say why.
    """
    cheque = cheque_to_edit(session, cheque_id)
    if state not in next_states(cheque):
        raise ClaimError(N_('From "{state}" a cheque does not go there.'), state=STATES[cheque.state])
    _check_reason(state, reason)
    if state in ('deposited', 'cleared') and cheque.waiver and not cheque.waiver_confirmed_by:
        if not waiver_confirmed:
            raise ClaimError(
                N_('This cheque carries a waiver. Depositing it may give up the rest: please confirm first.')
            )
        cheque.waiver_confirmed_by = session.info['actor'].name
    _go(cheque, state, reason, now)
    return cheque


def replace_cheque(session: Session, cheque_id: int, slip: Slip, state: str, now: datetime, reason: str) -> Cheque:
    """Another cheque stands in for this one, which is thereby replaced, and why. Returns the new one."""
    cheque = cheque_to_edit(session, cheque_id)
    if 'replaced' not in TRANSITIONS[cheque.state]:
        raise ClaimError(N_('Only a cheque that came can be replaced.'))
    if state not in FIRST_STATES:
        raise ClaimError(N_('Please choose how far the cheque is.'))
    _check_reason('replaced', reason)
    _go(cheque, 'replaced', reason, now)
    return _enter(session, session.get_one(Claim, cheque.claim_id), slip, state, now, replaces=cheque.id)


def note_step(session: Session, cheque_id: int, kind: str, wording: str, now: datetime) -> ChequeStep:
    """Write down that one of the prepared steps was taken: by whoever writes to people about claims, also if money is not his work."""
    cheque = _locked(session, cheque_id, Can.EDIT_CLAIM)
    if kind not in STEPS:
        raise ClaimError(N_('Please choose from the list.'))
    step = ChequeStep(
        claim_id=cheque.claim_id,
        office_id=cheque.office_id,
        cheque_id=cheque.id,
        kind=kind,
        wording=values.long_text(wording),
        at=now,
        by=session.info['actor'].name,
    )
    session.add(step)
    return step


def _claim_to_edit(session: Session, claim_id: int) -> Claim:
    actor: Actor = session.info['actor']
    actor.need(Can.HANDLE_MONEY)
    return lock_claim(session, claim_id)


def _enter(session: Session, claim: Claim, slip: Slip, state: str, now: datetime, **more: Any) -> Cheque:
    _check(session, claim.id, slip, now)
    cheque = Cheque(
        **vars(slip),
        claim_id=claim.id,
        office_id=claim.office_id,
        state=state,
        state_since=now,
        entered_at=now,
        by=session.info['actor'].name,
        **more,
    )
    _set_warning(session, cheque, now)
    session.add(cheque)
    session.flush()
    return cheque


def _set_warning(session: Session, cheque: Cheque, now: datetime) -> None:
    calendar = calendar_of(session)
    cheque.warn_on = warning_day(calendar, cheque.due_date)
    cheque.closed_note = calendar.why_closed(cheque.due_date) or ''
    cheque.late = cheque.days_left(values.israel(now).date()) < WARN_DAYS


def _check_reason(state: str, reason: str) -> None:
    """A reason where one is asked for, and none elsewhere: the browser can send anything."""
    if state in REASONS and reason not in REASONS[state]:
        raise ClaimError(_ASKED_WHY[state])
    if state not in REASONS and reason:
        raise ClaimError(N_('Please choose from the list.'))


def _go(cheque: Cheque, state: str, reason: str, now: datetime) -> None:
    cheque.state, cheque.state_since, cheque.reason = state, now, reason


def _check(session: Session, claim_id: int, slip: Slip, now: datetime) -> None:
    """The browser can send anything: what is chosen must be there, and of this claim."""
    if slip.direction not in DIRECTIONS:
        raise ClaimError(N_('Please choose who pays whom.'))
    possible_due(slip.due_date, values.israel(now).date())
    if slip.head is not None and session.get(DamageHead, slip.head) is None:
        raise ClaimError(N_('Please choose from the list.'))
    for model, key in ((Offer, slip.offer_id), (Document, slip.image_id)):
        if key is not None and session.scalar(select(model.claim_id).where(model.id == key)) != claim_id:
            raise ClaimError(N_('Please choose from the list.'))
