"""The bell: how many claims have unread alerts, live in every tab, and the newest of them in a popover."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from nicegui import background_tasks
from nicegui.element import Element

from components.due_soon import next_due_cheques
from components.live import Subscription, ask, ask_as, current_actor, person_topic, show_changes, work
from components.shared_words import people_known_to, reference
from components.theme import DOCUMENT_LOOKS, EVENT_LOOKS, Look, status_look
from components.words import headline_of, language, moment_text, said_once, t
from db import texts, values
from db.alert_kinds import KINDS
from db.alerts import AlertFilter, AlertGroup, alert_groups, mark_all_read, unread_groups, unread_groups_of
from db.base import now
from db.doorbell import Notice
from db.reference import Reference
from db.scope import Actor

IN_POPOVER = 8
OVERDUE = 'cheque.overdue'
MENTION = 'claim.mention'
_KIND_LOOKS = {
    'call': Look('green', 'call'),
    'call_corrected': Look('green', 'call'),
    'message': Look('blue', 'chat'),
    'noted': Look('amber', 'lock'),
    'cheque': Look('green', 'payments'),
    'cheque.state': Look('green', 'payments'),
    'cheque.changed': Look('amber', 'payments'),
    'cheque.step': Look('amber', 'payments'),
    'offer': Look('pink', 'request_quote'),
    'offer.answered': Look('pink', 'request_quote'),
    **DOCUMENT_LOOKS,
}
# where on the claim's page one finds what an alert is about; the overview otherwise
_TABS = {
    'repair': 'repair',
    'documents': 'documents',
    'calls': 'calls',
    'messages': 'messages',
    'mentions': 'messages',
    'money': 'money',
    'cheques': 'money',
}
_LOOKS = {'repair_stage': Look('cyan', 'build'), 'daily_note': Look('violet', 'article'), 'eta': Look('cyan', 'event')}


class Bell(Element, component='bell.js'):
    """The button in the top bar. Opening it asks for the newest alerts; one place keeps the number right."""

    def __init__(self, count: int, since: int) -> None:
        """`count` is the number of claims with unread alerts when the page was asked for, when `live.rung()` said `since`."""
        super().__init__()
        self._props.update(count=count, groups=[], cheques=None, texts=_texts())
        self._props['own'] = not current_actor().only_looks  # the account is for the person himself alone
        self._opened = False
        self.on('open', self._open)
        self.on('read_all', self._read_all)
        with self:
            Subscription([person_topic(current_actor())], self._ring, since=since)

    async def _open(self) -> None:
        self._opened = True
        await self._refresh()

    async def _read_all(self) -> None:
        await work(mark_all_read, now())

    async def _ring(self, _: set[Notice]) -> None:
        await self._refresh()

    async def _refresh(self) -> None:
        if self._opened:
            count, groups, cheques = await ask(_of_bell, language())
            show_changes(self, {'count': count, 'groups': groups, 'cheques': cheques})
        else:
            show_changes(self, {'count': await _count_for(current_actor())})


# ---- many bells at once -----------------------------------------------------------------------------------------------------

_PRODUCT = Actor.system('bells')
# one change rings everybody who follows the claim, one after the other; nobody sees so short a while
GATHER = 0.02


class _Round:
    """One question for all bells that ring in the same moment."""

    def __init__(self) -> None:
        self.people: set[int] = set()
        self._counts = background_tasks.create(self._count(), name='count alerts')

    async def _count(self) -> Mapping[int, int]:
        await asyncio.sleep(GATHER)
        if _gathering == [self]:
            _gathering.clear()  # whoever asks from now on may have been rung by something newer
        return await ask_as(_PRODUCT, unread_groups_of, self.people)

    async def count(self, user_id: int) -> int:
        """One person's number."""
        self.people.add(user_id)
        counts: Mapping[int, int] = await asyncio.shield(self._counts)
        return counts.get(user_id, 0)


# the round that still gathers, if there is one
_gathering: list[_Round] = []


def start() -> Callable[[], None]:
    """Begin with nobody waiting; returns the way out."""
    _gathering.clear()
    return _gathering.clear


async def _count_for(actor: Actor) -> int:
    """The number on somebody's bell. Who sees his own claims only asks for himself, under his own scope."""
    if actor.sees_own_only or actor.user_id is None:
        return await ask_as(actor, unread_groups)
    if not _gathering:
        _gathering.append(_Round())
    return await _gathering[0].count(actor.user_id)


# ---- in words ---------------------------------------------------------------------------------------------------------------


@said_once
def _texts() -> dict[str, str]:
    return {
        'label': t('Alerts'),
        'title': t('Alerts'),
        'sound': t('Sound with new alerts'),
        'readAll': t('Mark all as read'),
        'none': t('No alerts. Every change in a claim will show here.'),
        'changedTo': t('changed to'),
        'unread': t('Unread'),
        'choices': t('Preferences'),
        'view': t('View'),
        'all': t('All alerts'),
        'spokenOne': t('One claim has unread alerts'),
        'spoken': t('{n} claims have unread alerts', n='{n}'),
    }


def _of_bell(session: Any, reader: str) -> tuple[int, list[dict[str, Any]], dict[str, Any] | None]:
    """The number; the acting person's newest alerts as lines of words, one a claim, the unread ones first; and the next cheques."""
    words, people, moment = reference(session), people_known_to(session), now()
    unread = alert_groups(session, limit=IN_POPOVER, wanted=AlertFilter(only_unread=True))
    known = {group.alert_id for group in unread}
    others = [group for group in alert_groups(session, limit=IN_POPOVER) if group.alert_id not in known]
    lines = [alert_line(group, words, people, reader, moment) for group in [*unread, *others][:IN_POPOVER]]
    return unread_groups(session), lines, next_due_cheques(session, values.israel(moment).date(), reader)


def alert_line(
    group: AlertGroup, words: Reference, people: Mapping[int, str], reader: str, moment: datetime
) -> dict[str, Any]:
    """The alerts of a claim in a line of words, as the newest tells them."""
    label, before, after, more = _told(group, words, people, reader)
    more += max(group.unread - 1, 0)
    if group.kind == MENTION and group.change:
        label = texts.t('{name} mentioned you', reader, name=group.change.by)
    look = _look(group)
    return {
        'id': group.alert_id,
        'claim_no': group.claim_no,
        'href': f'/claims/{quote(group.claim_no, safe="")}{_tab_of(group)}',
        'title': f'{group.insured_name} · {label}',
        'name': group.insured_name,
        'what': label,
        'before': before,
        'after': after,
        'more': more_changes(more, reader) if more else '',
        'hue': look.hue,
        'icon': look.icon,
        'plate': values.format_plate(group.plate) if group.plate else '',
        'unread': group.unread > 0,
        'at': group.at.isoformat(),
        'when': moment_text(group.at, moment, reader),
    }


def _told(group: AlertGroup, words: Reference, people: Mapping[int, str], reader: str) -> tuple[str, str, str, int]:
    """What happened, as of a change, or of a date that no change tells."""
    if group.change:
        return headline_of(group.change, words, people, reader)
    label, detail = KINDS[group.kind].told(group.values, reader) if group.kind in KINDS else ('', '')
    return label, '', detail, 0


def _tab_of(group: AlertGroup) -> str:
    """Where on the claim's page one finds what the alert is about."""
    tab = _TABS.get(group.event)
    return f'?tab={tab}' if tab else ''


def more_changes(more: int, reader: str) -> str:
    """How many further changes a claim has, in the reader's language."""
    return texts.tn('and {n} more change', 'and {n} more changes', more, reader)


def _look(group: AlertGroup) -> Look:
    if group.kind.startswith('cheque.'):
        return Look('red' if group.kind == OVERDUE else 'amber', 'payments')
    if group.kind == MENTION or group.change is None:
        return EVENT_LOOKS[group.event]
    if group.change.kind in _KIND_LOOKS:
        return _KIND_LOOKS[group.change.kind]
    fields = group.change.fields
    if 'status' in fields:
        return status_look(fields['status'][1])
    return next((look for name, look in _LOOKS.items() if name in fields), EVENT_LOOKS[group.event])
