"""Reading and changing the rows of the tables an admin edits, by what `admin_tables` says of them.

A page asks `rows`, `uses_of`, `choices_of`; it orders `save_row`, `move_row`, `retire`, `remove_row`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, func, inspect, or_, select, tuple_
from sqlalchemy.orm import Session

from db import values
from db.accounts import ChangedMeanwhile, shut_out
from db.admin_changes import key_of, last_change_of
from db.admin_tables import TABLES, AdminTable, Choices, Column
from db.base import take_turns
from db.offices import AgentOffice, User, people_of
from db.reference import Insurer
from db.scope import Actor, Can
from db.texts import N_, ClaimError, FieldsRefused, Told, t

PAGE = 50
Given = Mapping[str, str]


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """A page of a table's rows, how many there are in all, and the words of the choices its columns speak of."""

    rows: Sequence[Any]
    total: int
    choices: Mapping[str, Choices]
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)


def rows(session: Session, table: AdminTable, typed: str, page: int, language: str) -> Rows:
    """The rows whose words hold everything typed; those in use first, in the order of the menus."""
    _admin(session)
    found = select(table.model)
    for word in typed.split()[:5]:
        found = found.where(
            or_(*(getattr(table.model, name).icontains(word, autoescape=True) for name in table.searched))
        )
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    shown = list(session.scalars(found.order_by(*_order(table)).limit(PAGE).offset((page - 1) * PAGE)))
    counts = {key_of(row): _counted(session, table, row) for row in shown} if table.key == 'offices' else {}
    return Rows(shown, total, all_choices(session, table, language), counts)


def row_of(session: Session, table: AdminTable, key: str) -> Any:
    """One row by its key; a broken rule when it is gone."""
    _admin(session)
    row = session.get(table.model, _identity_of(table, key))
    if row is None:
        raise ClaimError(N_('This line is not there any more.'))
    return row


def rows_by_key(session: Session, table: AdminTable, keys: Iterable[str]) -> dict[str, Any]:
    """Those of some rows that are there, by their keys."""
    which = tuple_(*inspect(table.model).primary_key).in_([_identity_of(table, key) for key in keys])
    return {key_of(row): row for row in session.scalars(select(table.model).where(which))}


def uses_of(session: Session, table: AdminTable, key: str) -> list[tuple[str, int]]:
    """Who uses a row, and how often: asked before it is taken out of use."""
    counted = zip(table.uses, _counted(session, table, row_of(session, table, key)), strict=True)
    return [(words, count) for (words, _), count in counted if count]


def all_choices(session: Session, table: AdminTable, language: str) -> dict[str, Choices]:
    """For each column that is chosen: key → words, in menu order; also what is out of use, for rows that say it."""
    return {
        column.name: choices_of(session, column, language)
        for column in table.columns
        if column.kind in ('choice', 'many', 'yes_no')
    }


def choices_of(session: Session, column: Column, language: str) -> Choices:
    """What one column may say, in the reader's language."""
    if not isinstance(column.choices, str):
        return {key: t(words, language) for key, words in column.choices.items()}
    other = TABLES[column.choices]
    return {
        key_of(row): words_of(row, language) for row in session.scalars(select(other.model).order_by(*_order(other)))
    }


def out_of_use(session: Session, table: AdminTable) -> set[tuple[str, str]]:
    """The choices (column, key) that no row may newly take."""
    return {
        (column.name, key_of(row))
        for column in table.columns
        if isinstance(column.choices, str)
        for row in session.scalars(select(TABLES[column.choices].model))
        if not row.active
    }


def words_of(row: Any, language: str) -> str:
    """What a row is called."""
    return str(row.label_in(language) if hasattr(row, 'label_in') else getattr(row, 'name', key_of(row)))


def written(column: Column, value: Any) -> str:
    """A stored value as a form shows it."""
    if value is None:
        return ''
    if column.kind == 'yes_no':
        return 'yes' if value else 'no'
    if column.kind in ('names', 'many'):
        return '\n'.join(value)
    return values.format_day(value) if isinstance(value, date) else str(value)


def _counted(session: Session, table: AdminTable, row: Any) -> list[int]:
    counts = []
    for _, column in table.uses:
        question = select(func.count()).select_from(column.class_).where(column == row.id)
        counts.append(session.scalar(question.where(User.active) if column.class_ is User else question) or 0)
    return counts


def _order(table: AdminTable) -> list[Any]:
    model = table.model
    first = [getattr(model, table.within)] if table.within else []
    resting = [model.active.desc()] if table.retires and not table.ordered else []
    if table.ordered:
        return [*first, model.position, *inspect(model).primary_key]
    names = [getattr(model, name) for name in ('name', 'type', 'day') if name in inspect(model).attrs]
    return [*resting, *names, *inspect(model).primary_key]


def _identity_of(table: AdminTable, key: str) -> Any:
    """A row's key as the session asks for it; a broken rule when it is none."""
    columns, parts = inspect(table.model).primary_key, key.split(':')
    if len(parts) != len(columns):
        raise ClaimError(N_('This line is not there any more.'))
    try:
        return tuple(_typed(column.type.python_type, part) for column, part in zip(columns, parts, strict=True))
    except ValueError as error:
        raise ClaimError(N_('This line is not there any more.')) from error


def _typed(wanted: type, part: str) -> Any:
    if wanted is date:
        return date.fromisoformat(part)
    if wanted is int and len(part) > 9:
        raise ValueError('no key of ours')
    return int(part) if wanted is int else part


# ---- orders -----------------------------------------------------------------------------------------------------------------


def save_row(session: Session, table: AdminTable, key: str, seen: Given, wanted: Given, now: datetime) -> Any:
    """Change a row, or add one when `key` is empty. Only what differs from what was `seen` is taken; every wrong field is told."""
    _admin(session)
    row = row_of(session, table, key) if key else _new_row(session, table, wanted, now)
    changed = [
        column
        for column in table.columns
        if not key or not (column.once or wanted.get(column.name) == seen.get(column.name))
    ]
    taken = out_of_use(session, table)
    wrong: dict[str, Told] = {}
    with session.no_autoflush:
        for column in changed:
            raw = wanted.get(column.name, '')
            present = written(column, getattr(row, column.name))
            try:
                if key and present not in (seen.get(column.name, ''), raw):
                    last = last_change_of(session, row, column.name)
                    raise ChangedMeanwhile(present, _in_words(session, column, present), last)
                if raw != present and (column.name, raw) in taken:
                    raise ClaimError(N_('This is out of use. Please choose another value.'))
                setattr(row, column.name, _read(session, table, column, raw))
            except Told as refusal:
                wrong[column.name] = refusal
        wrong = wrong or dict(table.check(session, row))
        if wrong:
            raise FieldsRefused(wrong)  # and with the session everything that was set is gone
    session.add(row)
    return row


def move_row(session: Session, table: AdminTable, key: str, down: bool) -> None:
    """Let a row change places with its neighbour."""
    row = row_of(session, table, key)
    if not table.ordered:
        raise ClaimError(N_('These lines have no order of their own.'))
    take_turns(session, f'order of {table.key}')
    line = list(session.scalars(_beside(table, row).execution_options(populate_existing=True)))
    place = line.index(row)
    other = place + (1 if down else -1)
    if not 0 <= other < len(line):
        return
    places = [moved.position for moved in line]
    if len(set(places)) < len(places):
        places = list(range(1, len(line) + 1))
    line[place], line[other] = line[other], line[place]
    for position, moved in zip(places, line, strict=True):
        if moved.position != position:
            moved.position = position


def retire(session: Session, table: AdminTable, key: str, *, active: bool) -> None:
    """Take a row out of use, or back into it: nothing is deleted, what was written with it stays readable."""
    row = row_of(session, table, key)
    if not table.retires:
        raise ClaimError(N_('These lines are not taken out of use.'))
    if not active and key in table.kept:
        raise ClaimError(N_('The product itself needs this line. It can be renamed, and stays in use.'))
    if row.active == active:
        return
    row.active = active
    if table.model is AgentOffice:  # also when it opens again: whoever came in at the moment it was closed
        shut_out(session, [person.id for person in session.scalars(people_of(row.id))])


def remove_row(session: Session, table: AdminTable, key: str) -> None:
    """Take a row away; the record keeps what it said."""
    row = row_of(session, table, key)
    if not table.removable:
        raise ClaimError(N_('These lines are not deleted.'))
    if why := table.stays(session, row):
        raise ClaimError(why)
    session.delete(row)


def _admin(session: Session) -> None:
    actor: Actor = session.info['actor']
    actor.need(Can.ADMINISTER)


def _beside(table: AdminTable, row: Any) -> Select[Any]:
    found = select(table.model).order_by(*_order(table))
    return found.where(getattr(table.model, table.within) == getattr(row, table.within)) if table.within else found


def _read(session: Session, table: AdminTable, column: Column, raw: str) -> Any:
    """A typed value as its column keeps it."""
    if not raw.strip():
        if column.required:
            raise values.Malformed(N_('Nothing was entered. Please fill in this field.'))
        return [] if column.kind in ('names', 'many') else None if _may_be_null(table, column) else ''
    if column.kind in ('choice', 'yes_no', 'many'):
        return _chosen(column, raw, choices_of(session, column, 'en'))
    read: Mapping[str, Callable[[str], Any]] = {
        'long': partial(values.long_text, limit=column.limit),
        'names': partial(_names, limit=column.limit),
        'whole': values.whole,
        'day': values.day,
    }
    return read.get(column.kind, partial(values.text, limit=column.limit))(raw)


def _in_words(session: Session, column: Column, raw: str) -> str:
    """What a form holds as the person who has it open reads it."""
    words = choices_of(session, column, session.info['actor'].language)
    between = '\n' if column.kind == 'long' else ', '
    return between.join(words.get(part, part) for part in raw.split('\n') if part)


def _may_be_null(table: AdminTable, column: Column) -> bool:
    return inspect(table.model).column_attrs[column.name].columns[0].nullable is True


def _chosen(column: Column, raw: str, offered: Choices) -> Any:
    keys = raw.split('\n') if column.kind == 'many' else [raw]
    if not set(keys) <= offered.keys():
        raise ClaimError(N_('Please choose a value from the list.'))
    if column.kind == 'many':
        return [key for key in offered if key in keys]
    if column.kind == 'yes_no':
        return raw == 'yes'
    by_number = (
        isinstance(column.choices, str) and inspect(TABLES[column.choices].model).primary_key[0].type.python_type
    )
    return int(raw) if by_number is int else raw


def _names(text: str, limit: int) -> list[str]:
    lines = [values.text(line, limit=120) for line in values.long_text(text, limit=limit).splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


def _new_row(session: Session, table: AdminTable, wanted: Given, now: datetime) -> Any:
    if table.single:
        raise ClaimError(N_('This line is not there any more.'))
    row = table.model()
    given: dict[str, Any] = {'created_at': now, 'active': True}
    if table.ordered:
        given['position'] = (session.scalar(select(func.max(table.model.position))) or 0) + 1
    code = 'id' if table.ordered else 'code'
    if code in inspect(table.model).attrs and (table.ordered or table.model is Insurer):
        given[code] = _code(wanted.get('label_en') or wanted.get('name') or '', _codes(session, table, code))
    for name, value in given.items():
        if name in inspect(table.model).attrs:
            setattr(row, name, value)
    return row


def _codes(session: Session, table: AdminTable, name: str) -> set[str]:
    return set(session.scalars(select(getattr(table.model, name))))


def _code(words: str, taken: Iterable[str]) -> str:
    """A key nobody has, told by the English words where there are any."""
    start = re.sub(r'[^a-z0-9]+', '_', words.casefold()).strip('_')[:40] or 'entry'
    numbered = (f'{start}_{number}' for number in range(2, 10_000))
    return next(code for code in (start, *numbered) if code not in set(taken))
