"""What documents a claim needs: the matrix, what a claim needs other than it says, and the checklist of what came and what is missing.

A claim's `documents` axis and its two counts follow by themselves, in the transaction that changed something. Only a change of
the matrix itself does not go round all claims: whoever edits a `DocumentRequirement` calls `jobs.recount.recount_documents` then.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, event, select
from sqlalchemy.orm import Session

from db.base import has_changed
from db.claims import SENT_BACK, Claim, change_status, limit_of, lock_claim
from db.documents import (
    BUREAU_ASKS,
    FLAGS,
    FREE_TYPE,
    INSURER_ASKS,
    INSURER_REPEATS,
    Document,
    DocumentNeed,
    DocumentRequirement,
    Slot,
    check_type,
    current,
)
from db.reference import DocumentType
from db.scope import Can
from db.texts import N_, ClaimError

# what an item of the checklist can be; a document itself is received, accepted or rejected
STATES = {
    'required': N_('Required'),
    'received': N_('Received, waiting to be checked'),
    'accepted': N_('In order'),
    'rejected': N_('Rejected'),
    'not_required': N_('Not required'),
}
SUPPLIED_BY_OFFICE = frozenset({'insured', 'agent'})


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChecklistItem:
    """A line of the checklist: a type (or something asked for by name), whether it is needed, and what came.

    `asked`: by the insurer, who sent the claim back to be completed.
    """

    type: DocumentType
    label: str
    need_id: int | None
    required: bool
    blocking: bool
    waived: bool
    state: str
    reason: str
    documents: tuple[Document, ...]
    asked: bool = False

    @property
    def missing(self) -> bool:
        """Whether somebody still has to send it."""
        return self.required and self.state in ('required', 'rejected')

    @property
    def from_office(self) -> bool:
        """Whether it is the office, or its client, who supplies it: «what we need from you»."""
        return not SUPPLIED_BY_OFFICE.isdisjoint(self.type.suppliers)

    def label_in(self, language: str) -> str:
        """What it is called."""
        return self.label or self.type.label_in(language)


def checklist(session: Session, claim: Claim) -> list[ChecklistItem]:
    """What a claim needs and what came, in the order of the types; also what came without being needed."""
    documents = session.scalars(select(Document).where(Document.claim_id == claim.id).order_by(Document.id.desc()))
    needs = session.scalars(select(DocumentNeed).where(DocumentNeed.claim_id == claim.id).order_by(DocumentNeed.id))
    return _matrix_of(session).checklist(claim, list(documents), list(needs))


def asked_of_insured(items: Iterable[ChecklistItem]) -> list[ChecklistItem]:
    """The lines of a checklist that the insured supplies, whatever came already."""
    return [item for item in items if item.required and 'insured' in item.type.suppliers]


def slot_of_insured(session: Session, claim_id: int, kind: str, need_id: int | None) -> Slot:
    """Where a file goes that the insured sends by his link: only what is asked of him has a place."""
    claim = session.get_one(Claim, claim_id)
    if (kind, need_id) not in {(item.type.id, item.need_id) for item in asked_of_insured(checklist(session, claim))}:
        raise ClaimError(N_('This document is not asked for any more. Please load the page again.'))
    return Slot(kind, need_id=need_id)


def sent_by_link(claim_id: int, name: str) -> Select[Document]:
    """What somebody without an account, who comes by a link under this name, has sent to a claim, oldest first."""
    sent = select(Document).where(Document.claim_id == claim_id, Document.uploaded_by.is_(None), Document.by == name)
    return sent.where(Document.deleted_at.is_(None)).order_by(Document.id)


def standing_of(session: Session, claim: Claim) -> tuple[int, int]:
    """How many documents a claim requires and how many of them are missing, also while nobody has checked it."""
    if claim.documents != 'unchecked':
        return claim.required_documents, claim.missing_documents
    items = checklist(session, claim)
    return sum(item.required for item in items), missing_count(items)


def missing_count(items: Iterable[ChecklistItem]) -> int:
    """How many lines of a checklist still wait for a document."""
    return sum(item.missing for item in items)


def axis_of(items: Sequence[ChecklistItem]) -> str:
    """What the checklist says of the claim as a whole: a value of `claims.DOCUMENTS`."""
    missing = [item for item in items if item.missing]
    if any(item.blocking for item in missing):
        return 'missing_blocking'
    return 'missing' if missing else 'complete'


@dataclass(frozen=True)
class Askable:
    """A kind of document that an insurer may ask for: whether the claim needs it already, and whether he was heard to ask."""

    type: DocumentType
    required: bool
    asked: bool
    state: str


def askable(session: Session, claim_id: int) -> list[Askable]:
    """What may be ticked when an insurer sends a claim back, in the order of the types: all but what comes from the insurer itself."""
    session.info['actor'].need(Can.EDIT_CLAIM)
    claim = session.get_one(Claim, claim_id)
    items: defaultdict[str, list[ChecklistItem]] = defaultdict(list)
    for item in checklist(session, claim):
        items[item.type.id].append(item)
    return [
        Askable(
            kind,
            any(item.required for item in items[kind.id]),
            any(item.asked for item in items[kind.id]),
            next((item.state for item in items[kind.id] if item.required), ''),
        )
        for kind in _matrix_of(session).types.values()
        if kind.active and kind.id != FREE_TYPE and list(kind.suppliers) != ['tp_insurer']
    ]


@dataclass(frozen=True)
class Matrix:
    """Types and lines, as they stand in the database."""

    types: Mapping[str, DocumentType]
    lines: Sequence[DocumentRequirement]

    @classmethod
    def read(cls, session: Session) -> 'Matrix':
        """All of it."""
        types = session.scalars(select(DocumentType).order_by(DocumentType.position))
        return cls({row.id: row for row in types}, list(session.scalars(select(DocumentRequirement))))

    def checklist(
        self, claim: Claim, documents: Sequence[Document], needs: Sequence[DocumentNeed] = ()
    ) -> list[ChecklistItem]:
        """What a claim needs, given everything that came and was asked for."""
        came: defaultdict[tuple[str, int | None], list[Document]] = defaultdict(list)
        for document in current(documents):
            came[document.type, document.need_id].append(document)
        standing = [need for need in needs if need.withdrawn_at is None]
        waived = {need.type: need for need in standing if need.waived}
        asked = [need for need in standing if not need.waived]
        items = []
        for kind in self.types.values():
            line = self._line(kind, claim)
            by_type = came.pop((kind.id, None), [])
            here = [need for need in asked if need.type == kind.id]
            if line is not None and line.required:  # what is asked for in a claim may be what the matrix wants anyway
                same = [need for need in here if not need.label]
                here = [need for need in here if need.label]
                by_type += [document for need in same if need.id for document in came.pop((kind.id, need.id), [])]
                items.append(_item(kind, line, waived.get(kind.id), by_type, same))
            elif line is not None or by_type or kind.id in waived:
                items.append(_item(kind, line, waived.get(kind.id), by_type))
            items += [_asked(kind, need, came.pop((kind.id, need.id), []) if need.id else []) for need in here]
            # came for something that is asked for no more, or was filed under another type since
            loose = [key for key in came if key[0] == kind.id]
            items += [_item(kind, None, None, came.pop(key)) for key in loose]
        return items

    def wants(self, kind: str, claim: Claim) -> bool:
        """Whether such a claim needs a document of this type by the matrix alone."""
        line = self._line(self.types[kind], claim)
        return line is not None and line.required

    def _line(self, kind: DocumentType, claim: Claim) -> DocumentRequirement | None:
        fitting = (line for line in self.lines if line.type == kind.id and line.fits(claim))
        return max(fitting, key=lambda line: line.weight, default=None)


def _item(
    kind: DocumentType,
    line: DocumentRequirement | None,
    waiver: DocumentNeed | None,
    came: Sequence[Document],
    same: Sequence[DocumentNeed] = (),
) -> ChecklistItem:
    required = line is not None and line.required and waiver is None
    state, reason = _state(came)
    if waiver is not None and not came:
        state, reason = 'not_required', waiver.reason
    elif not required and not came:
        state = 'not_required'
    blocking = required and line is not None and (line.blocking or any(need.blocking for need in same))
    asked = any(need.source for need in same)
    return ChecklistItem(kind, '', None, required, blocking, waiver is not None, state, reason, tuple(came), asked)


def _asked(kind: DocumentType, need: DocumentNeed, came: Sequence[Document]) -> ChecklistItem:
    state, reason = _state(came)
    came, asked = tuple(came), bool(need.source)
    return ChecklistItem(kind, need.label, need.id, True, need.blocking, False, state, reason, came, asked)


def _state(came: Sequence[Document]) -> tuple[str, str]:
    """One good document is enough; one that waits to be checked hides one that was rejected."""
    states = {document.state for document in came}
    for state in ('accepted', 'received'):
        if state in states:
            return state, ''
    return ('rejected', came[0].reject_reason) if came else ('required', '')


def _matrix_of(session: Session) -> Matrix:
    """The matrix, read once for a transaction: imports ask for thousands of claims."""
    touched = [*session.new, *session.dirty, *session.deleted]
    if 'matrix' not in session.info or any(isinstance(row, DocumentType | DocumentRequirement) for row in touched):
        session.info['matrix'] = Matrix.read(session)
    kept: Matrix = session.info['matrix']
    return kept


# ---- orders -----------------------------------------------------------------------------------------------------------------


def waive(session: Session, claim_id: int, kind: str, reason: str, now: datetime) -> None:
    """This claim does not need a document of this type, whatever the matrix says."""
    claim = _claim_to_check(session, claim_id)
    check_type(session, kind)
    if not _waivers(session, claim_id, kind):
        session.add(_need(session, claim, kind, now, waived=True, reason=reason))


def require(session: Session, claim_id: int, kind: str, now: datetime, *, blocking: bool = False) -> None:
    """This claim does need a document of this type: takes a waiver back, or asks for it beside the matrix."""
    claim = _claim_to_check(session, claim_id)
    check_type(session, kind)
    waivers = _waivers(session, claim_id, kind)
    for waiver in waivers:
        waiver.withdrawn_at = now
    if not waivers and not any(item.type.id == kind and item.required for item in checklist(session, claim)):
        session.add(_need(session, claim, kind, now, blocking=blocking))


def ask_for(session: Session, claim_id: int, label: str, now: datetime, *, blocking: bool = False) -> DocumentNeed:
    """Ask for a document no type stands for, by a name of its own: what an insurer wants in this one case. Asked twice, it is one."""
    claim = _claim_to_check(session, claim_id)
    need = _need(session, claim, FREE_TYPE, now, label=label, blocking=blocking)
    if not need.label:
        raise ClaimError(N_('Please write what is needed.'))
    came = select(Document.need_id).where(Document.claim_id == claim_id, Document.need_id.is_not(None))
    asked = select(DocumentNeed).where(DocumentNeed.claim_id == claim_id, DocumentNeed.type == FREE_TYPE)
    standing = asked.where(DocumentNeed.label == need.label, DocumentNeed.withdrawn_at.is_(None), ~DocumentNeed.waived)
    if known := session.scalars(standing.where(DocumentNeed.id.not_in(came))).first():
        return known
    session.add(need)
    session.flush()
    return need


def send_back(
    session: Session, claim_id: int, seen: str, asked: Collection[str], now: datetime, *, reason: str = ''
) -> Claim:
    """The insurer sent a claim back to be completed, and asked for documents of these kinds; without another reason they are it.

    What the claim did not need so far it needs from here on, also what was waived.
    """
    claim = _claim_to_check(session, claim_id)
    kinds = [kind for kind in askable(session, claim_id) if kind.type.id in asked]
    if len(kinds) < len(set(asked)):
        raise ClaimError(N_('Please choose the kind of document from the list.'))
    if not reason.strip() and claim.status != SENT_BACK:
        reason = ', '.join(kind.type.label for kind in kinds)[: limit_of('status_reason')]
    claim = change_status(session, claim_id, SENT_BACK, reason, seen, now)
    for kind in kinds:
        if not kind.asked:
            _note_asked(session, claim, kind.type.id, now)
    return claim


def _note_asked(session: Session, claim: Claim, kind: str, now: datetime) -> None:
    source = INSURER_REPEATS if _matrix_of(session).wants(kind, claim) else INSURER_ASKS
    for waiver in _waivers(session, claim.id, kind):
        waiver.withdrawn_at = now
    standing = select(DocumentNeed).where(DocumentNeed.claim_id == claim.id, DocumentNeed.type == kind)
    standing = standing.where(DocumentNeed.withdrawn_at.is_(None), ~DocumentNeed.waived, DocumentNeed.label == '')
    if known := session.scalars(standing.limit(1)).first():
        known.source = source
    else:
        session.add(_need(session, claim, kind, now, source=source))


def withdraw(session: Session, claim_id: int, need_id: int, now: datetime) -> None:
    """What was asked for beside the matrix is not needed after all."""
    _claim_to_check(session, claim_id)
    need = session.get(DocumentNeed, need_id)
    if need is None or need.claim_id != claim_id:
        raise ClaimError(N_('This request was not found.'))
    need.withdrawn_at = need.withdrawn_at or now


def recheck(session: Session, claim_id: int) -> Claim:
    """Count a claim's documents anew: for a claim nobody has checked yet."""
    claim = _claim_to_check(session, claim_id)
    _recount(session, claim)
    return claim


def recheck_next(session: Session, after: int, limit: int) -> list[int]:
    """Count the next open claims after this id anew, those that were counted before; returns their ids.

    For after a change of the matrix: `jobs.recount` goes through all of them so, a transaction for each handful.
    """
    session.info['actor'].need(Can.EDIT_CLAIM)
    counted = select(Claim.id).where(Claim.id > after, Claim.is_open, Claim.documents != 'unchecked')
    ids = list(session.scalars(counted.order_by(Claim.id).limit(limit)))
    for claim_id in ids:
        _recount(session, lock_claim(session, claim_id))
    return ids


def _claim_to_check(session: Session, claim_id: int) -> Claim:
    session.info['actor'].need(Can.EDIT_CLAIM)
    return lock_claim(session, claim_id)


def _waivers(session: Session, claim_id: int, kind: str) -> list[DocumentNeed]:
    standing = select(DocumentNeed).where(DocumentNeed.claim_id == claim_id, DocumentNeed.type == kind)
    return list(session.scalars(standing.where(DocumentNeed.waived, DocumentNeed.withdrawn_at.is_(None))))


def _need(session: Session, claim: Claim, kind: str, now: datetime, **given: Any) -> DocumentNeed:
    by = session.info['actor'].name
    # counted before the flush gives defaults
    given = {'waived': False, 'blocking': False, 'label': '', 'source': BUREAU_ASKS, **given}
    return DocumentNeed(claim_id=claim.id, office_id=claim.office_id, type=kind, at=now, by=by, **given)


# ---- the session's part -----------------------------------------------------------------------------------------------------

_DECIDES = {
    Claim: frozenset({'track', 'tp_insurer', *FLAGS}),
    Document: frozenset({'type', 'need_id', 'state', 'deleted_at', 'reject_reason'}),
    DocumentNeed: frozenset({'withdrawn_at', 'waived', 'blocking', 'label'}),
}


def count_documents(session: Session, *_: Any) -> None:
    """Before a flush: bring the axis and the counts of every claim whose documents, needs or deciding fields change up to date."""
    if session.info['reading']:
        return
    claims: dict[int, Claim] = {}
    for row in [*session.new, *session.dirty]:
        if isinstance(row, Claim):
            if (
                _opened_by_a_person(session, row)
                if row in session.new
                else row.documents != 'unchecked' and _decides(row)
            ):
                claims[id(row)] = row
        elif isinstance(row, Document | DocumentNeed) and (row in session.new or _decides(row)):
            claim = session.get_one(Claim, row.claim_id)
            claims[id(claim)] = claim
    for claim in claims.values():
        _recount(session, claim)


def _opened_by_a_person(session: Session, claim: Claim) -> bool:
    """What an import or a feed opens has its documents elsewhere: it stays unchecked until somebody checks."""
    return session.info['actor'].user_id is not None and claim.documents in (None, 'unchecked')


def _decides(row: Claim | Document | DocumentNeed) -> bool:
    return has_changed(row, *_DECIDES[type(row)])


def _recount(session: Session, claim: Claim) -> None:
    added = [row for row in session.new if isinstance(row, Document | DocumentNeed) and row.claim_id == claim.id]
    documents = [row for row in added if isinstance(row, Document)]
    needs = [row for row in added if isinstance(row, DocumentNeed)]
    if claim.id is not None:
        documents += session.scalars(select(Document).where(Document.claim_id == claim.id))
        needs += session.scalars(select(DocumentNeed).where(DocumentNeed.claim_id == claim.id))
    count(claim, _matrix_of(session).checklist(claim, documents, needs))


def count(claim: Claim, items: Sequence[ChecklistItem]) -> None:
    """Let a claim say what its checklist says."""
    claim.documents = axis_of(items)
    claim.required_documents = sum(item.required for item in items)
    claim.missing_documents = missing_count(items)


def listen_to(session_class: type[Session]) -> None:
    """Attach the count to a session class, before the record; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', count_documents)
