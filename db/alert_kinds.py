"""The one catalogue of what people are alerted about: the events, how the page groups them, and the words of each kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from db import texts, values
from db.claims import FIELDS
from db.texts import N_

UPDATED, MENTION, REMINDER = 'claim.updated', 'claim.mention', 'reminder'
APP, MAIL = 'app', 'mail'
CHANNELS = MappingProxyType({APP: N_('On screen'), MAIL: N_('By e-mail')})

GROUPS = MappingProxyType(
    {
        'changes': N_('Changes in the claim'),
        'cheques': N_('Cheques and money'),
        'documents': N_('Documents'),
        'messages': N_('Messages'),
        'dates': N_('Dates and tasks'),
    }
)


@dataclass(frozen=True)
class AlertEvent:
    """Something a person may choose to hear of: its words, its group, and how one hears of it unless one says otherwise.

    `always` ones cannot be switched off on the screen, and no mute silences them; it says why.
    Of one that `cools`, an office hears only after the minutes in which it may still be taken back.
    """

    label: str
    group: str
    always: str = ''
    mail: bool = False
    cools: bool = False


_NO_DATE_IS_MISSED = N_('Always shown, so that no sum and no date is missed')


EVENTS: Mapping[str, AlertEvent] = MappingProxyType(
    {
        'opened': AlertEvent(N_('A new claim'), 'changes'),
        'status': AlertEvent(N_('Status of the claim'), 'changes'),
        'repair': AlertEvent(N_('Stage of the repair'), 'changes', cools=True),
        'details': AlertEvent(N_('Other details of the claim'), 'changes'),
        'calls': AlertEvent(N_('Calls'), 'changes'),
        'documents': AlertEvent(N_('Documents'), 'documents'),
        'messages': AlertEvent(N_('Messages'), 'messages'),
        'mentions': AlertEvent(N_('Somebody mentioned me'), 'messages', mail=True),
        'money': AlertEvent(N_('Offers and payments'), 'cheques', always=_NO_DATE_IS_MISSED),
        'cheques': AlertEvent(N_('Cheques'), 'cheques', always=_NO_DATE_IS_MISSED, mail=True),
        'deadlines': AlertEvent(N_('Deadlines'), 'dates'),
        'tasks': AlertEvent(N_('Tasks'), 'dates'),
        'reminders': AlertEvent(N_('Reminders I asked for'), 'dates', always=N_('Always shown: you asked for it')),
    }
)

LATE = N_('The cheque was entered less than 14 days before its due date')
CLOSED = N_('the due date is no business day: {reason}')

_SHOWN: Mapping[str, Callable[[Any, str], str]] = MappingProxyType(
    {
        'day': lambda day, _: values.format_day(date.fromisoformat(day)),
        'money': lambda amount, _: values.format_money(amount),
        'left': lambda days, reader: texts.tn('{n} day left', '{n} days left', days, reader),
        'late': lambda late, reader: f' · {texts.t(LATE, reader)}' if late else '',
        'named': lambda names, reader: names[reader],
        'closed': lambda note, reader: f' · {texts.t(CLOSED, reader, reason=texts.t(note, reader))}' if note else '',
    }
)


@dataclass(frozen=True)
class AlertKind:
    """A kind of alert that is not told by a change: its event, its words, and how its values are shown.

    Of what the `bureau` has to see to, only its people hear.
    """

    event: str
    title: str
    detail: str = ''
    shown: Mapping[str, str] = field(default_factory=dict)
    bureau: bool = False

    def told(self, given: Mapping[str, Any], reader: str) -> tuple[str, str]:
        """The two lines of an alert, in the reader's language."""
        shown = {
            name: _SHOWN[self.shown[name]](value, reader) if name in self.shown else value
            for name, value in given.items()
        }
        return texts.t(self.title, reader, **shown), texts.t(self.detail, reader, **shown)


_CHEQUE = MappingProxyType({'due': 'day', 'amount': 'money', 'days': 'left', 'late': 'late', 'closed': 'closed'})
_CLOCK = MappingProxyType({'label': 'named', 'day': 'day'})
_DUE, _NEAR = N_('Cheque of {amount} due on {due}'), N_('A deadline is near: {label}')

# kind → its words; `raise_alert` takes these only
KINDS: Mapping[str, AlertKind] = MappingProxyType(
    {
        'cheque.due14': AlertKind('cheques', _DUE, '{days}{late}{closed}', _CHEQUE),
        'cheque.due3': AlertKind('cheques', _DUE, '{days}{late}{closed}', _CHEQUE),
        'cheque.due0': AlertKind('cheques', _DUE, N_('Due today{closed}'), _CHEQUE),
        'cheque.overdue': AlertKind(
            'cheques', _DUE, N_('The due date passed and nobody wrote down that the cheque was cleared'), _CHEQUE
        ),
        'deadline.near': AlertKind('deadlines', _NEAR, N_('On {day}'), _CLOCK, bureau=True),
        'deadline.limitation': AlertKind('deadlines', _NEAR, N_('On {day}'), _CLOCK),
        'deadline.passed': AlertKind('deadlines', N_('A deadline has passed: {label}'), N_('It was on {day}'), _CLOCK),
        'task.due': AlertKind('tasks', N_('A task is due: {title}'), N_('On {day}'), {'day': 'day'}),
        REMINDER: AlertKind('reminders', N_('The reminder you asked for'), N_('Asked for on {day}'), {'day': 'day'}),
    }
)

# what the kind of a change begins with → its event; the others are details
_EVENTS_OF_CHANGES = MappingProxyType(
    {
        'opened': 'opened',
        'call': 'calls',
        'document': 'documents',
        'message': 'messages',
        'noted': 'messages',
        'mention': 'mentions',
        'cheque': 'cheques',
        'money': 'money',
        'offer': 'money',
        'payment': 'money',
        'repair': 'repair',
        'task': 'tasks',
    }
)


def event_of(kind: str, fields: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Which event of the catalogue an alert is about first of all, by its kind and the fields that changed."""
    return events_of(kind, fields)[0]


def events_of(kind: str, fields: Mapping[str, Any] = MappingProxyType({})) -> tuple[str, ...]:
    """Every event an alert is about, the most telling one first: who chose not to hear of one may still hear of the next."""
    if kind in KINDS:
        return (KINDS[kind].event,)
    if kind == UPDATED:
        return _events_of_fields(fields)
    told = kind.removeprefix('claim.')
    return (next((event for start, event in _EVENTS_OF_CHANGES.items() if told.startswith(start)), 'details'),)


def _events_of_fields(fields: Mapping[str, Any]) -> tuple[str, ...]:
    has_money = any(name in FIELDS and FIELDS[name].kind == 'money' for name in fields)
    found = {'status': 'status' in fields, 'repair': 'repair_stage' in fields, 'money': has_money}
    # what else changes together with these only goes along with them
    return tuple(event for event, is_told in found.items() if is_told) or ('details',)


def events_in(group: str) -> list[str]:
    """The events of a group, in the order of the catalogue."""
    return [event for event, about in EVENTS.items() if about.group == group]


def is_locked(event: str, channel: str) -> bool:
    """Whether an event cannot be switched off on a channel."""
    return channel == APP and bool(EVENTS[event].always)


def by_default(event: str, channel: str) -> bool:
    """Whether one hears of an event on a channel unless one says otherwise."""
    return channel == APP or EVENTS[event].mail
