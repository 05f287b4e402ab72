"""The log of access: who signed in, looked at, searched for or took which personal data, when, and whether he was let.

The law asks for it (regulation 10 of the data security regulations of 2017). It is only ever added to, and kept for two years.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Index, Select, SQLColumnExpression, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey
from db.offices import User
from db.scope import Actor, Books, Can, Evidence, open_books
from db.texts import N_

# twenty-four months by the law, and a few days that nobody can argue about
KEPT = timedelta(days=740)
# the log is looked through once a month
REVIEWED_EVERY = timedelta(days=30)
SIGN_IN, CLAIM, LIST, SEARCH, LINK, EXPORT, REVIEW = 'sign_in', 'claim', 'list', 'search', 'link', 'export', 'review'
LOOK, LOOK_OVER = 'look', 'look.over'
PAGE, FILE, DOCUMENT, NUMBER = 'page', 'document', 'document.', 'number'

# what was done → its words
WHAT: Mapping[str, str] = MappingProxyType(
    {
        SIGN_IN: N_('Sign-in'),
        CLAIM: N_('Opened a claim'),
        NUMBER: N_('Had an ID number shown'),
        LIST: N_('Opened a list'),
        SEARCH: N_('Searched'),
        'document.previewed': N_('Looked at a document'),
        'document.downloaded': N_('Downloaded a document'),
        'document.original': N_('Downloaded the original of a document'),
        'document.packed': N_('Downloaded a document in a ZIP'),
        'document.submitted': N_('Downloaded a document in a submission pack'),
        FILE: N_('Downloaded a file'),
        EXPORT: N_('Export to Excel'),
        PAGE: N_('Opened a page'),
        LINK: N_('Opened a link'),
        LOOK: N_('Began to look as an agent'),
        LOOK_OVER: N_('Stopped looking as an agent'),
        REVIEW: N_('Looked through the log'),
    }
)
# how much of a text is kept: the number is in an index, which takes no long ones
LONGEST: Mapping[str, int] = MappingProxyType({'by': 200, 'as_name': 200, 'address': 80, 'claim_no': 80, 'told': 1000})


class Access(Books, Evidence, Base):
    """Somebody came, looked or took. `user_id` is None for whoever has no account or could not be told; `by` is the name he had."""

    __tablename__ = 'accesses'
    __table_args__ = (
        Index('ix_accesses_user', 'user_id', 'id'),
        Index('ix_accesses_claim', 'claim_no', 'id'),
        Index('ix_accesses_what', 'what', 'id'),
        Index('ix_accesses_at', 'at'),
        Index('ix_accesses_granted', 'granted', 'id'),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    by: Mapped[str] = mapped_column(default='')
    # as whom somebody of the bureau looked meanwhile
    as_user_id: Mapped[int | None]
    as_name: Mapped[str] = mapped_column(default='')
    # the network address, where it was known
    address: Mapped[str] = mapped_column(default='')
    what: Mapped[str]
    claim_no: Mapped[str] = mapped_column(default='')
    # what of it: the words of a search, the filters of a list, the name of a document
    told: Mapped[str] = mapped_column(default='')
    granted: Mapped[bool] = mapped_column(default=True)

    @validates(*LONGEST)
    def _written(self, name: str, written: str) -> str:
        return values.visible(written)[: LONGEST[name]]


# few lines have it
_AS_SOMEBODY = Access.as_user_id.is_not(None)
Index(
    'ix_accesses_as_user',
    Access.as_user_id,
    Access.id,
    sqlite_where=_AS_SOMEBODY,
    postgresql_where=_AS_SOMEBODY,
)


@dataclass(frozen=True)
class Asked:
    """Which accesses are looked for; nothing said is everything. `before`: older than this one."""

    user_id: int | None = None
    as_user_id: int | None = None
    name: str = ''
    what: str = ''
    claim_no: str = ''
    only_refused: bool = False
    before: int = 0

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row must fulfil."""
        found: list[ColumnElement[bool]] = []
        if self.user_id is not None:
            # whatever number somebody typed: PostgreSQL refuses one that is too large for the column
            found.append(Access.user_id == literal(self.user_id, BigInteger))
        if self.as_user_id is not None:
            found.append(Access.as_user_id == literal(self.as_user_id, BigInteger))
        if self.name:
            found.append(Access.by.icontains(values.visible(self.name), autoescape=True))
        if self.what:
            found.append(Access.what == self.what)
        if self.claim_no:
            found.append(Access.claim_no == values.visible(self.claim_no))
        if self.only_refused:
            found.append(Access.granted.is_(False))
        if self.before:
            found.append(Access.id < self.before)
        return found


def access_of(actor: Actor, what: str, at: datetime, *, claim_no: str = '', told: str = '') -> Access:
    """What somebody did, to be added where it is done."""
    return Access(at=at, **signed(actor), what=what, claim_no=claim_no, told=told)


def signed(actor: Actor) -> dict[str, Any]:
    """Who it was: whoever really sits there, and as whom he looked."""
    who, shown = actor.really, actor if actor.only_looks else None
    return {
        'user_id': who.user_id,
        'by': who.name,
        'as_user_id': shown.user_id if shown else None,
        'as_name': shown.name if shown else '',
    }


# ---- questions --------------------------------------------------------------------------------------------------------------


def accesses(session: Session, asked: Asked, limit: int) -> list[Access]:
    """The log, newest first; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        newest = select(Access).where(*asked.conditions()).order_by(Access.id.desc()).limit(limit)
        return list(session.scalars(newest))


def last_review(session: Session) -> Access | None:
    """Who looked through the log last; for admins."""
    return next(iter(accesses(session, Asked(what=REVIEW), 1)), None)


def review_is_due(session: Session, now: datetime) -> bool:
    """Whether the log waits for its monthly look: the last one, or the beginning of a log nobody looked through, is a month ago."""
    last = last_review(session)
    if last is None:
        with open_books(session):
            last = session.scalar(select(Access).order_by(Access.id).limit(1))
    return last is not None and now - last.at > REVIEWED_EVERY


def own_sign_ins(session: Session, limit: int = 10) -> list[Access]:
    """The acting person's last sign-ins, with the failed tries at his account."""
    return _own(session, Access.user_id, SIGN_IN, limit)


def own_looks(session: Session, limit: int = 10) -> list[Access]:
    """When somebody of the bureau last looked at the portal as the acting person."""
    return _own(session, Access.as_user_id, LOOK, limit)


def _own(session: Session, whose: SQLColumnExpression[int | None], what: str, limit: int) -> list[Access]:
    user_id = session.info['actor'].user_id
    if user_id is None:
        return []
    mine: Select[Access] = select(Access).where(whose == user_id, Access.what == what)
    if what == LOOK:
        mine = mine.where(Access.granted.is_(True))
    with open_books(session):
        return list(session.scalars(mine.order_by(Access.id.desc()).limit(limit)))


# ---- orders -----------------------------------------------------------------------------------------------------------------


def review_accesses(session: Session, now: datetime) -> None:
    """Sign that one has looked through the log, as is asked for once a month."""
    actor: Actor = session.info['actor']
    actor.need(Can.ADMINISTER)
    with open_books(session):
        session.add(access_of(actor, REVIEW, now))


def keep_accesses(session: Session, seen: Iterable[Mapping[str, object]]) -> None:
    """Write down accesses in the order in which they happened, each by the values of its columns; names that are missing are looked up."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    rows = [Access(**one) for one in seen]
    nameless = {row.user_id for row in rows if not row.by} | {row.as_user_id for row in rows if not row.as_name}
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_(nameless - {None}))).all())
    for row in rows:
        row.by = row.by or names.get(row.user_id or 0, '')
        row.as_name = row.as_name or names.get(row.as_user_id or 0, '')
    session.add_all(rows)
