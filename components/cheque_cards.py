"""Cheques as cards with what may be done with each: the same on the claim's money tab and wherever cheques are listed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.cheque_shown import cheque_shown
from components.cheque_words import steps_of_cheque
from components.live import current_actor, show_changes, work
from components.words import language, said_once, t
from db.base import now
from db.cheques import TRANSITIONS, Cheque, advance_cheque
from db.scope import Can
from db.texts import N_
from db.values import Malformed

Wish = Callable[[int, str], Awaitable[None]]


class ChequeCards(Element, component='cheque_cards.js'):
    """Draws the cheques it is given. Whoever may edit lets them go on here; to put one right or replace it is the form's business."""

    def __init__(self, follow: Callable[[], Awaitable[None]], wish: Wish | None = None) -> None:
        """`follow` has the page read anew. `wish` is called with (cheque id, edit or replace)."""
        super().__init__()
        self._follow, self._wish = follow, wish
        self._edits, self._reader = current_actor().may(Can.HANDLE_MONEY), language()
        self._props.update(cheques=[], answer=None, forms=self._edits and wish is not None, words=_words())
        self.on('advance', self._advance)
        self.on('wish', self._wished)

    def show(
        self,
        cheques: Sequence[Cheque],
        today: date,
        images: Mapping[int, str],
        beside: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        """Show these cheques. `beside`: cheque id → whose claim it is (title, href), where cheques of many claims are listed."""
        shown = [
            {
                **cheque_shown(cheque, today, images),
                'orders': steps_of_cheque(cheque, self._reader) if self._edits else [],
                'replaces': self._edits and 'replaced' in TRANSITIONS[cheque.state],
                'claim': dict((beside or {}).get(cheque.id, {})),
            }
            for cheque in cheques
        ]
        show_changes(self, {'cheques': shown})

    async def _advance(self, event: GenericEventArguments) -> None:
        with answering(self) as answer:
            answer['id'] = 0
            try:
                answer['id'], state, reason, confirmed = read_advance(event.args)
                await work(advance_cheque, answer['id'], state, now(), reason=reason, waiver_confirmed=confirmed)
                answer['message'] = ''
            finally:
                await self._follow()

    async def _wished(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        known = {cheque['id'] for cheque in self._props['cheques']}
        if self._wish is not None and sent.get('id') in known and sent.get('do') in ('edit', 'replace'):
            await self._wish(sent['id'], sent['do'])


def read_advance(sent: object) -> tuple[int, str, str, bool]:
    """Which cheque, where to, why, and whether the waiver was confirmed, from whatever the browser sent."""
    if not isinstance(sent, dict):
        raise Malformed(N_('It was not saved. Please try again.'))
    cheque_id, state, reason = sent.get('id'), sent.get('state'), sent.get('reason', '')
    if (
        type(cheque_id) is not int
        or not 0 < cheque_id < 2**63
        or not (isinstance(state, str) and isinstance(reason, str))
    ):
        raise Malformed(N_('It was not saved. Please try again.'))
    return cheque_id, state, reason[:40], sent.get('confirmed') is True


@said_once
def _words() -> dict[str, str]:
    return {
        'cheque': t('Cheque'),
        'none': t('No cheques have been recorded yet.'),
        'due': t('Due date'),
        'payee': t('To the order of {name}', name='{name}'),
        'drawer': t('Drawn by {name}', name='{name}'),
        'image': t('Picture of the cheque'),
        'late': t('The cheque was entered less than 14 days before its due date'),
        'waiver': t('Carries a waiver'),
        'confirmed': t('Confirmed by {name}', name='{name}'),
        'askWaiver': t('This cheque carries a waiver. Depositing it may give up the rest: please confirm first.'),
        'confirm': t('I know, go on'),
        'choose': t('Choose a reason'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'edit': t('Correct the cheque'),
        'replace': t('Replace with another'),
    }
