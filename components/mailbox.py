"""All threads of a person, newest first, beside the one that is open; with a search in everything that was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components import accesses
from components.accesses import Seen
from components.frame import NotFound
from components.live import Subscription, ask, current_actor, messages_topic, person_topic, show_changes
from components.marks import picture_html
from components.messages_panel import MessagesPanel
from components.words import language, moment_text, said_once, t
from db import texts, values
from db.access_log import SEARCH
from db.base import now
from db.doorbell import Notice
from db.messages import PAGE, Hit, ThreadKey, ThreadLine, excerpt, messages_found, thread_key, threads
from db.offices import AgentOffice, offices
from db.scope import Actor, Can
from db.session import fetch

TYPED_AT_MOST = 200
HIT_BEFORE, HIT_LENGTH = 30, 140


@dataclass(frozen=True)
class Threads:
    """What the list reads."""

    lines: Sequence[ThreadLine]
    offices: Sequence[AgentOffice]
    own: ThreadKey | None


def read_threads(session: Any, limit: int, *, only_unread: bool) -> Threads:
    """The threads of the asker; one more than asked for when there are more."""
    actor: Actor = session.info['actor']
    choices = [office for office in fetch(session, offices()) if office.active] if actor.is_bureau else []
    own = None if actor.is_bureau else thread_key(session)
    return Threads(threads(session, limit=limit + 1, only_unread=only_unread), choices, own)


def address_of(*, claim_no: str = '', office_id: int | None = None) -> str:
    """Where a thread is open."""
    return f'/messages?{urlencode({"claim": claim_no} if claim_no else {"office": office_id})}'


def bureau_address(actor: Actor) -> str:
    """Where somebody of an office writes to the bureau about no claim in particular; empty for who writes to nobody."""
    writes = actor.office_id and actor.may(Can.WRITE_MESSAGE)
    return address_of(office_id=actor.office_id) if writes else ''


class ThreadList(Element, component='thread_list.js'):
    """The list, live, and the search."""

    def __init__(self, opened: str, *, only_unread: bool) -> None:
        """`opened` is the address of the thread beside it."""
        super().__init__()
        self._actor, self._reader = current_actor(), language()
        self._limit, self._only_unread, self._typed = PAGE, only_unread, ''
        self._props.update(lines=[], hits=None, more=False, offices=[], opened=opened, words=_words())
        self._props['unread'] = only_unread
        self._props['bureau'] = bureau_address(self._actor)
        for kind, answer in (('find', self._find), ('more', self._more), ('only', self._only)):
            self.on(kind, answer)
        with self:
            Subscription([messages_topic(self._actor), person_topic(self._actor)], self._ring)

    async def refresh(self) -> None:
        """Read the list anew and show what differs."""
        found = await ask(read_threads, self._limit, only_unread=self._only_unread)
        if self.is_deleted:
            return
        lines = [_line(line, self._actor, self._reader) for line in found.lines[: self._limit]]
        if found.own and not self._only_unread and found.own not in [line.key for line in found.lines]:
            lines.append(_empty_line(found.own, self._reader))
        shown = {
            'lines': lines,
            'more': len(found.lines) > self._limit,
            'unread': self._only_unread,
            'offices': [{'href': address_of(office_id=office.id), 'label': office.name} for office in found.offices],
        }
        show_changes(self, shown)

    async def _ring(self, _: set[Notice]) -> None:
        await self.refresh()
        if self._typed.strip():
            await self._search(self._typed)

    async def _more(self) -> None:
        self._limit += PAGE
        await self.refresh()

    async def _only(self, event: GenericEventArguments) -> None:
        self._only_unread = event.args is True
        await self.refresh()

    async def _find(self, event: GenericEventArguments) -> None:
        self._typed = event.args[:TYPED_AT_MOST] if isinstance(event.args, str) else ''
        if self._typed.strip():
            accesses.note(self._actor, Seen(SEARCH, self._typed))
        await self._search(self._typed)

    async def _search(self, typed: str) -> None:
        """What was typed last wins, whichever answer comes first."""
        hits = await ask(messages_found, typed) if typed.strip() else None
        if typed == self._typed and not self.is_deleted:
            found = None if hits is None else [_hit(hit, typed, self._actor, self._reader) for hit in hits]
            show_changes(self, {'hits': found})


async def open_mailbox(claim_no: str, office: str, *, only_unread: bool = False) -> None:
    """Draw the list and, when the address names one, the open thread."""
    key, address = None, ''
    if claim_no or office:
        office_id = int(office) if office.isdecimal() and len(office) < 10 else 0
        key = await ask(thread_key, claim_no=claim_no, office_id=None if claim_no else office_id)
        if key is None:
            raise NotFound
        address = address_of(claim_no=claim_no, office_id=office_id)
    with ui.element('div').classes('mk-mail mk-open' if key else 'mk-mail'):
        listed = ThreadList(address, only_unread=only_unread)
        panel = MessagesPanel(key, back='/messages?view=unread' if only_unread else '/messages') if key else None
        if panel is None:
            with ui.element('div').classes('mk-empty mk-nothread'):
                ui.html(f'{picture_html("talk")}<p>{t("Choose a conversation from the list.")}</p>').classes(
                    'mk-contents'
                )
    await listed.refresh()
    if panel is not None:
        await panel.refresh()


# ---- what the browser draws -------------------------------------------------------------------------------------------------


def _line(line: ThreadLine, actor: Actor, reader: str) -> dict[str, Any]:
    last = line.last
    return {
        **_about(line.claim_no, line.insured_name, line.office, actor, reader),
        'href': address_of(claim_no=line.claim_no, office_id=line.key.office_id),
        'plate': values.format_plate(line.plate) if line.plate else '',
        'office': line.office if actor.is_bureau and line.claim_no else '',
        'by': texts.t('Me', reader) if last.user_id == actor.user_id else last.by,
        'text': excerpt(last.body),
        'at': last.at.isoformat(),
        'when': moment_text(last.at, now(), reader),
        'unread': line.unread,
    }


def _about(claim_no: str, insured_name: str, office: str, actor: Actor, reader: str) -> dict[str, str]:
    if claim_no:
        return {'title': insured_name, 'number': claim_no, 'sub': ''}
    title = office if actor.is_bureau else texts.t('Claims bureau', reader)
    return {'title': title, 'number': '', 'sub': texts.t('General thread', reader)}


def _empty_line(key: ThreadKey, reader: str) -> dict[str, Any]:
    """The office's own thread with the bureau is there before anybody wrote in it."""
    return {
        'title': texts.t('Claims bureau', reader),
        'sub': texts.t('General thread', reader),
        'number': '',
        'href': address_of(office_id=key.office_id),
        'plate': '',
        'office': '',
        'by': '',
        'at': '',
        'when': '',
        'unread': 0,
        'text': texts.t('Nothing was written yet.', reader),
    }


def _hit(hit: Hit, typed: str, actor: Actor, reader: str) -> dict[str, Any]:
    message = hit.message
    return {
        **_about(hit.claim_no, hit.insured_name, hit.office, actor, reader),
        'id': message.id,
        'href': address_of(claim_no=hit.claim_no, office_id=message.office_id),
        'by': message.by,
        'text': _around(message.body, typed),
        'internal': message.internal,
        'at': message.at.isoformat(),
        'when': moment_text(message.at, now(), reader),
    }


def _around(body: str, typed: str) -> str:
    """The part of a message that shows the first word looked for."""
    line = ' '.join(body.split())
    place = next((found for word in typed.split() if (found := line.find(word)) >= 0), 0)
    start = max(place - HIT_BEFORE, 0)
    part = line[start : start + HIT_LENGTH]
    return f'{"…" if start else ""}{part}{"…" if len(line) > start + HIT_LENGTH else ""}'


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Messages'),
        'search': t('Search in messages'),
        'all': t('All'),
        'onlyUnread': t('Unread'),
        'threads': t('Conversations'),
        'none': t('No conversations yet.'),
        'noneUnread': t('Everything is read.'),
        'noneFound': t('No message was found.'),
        'more': t('Show more'),
        'toOffice': t('Write to an office'),
        'toBureau': t('New message'),
        'unread': t('Unread'),
        'internal': t('Internal note'),
    }
