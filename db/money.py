"""The money of a claim by heads of damage: demanded, offered, approved, received, why less; offers, and VAT by date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, and_, event, literal, or_, select
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column, validates

from db import values
from db.base import Base, BigKey, has_changed, histories
from db.claims import Claim, ClaimConflict, Part, lock_claim
from db.reference import DamageHead, ReductionReason, VatRate
from db.scope import Actor, Can, ClaimPart, Event, Evidence, Recorded, claim_key
from db.texts import N_, ClaimError

# a sum of a head → the field of the claim that keeps the total
TOTALS: Mapping[str, str] = {
    'demanded': 'demand_amount',
    'offered': 'offered_amount',
    'approved': 'approved_amount',
    'received': 'received_amount',
}
# the totals whose every move is kept with its day; a demand has its own, that of the submission
MOVED: Mapping[str, str] = {name: TOTALS[name] for name in ('approved', 'received')}
OFFER_KINDS = {
    'undisputed': N_('Undisputed amount'),
    'settlement': N_('Settlement'),
    'full': N_('Full and final'),
}
ANSWERS = {
    'open': N_('Awaiting an answer'),
    'accepted': N_('Accepted'),
    'refused': N_('Offer refused'),
    'countered': N_('Countered'),
}
_SET = {*TOTALS, 'reason', 'net_of_vat'}


class HeadAmount(ClaimPart, Recorded, Base):
    """What stands on one head of damage of a claim, in agorot. The claim's totals follow from these rows."""

    __tablename__ = 'head_amounts'
    __table_args__ = (claim_key(), UniqueConstraint('claim_id', 'head'))
    writable_with: ClassVar[Can] = Can.HANDLE_MONEY

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    head: Mapped[str] = mapped_column(ForeignKey('damage_heads.id'))
    demanded: Mapped[int | None] = mapped_column(BigKey)
    offered: Mapped[int | None] = mapped_column(BigKey)
    approved: Mapped[int | None] = mapped_column(BigKey)
    received: Mapped[int | None] = mapped_column(BigKey)
    reason: Mapped[str | None] = mapped_column('reason_id', ForeignKey('reduction_reasons.id'))
    # the demand stands without VAT already: businesses get theirs back from the state
    net_of_vat: Mapped[bool] = mapped_column(default=False)

    @validates(*TOTALS)
    def _agorot(self, _: str, amount: int | None) -> int | None:
        if amount is None or (isinstance(amount, int) and amount >= 0):
            return amount
        raise values.Malformed(N_('A sum must be zero or more.'))

    @property
    def gap(self) -> int | None:
        """What the insurer took off the demand; None until he said."""
        if self.demanded is None or self.approved is None:
            return None
        return max(self.demanded - self.approved, 0)

    @property
    def balance(self) -> int | None:
        """What is still owed of the demand."""
        return None if self.demanded is None else self.demanded - (self.received or 0)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """Which sum of which head; quiet, because the total that moves with it is the news."""
        told = {name: pair for name, pair in edited.items() if name in _SET and pair != [None, False]}
        return Event('money', {'head': [None, self.head], **told}, quiet=True) if told else None


class Offer(ClaimPart, Recorded, Base):
    """An offer of the insurer and what was answered."""

    __tablename__ = 'offers'
    __table_args__ = (claim_key(), Index('ix_offers_claim', 'claim_id', 'offered_on'))
    writable_with: ClassVar[Can] = Can.HANDLE_MONEY

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigKey)
    offered_on: Mapped[date]
    note: Mapped[str] = mapped_column(default='')
    answer: Mapped[str] = mapped_column(default='open')
    answered_at: Mapped[datetime | None]
    by: Mapped[str]
    at: Mapped[datetime]

    @validates('note')
    def _note(self, _: str, note: str) -> str:
        return values.text(note, limit=300)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """It came, or it was answered."""
        told = {'amount': [None, self.amount], 'kind': [None, self.kind]}
        if new:
            return Event('offer', {**told, 'offered_on': [None, self.offered_on.isoformat()]})
        return Event('offer.answered', {**told, 'answer': edited['answer']}) if 'answer' in edited else None


class MoneyMove(ClaimPart, Evidence, Base):
    """A total of a claim moved: which (one of `MOVED`), by how much in agorot, and when. What came in a month is their sum."""

    __tablename__ = 'money_moves'
    __table_args__ = (
        claim_key(),
        Index('ix_money_moves_at', 'total', 'at', 'office_id', 'claim_id', 'amount'),
        Index('ix_money_moves_claim', 'claim_id'),
    )
    writable_with: ClassVar[Can] = Can.HANDLE_MONEY

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    total: Mapped[str]
    amount: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]


@dataclass(frozen=True)
class OfferNote:
    """What a person writes down of an offer."""

    kind: str
    amount: int
    offered_on: date
    note: str = ''


@dataclass(frozen=True)
class Totals:
    """The sums over all heads of a claim."""

    demanded: int | None
    offered: int | None
    approved: int | None
    received: int | None

    @property
    def balance(self) -> int | None:
        """What is still owed of the demand."""
        return None if self.demanded is None else self.demanded - (self.received or 0)


def totals_of(heads: Iterable[HeadAmount]) -> Totals:
    """Each sum over the heads that have it; None where no head has."""
    rows = list(heads)
    return Totals(**{name: _sum(getattr(row, name) for row in rows) for name in TOTALS})


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def rate_on(rates: Sequence[VatRate], day: date) -> int:
    """The percent of VAT on a day."""
    valid = [rate for rate in rates if rate.since <= day]
    return max(valid, key=lambda rate: rate.since).percent if valid else 0


def net_of_vat(gross: int, percent: int) -> int:
    """A sum without the VAT that is in it, to the agora."""
    return int((Decimal(gross) * 100 / (100 + percent)).quantize(Decimal(1), ROUND_HALF_UP))


# ---- questions --------------------------------------------------------------------------------------------------------------


def heads_of(claim_id: int) -> Select[HeadAmount]:
    """The heads of damage of a claim, in menu order; one that was taken off says nothing and is left out."""
    says_something = or_(*(getattr(HeadAmount, name).is_not(None) for name in (*TOTALS, 'reason')))
    return (
        select(HeadAmount)
        .join(DamageHead, DamageHead.id == HeadAmount.head)
        .where(HeadAmount.claim_id == claim_id, says_something)
        .order_by(DamageHead.position)
    )


def offers_of(claim_id: int) -> Select[Offer]:
    """The insurer's offers, newest first."""
    return select(Offer).where(Offer.claim_id == claim_id).order_by(Offer.offered_on.desc(), Offer.id.desc())


def vat_rates() -> Select[VatRate]:
    """The dated table of VAT."""
    return select(VatRate).order_by(VatRate.since)


def worked_out_by(rate: VatRate, until: date | None, today: date) -> Select[int]:
    """Sums that VAT was taken off of by a rate, which counts up to `until`. When it was of a claim that is not submitted, nobody knows: any day since."""
    opened = and_(Claim.submitted_at.is_(None), literal(rate.since <= today))
    if until is not None:
        opened = and_(opened, Claim.opened_at < until)
    submitted = [Claim.submitted_at >= rate.since, *([Claim.submitted_at < until] if until is not None else [])]
    found = select(HeadAmount.id).join(Claim, Claim.id == HeadAmount.claim_id)
    return found.where(HeadAmount.net_of_vat, or_(opened, and_(*submitted)))


def vat_day(claim: Claim, today: date) -> date:
    """The day whose rate counts for a claim: that of its submission, today's before."""
    return claim.submitted_at or today


# ---- orders -----------------------------------------------------------------------------------------------------------------


def save_amounts(
    session: Session, claim_id: int, head: str, changes: Mapping[str, tuple[Any, Any]], now: datetime
) -> HeadAmount:
    """Save sums of one head: name → (what the person saw, what he wants). The totals of the claim follow.

    When somebody else changed the same sum meanwhile, it is refused and nobody's number is lost.
    """
    claim = _claim_to_edit(session, claim_id)
    row = _row_of(session, claim, head)
    for name, (seen, wanted) in changes.items():
        if name not in _SET:
            raise ClaimError(N_('This field cannot be changed here.'))
        if getattr(row, name) not in (seen, wanted):
            raise ClaimConflict(name, getattr(row, name), claim.id, Part('money', 'head', head))
        if name == 'demanded' and wanted != row.demanded:
            row.net_of_vat = False  # what is typed is what stands on the paper
        setattr(row, name, wanted)
    if row.reason is not None and has_changed(row, 'reason'):  # one that is out of use stays where it stood
        _check_active(session.get(ReductionReason, row.reason))
    session.add(row)
    return row


def take_vat_off(session: Session, claim_id: int, head: str, now: datetime) -> HeadAmount:
    """A business claims without VAT: take it off what is demanded on a head, once."""
    claim = _claim_to_edit(session, claim_id)
    row = _row_of(session, claim, head)
    if row.demanded is None or row.net_of_vat:
        raise ClaimError(N_('There is no VAT to take off here.'))
    percent = rate_on(list(session.scalars(vat_rates())), vat_day(claim, values.israel(now).date()))
    row.demanded, row.net_of_vat = net_of_vat(row.demanded, percent), True
    return row


def take_head_off(
    session: Session, claim_id: int, head: str, seen: Mapping[str, int | None], now: datetime
) -> HeadAmount:
    """Take a head of damage off the claim: nothing of it is demanded any more. Its history stays.

    `seen` are the sums the person saw: when somebody else wrote others meanwhile, nothing is taken off.
    """
    claim = _claim_to_edit(session, claim_id)
    row = _row_of(session, claim, head)
    if any(getattr(row, name) != seen.get(name) for name in TOTALS):
        raise ClaimConflict('', None, claim.id, Part('money', 'head', head))
    for name in (*TOTALS, 'reason'):
        setattr(row, name, None)
    row.net_of_vat = False
    session.add(row)
    return row


def log_offer(session: Session, claim_id: int, heard: OfferNote, now: datetime) -> Offer:
    """Write down what the insurer offers."""
    claim = _claim_to_edit(session, claim_id)
    if heard.kind not in OFFER_KINDS:
        raise ClaimError(N_('Please choose what kind of offer it is.'))
    if heard.amount <= 0:
        raise ClaimError(N_('Please fill in the sum.'))
    if heard.offered_on > values.israel(now).date():
        raise ClaimError(N_('The offer is in the future. Please check its date.'))
    offer = Offer(
        **vars(heard),
        claim_id=claim.id,
        office_id=claim.office_id,
        answer='open',
        by=session.info['actor'].name,
        at=now,
    )
    session.add(offer)
    return offer


def answer_offer(session: Session, offer_id: int, answer: str, now: datetime) -> Offer:
    """Write down what was answered; an offer is answered once."""
    actor: Actor = session.info['actor']
    actor.need(Can.HANDLE_MONEY)
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise ClaimError(N_('This offer was not found.'))
    lock_claim(session, offer.claim_id)
    offer = session.scalars(select(Offer).where(Offer.id == offer_id).execution_options(populate_existing=True)).one()
    if answer not in ANSWERS or answer == 'open':
        raise ClaimError(N_('Please choose an answer.'))
    if offer.answer != 'open':
        raise ClaimError(N_('This offer was answered already.'))
    offer.answer, offer.answered_at = answer, now
    return offer


def _claim_to_edit(session: Session, claim_id: int) -> Claim:
    actor: Actor = session.info['actor']
    actor.need(Can.HANDLE_MONEY)
    return lock_claim(session, claim_id)


def _row_of(session: Session, claim: Claim, head: str) -> HeadAmount:
    known = select(HeadAmount).where(HeadAmount.claim_id == claim.id, HeadAmount.head == head)
    row = session.scalar(known.execution_options(populate_existing=True))
    if row is None:
        _check_active(session.get(DamageHead, head))
        row = HeadAmount(claim_id=claim.id, office_id=claim.office_id, head=head, net_of_vat=False)
    return row


def _check_active(chosen: DamageHead | ReductionReason | None) -> None:
    """The browser can send any id."""
    if chosen is None or not chosen.active:
        raise ClaimError(N_('Please choose from the list.'))


# ---- the session's part -----------------------------------------------------------------------------------------------------


def keep_totals(session: Session, *_: Any) -> None:
    """Before a flush: a claim with heads of damage has their sums as its totals, whoever changed which of them."""
    if session.info['reading']:
        return
    rows = [row for row in [*session.new, *session.dirty] if isinstance(row, HeadAmount)]
    for claim_id in {row.claim_id for row in rows}:
        claim, totals = session.get_one(Claim, claim_id), _totals_in(session, claim_id)
        for name, field in TOTALS.items():
            total = getattr(totals, name)
            # what no head ever said stays as it was typed
            emptied = any(row.claim_id == claim_id and has_changed(row, name) for row in rows)
            if getattr(claim, field) != total and (total is not None or emptied):
                setattr(claim, field, total)
    for claim in [row for row in session.dirty if isinstance(row, Claim)]:
        edited = {name: field for name, field in TOTALS.items() if has_changed(claim, field)}
        if edited and _contradicts(claim, edited, _totals_in(session, claim.id)):
            raise ClaimError(N_('This total follows from the heads of damage. Change it there.'))


def _contradicts(claim: Claim, edited: Mapping[str, str], totals: Totals) -> bool:
    sums = {field: getattr(totals, name) for name, field in edited.items()}
    return any(total is not None and total != getattr(claim, field) for field, total in sums.items())


def _totals_in(session: Session, claim_id: int) -> Totals:
    with session.no_autoflush:
        kept = list(session.scalars(select(HeadAmount).where(HeadAmount.claim_id == claim_id)))
    new = [row for row in session.new if isinstance(row, HeadAmount) and row.claim_id == claim_id]
    return totals_of([*kept, *new])


def plan_moves(session: Session, *_: Any) -> None:
    """Before a flush, when the totals stand: note which of them are about to move."""
    for claim in [row for row in [*session.new, *session.dirty] if isinstance(row, Claim)]:
        changed = dict(histories(claim))
        for name, field in MOVED.items():
            if field not in changed:
                continue
            history = changed[field]
            before, after = ((side[0] if side else None) or 0 for side in (history.deleted, history.added))
            if before != after:
                session.info.setdefault('moves_planned', []).append((claim, name, after - before))


def leave_moves(session: Session, _: UOWTransaction) -> None:
    """After a flush, when new claims have their ids: leave the moves, dated as the record is."""
    for claim, name, amount in session.info.pop('moves_planned', []):
        part = {'claim_id': claim.id, 'office_id': claim.office_id, 'at': session.info['moment']}
        session.add(MoneyMove(**part, total=name, amount=amount))


def _forget(session: Session, *_: Any) -> None:
    session.info.pop('moves_planned', None)


def listen_to(session_class: type[Session]) -> None:
    """Attach the sums to a session class, before the record; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', keep_totals)
    event.listen(session_class, 'before_flush', plan_moves)
    event.listen(session_class, 'after_flush', leave_moves)
    event.listen(session_class, 'after_soft_rollback', _forget)
