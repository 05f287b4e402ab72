"""The money tab of a claim: the radar, the ledger, the offers and the cheques, all read together and followed live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nicegui import ui
from nicegui.element import Element

from components.cheque_cards import ChequeCards
from components.cheque_form import ChequeForm
from components.cheque_radar import Around, ChequeRadar
from components.doubts_card import DoubtsCard
from components.ledger_panel import LedgerPanel, habits_told
from components.live import Subscription, ask, claim_topic, current_actor, words_topic, work
from components.shared_words import reference
from components.words import language, t
from db import values
from db.base import now
from db.changes import Change
from db.cheques import Cheque, ChequeStep, cheques_of, steps_of
from db.claims import Claim
from db.documents import documents_of
from db.doorbell import Notice
from db.habits import Cuts, cuts_of
from db.history import last_sums
from db.money import HeadAmount, Offer, heads_of, offers_of, vat_rates
from db.radar import Radar, radar_now
from db.reference import Garage, Reference, VatRate
from db.sanity import Doubt, confirm_doubt, open_doubts
from db.scope import Can
from db.session import fetch

_OF_MONEY = frozenset({'demand_amount', 'offered_amount', 'approved_amount', 'received_amount'})


@dataclass(frozen=True)
class Money:
    """Everything about the money of a claim that one page shows, read in one session."""

    claim: Claim
    heads: Sequence[HeadAmount]
    sums: Sequence[Change]
    offers: Sequence[Offer]
    rates: Sequence[VatRate]
    cheques: Sequence[Cheque]
    images: Mapping[int, str]
    steps: Sequence[ChequeStep]
    radar: Radar | None
    cuts: Mapping[str, Cuts]
    doubts: Sequence[Doubt]
    reference: Reference
    garage: Garage | None

    @property
    def insurer(self) -> str:
        """Who is to pay."""
        row = self.reference.insurers.get(self.claim.tp_insurer or 0)
        return row.name if row else ''


def read_money(session: Any, claim_id: int, today: date) -> Money | None:
    """Read it under the asker's scope; None when the claim is not his (any more)."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    cheques = fetch(session, cheques_of(claim_id))
    return Money(
        claim,
        fetch(session, heads_of(claim_id)),
        fetch(session, last_sums(claim_id)) if session.info['actor'].may(Can.HANDLE_MONEY) else (),
        fetch(session, offers_of(claim_id)),
        fetch(session, vat_rates()),
        cheques,
        _images(session, claim_id, cheques),
        fetch(session, steps_of(claim_id)),
        radar_now(session, claim, cheques, today),
        cuts_of(session, claim.tp_insurer) if claim.tp_insurer else {},
        [doubt for doubt in open_doubts(session, claim, today) if doubt.field in _OF_MONEY],
        reference(session),
        session.get(Garage, claim.garage) if claim.garage else None,
    )


def _images(session: Any, claim_id: int, cheques: Sequence[Cheque]) -> dict[int, str]:
    """The pictures of the cheques: document id → uuid."""
    wanted = {cheque.image_id for cheque in cheques if cheque.image_id}
    return {row.id: row.uuid for row in fetch(session, documents_of(claim_id)) if row.id in wanted} if wanted else {}


class MoneyTab:
    """The parts of the tab, and what they read."""

    def __init__(self, claim: Claim) -> None:
        """Draw the parts, empty until `show`."""
        self._claim = claim
        self._money: Money | None = None
        self._handles = current_actor().may(Can.HANDLE_MONEY)
        with ui.element('div').classes('mk-stack').props('data-testid=money') as self._root:
            self._radar = ChequeRadar(self.refresh)
            self._doubts = DoubtsCard(self._confirm) if claim.may_edit(current_actor()) else None
            self._ledger = LedgerPanel(claim, self.refresh)
            with ui.element('section').classes('mk-card').props(f'aria-label="{t("Cheques")}"'):
                self._head()
                self._cards = ChequeCards(self.refresh, self._wish if self._handles else None)
            self._form = ChequeForm(claim, self.refresh) if self._handles else None
            Subscription([claim_topic(claim.id), words_topic()], self._answer)

    def _head(self) -> Element:
        with ui.element('div').classes('mk-hd') as head:
            ui.html('receipt_long', tag='span').classes('mk-ic mk-lead').props('aria-hidden=true')
            ui.html(t('Cheques'), tag='h2')
            ui.element('span').classes('mk-sp')
            if self._handles:
                button = ui.element('button').classes('mk-btn mk-s mk-sm').props('type=button data-testid=add-cheque')
                button.on('click', self._begin, args=[])
                with button:
                    ui.html(t('New cheque'), tag='span')
        return head

    async def refresh(self) -> None:
        """Read the money anew and show what differs."""
        money = await ask(read_money, self._claim.id, values.israel(now()).date())
        if money is not None and not self._root.is_deleted:
            self.show(money)

    def show(self, money: Money) -> None:
        """Show what was read."""
        self._money = money
        today = values.israel(now()).date()
        self._radar.draw(money.radar, Around(money.claim, money.insurer, money.garage), money.steps)
        self._ledger.hear(money.sums)
        self._ledger.draw(
            money.heads, money.offers, money.reference, money.rates, habits_told(money.insurer, money.cuts)
        )
        self._cards.show(money.cheques, today, money.images)
        if self._form is not None:
            used = {cheque.head for cheque in money.cheques}
            heads = [head for head in money.reference.damage_heads.values() if head.active or head.id in used]
            self._form.offer(heads, money.offers)
        if self._doubts is not None:
            self._doubts.show(money.doubts, language())

    async def _answer(self, _: set[Notice]) -> None:
        await self.refresh()

    async def _confirm(self, mark: str) -> None:
        await work(confirm_doubt, self._claim.id, mark, now())
        await self.refresh()

    async def _begin(self) -> None:
        if self._form is not None and self._money is not None:
            self._form.begin({'drawer': self._money.insurer, 'payee': self._claim.insured_name})

    async def _wish(self, cheque_id: int, do: str) -> None:
        money = self._money
        cheque = next((row for row in money.cheques if row.id == cheque_id), None) if money else None
        if money is None or cheque is None or self._form is None:
            return
        if do == 'edit':
            self._form.edit(cheque, money.images)
        else:
            self._form.replace(cheque, money.images)
