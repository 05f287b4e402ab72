"""The sanity gate (שער שפיות): gentle doubts about what a claim says. They hold nobody up, and no agent ever sees them.

`doubts_in` looks at values alone and serves forms and files; `doubts_of` also looks around: at documents and at other claims.
Somebody of the bureau who looked and found a value right says so (`confirm_doubt`); the doubt is back when the value changes.
Another check is another function in `_AMONG_VALUES` or `_AROUND_THE_CLAIM`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.base import Base, BigKey
from db.changes import Change, plain
from db.cheques import cheques_of
from db.claims import FIELDS, Claim, doubt_of, duplicates_of, lock_claim
from db.masks import DoubtMark
from db.money import heads_of, net_of_vat, offers_of, rate_on, vat_day, vat_rates
from db.reference import UNKNOWN_INSURER, DamageHead, Insurer
from db.requirements import checklist
from db.scope import Actor, Can, ClaimPart, Event, Evidence, Internal, Recorded, claim_key
from db.texts import N_, ClaimError, t

_MOBILES = ('insured_phone', 'tp_phone')
_FEE_INVOICE = 'appraiser_fee_invoice'
_IN_FUTURE = N_('The date of the event is in the future.')


@dataclass(frozen=True)
class Doubt:
    """Something that looks wrong: the field it is shown beside, a text, and the values it is about."""

    field: str
    key: str
    about: tuple[Any, ...]
    values: Mapping[str, str]

    def told(self, language: str = 'he') -> str:
        """The doubt in words."""
        return t(self.key, language, **self.values)

    @property
    def mark(self) -> str:
        """What tells this doubt from the same one about other values."""
        return json.dumps([self.field, self.key, *(plain(value) for value in self.about)], ensure_ascii=False)


class DoubtAnswer(ClaimPart, Internal, Recorded, Evidence, Base):
    """«I looked, it is right»: who said so of which doubt, and when."""

    __tablename__ = 'doubt_answers'
    __table_args__ = (claim_key(), Index('ix_doubt_answers_claim', 'claim_id'))
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    mark: Mapped[str] = mapped_column(DoubtMark())
    field: Mapped[str]
    key: Mapped[str]
    values: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    by: Mapped[str]

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """The bureau's record keeps it; it is news to nobody."""
        told = {'field': [None, self.field], 'doubt': [None, self.key], 'values': [None, self.values]}
        return Event('doubt_checked', told, internal=True, quiet=True) if new else None


# ---- values alone -----------------------------------------------------------------------------------------------------------

Values = Mapping[str, Any]


def doubts_in(fields: Values, today: date, *, unknown_insurer: int | None = None) -> list[Doubt]:
    """What is doubtful about stored values by field name; what is missing raises no doubt."""
    given = {name: value for name, value in fields.items() if value not in (None, '')}
    if unknown_insurer is not None:
        given = {name: value for name, value in given.items() if not _is_unknown(name, value, unknown_insurer)}
    return [doubt for look in _AMONG_VALUES for doubt in look(given, today)]


def _is_unknown(name: str, value: Any, unknown_insurer: int) -> bool:
    return name in FIELDS and FIELDS[name].kind == 'insurer' and value == unknown_insurer


def _shapes(given: Values, _: date) -> Iterator[Doubt]:
    for name, value in given.items():
        if name in FIELDS and (key := doubt_of(name, value)):
            yield Doubt(name, key, (value,), {})


def _no_mobile(given: Values, _: date) -> Iterator[Doubt]:
    for name in _MOBILES:
        if name in given and values.whatsapp_number(given[name]) is None:
            key = N_('This is not a mobile number. Text messages will not arrive there.')
            yield Doubt(name, key, (given[name],), {})


def _one_plate(given: Values, _: date) -> Iterator[Doubt]:
    if 'plate' in given and given['plate'] == given.get('tp_plate'):
        yield Doubt('tp_plate', N_('The same vehicle number stands on both sides.'), (given['plate'],), {})


def _one_insurer(given: Values, _: date) -> Iterator[Doubt]:
    if 'own_insurer' in given and given['own_insurer'] == given.get('tp_insurer'):
        key = N_('The third party has the same insurer as the insured.')
        yield Doubt('tp_insurer', key, (given['own_insurer'],), {})


def _event_day(given: Values, today: date) -> Iterator[Doubt]:
    happened, opened = given.get('event_date'), given.get('opened_at')
    if happened is None:
        return
    if happened > today:
        yield Doubt('event_date', _IN_FUTURE, (happened,), {})
    elif opened is not None and happened > opened:
        key = N_('The event is later than the day the claim was opened ({day}).')
        yield Doubt('event_date', key, (happened, opened), {'day': values.format_day(opened)})


def _too_much(given: Values, _: date) -> Iterator[Doubt]:
    demanded, received = given.get('demand_amount'), given.get('received_amount')
    if demanded is not None and received is not None and received > demanded:
        key = N_('More was received than was demanded ({demanded}).')
        shown = {'demanded': values.format_money(demanded)}
        yield Doubt('received_amount', key, (received, demanded), shown)


_AMONG_VALUES: tuple[Callable[[Values, date], Iterable[Doubt]], ...] = (
    _shapes,
    _no_mobile,
    _one_plate,
    _one_insurer,
    _event_day,
    _too_much,
)


def doubts_about(fields: Values, name: str, wanted: Any, today: date, *, unknown_insurer: int | None) -> list[Doubt]:
    """What a new value of one field would make doubtful beside the others; what was doubtful before is no news."""
    known = {doubt.mark for doubt in doubts_in(fields, today, unknown_insurer=unknown_insurer)}
    after = doubts_in({**fields, name: wanted}, today, unknown_insurer=unknown_insurer)
    # a day in the future is refused when it is saved: no need to doubt it first
    return [doubt for doubt in after if doubt.mark not in known and doubt.key != _IN_FUTURE]


# ---- questions --------------------------------------------------------------------------------------------------------------


def values_of(claim: Claim) -> dict[str, Any]:
    """A claim's fields as `doubts_in` takes them."""
    return {name: getattr(claim, name) for name in FIELDS}


def doubts_of(session: Session, claim: Claim, today: date) -> list[Doubt]:
    """Everything doubtful about a claim, answered or not. Agents are told nothing."""
    actor: Actor = session.info['actor']
    if not actor.may(Can.EDIT_CLAIM):
        return []
    unknown = session.scalar(select(Insurer.id).where(Insurer.code == UNKNOWN_INSURER))
    among = doubts_in(values_of(claim), today, unknown_insurer=unknown)
    return [*among, *(doubt for look in _AROUND_THE_CLAIM for doubt in look(session, claim, today))]


def open_doubts(session: Session, claim: Claim, today: date) -> list[Doubt]:
    """The doubts nobody has answered yet."""
    found = doubts_of(session, claim, today)
    answered = {answer.mark for answer in session.scalars(answers_of(claim.id))} if found else set()
    return [doubt for doubt in found if doubt.mark not in answered]


def answers_of(claim_id: int) -> Select[DoubtAnswer]:
    """What the bureau looked at and found right, newest first."""
    return select(DoubtAnswer).where(DoubtAnswer.claim_id == claim_id).order_by(DoubtAnswer.id.desc())


def _fee_without_invoice(session: Session, claim: Claim, _: date) -> Iterator[Doubt]:
    if claim.submitted_at is None or claim.appraiser is None:
        return
    if any(item.type.id == _FEE_INVOICE and item.missing for item in checklist(session, claim)):
        key = N_("The claim was submitted without an invoice for the appraiser's fee.")
        yield Doubt('appraiser', key, (claim.appraiser, claim.submitted_at), {})


def _twins(session: Session, claim: Claim, _: date) -> Iterator[Doubt]:
    if not (claim.is_open and claim.plate):
        return
    for other in session.scalars(duplicates_of(claim.plate, claim.event_date)):
        if other.is_open and other.id != claim.id:
            yield twin_doubt(claim.plate, claim.event_date, other)


def twin_doubt(plate: str, event_date: date, other: Claim) -> Doubt:
    """The doubt whether this claim and another open one are one accident."""
    key = N_('Another open claim on this vehicle within three days: {claim_no} ({day}).')
    shown = {'claim_no': other.claim_no, 'day': values.format_day(other.event_date)}
    return Doubt('plate', key, (plate, event_date, other.claim_no), shown)


def _cheques_not_agreed(session: Session, claim: Claim, _: date) -> Iterator[Doubt]:
    """The insurer's cheques together are what was approved, or what came of it so far, or what an offer says."""
    cheques = [cheque for cheque in session.scalars(cheques_of(claim.id)) if cheque.counts and not cheque.by_client]
    agreed = {claim.approved_amount, claim.received_amount}
    agreed |= {offer.amount for offer in session.scalars(offers_of(claim.id)) if offer.answer == 'accepted'}
    together = sum(cheque.amount for cheque in cheques)
    if claim.approved_amount and cheques and together not in agreed:
        key = N_("The insurer's cheques together ({cheques}) are not what was approved ({approved}).")
        shown = {'cheques': values.format_money(together), 'approved': values.format_money(claim.approved_amount)}
        yield Doubt('approved_amount', key, (together, claim.approved_amount), shown)


def _business_with_vat(session: Session, claim: Claim, _: date) -> Iterator[Doubt]:
    """A business gets its VAT back from the state: an insurer pays it without."""
    gross = [row for row in session.scalars(heads_of(claim.id)) if row.demanded and not row.net_of_vat]
    if claim.business_owner and gross:
        key = N_('The insured is a business, and {sum} is demanded with VAT.')
        total = sum(row.demanded or 0 for row in gross)
        yield Doubt('demand_amount', key, (total,), {'sum': values.format_money(total)})


def _vat_of_another_day(session: Session, claim: Claim, today: date) -> Iterator[Doubt]:
    """VAT was taken off by the rate of one day, and by now another one counts: the claim was submitted after the rate had changed."""
    net = {row.head: row.demanded for row in session.scalars(heads_of(claim.id)) if row.net_of_vat and row.demanded}
    if not net:
        return
    day = vat_day(claim, today)
    percent = rate_on(list(session.scalars(vat_rates())), day)
    for head, gross in _taken_off(session, claim.id).items():
        if head in net and net_of_vat(gross, percent) != net[head]:
            key = N_('The VAT taken off {head} is not that of {day} ({percent}%): {sum} would be left.')
            name = session.get_one(DamageHead, head).label_in(session.info['actor'].language)
            told = {'head': name, 'day': values.format_day(day), 'percent': str(percent)}
            left = values.format_money(net_of_vat(gross, percent))
            yield Doubt('demand_amount', key, (head, net[head], percent), {**told, 'sum': left})


def _taken_off(session: Session, claim_id: int) -> dict[str, int]:
    """Of each head of damage off which VAT was taken: what had been demanded with it, as the record tells."""
    told = select(Change).where(Change.claim_id == claim_id, Change.kind == 'money').order_by(Change.id)
    fields = [change.fields for change in session.scalars(told)]
    off = [one for one in fields if one.get('net_of_vat', (None, False))[1] and 'demanded' in one]
    return {one['head'][1]: one['demanded'][0] for one in off if one['demanded'][0]}


_AROUND_THE_CLAIM: tuple[Callable[[Session, Claim, date], Iterable[Doubt]], ...] = (
    *(_fee_without_invoice, _twins, _cheques_not_agreed, _business_with_vat, _vat_of_another_day),
)

# ---- orders -----------------------------------------------------------------------------------------------------------------


def confirm_doubt(session: Session, claim_id: int, mark: str, now: datetime) -> None:
    """Say that a doubt was looked at and the value is right. Only of what is doubtful now: the value may have changed."""
    actor: Actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    claim = lock_claim(session, claim_id)
    found = doubts_of(session, claim, values.israel(now).date())
    doubt = next((doubt for doubt in found if doubt.mark == mark), None)
    if doubt is None:
        raise ClaimError(N_('The value has changed meanwhile. Please look again.'))
    if any(answer.mark == mark for answer in session.scalars(answers_of(claim_id))):
        return
    session.add(
        DoubtAnswer(
            claim_id=claim.id,
            office_id=claim.office_id,
            internal=True,
            mark=mark,
            field=doubt.field,
            key=doubt.key,
            values=dict(doubt.values),
            at=now,
            by=actor.name,
        )
    )
