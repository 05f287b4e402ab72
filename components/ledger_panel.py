"""The ledger of a claim: each head of damage, what was demanded, offered, approved and received of it; and the insurer's offers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.live import current_actor, show_changes, work
from components.words import first_told, language, said_once, t
from db import money, values
from db.base import now
from db.changes import Change
from db.claims import Claim
from db.habits import Cuts
from db.money import ANSWERS, OFFER_KINDS, TOTALS, HeadAmount, Offer, OfferNote, rate_on, totals_of, vat_day
from db.reference import Reference, VatRate
from db.scope import Can
from db.texts import N_, ClaimError
from db.values import Malformed

_TYPED_AT_MOST = 400
_COLUMNS: Mapping[str, str] = {
    'demanded': N_('Demanded'),
    'offered': N_('Offered'),
    'approved': N_('Approved'),
    'received': N_('Received'),
}
_Order = Callable[[Any, int, Mapping[str, Any], datetime], object]


def _save(session: Any, claim_id: int, sent: Mapping[str, Any], at: datetime) -> object:
    name = sent['name']
    if name not in (*TOTALS, 'reason'):
        raise ClaimError(N_('This field cannot be changed here.'))
    typed = sent['raw'].strip()
    wanted = (values.money(typed) if typed else None) if name in TOTALS else typed or None
    return money.save_amounts(session, claim_id, sent['head'], {name: (sent['seen'], wanted)}, at)


def _offer(session: Any, claim_id: int, sent: Mapping[str, Any], at: datetime) -> object:
    if not sent['raw'].strip():
        raise Malformed(N_('Please fill in the sum.'))
    heard = OfferNote(sent['kind'], values.money(sent['raw']), values.day(sent['day']), sent['note'])
    return money.log_offer(session, claim_id, heard, at)


_ORDERS: Mapping[str, _Order] = {
    'save': _save,
    'off': lambda s, claim_id, sent, at: money.take_head_off(s, claim_id, sent['head'], sent['sums'], at),
    'vat': lambda s, claim_id, sent, at: money.take_vat_off(s, claim_id, sent['head'], at),
    'offer': _offer,
    'answer': lambda s, _, sent, at: money.answer_offer(s, sent['offer'], sent['answer'], at),
}


def read_order(sent: object) -> tuple[_Order, dict[str, Any]]:
    """Which order, and what it takes, from whatever the browser sent."""
    order = _ORDERS.get(str(sent.get('do'))) if isinstance(sent, dict) else None
    if order is None or not isinstance(sent, dict):
        raise Malformed(N_('It was not saved. Please try again.'))
    names = ('head', 'name', 'raw', 'kind', 'day', 'note', 'answer')
    told: dict[str, Any] = dict.fromkeys(names, '')
    told |= {name: value for name in names if isinstance(value := sent.get(name), str) and len(value) <= _TYPED_AT_MOST}
    seen, offer, sums = sent.get('seen'), sent.get('offer'), sent.get('sums')
    told['seen'] = seen if type(seen) is int or isinstance(seen, str) else None
    told['offer'] = offer if type(offer) is int and 0 < offer < 2**63 else 0
    given = sums if isinstance(sums, dict) else {}
    told['sums'] = {name: value if type(value := given.get(name)) is int else None for name in TOTALS}
    return order, told


class LedgerPanel(Element, component='ledger_panel.js'):
    """Shows the ledger as the tab reads it. Staff edit each number in its place; of two people on one, both numbers are shown."""

    def __init__(self, claim: Claim, follow: Callable[[], Awaitable[None]]) -> None:
        """`follow` has the tab read the money anew."""
        super().__init__()
        self._claim, self._follow, self._reader = claim, follow, language()
        self._staff = current_actor().may(Can.HANDLE_MONEY)
        self._last: Mapping[tuple[str, str], Change] = {}
        self._props.update(
            heads=[],
            totals={},
            offers=[],
            choices={},
            answer=None,
            staff=self._staff,
            words=_words(),
            vat='',
            demand='',
        )
        self.on('order', self._obey)

    def hear(self, changes: Sequence[Change]) -> None:
        """Know who wrote the sums last, newest first, for whoever is about to save one of them."""
        told = {(change.fields['head'][1], name): change for change in reversed(changes) for name in change.fields}
        self._last = told if self._staff else {}

    def draw(
        self,
        heads: Sequence[HeadAmount],
        offers: Sequence[Offer],
        reference: Reference,
        rates: Sequence[VatRate],
        habits: Mapping[str, str],
    ) -> None:
        """Bring it up to what was read. `habits`: what the insurer takes off, by head; under '' what is to be said of none."""
        reader, totals = self._reader, totals_of(heads)
        day = vat_day(self._claim, values.israel(now()).date())
        shown = {
            'columns': [{'name': name, 'label': t(label)} for name, label in _COLUMNS.items()],
            'heads': [{**self._head(row, reference), 'habit': habits.get(row.head, '')} for row in heads],
            'unknown': habits.get('', '') if heads else '',
            'totals': {name: _sum(getattr(totals, name), reader) for name in (*TOTALS, 'balance')},
            'offers': [_offer_shown(offer, reader) for offer in offers],
            'choices': self._choices(reference) if self._staff else {},
            'vat': t('VAT of {percent}% as of {day}', percent=rate_on(rates, day), day=values.format_day(day)),
            'business': self._claim.business_owner is True,
            'demand': t('Demand submitted on {day}', day=values.format_day(self._claim.submitted_at))
            if self._claim.submitted_at
            else '',
        }
        show_changes(self, shown)

    def _head(self, row: HeadAmount, reference: Reference) -> dict[str, Any]:
        reader, head = self._reader, reference.damage_heads.get(row.head)
        reason = reference.reduction_reasons.get(row.reason or '')
        hue, label = state_of(row)
        return {
            'head': row.head,
            'label': head.label_in(reader) if head else row.head,
            'cells': {name: self._cell(row, name) for name in TOTALS},
            'reason': row.reason,
            'reasonLabel': reason.label_in(reader) if reason else '',
            'net': row.net_of_vat,
            'gap': _sum(row.gap, reader) if row.gap else '',
            'balance': _sum(row.balance, reader),
            'hue': hue,
            'state': t(label),
        }

    def _cell(self, row: HeadAmount, name: str) -> dict[str, Any]:
        amount, last = getattr(row, name), self._last.get((row.head, name))
        cell = {'value': amount, 'text': _sum(amount, self._reader)}
        return cell if last is None else {**cell, 'clash': first_told(last, now())}

    def _choices(self, reference: Reference) -> dict[str, Any]:
        return {
            'heads': _labelled(reference.damage_heads, self._reader),
            'reasons': _labelled(reference.reduction_reasons, self._reader),
            'kinds': [{'id': key, 'label': t(label)} for key, label in OFFER_KINDS.items()],
            'answers': [{'id': key, 'label': t(label)} for key, label in ANSWERS.items() if key != 'open'],
            'today': values.israel(now()).date().isoformat(),
        }

    async def _obey(self, event: GenericEventArguments) -> None:
        """Do what was asked and answer it; what was typed stays when it is refused, beside what stands there now."""
        asked = event.args.get('key') if isinstance(event.args, dict) else ''
        with answering(self) as answer:
            answer['key'] = str(asked)[:80]
            try:
                order, sent = read_order(event.args)
                await work(order, self._claim.id, sent, now())
                answer['message'] = ''
            finally:
                if not self.is_deleted:
                    await self._follow()


def habits_told(insurer: str, cuts: Mapping[str, Cuts]) -> dict[str, str]:
    """What an insurer takes off each head, in words; or, under '', that too few claims are closed to say."""
    if not insurer:
        return {}
    if not cuts:
        return {'': t('Not enough data on what {insurer} takes off.', insurer=insurer)}
    return {head: _habit(insurer, known) for head, known in cuts.items() if known.cut}


def _habit(insurer: str, known: Cuts) -> str:
    return t(
        '{insurer} took something off in {percent}% of {claims} closed claims, {sum} on average',
        insurer=insurer,
        percent=known.percent,
        claims=known.claims,
        sum=values.format_money(known.average, cents=False),
    )


def state_of(row: HeadAmount) -> tuple[str, str]:
    """How far a head is, as a colour and a text."""
    if row.received:
        whole = row.received >= (row.approved or row.demanded or 0)
        return ('green', N_('Received')) if whole and not row.gap else ('teal', N_('Partly received'))
    if row.approved is not None:
        if not row.approved:
            return 'red', N_('Not recognised')
        return ('orange', N_('Approved in part')) if row.gap else ('teal', N_('Approved'))
    return ('pink', N_('Offered')) if row.offered else ('blue', N_('Demanded'))


def _sum(amount: int | None, reader: str) -> str:
    return '' if amount is None else values.format_money(amount, reader)


def _labelled(rows: Mapping[str, Any], reader: str) -> list[dict[str, str]]:
    return [{'id': key, 'label': row.label_in(reader)} for key, row in rows.items() if row.active]


def _offer_shown(offer: Offer, reader: str) -> dict[str, Any]:
    hue = {'accepted': 'green', 'refused': 'red', 'countered': 'orange'}.get(offer.answer, 'amber')
    return {
        'id': offer.id,
        'kind': t(OFFER_KINDS[offer.kind]),
        'amount': values.format_money(offer.amount, reader),
        'day': values.format_day(offer.offered_on),
        'note': offer.note,
        'by': offer.by,
        'open': offer.answer == 'open',
        'answer': t(ANSWERS[offer.answer]),
        'hue': hue,
        'answered': values.format_exact(offer.answered_at) if offer.answered_at else '',
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Heads of damage'),
        'head': t('Head of damage'),
        'state': t('State'),
        'total': t('Total'),
        'balance': t('Balance'),
        'gap': t('Reduced by {sum}', sum='{sum}'),
        'why': t('Why less?'),
        'noReason': t('No reason given'),
        'net': t('Without VAT'),
        'takeVat': t('Take the VAT off'),
        'off': t('Take this head off'),
        'sureOff': t('Take it off? Its sums go; the history stays.'),
        'yes': t('Yes, take it off'),
        'add': t('Add a head of damage'),
        'none': t('No head of damage has been recorded yet.'),
        'edit': t('Enter to edit'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'saving': t('Saving…'),
        'clash': t('Somebody else changed this field meanwhile.'),
        'present': t('Now it says:'),
        'theirs': t('Keep theirs'),
        'mine': t('Save mine'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'offers': t('Offers of the insurer'),
        'noOffers': t('The insurer has made no offer yet.'),
        'addOffer': t('Record an offer'),
        'sum': t('Sum'),
        'day': t('Day of the offer'),
        'kind': t('Kind of offer'),
        'note': t('Note'),
        'answered': t('What was answered'),
        'choose': t('Choose an answer'),
    }
