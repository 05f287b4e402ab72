"""«תשובה ללקוח»: a dialog with what the client can be told now, opened in WhatsApp, as an SMS or as mail, and logged as a contact."""

from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import KEY_AT_MOST, answering
from components.client_words import HEBREW, MAIL, SMS, WHATSAPP, ClientFacts, answers_to_client, subject_to_client
from components.live import ask, work
from components.shared_words import reference
from components.words import said_once, t
from db import requirements, values
from db.base import now
from db.calls import CallNote, log_call
from db.claims import Claim
from db.offices import AgentOffice
from db.scope import Actor
from db.texts import N_

WRITTEN, PARTY = 'written', 'insured'
WORDS_AT_MOST = 2000
_WAYS = {WHATSAPP: ('WhatsApp', ''), SMS: ('SMS', 'sms'), MAIL: (N_('E-mail'), 'mail')}


class ClientAnswer(Element, component='client_answer.js'):
    """Shows the three lengths, to be put differently before they go; what was opened in another app is logged, once."""

    def __init__(self, claim: Claim) -> None:
        """Of the claim whose page it is on; `open` reads it."""
        super().__init__()
        self._claim = claim
        self._props.update(shown=None, opened=0, answer=None, words=_words())
        self.on('sent', self._sent)

    async def open(self) -> None:
        """Read how the claim stands and show it."""
        facts = await ask(read_facts, self._claim.id)
        if facts is None or self.is_deleted:
            return
        self._claim = claim = facts.claim
        answers = answers_to_client(facts)
        self._props['shown'] = {
            'name': claim.insured_name,
            'ways': [
                {'key': key, 'label': t(label), 'icon': icon, 'words': answers[key]}
                for key, (label, icon) in _WAYS.items()
            ],
            'tel': values.tel_uri(claim.insured_phone).removeprefix('tel:') if claim.insured_phone else '',
            'mobile': (values.whatsapp_number(claim.insured_phone) or '') if claim.insured_phone else '',
            'mail': claim.insured_email,
            'subject': subject_to_client(claim),
        }
        self._props['opened'] += 1
        self.update()

    async def _sent(self, event: GenericEventArguments) -> None:
        """It was opened in another app: that stands in the call log, in the words it was given."""
        sent = event.args if isinstance(event.args, dict) else {}
        way, words, key = (
            value if isinstance(value := sent.get(name), str) else '' for name in ('way', 'words', 'key')
        )
        if way not in _WAYS or not words.strip() or not key:
            return
        with answering(self, sent) as answer:
            note = CallNote(
                PARTY,
                'outbound',
                WRITTEN,
                person=self._claim.insured_name,
                phone='' if way == MAIL else self._claim.insured_phone,
                summary=f'{t(_WAYS[way][0])}: {words[:WORDS_AT_MOST]}',
                key=key[:KEY_AT_MOST],
            )
            await work(log_call, self._claim.id, note, now())
            answer['message'] = ''


def read_facts(session: Any, claim_id: int) -> ClientFacts | None:
    """What an answer is made of, under the asker's scope; an office signs with its name."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    actor: Actor = session.info['actor']
    office = session.get(AgentOffice, actor.office_id) if actor.office_id else None
    moment = now()
    needed = [
        item.label_in(HEBREW)
        for item in requirements.checklist(session, claim)
        if item.missing and PARTY in item.type.suppliers
    ]
    writer = ', '.join(filter(None, (actor.name, office.name if office else '')))
    return ClientFacts(claim, reference(session), needed, writer, values.israel(moment).date())


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Answer to the client'),
        'lead': t('Made of what is known now; put it differently before it goes. What is opened here is logged.'),
        'words': t('The words'),
        'ways': t('How it is sent'),
        'send': t('Open in {way}', way='{way}'),
        'copy': t('Copy the words'),
        'long': t('This letter is too long to be carried over. It is copied when the mail opens, and pasted there.'),
        'close': t('Close'),
        'logged': t('Noted in the call log.'),
        'late': t('No answer came. Please look in the call log whether it was noted.'),
    }
