"""The radar of cheques on the screen: one line from today to the insurer's money, the client's cheques above it, and what to do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import current_actor, show_changes, work
from components.words import isolated, language, said_once, t, tn
from db import texts, values
from db.base import now
from db.cheques import STEPS, Cheque, ChequeStep, note_step
from db.claims import Claim
from db.radar import Radar
from db.reference import Garage
from db.scope import Can
from db.texts import N_

# how far ahead of the money one asks the garage to put its cheque off
_AFTER_THE_MONEY = timedelta(days=7)
_ACTIONS: Mapping[str, tuple[str, str, str]] = {
    'postpone': ('event_repeat', N_('Ask to postpone'), N_('A message asking {name} to put the cheque off')),
    'press': ('campaign', N_('Press the insurer'), N_('A message asking the insurer for the day of the payment')),
    'warn': ('notification_important', N_('Warn the client'), N_('A message that tells the client of the cheque')),
}
# of a claim whose documents are not complete nobody is told a day
_WORDINGS_WITHOUT_A_DAY: Mapping[str, str] = {
    'postpone': N_(
        'Hello, about vehicle {plate} (claim {claim_no}): you hold a cheque of {name} for {amount}, due on {due}.'
        ' Not all documents are with the insurer yet, and its payment is not to be expected before {payment}.'
        ' We kindly ask to put the cheque off to {wanted}. Thank you.'
    ),
    'warn': N_(
        'Hello {name}, your cheque of {amount} to {payee} falls due on {due}. Not all documents are with the insurer yet,'
        ' and its payment is not to be expected before {payment}. Please see that the account covers the cheque,'
        ' or let us know so that we ask to put it off.'
    ),
}
_WORDINGS: Mapping[str, str] = {
    'postpone': N_(
        'Hello, about vehicle {plate} (claim {claim_no}): you hold a cheque of {name} for {amount}, due on {due}.'
        " The insurer's payment is expected around {payment}. We kindly ask to put the cheque off to {wanted}. Thank you."
    ),
    'press': N_(
        'Hello, about your claim {insurer_claim_no} (ours {claim_no}, vehicle {plate}): the demand was submitted on {submitted}.'
        ' A cheque of the insured for the repair falls due on {due}. We ask for your decision and the day of the payment.'
    ),
    'warn': N_(
        'Hello {name}, your cheque of {amount} to {payee} falls due on {due}, and the payment of the insurer is expected'
        ' around {payment}. Please see that the account covers the cheque, or let us know so that we ask to put it off.'
    ),
}


@dataclass(frozen=True)
class Around:
    """Whom one writes to about a cheque of a claim."""

    claim: Claim
    insurer: str
    garage: Garage | None


class ChequeRadar(Element, component='cheque_radar.js'):
    """Shows the radar of one claim as the tab reads it. Everybody may send the prepared words; the bureau's sending is noted."""

    def __init__(self, follow: Callable[[], Awaitable[None]]) -> None:
        """`follow` has the tab read anew."""
        super().__init__()
        self._follow, self._reader = follow, language()
        self._edits = current_actor().may(Can.EDIT_CLAIM)
        self._wordings: dict[str, str] = {}
        self._cheque_id = 0
        self._props.update(line=None, words=_words())
        self.on('step', self._note)

    def draw(self, radar: Radar | None, around: Around, steps: Sequence[ChequeStep]) -> None:
        """Bring it up to what was read; nothing when there is nothing to say."""
        self._cheque_id = radar.red[0].id if radar and radar.red else 0
        self._wordings = _wordings(radar, around) if radar and radar.red else {}
        show_changes(self, {'line': self._line(radar, around, steps) if radar else None})
        self.set_visibility(radar is not None)

    def _line(self, radar: Radar, around: Around, steps: Sequence[ChequeStep]) -> dict[str, Any]:
        end = max(radar.payment, *(cheque.due_date for cheque in radar.cheques)) + timedelta(days=3)

        def place(day: date) -> float:
            return round(4 + 90 * max((day - radar.today).days, 0) / (end - radar.today).days, 1)

        points = _points(radar)
        return {
            'red': bool(radar.red),
            'verdict': _verdict(radar),
            'basis': _basis(radar, around.insurer),
            'points': [
                {**point, 'at': place(point['date']), 'date': values.format_day(point['date'])} for point in points
            ],
            'cheques': [
                {**_cheque(cheque, radar), 'at': place(cheque.due_date), 'low': number % 2 == 1}
                for number, cheque in enumerate(radar.cheques)
            ],
            'payment': place(radar.payment),
            'list': _in_words(radar, points),
            'actions': self._actions(around),
            'steps': [
                {'text': t(STEPS[step.kind]), 'by': f'{isolated(step.by)} · {values.format_exact(step.at)}'}
                for step in steps[:6]
            ],
        }

    def _actions(self, around: Around) -> list[dict[str, str]]:
        phones = {
            'postpone': around.garage.phone if around.garage else '',
            'press': around.claim.claims_adjuster_phone,
            'warn': around.claim.insured_phone,
        }
        return [
            {
                'kind': kind,
                'icon': _ACTIONS[kind][0],
                'label': t(_ACTIONS[kind][1]),
                'title': t(_ACTIONS[kind][2], name=around.garage.name if around.garage else t('the garage')),
                'wording': wording,
                'href': whatsapp_link(phones[kind], wording),
            }
            for kind, wording in self._wordings.items()
        ]

    async def _note(self, event: GenericEventArguments) -> None:
        """The bureau sent one of the messages: that stands in the record of the claim, in the words it was given."""
        if self._edits and isinstance(event.args, str) and event.args in self._wordings:
            await work(note_step, self._cheque_id, event.args, self._wordings[event.args], now())
            await self._follow()


def whatsapp_link(phone: str, wording: str) -> str:
    """WhatsApp with these words: to a mobile number at once, otherwise to whomever one chooses."""
    number = values.whatsapp_number(phone) if phone else None
    return f'https://wa.me/{number or ""}?text={quote(wording)}'


def _points(radar: Radar) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = [{'key': 'today', 'icon': 'today', 'label': t('Today'), 'date': radar.today}]
    if radar.decision is not None and radar.today <= radar.decision < radar.payment:
        label = t('Expected decision') if radar.counts else t('Decision at the soonest')
        points.append({'key': 'decision', 'icon': 'gavel', 'label': label, 'date': radar.decision})
    label = t('Expected payment') if radar.counts else t('Payment at the soonest')
    if radar.promised and not radar.late:
        label = t("The insurer's cheque")
    return [*points, {'key': 'payment', 'icon': 'payments', 'label': label, 'date': radar.payment}]


def _cheque(cheque: Cheque, radar: Radar) -> dict[str, Any]:
    return {
        'id': cheque.id,
        'amount': values.format_money(cheque.amount),
        'due': values.format_day(cheque.due_date),
        'payee': cheque.payee,
        'red': cheque in radar.red,
    }


def _verdict(radar: Radar) -> str:
    if not radar.red and radar.counts:
        return t("The insurer's money is expected before the client's cheques.")
    if not radar.red:
        return t(
            "The insurer's money may still come before the client's cheques, if it soon has the demand and all documents."
        )
    first = radar.red[0]
    days = tn('{n} day before the money', '{n} days before the money', (radar.payment - first.due_date).days)
    return t("The client's cheque of {amount} falls {days}", amount=values.format_money(first.amount), days=days)


def _basis(radar: Radar, insurer: str) -> str:
    if radar.late:
        return t('The expected day has passed and the money did not come: reckoned with two weeks from today.')
    if radar.promised:
        return t("By the due date of the insurer's cheque.")
    begins = _begins(radar)
    if radar.pace.known:
        return t(
            'By {claims} closed claims with {insurer}: half were paid within {days}, {begins}.',
            claims=radar.pace.claims,
            insurer=insurer,
            days=tn('{n} day', '{n} days', radar.pace.days),
            begins=begins,
        )
    return t(
        'Not enough data on {insurer}: by the rule of 30 days, {begins}.',
        insurer=insurer or t('the insurer'),
        begins=begins,
    )


def _begins(radar: Radar) -> str:
    """Since when the insurer's days are counted."""
    if radar.start is None:
        return (
            t(
                'and at the soonest: it is not known yet that the insurer has all documents,'
                ' so as if they were complete today'
            )
            if radar.submitted
            else t('as if it were submitted today, with all documents')
        )
    day = values.format_day(radar.start)
    return (
        t('from {day}, when the insurer had all documents', day=day)
        if radar.complete
        else t('from the submission on {day}', day=day)
    )


def _in_words(radar: Radar, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same as a list in the order of days: what a screen reader says and what a phone shows."""
    lines = [{'date': point['date'], 'icon': point['icon'], 'text': point['label'], 'red': False} for point in points]
    for cheque in radar.cheques:
        text = t(
            "The client's cheque of {amount} to {payee}", amount=values.format_money(cheque.amount), payee=cheque.payee
        )
        lines.append({'date': cheque.due_date, 'icon': 'arrow_upward', 'text': text, 'red': cheque in radar.red})
    lines.sort(key=lambda line: line['date'])
    return [{**line, 'date': values.format_day(line['date'])} for line in lines]


def _wordings(radar: Radar, around: Around) -> dict[str, str]:
    """The prepared messages about the first red cheque, in Hebrew whoever sends them."""
    cheque, claim = radar.red[0], around.claim
    told = {
        'name': claim.insured_name,
        'payee': cheque.payee,
        'claim_no': claim.claim_no,
        'insurer_claim_no': claim.insurer_claim_no or '–',
        'plate': values.format_plate(claim.plate) if claim.plate else '',
        'amount': values.format_money(cheque.amount),
        'due': values.format_day(cheque.due_date),
        'payment': values.format_day(radar.payment),
        'wanted': values.format_day(radar.payment + _AFTER_THE_MONEY),
        'submitted': values.format_day(claim.submitted_at) if claim.submitted_at else '–',
    }
    kinds = ('postpone', 'press', 'warn') if claim.submitted_at else ('postpone', 'warn')
    wordings = _WORDINGS if radar.counts else {**_WORDINGS, **_WORDINGS_WITHOUT_A_DAY}
    return {kind: texts.t(wordings[kind], 'he', **told) for kind in kinds}


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Cheque radar'),
        'before': t('before the money'),
        'what': t('What can be done now'),
        'taken': t('What was done'),
        'copy': t('Copy the words'),
        'in': t('In order of days'),
    }
