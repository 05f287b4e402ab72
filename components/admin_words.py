"""The record of the house in words: what was done to whom, and the fields before and after."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from components.words import NOTHING
from db import texts, values
from db.accounts import ROLES
from db.admin_changes import CHANGED, AdminChange, admin_history
from db.admin_rows import choices_of, identity_of
from db.admin_tables import BY_TABLE_NAME, AdminTable, Column
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
}
_PEOPLE = {'name': N_('Full name'), 'email': N_('E-mail'), 'role': N_('Role'), 'office_id': N_('Office')}
_OF_ALL = {'active': N_('In use'), 'position': N_('Place in the order')}
_PAIRS_AT_MOST = 8


def history_lines(
    session: Any, tables: Sequence[str], key: str | None, limit: int, reader: str, before: int = 0
) -> list[Told]:
    """The newest lines of the record, ready to be shown, or the newest before a certain one; for admins only."""
    return [_line(session, line, reader) for line in fetch(session, admin_history(tables, key, before).limit(limit))]


def _line(session: Any, line: AdminChange, reader: str) -> Told:
    table = BY_TABLE_NAME.get(line.table_name)
    where = texts.t(table.title if table else N_('People'), reader)
    pairs = [_pair(session, line, name, pair, reader) for name, pair in line.fields.items()]
    return {
        'id': line.id,
        'what': texts.t(_KINDS[line.kind], reader),
        'where': where,
        'label': line.label or (_called(session, line, table, reader) if table else ''),
        'by': line.by,
        'when': values.format_exact(line.at),
        'pairs': [pair for pair in pairs if pair][:_PAIRS_AT_MOST],
    }


def _called(session: Any, line: AdminChange, table: AdminTable, reader: str) -> str:
    """What a line without a name of its own is known by: its day, or whatever it speaks of."""
    if table.single:
        return ''
    row, known = session.get(table.model, identity_of(table, line.row_key)), []
    # what is gone is known by what was noted as it went
    held = {} if row else fetch(session, admin_history([line.table_name], line.row_key).limit(1))[0].fields
    for column in table.columns:
        value = getattr(row, column.name) if row else held.get(column.name, [None])[0]
        if column.kind == 'day' and value:
            known.append(values.format_day(date.fromisoformat(str(value))))
        elif column.kind == 'choice' and value:
            known.append(_value(value, _words_of(session, column, reader), reader))
    return ' · '.join(known)


def _pair(session: Any, line: AdminChange, name: str, pair: Sequence[Any], reader: str) -> str:
    table = BY_TABLE_NAME.get(line.table_name)
    column = table.column(name) if table else None
    label = column.label if column else _OF_ALL.get(name) or (_PEOPLE.get(name) if table is None else None)
    if label is None:
        return ''
    words = _words_of(session, column, reader) if column and column.choices else {}
    if name == 'role':
        words = {role.value: texts.t(ROLES[Role(role)], reader) for role in ROLES}
    before, after = (_value(value, words, reader) for value in pair)
    told = f'{before} ← {after or NOTHING}' if before and line.kind == CHANGED else before or after
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
