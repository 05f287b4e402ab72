"""The matrix learns: what an insurer keeps asking for in claims it sent back is proposed as a line of the matrix, and an admin decides.

Asked for in `ENOUGH` claims of an insurer and a track, and wanted by no line, a document is proposed; declined, again after as many more.
A page asks `counted` and `proposals`; it orders `approve`, `decline`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session

from db.admin_rows import save_row, written
from db.admin_tables import TABLES
from db.base import take_turns
from db.claims import Claim
from db.documents import FLAGS, FREE_TYPE, INSURER_ASKS, DeclinedRequirement, DocumentNeed, DocumentRequirement
from db.reference import UNKNOWN_INSURER, Insurer
from db.requirements import Matrix
from db.scope import Can
from db.texts import N_, ClaimError

ENOUGH = 3
MOST, CLAIMS_NAMED = 20, 5
# a claim of which nobody has said how it goes on speaks for all of them
UNDECIDED = 'undecided'
# the flag that an insurer's wish may hang on: who keeps books can show what an accountant signs
BUSINESS = 'business_owner'
# as the index of them says it: a value that comes apart from the question finds no index that holds a part of the rows
_TAUGHT = (
    DocumentNeed.source == literal(INSURER_ASKS, literal_execute=True),
    DocumentNeed.withdrawn_at.is_(None),
)


@dataclass(frozen=True)
class Proposal:
    """A line the matrix may take: the document, the insurer, the track of the claims, and the flag when all of them have it."""

    type: str
    track: str
    insurer: int
    flag: str | None
    claims: int
    # the numbers of the newest ones
    named: Sequence[str] = ()

    @property
    def key(self) -> str:
        """By what a page calls it."""
        return _key(self)

    @property
    def wanted(self) -> Mapping[str, str]:
        """The line as a form of the matrix would send it."""
        return {
            'type': self.type,
            'track': '' if self.track == UNDECIDED else self.track,
            'insurer': str(self.insurer),
            'flag': self.flag or '',
            'flag_value': 'yes',
            'required': 'yes',
        }

    def is_said_by(self, line: DocumentRequirement) -> bool:
        """Whether a line of the matrix speaks of exactly this case, whatever it says."""
        spoken = (line.type, line.track or '', line.insurer, line.flag, line.flag is None or line.flag_value)
        return spoken == (self.type, self.wanted['track'], self.insurer, self.flag, True)

    def is_wanted_by(self, matrix: Matrix) -> bool:
        """Whether the matrix wants the document there already."""
        flags: dict[str, Any] = {**dict.fromkeys(FLAGS), **({self.flag: True} if self.flag else {})}
        claim = SimpleNamespace(track=self.track, tp_insurer=self.insurer, **flags)
        said = any(self.is_said_by(line) and line.required for line in matrix.lines)
        return said or matrix.wants(self.type, cast(Claim, claim))


# (insurer, track, document, in how many claims, how many of them are of businesses): what no edit of the matrix changes
Counted = Sequence[tuple[int, str, str, int, int]]


def _key(of: Proposal | DeclinedRequirement) -> str:
    return f'{of.insurer}:{of.track}:{of.type}'


# ---- questions --------------------------------------------------------------------------------------------------------------


def counted(session: Session) -> Counted:
    """In how many claims insurers asked for what, where it is enough; of very many claims it takes a second."""
    session.info['actor'].need(Can.ADMINISTER)
    return [tuple(row) for row in session.execute(_asked_for())]


def proposals(session: Session, asked: Counted) -> list[Proposal]:
    """What of the `counted` an admin may decide now, the most often asked for first."""
    return [_naming(session, one) for one in islice(_open_ones(session, asked), MOST)]


def _open_ones(session: Session, asked: Counted) -> Iterator[Proposal]:
    session.info['actor'].need(Can.ADMINISTER)
    matrix, declined = Matrix.read(session), _declined(session)
    insurers = set(session.scalars(select(Insurer.id).where(Insurer.active, Insurer.code != UNKNOWN_INSURER)))
    for one in (_proposal(*row) for row in asked if row[0] in insurers and matrix.types[row[2]].active):
        known = declined[one.key].claims if one.key in declined else 0
        if one.claims >= ENOUGH + known and not one.is_wanted_by(matrix):
            yield one


def _proposal(insurer: int, track: str, kind: str, claims: int, of_businesses: int) -> Proposal:
    return Proposal(kind, track, insurer, BUSINESS if of_businesses == claims else None, claims)


def _case_of(key: str) -> Sequence[ColumnElement[bool]]:
    """That a claim and what it was asked for are those of a proposal's key; what is no key is nobody's."""
    known = _KEY.fullmatch(key)
    insurer, track, kind = known.groups() if known else ('0', '', '')
    return Claim.tp_insurer == int(insurer), Claim.track == track, DocumentNeed.type == kind


_KEY = re.compile(r'([0-9]{1,9}):([a-z_]{1,40}):([a-z0-9_]{1,60})')
_GROUPED: Sequence[Any] = (Claim.tp_insurer, Claim.track, DocumentNeed.type)


def _asked_for(*of: ColumnElement[bool]) -> Select[Any]:
    """In how many claims of an insurer and a track it asked for what the matrix did not want then, and how many are of businesses."""
    many = func.count(DocumentNeed.claim_id)  # a claim is asked for a kind once: `send_back` says so
    of_businesses = func.count(case((Claim.business_owner.is_(True), DocumentNeed.claim_id)))
    return (
        select(*_GROUPED, many, of_businesses)
        .select_from(DocumentNeed)
        .join(Claim, Claim.id == DocumentNeed.claim_id)
        .where(*_TAUGHT, DocumentNeed.type != FREE_TYPE, Claim.tp_insurer.is_not(None))
        .where(*of)
        .group_by(*_GROUPED)
        .having(many >= ENOUGH)
        .order_by(many.desc(), *_GROUPED)
    )


def _naming(session: Session, one: Proposal) -> Proposal:
    taught = select(DocumentNeed.claim_id).where(*_TAUGHT, DocumentNeed.type == one.type)
    named = select(Claim.claim_no).where(Claim.id.in_(taught), Claim.tp_insurer == one.insurer)
    named = named.where(Claim.track == one.track).order_by(Claim.id.desc()).limit(CLAIMS_NAMED)
    return replace(one, named=tuple(session.scalars(named)))


def _declined(session: Session) -> dict[str, DeclinedRequirement]:
    return {_key(row): row for row in session.scalars(select(DeclinedRequirement))}


# ---- orders -----------------------------------------------------------------------------------------------------------------


def approve(session: Session, key: str, now: datetime) -> None:
    """Take a proposal into the matrix, as if its line had been typed there."""
    proposal, table = _standing(session, key), TABLES['requirements']
    lines = session.scalars(select(DocumentRequirement).where(DocumentRequirement.insurer == proposal.insurer))
    line = next((line for line in lines if proposal.is_said_by(line)), None)
    if line is None:
        save_row(session, table, '', {}, {**proposal.wanted, 'blocking': 'no'}, now)
    else:
        seen = {column.name: written(column, getattr(line, column.name)) for column in table.columns}
        save_row(session, table, str(line.id), seen, {**seen, 'required': 'yes'}, now)


def decline(session: Session, key: str, now: datetime) -> None:
    """Leave the matrix as it is, until the insurer has asked for it in `ENOUGH` more claims."""
    proposal = _standing(session, key)
    row = _declined(session).get(key)
    if row is None:
        row = DeclinedRequirement(type=proposal.type, track=proposal.track, insurer=proposal.insurer)
        session.add(row)
    row.claims, row.at, row.by = proposal.claims, now, session.info['actor'].name


def _standing(session: Session, key: str) -> Proposal:
    """The proposal with this key, as it stands once nobody else decides."""
    session.info['actor'].need(Can.ADMINISTER)
    take_turns(session, 'proposals')
    found = next(_open_ones(session, [tuple(row) for row in session.execute(_asked_for(*_case_of(key)))]), None)
    if found is None:
        raise ClaimError(N_('This proposal is not there any more.'))
    return found
