"""What the bureau said a word of its workbooks means: a status, a stage, an insurer or an office that goes by another name there."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.base import Base, take_turns
from db.offices import AgentOffice
from db.reference import reference
from db.scope import Actor, Can, ForBureau
from db.texts import N_, ClaimError

STATUS, STAGE, INSURER, OFFICE = 'status', 'stage', 'insurer', 'office'
WORD_AT_MOST = 200


class ImportWord(ForBureau, Base):
    """A word of a workbook and the id of what it means. All staff share it; the last word stands."""

    __tablename__ = 'import_words'
    writable_with: ClassVar[Can] = Can.IMPORT

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    word: Mapped[str]
    meaning: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]


# ---- questions --------------------------------------------------------------------------------------------------------------


def words_taught() -> Select[ImportWord]:
    """Everything the bureau said so far, the oldest first."""
    return select(ImportWord).order_by(ImportWord.at, ImportWord.kind, ImportWord.key)


def meanings(session: Session, kind: str, reader: str) -> dict[str, str]:
    """What a word of this kind may mean: id → how people call it; what is out of use is not offered."""
    known = reference(session)
    if kind == STATUS:
        return {row.id: row.label_in(reader) for row in known.statuses.values() if row.active}
    if kind == STAGE:
        return {row.id: row.label_in(reader) for row in known.stages.values() if row.active}
    if kind == INSURER:
        return {str(row.id): row.name for row in known.insurers.values() if row.active}
    offices = session.scalars(select(AgentOffice).where(AgentOffice.active).order_by(AgentOffice.name))
    return {str(row.id): row.name for row in offices}


# ---- orders -----------------------------------------------------------------------------------------------------------------


def teach(session: Session, kind: str, word: str, meaning: str, now: datetime) -> None:
    """From now on a word of workbooks means this."""
    actor: Actor = session.info['actor']
    actor.need(Can.IMPORT)
    kept, key = values.text(word, limit=WORD_AT_MOST), values.search_key(word)
    if kind not in (STATUS, STAGE, INSURER, OFFICE) or not key or meaning not in meanings(session, kind, 'he'):
        raise ClaimError(N_('Please choose a value from the list.'))
    take_turns(session, f'word {kind} {key}')
    taught = session.get(ImportWord, (kind, key))
    if taught is None:
        taught = ImportWord(kind=kind, key=key)
        session.add(taught)
    taught.word, taught.meaning, taught.at, taught.by = kept, meaning, now, actor.name
