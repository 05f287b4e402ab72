"""What a workbook of claims says: its table with the columns by name, and each claim as a row of cells, in the order of the list."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from db import values
from db.claims import DOCUMENTS, FIELDS, TRACKS, YES_NO
from db.exports import LABELS, Asked, values_of_claims
from db.list_pages import ids_in
from db.list_words import filters_in_words, title_of
from db.lists import filter_choices
from db.offices import names_of_people
from db.reference import reference
from db.scope import Actor
from db.texts import is_rtl, t
from jobs.sheets import Column, Kind, Table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

AT_ONCE = 500
# what is no field of the claim page, and may be told all the same
_OTHER_KINDS = {'office_id': 'office', 'updated_at': 'moment'}
# by kind of field: how it stands in its cell, and how wide
_SHAPES: Mapping[str, tuple[Kind, float]] = {
    'claim_no': (Kind.CODE, 13),
    'plate': (Kind.CODE, 13),
    'id_no': (Kind.CODE, 13),
    'phone': (Kind.CODE, 15),
    'code': (Kind.CODE, 18),
    'email': (Kind.CODE, 28),
    'day': (Kind.DAY, 13),
    'moment': (Kind.MOMENT, 18),
    'money': (Kind.MONEY, 15),
    'year': (Kind.CODE, 10),
    'name': (Kind.TEXT, 26),
    'status': (Kind.TEXT, 24),
    'long_text': (Kind.TEXT, 48),
    'text': (Kind.TEXT, 26),
}
_USUAL = (Kind.TEXT, 20.0)

Cells = Callable[[Any], Any]


def kind_of(name: str) -> str:
    """The kind of field a column shows."""
    return _OTHER_KINDS[name] if name in _OTHER_KINDS else FIELDS[name].kind


def table_of(session: 'Session', asked: Asked, columns: Sequence[str], moment: datetime) -> Table:
    """The sheet around the rows, in the words of the person who asked."""
    actor: Actor = session.info['actor']
    reader, title = actor.language, title_of(asked.state, actor.language)
    told = filters_in_words(session, asked.state, reader) or [t('No filters', reader)]
    if asked.numbers:
        told = [t('Selected claims', reader)]
    made = t('Made on {when} by {name}', reader, when=values.format_exact(moment), name=actor.name)
    shown = [Column(t(LABELS[name], reader), *_SHAPES.get(kind_of(name), _USUAL)) for name in columns]
    return Table(t('Claims', reader), title, ' · '.join([*told, made]), shown, rtl=is_rtl(reader))


def claims_asked_for(session: 'Session', asked: Asked) -> 'array[int]':
    """The ids of the claims in the order of the list: eight bytes for each, however many there are."""
    return array('q', ids_in(session, asked.state, asked.numbers))


def rows_of(session: 'Session', ids: 'array[int]', columns: Sequence[str]) -> Iterator[list[Any]]:
    """The rows of these claims in this order, read some at a time."""
    question = values_of_claims(columns)
    tellers = _tellers(session, columns)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE].tolist()
        found = {row[0]: row[1:] for row in session.execute(question, {'ids': some})}
        for claim_id in some:
            cells = list(found[claim_id])
            for place, tell in tellers:
                cells[place] = tell(cells[place])
            yield cells


class _Named(dict[Any, str]):
    """Names by key; what has none is told by nothing."""

    def __missing__(self, _: Any) -> str:
        return ''


def _tellers(session: 'Session', columns: Sequence[str]) -> list[tuple[int, Cells]]:
    """The columns whose values are told in other words than the database keeps."""
    known = _words(session)
    return [(place, known[kind_of(name)]) for place, name in enumerate(columns) if kind_of(name) in known]


def _words(session: 'Session') -> dict[str, Cells]:
    reader = session.info['actor'].language
    words, choices = reference(session), filter_choices(session)
    people = names_of_people(session)
    labels: dict[str, Mapping[Any, str]] = {
        'status': {key: row.label_in(reader) for key, row in words.statuses.items()},
        'stage': {key: row.label_in(reader) for key, row in words.stages.items()},
        'waiting': {key: row.label_in(reader) for key, row in words.waiting.items()},
        'documents': {key: t(label, reader) for key, label in DOCUMENTS.items()},
        'track': {key: t(label, reader) for key, label in TRACKS.items()},
        'yes_no': {True: t(YES_NO['yes'], reader), False: t(YES_NO['no'], reader)},
        'agent': people,
        'handler': people,
        'insurer': dict(choices.insurers),
        'garage': dict(choices.garages),
        'appraiser': dict(choices.appraisers),
        'office': dict(choices.offices),
    }
    told: dict[str, Cells] = {kind: _Named(named).__getitem__ for kind, named in labels.items()}
    return {
        **told,
        'plate': lambda plate: values.format_plate(plate) if plate else '',
        'phone': lambda phone: values.format_phone(phone) if phone else '',
        'year': lambda year: str(year) if year else '',
    }
