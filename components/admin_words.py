"""The record of the house in words: what was done to whom, and the fields before and after."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from components.words import NOTHING, isolated
from db import texts, values
from db.accounts import ROLES
from db.admin_changes import CHANGED, AdminChange, admin_history, removals_of
from db.admin_rows import choices_of, rows_by_key
from db.admin_tables import BY_TABLE_NAME, TABLES, AdminTable, Column
from db.documents import DeclinedRequirement
from db.scope import Role
from db.session import fetch
from db.texts import N_

Told = dict[str, Any]
_KINDS = {
    'added': N_('Added'),
    'changed': N_('Changed'),
    'removed': N_('Deleted'),
    'link_made': N_('A new link was made'),
    'password_demanded': N_('A new password was demanded'),
    'sessions_ended': N_('Signed out on every device'),
    'two_factor_on': N_('Two-step verification was turned on'),
    'two_factor_off': N_('Two-step verification was turned off'),
    'two_factor_reset': N_('Two-step verification was reset'),
    'codes_renewed': N_('New recovery codes were made'),
    'key_made': N_('An API key was made'),
    'key_revoked': N_('An API key was revoked'),
}
_PEOPLE = {
    'name': N_('Full name'),
    'email': N_('E-mail'),
    'role': N_('Role'),
    'office_id': N_('Office'),
    'api_key': N_('API key'),
}
_OF_ALL = {'active': N_('In use'), 'position': N_('Place in the order')}
_PAIRS_AT_MOST = 8
# what stands in no table of its own and speaks in the columns of another one
_BESIDE = {DeclinedRequirement.__tablename__: (N_('Declined proposals for the matrix'), TABLES['requirements'])}


def history_lines(
    session: Any, tables: Sequence[str], key: str | None, limit: int, reader: str, before: int = 0
) -> list[Told]:
    """The newest lines of the record, ready to be shown, or the newest before a certain one; for admins only."""
    lines = fetch(session, admin_history(tables, key, before).limit(limit))
    called = _called(session, [line for line in lines if not line.label], reader)
    return [_line(session, line, called.get((line.table_name, line.row_key), ''), reader) for line in lines]


def _line(session: Any, line: AdminChange, called: str, reader: str) -> Told:
    table = BY_TABLE_NAME.get(line.table_name)
    beside = _BESIDE.get(line.table_name)
    where = texts.t(beside[0] if beside else table.title if table else N_('People'), reader)
    pairs = [_pair(session, line, name, pair, reader) for name, pair in line.fields.items()]
    return {
        'id': line.id,
        'what': texts.t(_KINDS[line.kind], reader),
        'where': where,
        'label': line.label or called,
        'by': line.by,
        'when': values.format_exact(line.at),
        'pairs': [pair for pair in pairs if pair][:_PAIRS_AT_MOST],
    }


def _called(session: Any, lines: Sequence[AdminChange], reader: str) -> dict[tuple[str, str], str]:
    """What lines without a name of their own are known by: their day, or whatever they speak of. Asked once for all rows of a table."""
    keys: dict[str, set[str]] = {}
    for line in lines:
        keys.setdefault(line.table_name, set()).add(line.row_key)
    known: dict[tuple[str, str], str] = {}
    gone: list[tuple[str, str]] = []
    for name, wanted in keys.items():
        table = BY_TABLE_NAME.get(name)
        if table is None or table.single:
            continue
        there = rows_by_key(session, table, wanted)
        known |= {(name, key): _known_by(session, table, partial(getattr, row), reader) for key, row in there.items()}
        gone += [(name, key) for key in wanted - there.keys()]
    # what is gone is known by what was noted as it went
    for line in fetch(session, removals_of(gone)) if gone else ():
        table = BY_TABLE_NAME[line.table_name]
        known[line.table_name, line.row_key] = _known_by(session, table, partial(_as_it_went, line), reader)
    return known


def _as_it_went(line: AdminChange, name: str) -> Any:
    return line.fields.get(name, [None])[0]


def _known_by(session: Any, table: AdminTable, value_of: Callable[[str], Any], reader: str) -> str:
    known = []
    for column in table.columns:
        value = value_of(column.name) if column.kind in ('day', 'choice') else None
        if value and column.kind == 'day':
            known.append(values.format_day(date.fromisoformat(str(value))))
        elif value:
            known.append(_value(value, _words_of(session, column, reader), reader))
    return ' · '.join(known)


def _pair(session: Any, line: AdminChange, name: str, pair: Sequence[Any], reader: str) -> str:
    table = BY_TABLE_NAME.get(line.table_name) or _BESIDE.get(line.table_name, ('', None))[1]
    column = table.column(name) if table else None
    label = column.label if column else _OF_ALL.get(name) or (_PEOPLE.get(name) if table is None else None)
    if label is None:
        return ''
    words = _words_of(session, column, reader) if column and column.choices else {}
    if name == 'role':
        words = {role.value: texts.t(ROLES[Role(role)], reader) for role in ROLES}
    before, after = (_value(value, words, reader) for value in pair)
    told = (
        f'{isolated(before)} ← {isolated(after or NOTHING)}'
        if before and line.kind == CHANGED
        else isolated(before or after)
    )
    return f'{texts.t(label, reader)}: {told}'


def _words_of(session: Any, column: Column, reader: str) -> dict[str, str]:
    """What the values of a column are called; asked once for all lines of the record."""
    asked: dict[int, dict[str, str]] = session.info.setdefault('words of the record', {})
    if id(column) not in asked:
        asked[id(column)] = dict(choices_of(session, column, reader))
    return asked[id(column)]


def _value(value: Any, words: dict[str, str], reader: str) -> str:
    if value is None or value == '':
        return ''
    if isinstance(value, list):
        return ', '.join(words.get(str(item), str(item)) for item in value)
    if isinstance(value, bool):
        return words.get('yes' if value else 'no') or texts.t('Yes' if value else 'No', reader)
    return words.get(str(value), str(value))
