"""Which column of a workbook is which field of a claim, as the bureau once said; remembered by the set of headings."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.base import Base, take_turns
from db.scope import Actor, Can, ForBureau


class ImportMapping(ForBureau, Base):
    """For one set of headings: heading → field, '' where the column is not read. All staff share it; the last word stands."""

    __tablename__ = 'import_mappings'
    writable_with: ClassVar[Can] = Can.IMPORT

    key: Mapped[str] = mapped_column(primary_key=True)
    columns: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    by: Mapped[str]


def heading_key(heading: str) -> str:
    """A heading as it is compared: no quotes, dashes, capitals or invisible marks."""
    return values.search_key(heading)


def _set_key(headings: Iterable[str]) -> str:
    keys = sorted({heading_key(heading) for heading in headings} - {''})
    return hashlib.sha256('\n'.join(keys).encode()).hexdigest()


# ---- questions --------------------------------------------------------------------------------------------------------------


def mapping_for(headings: Iterable[str]) -> Select[ImportMapping]:
    """What the bureau said of a workbook with exactly these headings, in whatever order."""
    return select(ImportMapping).where(ImportMapping.key == _set_key(headings))


# ---- orders -----------------------------------------------------------------------------------------------------------------


def remember_mapping(session: Session, columns: Mapping[str, str], now: datetime) -> None:
    """Remember heading → field for the next workbook with these headings."""
    actor: Actor = session.info['actor']
    actor.need(Can.IMPORT)
    key = _set_key(columns)
    take_turns(session, f'mapping {key}')
    kept = session.get(ImportMapping, key)
    if kept is None:
        kept = ImportMapping(key=key, columns={}, at=now, by=actor.name)
        session.add(kept)
    kept.columns = {heading_key(heading): field for heading, field in columns.items()}
    kept.at, kept.by = now, actor.name
