"""A thread on screen: what both sides wrote, who has read it, and the box in which one answers; live, and no word typed is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering, key_of
from components.attachments import attached_to, attaching, attachment_words, choosable
from components.live import Subscription, ask, claim_topic, current_actor, jot, show_changes, thread_topic, work
from components.marks import hue_of, initials_of
from components.timeline import day_title
from components.words import language, signed, t, tn
from db import texts, values
from db.alerts import mark_read
from db.base import now
from db.claims import Claim
from db.documents import Document, document_types, documents_of
from db.documents import attached_to as documents_attached_to
from db.doorbell import Notice
from db.lists import claims_named
from db.message_templates import AUDIENCES, MessageTemplate, filled_template, templates
from db.messages import (
    DRAFT_LIMIT,
    NOTE_LIMIT,
    PAGE,
    Conversation,
    Letter,
    Message,
    Receipt,
    ThreadKey,
    colleagues,
    conversation,
    mark_messages_read,
    save_draft,
    write_message,
)
from db.offices import AgentOffice, User
from db.reference import DocumentType
from db.scope import Actor, Can
from db.session import fetch
from db.texts import N_
from db.values import Malformed

NAMED_AT_MOST, DRAFTS_AT_MOST = 50, 4
TYPED_AT_MOST, OFFERED_AT_MOST = 200, 8
OF_MESSAGES = ('claim.message', 'claim.mention')


@dataclass(frozen=True)
class Thread:
    """What the panel reads of a thread."""

    talk: Conversation
    claim: Claim | None
    office: str
    handler: str
    agent: str
    people: Sequence[User]
    templates: Sequence[MessageTemplate]
    documents: Sequence[Document]
    kinds: Sequence[DocumentType]


def read_thread(session: Any, key: ThreadKey, limit: int) -> Thread | None:
    """Read a thread under the asker's scope; None when it is not his (any more)."""
    office = session.get(AgentOffice, key.office_id)
    claim = session.get(Claim, key.claim_id) if key.claim_id else None
    if office is None or (key.claim_id and claim is None):
        return None
    handler, agent = (session.get(User, who or 0) if claim else None for who in _sides(claim))
    actor: Actor = session.info['actor']
    talk = conversation(session, key, limit=limit)
    came = documents_of(claim.id) if claim else documents_attached_to([message.id for message in talk.messages])
    return Thread(
        talk,
        claim,
        office.name,
        handler.name if handler else '',
        agent.name if agent else '',
        colleagues(session, key),
        templates(session) if actor.is_bureau else (),
        fetch(session, came),
        fetch(session, document_types()),
    )


def see_messages(session: Any, key: ThreadKey, up_to: int, moment: datetime) -> None:
    """The person has the messages before his eyes: they are read, and so is what his bell said of them."""
    mark_messages_read(session, key, up_to)
    if key.claim_id:
        mark_read(session, moment, key.claim_id, OF_MESSAGES)


def _sides(claim: Claim | None) -> tuple[int | None, int | None]:
    return (claim.handler, claim.agent) if claim else (None, None)


def read_letter(sent: object) -> Letter:
    """What the browser sent, as a letter; whatever else it may be is refused."""
    if not isinstance(sent, dict) or not isinstance(sent.get('body'), str) or len(sent['body']) > DRAFT_LIMIT:
        raise Malformed(N_('The message was not sent. Your text is still here.'))
    named, drafts = (sent.get(name) for name in ('mentions', 'drafts'))
    return Letter(
        sent['body'],
        internal=sent.get('internal') is True,
        mentions=[who for who in named[:NAMED_AT_MOST] if isinstance(who, int)] if isinstance(named, list) else (),
        key=key_of(sent),
        drafts=[body[:DRAFT_LIMIT] for body in drafts[:DRAFTS_AT_MOST] if isinstance(body, str)]
        if isinstance(drafts, list)
        else (),
    )


class MessagesPanel(Element, component='messages_panel.js', dependencies=['upload_queue.js']):
    """One thread, followed live. What is typed is kept on the server while it is typed."""

    def __init__(self, key: ThreadKey, *, back: str = '') -> None:
        """`back` is the way out on the phone."""
        super().__init__()
        self._key = key
        self._actor, self._reader = current_actor(), language()
        self._limit, self._turn, self._typed = PAGE, 0, ''
        self._in_turn = asyncio.Lock()  # or a draft would be kept after it was sent
        self._fresh_after: int | None = None
        self._props.update(
            items=[], head={}, older=False, people=[], templates=[], draft=None, answer=None, filled=None, readId=0
        )
        self._props.update(
            back=back,
            name=f'{self._actor.user_id}/{key.claim_id or 0}-{key.office_id}',
            writes=self._actor.may(Can.WRITE_MESSAGE),
            staff=self._actor.may(Can.SEE_INTERNAL),
            words=_words(self._actor) | attachment_words(),
            attach=None,
            found=None,
        )
        for kind, answer in (
            ('send', self._send),
            ('draft', self._draft),
            ('seen', self._seen),
            ('older', self._older),
            ('template', self._template),
            ('find', self._find),
        ):
            self.on(kind, answer)
        with self:
            topics = [thread_topic(key), claim_topic(key.claim_id)] if key.claim_id else [thread_topic(key)]
            Subscription(topics, self._ring)

    async def refresh(self) -> bool:
        """Read the thread anew and show what differs; False when it is not the person's."""
        thread = await ask(read_thread, self._key, self._limit)
        if thread is None or self.is_deleted:
            return False
        self.show(thread)
        return True

    def show(self, thread: Thread) -> None:
        """Show what was read."""
        if self._fresh_after is None:
            self._fresh_after = thread.talk.read_id
            self._props['readId'] = thread.talk.read_id
            self._props['draft'] = {'body': thread.talk.draft, 'internal': thread.talk.draft_internal}
        show_changes(
            self,
            {
                'items': bubbles(thread, self._actor, self._reader, self._fresh_after),
                'attach': self._attaching(thread),
                'older': thread.talk.older,
                'head': _head(thread, self._actor, self._reader),
                'people': [{'id': user.id, 'name': user.name} for user in thread.people],
                'templates': _groups(thread.templates, self._reader),
            },
        )

    def _attaching(self, thread: Thread) -> dict[str, Any] | None:
        if not self._actor.may(Can.UPLOAD):
            return None
        return attaching(thread.claim, thread.kinds, self._reader)

    async def _ring(self, _: set[Notice]) -> None:
        await self.refresh()

    async def _send(self, event: GenericEventArguments) -> None:
        """Send, and answer the box: what was refused stays in it, with the reason."""
        async with self._in_turn:
            with answering(self) as answer:
                answer |= {'sent': 0, 'key': event.args.get('key') if isinstance(event.args, dict) else None}
                sent = await work(write_message, self._key, read_letter(event.args), now())
                answer |= {'message': '', 'sent': sent.id}
                self._fresh_after = max(sent.id, self._fresh_after or 0)
        await self.refresh()

    async def _draft(self, event: GenericEventArguments) -> None:
        if current_actor().only_looks:
            return
        letter = read_letter(event.args)
        async with self._in_turn:
            await work(save_draft, self._key, letter.body, internal=letter.internal)
        _told = self.run_method('drafted', letter.body)  # nobody waits for it

    async def _seen(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, int) and 0 < event.args < 2**63:
            await jot(see_messages, self._key, event.args, now())

    async def _older(self) -> None:
        self._limit += PAGE
        await self.refresh()

    async def _template(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, str):
            text = await ask(filled_template, event.args, self._key)
            self._turn += 1
            show_changes(self, {'filled': {'turn': self._turn, 'text': text}})

    async def _find(self, event: GenericEventArguments) -> None:
        """Offer claims for files in a general thread. What was typed last wins, whichever answer comes first."""
        self._typed = typed = event.args[:TYPED_AT_MOST] if isinstance(event.args, str) else ''
        claims = await ask(claims_named, self._key.office_id, typed, OFFERED_AT_MOST)
        if typed == self._typed and not self.is_deleted:
            show_changes(self, {'found': {'typed': typed, 'claims': [choosable(claim) for claim in claims]}})


# ---- what the browser draws -------------------------------------------------------------------------------------------------


def bubbles(thread: Thread, actor: Actor, reader: str, fresh_after: int) -> list[dict[str, Any]]:
    """The messages as one person sees them, oldest first, with the files that came with them."""
    today, talk = values.israel(now()).date(), thread.talk
    attached = attached_to(thread.documents, thread.kinds, reader)
    return [
        _bubble(message, talk.receipts, actor, reader, today, fresh_after) | {'files': attached.get(message.id, [])}
        for message in talk.messages
    ]


def _bubble(
    message: Message, receipts: Sequence[Receipt], actor: Actor, reader: str, today: date, fresh_after: int
) -> dict[str, Any]:
    own_side = message.from_bureau == actor.is_bureau
    return {
        'id': message.id,
        'mine': message.user_id == actor.user_id,
        'internal': message.internal,
        'by': signed(message.by, reader),
        'initials': initials_of(signed(message.by, reader)),
        'hue': hue_of(message.by),
        'text': message.body,
        'time': values.format_time(message.at),
        'at': message.at.isoformat(),
        'exact': values.format_exact(message.at),
        'day': day_title(values.israel(message.at).date(), today, reader),
        'fresh': message.id > fresh_after and not own_side and not message.internal,
        'tick': _tick(message, receipts, reader) if own_side and not message.internal else None,
    }


def _tick(message: Message, receipts: Sequence[Receipt], reader: str) -> dict[str, str]:
    """How far a message of one's own side has come: sent, delivered, read by whom."""
    read = [receipt.name for receipt in receipts if receipt.read_id >= message.id]
    if read:
        return {'state': 'read', 'icon': 'done_all', 'text': texts.t('Read by {names}', reader, names=', '.join(read))}
    if any(receipt.delivered_id >= message.id for receipt in receipts):
        return {'state': 'delivered', 'icon': 'done_all', 'text': texts.t('Delivered, not read yet', reader)}
    return {'state': 'sent', 'icon': 'done', 'text': texts.t('Sent', reader)}


def _head(thread: Thread, actor: Actor, reader: str) -> dict[str, Any]:
    """Whom one talks to, and about what."""
    bureau = texts.t('Claims bureau', reader)
    other = thread.office if actor.is_bureau else thread.handler or bureau
    claim = thread.claim
    return {
        'title': other if actor.is_bureau or not thread.handler else f'{other} · {bureau}',
        'initials': initials_of(other),
        'hue': hue_of(other),
        'sub': claim.insured_name if claim else texts.t('General thread', reader),
        'number': claim.claim_no if claim else '',
        'href': f'/claims/{quote(claim.claim_no, safe="")}' if claim else '',
        'people': _participants(thread, bureau, reader),
    }


def _participants(thread: Thread, bureau: str, reader: str) -> list[dict[str, str]]:
    """The handler, the agent, and whoever else wrote."""
    roles = {thread.handler: texts.t('Handler', reader), thread.agent: texts.t('Agent', reader)}
    for message in thread.talk.messages:
        roles.setdefault(message.by, bureau if message.from_bureau else thread.office)
    return [
        {'name': name, 'role': role, 'initials': initials_of(name), 'hue': hue_of(name)}
        for name, role in roles.items()
        if name
    ]


def _groups(offered: Sequence[MessageTemplate], reader: str) -> list[dict[str, Any]]:
    """The templates under the party they are for."""
    ordered = sorted(offered, key=lambda template: list(AUDIENCES).index(template.audience))
    return [
        {
            'label': texts.t(AUDIENCES[audience], reader),
            'templates': [{'id': template.id, 'label': template.label_in(reader)} for template in group],
        }
        for audience, group in groupby(ordered, key=lambda template: template.audience)
    ]


def _words(actor: Actor) -> dict[str, Any]:
    quick = (t('Received, on it'), t('I will upload the document today'), t('Can we get an update?'))
    return {
        'thread': t('Messages'),
        'none': t('Nothing was written yet.'),
        'noneHint': t('What is written here reaches the office and the bureau at once.'),
        'older': t('Older messages'),
        'fresh': {
            'one': tn('{n} new message', '{n} new messages', 1),
            'many': tn('{n} new message', '{n} new messages', 0),
        },
        'you': t('You'),
        'internal': t('Internal note'),
        'toOffice': t('To the office'),
        'audience': t('Who will see it'),
        'onlyBureau': t('Only the bureau sees it'),
        'box': t('Message'),
        'hint': t('Write a message…'),
        'hintInternal': t('Note for the bureau only…'),
        'send': t('Send'),
        'sending': t('Sending…'),
        'enter': t('to send'),
        'kept': t('Draft saved'),
        'late': t('No answer yet. The message is still on its way; it will arrive only once.'),
        'sentElsewhere': t('This text was sent from another window.'),
        'most': DRAFT_LIMIT,
        'tooLong': {
            internal: t(
                'The text has {length} characters, at most {limit} fit. Please shorten it.',
                length='{length}',
                limit=limit,
            )
            for internal, limit in (('false', values.LONG_TEXT_LIMIT), ('true', NOTE_LIMIT))
        },
        'templates': t('Templates'),
        'mention': t('Mention a colleague'),
        'quick': [] if actor.is_bureau else list(quick),
        'people': t('Participants'),
        'openClaim': t('Open the claim'),
        'back': t('All messages'),
        'readOnly': t('You can read here, not write.'),
        'new': t('New messages below'),
    }
