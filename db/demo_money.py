"""The money of the demo: how a sum falls to the heads of damage, what insurers offer, and which cheques change hands when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple

from db import values
from db.calendar import Calendar
from db.cheques import WARN_DAYS, Cheque, warning_day
from db.demo_lives import Case
from db.money import HeadAmount, Offer
from db.scope import Event

Fields = Mapping[str, Any]
# code of the bank, of a branch, as they stand on a cheque
BANKS: tuple[tuple[str, str], ...] = (
    ('12', '648'),
    ('10', '912'),
    ('11', '047'),
    ('20', '415'),
    ('31', '058'),
    ('17', '730'),
)
_REASONS: Mapping[str, str] = {
    'repair_cost': 'price_list',
    'depreciation': 'depreciation_disputed',
    'appraiser_fee': 'appraiser_fee_cut',
    'replacement_car_cost': 'head_not_recognised',
}
# what insurers take off first
_CUT_FIRST = ('replacement_car_cost', 'depreciation', 'appraiser_fee', 'repair_cost')
# the client's cheques are usually dated so many days ahead
_AHEAD = (30, 45, 60, 90)
# where a cheque of the insurer goes once its day has come, from where it is
_ENDING: Mapping[str, tuple[str, ...]] = {'received': ('deposited', 'cleared'), 'handed_over': ('cleared',)}
_BETWEEN = timedelta(seconds=4)
_SHOWCASE_DEMAND = {
    'repair_cost': 31_200_00,
    'depreciation': 4_350_00,
    'appraiser_fee': 1_890_00,
    'replacement_car_cost': 1_200_00,
}
SHOWCASE_APPROVED = 18_500_00
SHOWCASE_DEMANDED = sum(_SHOWCASE_DEMAND.values())


class Deed(NamedTuple):
    """Something that happens to the money of a claim: when, and what the record tells of it."""

    at: datetime
    told: Event


class Parties(NamedTuple):
    """Whose names stand on the cheques of a claim."""

    insured: str
    insurer: str
    garage: str
    appraiser: str

    def on(self, direction: str) -> tuple[str, str]:
        """Who draws a cheque, and for whom."""
        drawer, payee = direction.split('_to_')
        return getattr(self, drawer), 'הלשכה' if payee == 'bureau' else getattr(self, payee)


_NOBODY = Parties('', '', '', '')


@dataclass
class Purse:
    """The money of one claim while its life is told; with a chance of its own, so that the lives stay as they are."""

    case: Case
    rng: Random
    by: str
    showcase: bool = False
    heads: dict[str, HeadAmount] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    cheques: list[Cheque] = field(default_factory=list)
    parties: Parties = _NOBODY
    _coming: list[tuple[datetime, Cheque, str]] = field(default_factory=list)

    def at_step(self, fields: Fields, at: datetime, parties: Parties) -> Iterator[Deed]:
        """What happens to the money right before a step of the claim, which says the same in one number."""
        self.parties = parties
        deeds = [*self._sums(fields), *self._offered(fields, at), *self._papers(fields, at)]
        if fields.get('status') == 'closed':
            deeds += [told for cheque in self.cheques if not cheque.by_client for told in self._end(cheque, at)]
        for place, told in enumerate(deeds):
            yield Deed(at - _BETWEEN * (len(deeds) - place), told)

    def between(self, after: datetime, until: datetime) -> list[Deed]:
        """What the bureau hears from the banks in between."""
        if until <= after:
            return []
        due = sorted((line for line in self._coming if line[0] < until), key=lambda line: line[0])
        self._coming = [line for line in self._coming if line not in due]
        return [Deed(at, self._go(cheque, state, at)) for line, cheque, state in due for at in [max(line, after)]]

    # ---- heads of damage and offers -----------------------------------------------------------------------------------------

    def _sums(self, fields: Fields) -> Iterator[Event]:
        for name, of_claim in (
            ('demanded', 'demand_amount'),
            ('offered', 'offered_amount'),
            ('approved', 'approved_amount'),
            ('received', 'received_amount'),
        ):
            if of_claim in fields:
                yield from self._spread(name, fields[of_claim])

    def _spread(self, name: str, total: int) -> Iterator[Event]:
        """Let a sum fall to the heads: the demand is made of them, of everything later something is missing."""
        parts = self._demand(total) if name == 'demanded' else self._less(name, total)
        for head, amount in parts.items():
            row = self.heads.setdefault(head, HeadAmount(head=head, net_of_vat=False))
            told: dict[str, Any] = {name: [getattr(row, name), amount]}
            setattr(row, name, amount)
            if name == 'approved' and row.gap and head in _REASONS:
                row.reason = _REASONS[head]
                told['reason'] = [None, row.reason]
            event = row.event(new=False, edited=told)
            if event is not None:
                yield event

    def _demand(self, total: int) -> dict[str, int]:
        if self.showcase:
            return dict(_SHOWCASE_DEMAND)
        repair = min(self.case.sums['appraisal'], total)
        rest = total - repair
        fee = min(rest, self.rng.randrange(900, 1900, 10) * 100)
        further = 'depreciation' if (self.case.opening.get('model_year') or 0) > 2016 else 'loss_of_use'
        if 0 < rest - fee <= 1_300_00:
            further = 'replacement_car_cost'
        return {
            head: amount
            for head, amount in (('repair_cost', repair), ('appraiser_fee', fee), (further, rest - fee))
            if amount
        }

    def _less(self, name: str, total: int) -> dict[str, int]:
        """Take off what is missing of the demand, or of what was approved, head by head."""
        if self.showcase:
            return {'repair_cost': total}
        measure = 'approved' if name == 'received' else 'demanded'
        parts = {head: getattr(row, measure) or 0 for head, row in self.heads.items()}
        missing = sum(parts.values()) - total
        for head in sorted(parts, key=lambda head: _CUT_FIRST.index(head) if head in _CUT_FIRST else -1):
            cut = min(parts[head], max(missing, 0))
            parts[head] -= cut
            missing -= cut
        return {head: amount for head, amount in parts.items() if amount or name == 'approved'} if parts else {}

    def _offered(self, fields: Fields, at: datetime) -> Iterator[Event]:
        if 'offered_amount' in fields:
            yield self._offer('settlement', fields['offered_amount'], at)
        status = fields.get('status')
        if self.showcase and 'approved_amount' in fields:
            yield self._offer('undisputed', fields['approved_amount'], at)
            yield self._answer('accepted', at)
        elif status == 'in_negotiation':
            yield from [self._answer('countered', at)] if self.offers else []
        elif status == 'approved_for_payment' and self.rng.random() < 0.5:
            yield self._offer('full', fields['approved_amount'], at)
            yield self._answer('accepted', at)

    def _offer(self, kind: str, amount: int, at: datetime) -> Event:
        offer = Offer(
            kind=kind, amount=amount, offered_on=values.israel(at).date(), note='', answer='open', by=self.by, at=at
        )
        self.offers.append(offer)
        return _told(offer.event(new=True, edited={}))

    def _answer(self, answer: str, at: datetime) -> Event:
        offer = self.offers[-1]
        before, offer.answer, offer.answered_at = offer.answer, answer, at
        return _told(offer.event(new=False, edited={'answer': [before, answer]}))

    # ---- cheques ------------------------------------------------------------------------------------------------------------

    def _papers(self, fields: Fields, at: datetime) -> Iterator[Event]:
        """The cheques a step brings: the client's to appraiser and garage, the insurer's when he pays."""
        if self.case.until != 'closed' and not self.case.settlement:
            yield from self._of_client(fields, at)
        if self.showcase and 'approved_amount' in fields:
            yield self._of_insurer(fields['approved_amount'], at)
        elif fields.get('status') == 'awaiting_payment':
            sums = self.case.sums
            yield self._of_insurer(sums['part' if self.case.ending == 'paid_in_part' else 'approved'], at)
        elif 'received_amount' in fields:
            yield from self._arrives(at)

    def _of_client(self, fields: Fields, at: datetime) -> Iterator[Event]:
        if 'appraisal_amount' in fields and (self.showcase or self.rng.random() < 0.35):
            fee = 1_890_00 if self.showcase else self.rng.randrange(900, 1900, 10) * 100
            yield self._give('insured_to_appraiser', fee, at)
        if fields.get('repair_stage') == 'delivered' and self.rng.random() < 0.75:
            amount = self.case.sums['appraisal']
            yield self._give('insured_to_garage', amount, at)

    def _give(self, direction: str, amount: int, at: datetime) -> Event:
        """The client hands a cheque over; mostly it is drawn on its day, and the bureau writes that down."""
        days = 30 if self.showcase else self.rng.choices(_AHEAD, (25, 20, 20, 35))[0]
        cheque = self._cheque(direction, amount, days, at, 'handed_over')
        if self.rng.random() < 0.8:
            state = 'bounced' if self.rng.random() < 0.05 else 'cleared'
            self._coming.append((_at_the_bank(cheque.due_date), cheque, state))
        return self._entered(cheque)

    def _of_insurer(self, amount: int, at: datetime) -> Event:
        direction = 'insurer_to_garage' if self.case.settlement else 'insurer_to_insured'
        if direction == 'insurer_to_insured' and not self.showcase and self.rng.random() < 0.15:
            direction = 'insurer_to_bureau'
        days = (
            36 if self.showcase else self.rng.randint(0, 4) if self.case.until == 'closed' else self.rng.randint(3, 35)
        )
        state = 'received' if self.showcase else self.rng.choices(('issued', 'expected'), (60, 40))[0]
        cheque = self._cheque(direction, amount, days, at, state)
        cheque.waiver = self.case.ending == 'paid_in_part'
        if self.showcase:
            cheque.cheque_no = '0041882'
        return self._entered(cheque)

    def _arrives(self, at: datetime) -> Iterator[Event]:
        """The insurer's cheque is here; on its day it goes to the bank."""
        for cheque in self.cheques:
            if cheque.by_client or cheque.state not in ('issued', 'expected'):
                continue
            yield self._go(cheque, 'received', at)
            if cheque.direction == 'insurer_to_garage':
                yield self._go(cheque, 'handed_over', at)
            day = max(cheque.due_date, values.israel(at).date() + timedelta(days=1))
            for place, state in enumerate(_ENDING[cheque.state]):
                self._coming.append((_at_the_bank(day + timedelta(days=place)), cheque, state))

    def _end(self, cheque: Cheque, at: datetime) -> Iterator[Event]:
        """Before a claim is closed its money is in the bank, and that is written down."""
        self._coming = [line for line in self._coming if line[1] is not cheque]
        for state in {'deposited': ('cleared',), **_ENDING}.get(cheque.state, ()):
            yield self._go(cheque, state, at)

    def _cheque(self, direction: str, amount: int, days: int, at: datetime, state: str) -> Cheque:
        drawer, payee = self.parties.on(direction)
        bank, branch = self.rng.choice(BANKS)
        return Cheque(
            direction=direction,
            amount=amount,
            due_date=values.israel(at).date() + timedelta(days=days),
            drawer=drawer,
            payee=payee,
            state=state,
            bank=bank,
            branch=branch,
            account=str(self.rng.randint(10_000, 999_999)),
            cheque_no=f'{self.rng.randint(10_000, 99_999):07}',
            state_since=at,
            entered_at=at,
            by=self.by,
            version=1,
            reason='',
            note='',
            waiver=False,
            waiver_confirmed_by='',
        )

    def _entered(self, cheque: Cheque) -> Event:
        calendar = Calendar()
        cheque.warn_on = warning_day(calendar, cheque.due_date)
        cheque.closed_note = calendar.why_closed(cheque.due_date) or ''
        cheque.late = cheque.days_left(values.israel(cheque.entered_at).date()) < WARN_DAYS
        cheque.id = len(self.cheques)  # its place, until all cheques of the demo are numbered
        self.cheques.append(cheque)
        written = (
            'direction',
            'drawer',
            'payee',
            'cheque_no',
            'bank',
            'branch',
            'account',
            'amount',
            'due_date',
            'waiver',
            'state',
        )
        told = {name: getattr(cheque, name) for name in written}
        plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()}
        return _told(cheque.event(new=True, edited={name: [None, value] for name, value in plain.items()}))

    def _go(self, cheque: Cheque, state: str, at: datetime) -> Event:
        edited: dict[str, Any] = {'state': [cheque.state, state]}
        if state == 'bounced':
            edited['reason'] = ['', 'no_cover']
        if state in ('deposited', 'cleared') and cheque.waiver:
            cheque.waiver_confirmed_by = self.by
        cheque.state, cheque.state_since, cheque.reason = state, at, edited.get('reason', ['', ''])[1]
        cheque.version += 1
        return _told(cheque.event(new=False, edited=edited))


def _at_the_bank(day: date) -> datetime:
    """When the bureau hears of it: in the morning of the day after."""
    return datetime.combine(day + timedelta(days=1), time(9, 20), values.ISRAEL)


def _told(event: Event | None) -> Event:
    assert event is not None
    return event


def numbered(rows: Sequence[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """Rows of one kind with ids in the order they were written: (claim, row) → the row as it is kept."""
    made = []
    for number, (claim, row) in enumerate(rows, 1):
        kept = {name: getattr(row, name) for name in type(row).__mapper__.columns.keys()}  # noqa: SIM118 - no mapping
        made.append({**kept, 'id': number, 'claim_id': claim['id'], 'office_id': claim['office_id']})
    return made
