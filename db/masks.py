"""Identity numbers behind a mask: whoever need not know them reads dots and the last digits, in whatever row and by whatever question.

The columns themselves wear it, in the sessions of those people alone: their connections speak a dialect that `hides_numbers`.
Everybody else's read what stands there, and no line of theirs passes through Python for it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import ColumnClause, ColumnElement, Dialect, Label, String, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeDecorator

from db.base import Base, Json

# the fields of a claim that hold one
ID_NUMBERS = ('insured_id_no', 'driver_id_no', 'tp_driver_id_no')
SHOWN = 4
# begins from left to right, in whichever text it comes to stand; always as many dots: how long the number is tells something too
_DOTS = '\u200e•••••'


def masked(number: str) -> str:
    """A number as those read it who need not know it; of a short one less than half is left."""
    return f'{_DOTS}{number[len(number) - min(SHOWN, len(number) // 2) :]}' if number else ''


def is_masked(number: str) -> bool:
    """Whether this is what a mask left of a number."""
    return number.startswith(_DOTS)


def is_hidden(name: str, value: Any) -> bool:
    """Whether this is an identity number of a claim, as the mask left it."""
    return name in ID_NUMBERS and is_masked(value or '')


def masked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields before and after, with the numbers among them masked."""
    return {
        name: [masked(side or '') if isinstance(side, str) else side for side in pair] if name in ID_NUMBERS else pair
        for name, pair in fields.items()
    }


# ---- columns that wear the mask ---------------------------------------------------------------------------------------------


class Masked(TypeDecorator[Any]):
    """A column that is read through a mask by those who need not know what stands in it."""

    def mask(self, value: Any) -> Any:
        """What is left of a value."""
        raise NotImplementedError

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """As the column itself is read; the mask is put on where a dialect hides numbers, and nowhere else costs anything."""
        read = super().result_processor(dialect, coltype)
        if not hides_numbers(dialect):
            return read
        return lambda value: None if value is None else self.mask(read(value) if read else value)


class IdNumber(Masked):
    """An identity or company number, or a passport's."""

    impl = String
    cache_ok = True

    def mask(self, value: str) -> str:
        """The last digits."""
        return masked(value)


class SearchText(Masked):
    """What a claim is found by, its numbers among it: looked into, never read."""

    impl = String
    cache_ok = True

    def mask(self, value: str) -> str:
        """Nothing."""
        return ''


class FieldsTold(Masked):
    """What a change tells: fields, before and after."""

    impl = Json
    cache_ok = True

    def mask(self, value: dict[str, Any]) -> dict[str, Any]:
        """The numbers among them."""
        return value if value.keys().isdisjoint(ID_NUMBERS) else masked_fields(value)


class AlertTold(Masked):
    """What fills the words of an alert; of several changes told as one, their `fields` together."""

    impl = Json
    cache_ok = True

    def mask(self, value: dict[str, Any]) -> dict[str, Any]:
        """The numbers among the fields."""
        return {**value, 'fields': masked_fields(value['fields'])} if 'fields' in value else value


class DoubtMark(Masked):
    """What tells a doubt from others: the field, the text, and the values it is about, as JSON."""

    impl = String
    cache_ok = True

    def mask(self, value: str) -> str:
        """The values, where they are numbers."""
        field, key, *about = json.loads(value)
        if field not in ID_NUMBERS:
            return value
        return json.dumps([field, key, *(masked(str(one)) for one in about)], ensure_ascii=False)


def hides_numbers(dialect: Dialect) -> bool:
    """Whether the connections of a dialect are those of people who see masks."""
    return getattr(dialect, 'hides_numbers', False)


# ---- what is asked about them -----------------------------------------------------------------------------------------------

_BESIDE_MASK = 'beside_mask'


def beside_mask(column: Any) -> ColumnElement[str]:
    """A column that a question may look at though the asker sees masks: only where what he learns of it is decided by a rule of its own."""
    return cast('ColumnElement[str]', column._annotate({_BESIDE_MASK: True}))


def looks_behind(statement: Any) -> bool:
    """Whether a question does anything with a masked column but choose it as it stands: compared, cut or sorted it would tell what it is."""
    parts = list(visitors.iterate(statement))
    chosen = [one.element if isinstance(one, Label) else one for one in getattr(statement, '_raw_columns', ())]
    found, shown = sum(map(_wears_mask, parts)), sum(map(_wears_mask, chosen))
    # what is named by a text may be any of those that are chosen
    by_name = any(part.__visit_name__ == 'textual_label_reference' for part in parts)
    return found > shown or (found > 0 and by_name)


def _wears_mask(part: Any) -> bool:
    if not isinstance(part, ColumnClause) or _BESIDE_MASK in part._annotations:
        return False
    return isinstance(part.type, Masked) and not isinstance(part.type, SearchText)


def unmasked(session: Session, claim: Any, name: str) -> Any:
    """What a claim of this session holds, for what the product keeps of it by itself."""
    value = getattr(claim, name)
    return whole_number(session, claim.id, name) if is_hidden(name, value) else value


def whole_number(session: Session, claim_id: int, field: str) -> str:
    """What stands behind the mask. NOTE: past the scope and the mask: for whoever has made sure that the claim is the asker's."""
    claims = Base.metadata.tables['claims'].c
    if field not in ID_NUMBERS:
        raise ValueError(f'{field} is no identity number')
    bare = type_coerce(claims[field], String)
    return session.connection().scalar(select(bare).where(claims.id == claim_id)) or ''
