"""The filters above the claims list, in words: what can be chosen, and what is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import orjson

from components.list_views import count_text
from components.live import written
from components.shared_words import choices_for, reference, worded
from components.theme import status_look
from components.words import t, tn, turned_round_text, unknown_text
from db import list_counts, list_state, texts, values
from db.list_state import ListState
from db.list_words import RANGE_LABELS
from db.reference import Reference
from db.scope import Actor
from db.texts import N_

# the others are asked for less often, and stand behind a button until they are on
_FIRST = frozenset({'status', 'insurer', 'office', 'agent', 'waiting_on', 'documents', 'event'})
# filters that only a figure of the reports leads to: they are shown while they are on
_BY_REPORTS = frozenset({'left_stage', 'sent_back'})
_USUAL_RANGES = frozenset({'event', 'updated'})
_DOCUMENTS = {
    'missing': N_('Documents missing'),
    'missing_blocking': N_('Missing, and holding the submission'),
    'complete': N_('All received'),
}
_YES_NO = {'yes': N_('Yes'), 'no': N_('No')}


class Filter(NamedTuple):
    """One filter in the words of a language; `at_rest` is how it travels while nothing of it is chosen.

    A choice is its values, as an address has them («a,b»), and what they are called: two statuses may be one to who reads them.
    """

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    at_rest: orjson.Fragment

    @classmethod
    def of(cls, name: str, label: str, choices: Sequence[tuple[str, str]]) -> 'Filter':
        """A filter of which nothing is chosen yet."""
        return cls(name, label, choices, orjson.Fragment(written(_drawn(name, label, choices, ()))))

    def drawn(self, chosen: tuple[str, ...]) -> Any:
        """As the bar draws it with what is chosen."""
        if not chosen:
            return self.at_rest
        nobody = [(list_state.NOBODY, t('None chosen'))] if list_state.NOBODY in chosen else []
        return _drawn(self.name, self.label, [*self.choices, *nobody], chosen)


def _drawn(name: str, label: str, choices: Sequence[tuple[str, str]], chosen: tuple[str, ...]) -> dict[str, Any]:
    on = [(key, text) for key, text in choices if not set(chosen).isdisjoint(key.split(','))]
    many = len(on) + len(set(chosen).difference(*(key.split(',') for key, _ in on)))
    shown = '' if not chosen else on[0][1] if len(on) == 1 else tn('{n} chosen', '{n} chosen', many)
    offered = [{'key': key, 'label': text, 'on': (key, text) in on, **_look(name, key)} for key, text in choices]
    return {'name': name, 'label': label, 'chosen': shown, 'choices': offered, 'more': name not in _FIRST}


def _look(name: str, key: str) -> dict[str, str]:
    """A status is chosen by the same chip that the list shows."""
    return status_look(key.split(',', maxsplit=1)[0])._asdict() if name == 'status' and key != list_state.NOBODY else {}


def counted_choices(session: Any, state: ListState, offered: Filter) -> dict[str, str]:
    """How many claims each choice of a menu has under the other filters, as far as they are counted."""
    keys = [key for key, _ in offered.choices]
    nobody = [list_state.NOBODY] if list_state.NOBODY in getattr(state, offered.name) else []
    counts = list_counts.choices_counted(session, state, offered.name, [*keys, *nobody])
    return {key: count_text(count, state) for key, count in counts.items()}


def filters_for(session: Any) -> Sequence[Filter]:
    """What the asker can choose from, put into words once for everybody of his house who reads the same language."""
    return worded(session, _offered)


def _offered(session: Any) -> Sequence[Filter]:
    actor: Actor = session.info['actor']
    reader, words, known = actor.language, reference(session), choices_for(session)

    def said(choices: Any) -> list[tuple[str, str]]:
        return [(key, texts.t(label, reader)) for key, label in choices.items()]

    def labelled(rows: Any) -> list[tuple[str, str]]:
        return [(row.id, row.label_in(reader)) for row in rows]

    def named(rows: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in rows]

    offices = [('office', N_('Office'), named(known.offices))] if actor.is_bureau else []
    offered = [
        ('status', N_('Status'), _named_statuses(words, reader)),
        ('insurer', N_('Insurer'), named(known.insurers)),
        *offices,
        ('agent', N_('Agent'), named(known.agents)),
        ('garage', N_('Garage'), named(known.garages)),
        ('repair_stage', N_('Repair stage'), labelled(row for row in words.stages.values() if row.active)),
        ('appraiser', N_('Appraiser'), named(known.appraisers)),
        ('waiting_on', N_('Waiting on'), labelled(words.waiting.values())),
        ('documents', N_('Documents'), said(_DOCUMENTS)),
        ('quick', N_('Quick filter'), said(list_state.QUICK)),
        ('left_stage', N_('Left the stage'), labelled(words.stages.values())),
        ('sent_back', N_('Sent back to be completed'), said(_YES_NO)),
    ]
    return [Filter.of(name, texts.t(label, reader), choices) for name, label, choices in offered]


def _named_statuses(words: Reference, reader: str) -> list[tuple[str, str]]:
    """A choice for each name; a status out of use goes with those in use that are called the same."""
    return [
        (','.join(status.id for status in statuses), name)
        for name, statuses in words.statuses_by_name(reader).items()
        if any(status.active for status in statuses)
    ]


def with_namesakes(state: ListState, filters: Sequence[Filter]) -> ListState:
    """The list with all values of each choice of which it has one: they are one to who reads it."""
    several = [(one.name, key.split(',')) for one in filters for key, _ in one.choices if ',' in key]
    for name, together in several:
        chosen: tuple[str, ...] = getattr(state, name)
        if not set(chosen).isdisjoint(together):
            all_of_it: dict[str, Any] = {name: tuple(dict.fromkeys((*chosen, *together)))}
            state = replace(state, **all_of_it)
    return state


def unfit(state: ListState, filters: Sequence[Filter]) -> str:
    """Says why a list that one may have been sent finds nothing: what it is limited to cannot be chosen, or no day is between two."""
    chosen = [(one, key) for one in filters for key in getattr(state, one.name) if key != list_state.NOBODY]
    unknown = [
        f'{one.label}: {key}' for one, key in chosen if all(key not in known.split(',') for known, _ in one.choices)
    ]
    told = N_('Cannot be chosen here: {given}. Only claims that have it are shown.')
    return ' '.join(filter(None, (unknown_text(unknown, told), turned_round_text(state.turned_round))))


def filters_drawn(filters: Sequence[Filter], state: ListState) -> list[Any]:
    """All filters of a list as the bar draws them, those between two days last."""
    chosen = [(one, getattr(state, one.name)) for one in filters]
    shown = [one.drawn(keys) for one, keys in chosen if keys or one.name not in _BY_REPORTS]
    days = {name: _days_of(state, name) for name in list_state.RANGES}
    return shown + [_days_drawn(name, *pair) for name, pair in days.items() if any(pair) or name in _USUAL_RANGES]


def _days_of(state: ListState, name: str) -> tuple[date | None, date | None]:
    return getattr(state, f'{name}_from'), getattr(state, f'{name}_to')


def _days_drawn(name: str, start: date | None, end: date | None) -> dict[str, Any]:
    sides = [values.format_day(day) if day else '…' for day in (start, end)]
    return {
        'name': name,
        'label': t(RANGE_LABELS[name]),
        'dates': True,
        'chosen': ' – '.join(sides) if start or end else '',
        'from': start.isoformat() if start else '',
        'to': end.isoformat() if end else '',
        'choices': [],
        'more': name not in _FIRST,
    }
