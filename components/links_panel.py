"""The links of a claim: made for its garage and its insured, handed on by QR code, copy or WhatsApp, counted and revoked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import segno
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.live import Subscription, ask, base_url, claim_topic, current_actor, show_changes, work
from components.words import isolated, language, said_once, t, tn
from db import texts, values
from db.base import now
from db.claims import Claim
from db.doorbell import Notice
from db.links import GARAGE, INSURED, PURPOSES, SignedLink, create_link, hash_of, links_of, purposes_for, revoke_link
from db.session import fetch
from db.texts import N_

_ICONS: Mapping[str, str] = {GARAGE: 'garage', INSURED: 'person'}
_MESSAGES: Mapping[str, str] = {
    INSURED: N_('Hello, here one can follow the repair of the car {plate}: {address}'),
    GARAGE: N_('Hello, please update the repair of the car {plate} here: {address}'),
}
_PHONE_AT_MOST = 40


class LinksPanel(Element, component='links_panel.js'):
    """Lists the links the person may see, and makes new ones; a new one is shown once, to whoever made it, until it is revoked."""

    def __init__(self, claim: Claim, wording: Any) -> None:
        """`wording` gives the page's words, for the garage's phone."""
        super().__init__()
        self._claim, self._wording, self._reader = claim, wording, language()
        self._made_hash = ''
        self._purposes = purposes_for(current_actor())
        kinds = [{'purpose': key, 'label': t(PURPOSES[key]), 'icon': _ICONS[key]} for key in self._purposes]
        self._props.update(links=[], kinds=kinds, answer=None, words=_words())
        self.on('make', self._make)
        self.on('revoke', self._revoke)
        with self:
            Subscription([claim_topic(claim.id)], self._answer)

    async def refresh(self) -> None:
        """Read the links anew and show what differs."""
        found = await ask(fetch, links_of(self._claim.id))
        if not self.is_deleted:
            self.show(found)

    def show(self, found: Sequence[SignedLink]) -> None:
        """Show what was read."""
        moment = now()
        shown = [_shown(link, moment, self._reader) for link in found if link.purpose in self._purposes]
        answer = self._props['answer']
        if any(link.token_hash == self._made_hash and not link.is_alive(moment) for link in found):
            answer = {**answer, 'made': None}
        show_changes(self, {'links': shown, 'answer': answer})

    async def _answer(self, _: set[Notice]) -> None:
        await self.refresh()

    async def _make(self, event: GenericEventArguments) -> None:
        """Make a link and show it, with everything it takes to hand it on."""
        sent = event.args if isinstance(event.args, dict) else {}
        purpose, phone = (value if isinstance(value := sent.get(name), str) else '' for name in ('purpose', 'phone'))
        with answering(self, event.args) as answer:
            answer['made'] = None
            token = await work(create_link, self._claim.id, purpose, now(), phone[:_PHONE_AT_MOST])
            answer['message'] = ''
            answer['made'] = self._made(purpose, token)
            self._made_hash = hash_of(token)
            await self.refresh()

    async def _revoke(self, event: GenericEventArguments) -> None:
        """End a link; its pages close at once."""
        if event.args in [link['id'] for link in self._props['links']]:
            await work(revoke_link, event.args, now())
            await self.refresh()

    def _made(self, purpose: str, token: str) -> dict[str, str]:
        address = f'{base_url()}/t/{token}'
        garage = self._wording().reference.garages.get(self._claim.garage or 0)
        phone = self._claim.insured_phone if purpose == INSURED else garage.phone if garage else ''
        number = (values.whatsapp_number(phone) if phone else None) or ''
        plate = values.format_plate(self._claim.plate)
        text = texts.t(_MESSAGES[purpose], 'he', plate=plate, address=address)
        return {
            'purpose': purpose,
            'label': t(PURPOSES[purpose]),
            'address': address,
            'qr': segno.make(address, error='m').svg_data_uri(scale=5, border=3, light='#fff', dark='#000'),
            'whatsapp': f'https://wa.me/{number}?text={quote(text, safe="")}',
        }


def _shown(link: SignedLink, moment: datetime, reader: str) -> dict[str, Any]:
    alive = link.is_alive(moment)
    if link.revoked_at is not None:
        state = texts.t('Revoked by {name}', reader, name=link.revoked_by)
    else:
        day = values.format_day(values.israel(link.expires_at).date())
        state = t('Open until {date}', date=day) if alive else t('Ended on {date}', date=day)
    used = values.format_moment(link.used_at, moment, reader) if link.used_at else ''
    return {
        'id': link.id,
        'label': t(PURPOSES[link.purpose]),
        'icon': _ICONS[link.purpose],
        'alive': alive,
        'state': state,
        'by': f'{isolated(link.by)} · {values.format_day(values.israel(link.at).date())}',
        'used': f'{tn("{n} visit", "{n} visits", link.uses)} · {used}' if used else t('Not opened yet'),
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Links without sign-in'),
        'lead': t('Whoever has a link opens this one claim only. It ends by itself and can be revoked.'),
        'phone': t('Phone for the client’s questions (not required)'),
        'make': t('Make a link'),
        'once': t('The link is shown only now. Hand it on, or make another one later.'),
        'copy': t('Copy the link'),
        'scan': t('QR code of the link'),
        'open': t('Open the page'),
        'revoke': t('Revoke'),
        'revokeNamed': t('Revoke: {name}', name='{name}'),
        'none': t('No links have been made yet.'),
        'close': t('Close'),
        'late': t('No answer came. Please look whether the link was made before you try again.'),
    }
