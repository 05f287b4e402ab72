"""The ground all models stand on: naming, column types, what was set in a row, and the clock of the database layer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    FromClause,
    Integer,
    MetaData,
    String,
    Subquery,
    column,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, InstanceState, Session, aliased  # noqa: TID251 - the one place
from sqlalchemy.orm.attributes import History, instance_state
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.types import TypeDecorator

NAMING = {
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
    'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'ck': 'ck_%(table_name)s_%(constraint_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_N_name)s',
    'pk': 'pk_%(table_name)s',
}

# SQLite counts rowids only in a column typed exactly INTEGER; PostgreSQL gets room for a million claims a day.
BigKey = BigInteger().with_variant(Integer(), 'sqlite')
Json = JSON().with_variant(JSONB(), 'postgresql')


class Moment(TypeDecorator[datetime]):
    """A point in time: aware and UTC in Python, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f'naive time {value!r}')
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone; it was UTC when it was written."""
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value


class Base(DeclarativeBase):
    """Declarative base with one naming convention for every constraint."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Moment(),
        date: Date(),
        str: String(),
        dict[str, Any]: Json,
        list[str]: Json,
    }


def histories(row: object) -> Iterator[tuple[str, History]]:
    """What was set in a row and differs from what it held when it was read or last flushed: column, what it was and is.

    In the order of the model. Only what was set is looked at: a claim has eighty columns, and each save asks this of it several times.
    """
    state: InstanceState[Any] = instance_state(row)
    for name in [name for name in state.manager if name in state.committed_state]:
        history = state.get_history(name, PASSIVE_NO_INITIALIZE)
        if history.has_changes():
            yield name, history


M = TypeVar('M')


def alias_of(model: type[M], rows: Subquery | None = None) -> type[M]:
    """Another look at a model's rows in a question, or at those of a subquery, which several threads may ask."""
    alias: type[M] = aliased(model, rows)
    learn_columns(inspect(alias).selectable)
    return alias


def learn_columns(selectable: FromClause) -> None:
    """Let SQLAlchemy learn which columns there are before anybody else can look.

    It does so when it is first asked, one column after the other, and lets others look meanwhile: who does finds no office in an alias,
    and narrows the model's own table instead, by which the alias' rows are multiplied.
    """
    selectable.corresponding_column(column(''))


def differs(row: object) -> bool:
    """Whether anything set in a row differs from what it held."""
    return next(histories(row), None) is not None


def has_changed(row: object, *names: str) -> bool:
    """Whether one of these columns does."""
    return any(name in names for name, _ in histories(row))


def take_turns(session: Session, what: str) -> None:
    """From here to the end of the transaction nobody else does `what`. On SQLite nobody else writes at all: to begin is to wait for one's turn.

    Whoever has it need not ask again: a session is one transaction.
    """
    connection, taken = session.connection(), session.info.setdefault('turns', set())
    if connection.dialect.name == 'postgresql' and what not in taken:
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(what))))
        taken.add(what)


def now() -> datetime:
    """The present moment in UTC; verbs take it as an argument and only the doors call this."""
    return datetime.now(UTC)
