"""The record of the bureau's own house: who changed which person, office or piece of reference data, field by field.

Written by the session itself, like the record of claims; read by admins only; a secret never stands in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import FetchedValue, Index, Select, event, inspect, select, tuple_
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from db.base import Base, BigKey, now
from db.changes import edited, plain
from db.doorbell import Notice, ring_for
from db.offices import OWN_CHOICES, AgentOffice, User
from db.scope import Can, Evidence, ForAdmins

ADDED, CHANGED, REMOVED = 'added', 'changed', 'removed'
# things done to an account, which are in no column of the person's row
LINK_MADE, PASSWORD_DEMANDED, SESSIONS_ENDED = 'link_made', 'password_demanded', 'sessions_ended'
TWO_FACTOR_ON, TWO_FACTOR_OFF, TWO_FACTOR_RESET = 'two_factor_on', 'two_factor_off', 'two_factor_reset'
CODES_RENEWED = 'codes_renewed'
KEY_MADE, KEY_REVOKED = 'key_made', 'key_revoked'
_LATE_AT_MOST = 20


class AdminChange(ForAdmins, Evidence, Base):
    """Who did what to which row of which table: fields before and after, and what the row was called then."""

    __tablename__ = 'admin_changes'
    __table_args__ = (
        Index('ix_admin_changes_row', 'table_name', 'row_key', 'id'),
        Index('ix_admin_changes_xid', 'xid', 'id'),
    )
    # whoever writes one does not ask for its `xid`
    __mapper_args__ = {'eager_defaults': False}  # noqa: RUF012 - SQLAlchemy reads it while it builds the class

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # PostgreSQL only: the transaction that wrote it, so that nobody reads past one still under way
    xid: Mapped[int | None] = mapped_column(BigKey, server_default=FetchedValue())
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    by: Mapped[str]
    kind: Mapped[str]
    table_name: Mapped[str]
    row_key: Mapped[str]
    label: Mapped[str]
    fields: Mapped[dict[str, Any]]


def is_recorded(model: type[Base]) -> bool:
    """Whether edits of this model stand in the record: reference data, offices and people; not what the product measures itself."""
    is_reference = (
        getattr(model, '__shared_by_all__', False) and getattr(model, 'writable_with', None) != Can.KEEP_BOOKS
    )
    return model in (AgentOffice, User) or is_reference


def key_of(row: Base) -> str:
    """A row's key as the record keeps it."""
    return ':'.join(map(str, inspect(row).mapper.primary_key_from_instance(row)))


# ---- questions --------------------------------------------------------------------------------------------------------------


def admin_history(tables: Iterable[str] = (), key: str | None = None, before: int = 0) -> Select[AdminChange]:
    """What was done to these tables (to one row of them), or to everything; newest first, from the one `before` on."""
    found = select(AdminChange).order_by(AdminChange.id.desc())
    if before:
        found = found.where(AdminChange.id < before)
    if tables:
        found = found.where(AdminChange.table_name.in_(tables))
    return found if key is None else found.where(AdminChange.row_key == key)


def removals_of(rows: Iterable[tuple[str, str]]) -> Select[AdminChange]:
    """How rows (each by its table and its key) were taken away; where one was there twice, the last time comes last."""
    which = tuple_(AdminChange.table_name, AdminChange.row_key).in_(list(rows))
    return select(AdminChange).where(AdminChange.kind == REMOVED, which).order_by(AdminChange.id)


def last_change_of(session: Session, row: Base, name: str) -> AdminChange | None:
    """The last line that tells of a field of a row, as far back as one may still be late for it."""
    lines = session.scalars(admin_history([row.__tablename__], key_of(row)).limit(_LATE_AT_MOST))
    return next((line for line in lines if name in line.fields), None)


# ---- the session's part -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Planned:
    row: Base
    kind: str
    fields: Mapping[str, Any]


def note(session: Session, row: Base, kind: str, **fields: list[str | None]) -> None:
    """Have the session record that something was done to a person's account; `fields` say to what of it, before and after."""
    session.info.setdefault('house_planned', []).append(_Planned(row, kind, fields))


def written_now(session: Session) -> list[AdminChange]:
    """What this transaction has recorded itself."""
    written: list[AdminChange] = session.info.get('house_written', [])
    return written


def record(session: Session) -> None:
    """Before a flush: note what comes, changes and goes."""
    planned: list[_Planned] = session.info.setdefault('house_planned', [])
    planned += [_Planned(row, ADDED, {name: [None, value] for name, value in _held(row)}) for row in _ours(session.new)]
    changed = [(row, edited(row, OWN_CHOICES)) for row in _ours(session.dirty)]
    planned += [_Planned(row, CHANGED, fields) for row, fields in changed if fields]
    planned += [
        _Planned(row, REMOVED, {name: [value, None] for name, value in _held(row)}) for row in _ours(session.deleted)
    ]


def _ours(rows: Iterable[Any]) -> list[Any]:
    return [row for row in rows if is_recorded(type(row))]


def _held(row: Base) -> list[tuple[str, Any]]:
    names = [attribute.key for attribute in inspect(type(row)).column_attrs if attribute.key not in OWN_CHOICES]
    return [(name, plain(value)) for name in names if (value := getattr(row, name)) not in (None, '', [])]


def write_planned(session: Session, _: UOWTransaction) -> None:
    """After a flush, when new rows have their keys: add the record, and ring for what people now call things."""
    actor = session.info['actor']
    for item in session.info.pop('house_planned', []):
        row = item.row
        written = AdminChange(
            at=session.info.get('moment') or now(),
            user_id=actor.user_id,
            by=actor.name,
            kind=item.kind,
            table_name=row.__tablename__,
            row_key=key_of(row),
            label=str(getattr(row, 'label', None) or getattr(row, 'name', None) or ''),
            fields=dict(item.fields),
        )
        session.add(written)
        session.info.setdefault('house_written', []).append(written)
        ring_for(session, {Notice('words')})
        if isinstance(row, AgentOffice):  # closed, or its agents see less: their open pages must know at once
            ring_for(session, {Notice('access', row.id)})


def forget(session: Session, *_: Any) -> None:
    """After the transaction."""
    session.info.pop('house_planned', None)
    session.info.pop('house_written', None)


def listen_to(session_class: type[Session]) -> None:
    """Attach the record to a session class; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', lambda session, context, rows: record(session))
    event.listen(session_class, 'after_flush', write_planned)
    event.listen(session_class, 'after_commit', forget)
    event.listen(session_class, 'after_soft_rollback', forget)
