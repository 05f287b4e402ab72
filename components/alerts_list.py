"""The alerts page: a person's alerts by day, one line a claim, live; by theme, unread ones, or all of one claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.bell import alert_line
from components.claim_watch import ClaimWatchMenu
from components.due_card import DueCard
from components.live import Subscription, ask, current_actor, person_topic, show_changes, words_topic, work
from components.shared_words import people_known_to, reference
from components.words import language, said_once, t, weekday_of
from db import texts, values
from db.alert_kinds import GROUPS, events_in
from db.alerts import AlertFilter, alert_groups, mark_all_read, mark_read, unread_by_group, unread_groups
from db.base import now
from db.doorbell import Notice

PAGE = 50
SEARCH_AT_MOST = 40


@dataclass(frozen=True)
class Asked:
    """What the address asks for; whatever it says, this is a theme of ours, a claim's number or nothing."""

    theme: str = ''
    unread: bool = False
    claim_no: str = ''

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> 'Asked':
        """From an address, or from what a browser sends."""
        theme, claim_no = str(given.get('theme') or ''), str(given.get('claim') or '')
        return cls(theme if theme in GROUPS else '', bool(given.get('unread')), claim_no[:SEARCH_AT_MOST])

    @property
    def address(self) -> str:
        """Where it stands."""
        told = {'theme': self.theme, 'unread': '1' if self.unread else '', 'claim': self.claim_no}
        query = urlencode({name: value for name, value in told.items() if value})
        return f'/alerts?{query}' if query else '/alerts'

    @property
    def wanted(self) -> AlertFilter:
        """The question behind it."""
        return AlertFilter(self.unread, tuple(events_in(self.theme)) if self.theme else (), self.claim_no)


@dataclass(frozen=True)
class _Read:
    """What the page reads: its lines, and the numbers of the tabs."""

    lines: Sequence[dict[str, Any]]
    claims: Mapping[str, int]
    unread: int
    by_theme: Mapping[str, int]


class AlertsList(Element, component='alerts_list.js'):
    """The page; `load` fills it, every ring of the person's bell fills it again."""

    def __init__(self, asked: Asked) -> None:
        """Nothing is shown before `load`."""
        super().__init__()
        self._asked, self._limit = asked, PAGE
        self._claims: Mapping[str, int] = {}
        self._props.update(
            loaded=False, days=[], tabs=[], unread=False, claim='', address='', more=False, words=_words()
        )
        self._props['own'] = not current_actor().only_looks  # the account is for the person himself alone
        for name, answer in (('filter', self._filter), ('read', self._read), ('menu', self._menu)):
            self.on(name, answer)
        self.on('older', self._older, args=[])
        self.on('read_all', self._read_all, args=[])
        with self:
            self._watch = ClaimWatchMenu()
            with self.add_slot('beside'):
                self._due = DueCard()
            Subscription([person_topic(current_actor()), words_topic()], self._ring)

    async def load(self) -> None:
        """Ask for the alerts and show what differs."""
        asked = self._asked
        found = await ask(_read, asked, self._limit + 1, now(), language())
        if self.is_deleted or asked != self._asked:
            return  # something else was asked for meanwhile
        self._claims = found.claims
        lines = found.lines[: self._limit]
        shown = {
            'loaded': True,
            'days': [{'day': day, 'lines': list(of_day)} for day, of_day in groupby(lines, lambda line: line['day'])],
            'tabs': _tabs(asked, found),
            'unread': asked.unread,
            'claim': asked.claim_no,
            'address': asked.address,
            'more': len(found.lines) > self._limit,
        }
        show_changes(self, shown)

    async def load_all(self) -> None:
        """The alerts, and what falls due beside them."""
        await self.load()
        await self._due.load()

    async def _filter(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, dict):
            self._asked, self._limit = Asked.read(event.args), PAGE
            await self.load()

    async def _older(self) -> None:
        self._limit += PAGE
        await self.load()

    async def _read(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, str) and event.args in self._claims:
            await work(mark_read, now(), self._claims[event.args])

    async def _menu(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, str) and event.args in self._claims:
            await self._watch.open(self._claims[event.args])

    async def _read_all(self) -> None:
        await work(mark_all_read, now())

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()


def _read(session: Any, asked: Asked, limit: int, moment: datetime, reader: str) -> _Read:
    words, people = reference(session), people_known_to(session)
    groups = alert_groups(session, limit=limit, wanted=asked.wanted)
    lines = [
        {**alert_line(group, words, people, reader, moment), 'day': _day(group.at, reader, moment)} for group in groups
    ]
    claims = {group.claim_no: group.claim_id for group in groups}
    return _Read(lines, claims, unread_groups(session), unread_by_group(session))


def _tabs(asked: Asked, found: _Read) -> list[dict[str, Any]]:
    labels = {'': t('All'), **{group: t(label) for group, label in GROUPS.items()}}
    return [
        {
            'key': key,
            'label': label,
            'count': found.by_theme[key] if key else found.unread,
            'on': key == asked.theme,
            'href': replace(asked, theme=key).address,
        }
        for key, label in labels.items()
    ]


def _day(at: datetime, reader: str, moment: datetime) -> str:
    day, today = values.israel(at).date(), values.israel(moment).date()
    dated = f'{weekday_of(day, reader)}, {values.format_day(day)}'
    if day == today:
        return f'{texts.t("Today", reader)} · {dated}'
    return texts.t('Yesterday', reader) if day == today - timedelta(days=1) else dated


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Alerts'),
        'live': t('Updating live'),
        'readAll': t('Mark all as read'),
        'choices': t('Preferences'),
        'themes': t('Themes'),
        'onlyUnread': t('Unread only'),
        'ofClaim': t('Claim {claim_no}', claim_no='{claim_no}'),
        'clear': t('Clear filter'),
        'older': t('Older alerts'),
        'done': t('All caught up'),
        'none': t('No alerts. Every change in a claim will show here.'),
        'nothing': t('No alerts match the filter.'),
        'unread': t('Unread'),
        'changedTo': t('changed to'),
        'read': t('Mark as read'),
        'menu': t('Mute, follow, remind'),
        'allOfClaim': t('All alerts of this claim'),
    }
