"""The documents of a claim: what came, in which state, and who looked at it; and the rows of what is needed (`db/requirements.py`).

Screens ask `documents_of`, `trash_of`, `views_of`; they order `accept`, `reject`, `retype`, `remove`, `restore`, `keep`.
Files come in through `attach`, called by the upload route with what the inspection found.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, and_, column, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.access_log import DOCUMENT, access_of
from db.base import Base, BigKey
from db.claims import NOT_FOUND, Claim, lock_claim
from db.reference import DocumentType, RepairStage
from db.scope import (
    Actor,
    Can,
    ClaimPart,
    Event,
    Evidence,
    Internal,
    PersonSigned,
    Recorded,
    claim_key,
    open_books,
    shared_by_all,
)
from db.texts import N_, ClaimError

REJECT_REASONS = {
    'unreadable_scan': N_('Not readable'),
    'page_missing': N_('A page is missing'),
    'not_signed': N_('Not signed'),
    'not_original': N_('Not the original'),
    'another_document': N_('Another document'),
    'details_differ': N_('The details do not match the claim'),
}
GROUPS = {
    'demand': N_('Demand'),
    'appraisal': N_('Appraisal'),
    'photos': N_('Damage photos'),
    'vehicle': N_('Vehicle, driver and identity'),
    'repair': N_('Repair'),
    'money': N_('Money and confirmations'),
}
# the flags of the claim that a requirement may depend on
FLAGS = (
    *('own_policy_used', 'total_loss', 'business_owner', 'liability_disputed'),
    *('depreciation_claimed', 'towing_claimed', 'replacement_car_claimed'),
)
FREE_TYPE = 'other_required'
# who asks for a document of one claim: the bureau by itself, or the insurer; of what the matrix wanted anyway he asks once more
BUREAU_ASKS, INSURER_ASKS, INSURER_REPEATS = '', 'insurer', 'insurer_repeats'
STAGE_PHOTOS = 'repair_photos'
# quotas of one claim: far above any real one
MOST_FILES, MOST_BYTES = 300, 1_000_000_000


@shared_by_all
class DocumentRequirement(Base):
    """A line of the matrix: which document, on which track, for which insurer, under which flag; None means any.

    Of the lines that fit a claim the most particular decides: insurer before flag before track.
    """

    __tablename__ = 'document_requirements'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(ForeignKey('document_types.id'))
    track: Mapped[str | None]
    insurer: Mapped[int | None] = mapped_column('insurer_id', ForeignKey('insurers.id'))
    flag: Mapped[str | None]
    flag_value: Mapped[bool] = mapped_column(default=True)
    required: Mapped[bool] = mapped_column(default=True)
    blocking: Mapped[bool] = mapped_column(default=False)

    def fits(self, claim: Claim) -> bool:
        """Whether this line speaks of such a claim; an unanswered flag counts as no."""
        return (
            self.track in (None, claim.track)
            and self.insurer in (None, claim.tp_insurer)
            and (self.flag is None or bool(getattr(claim, self.flag)) is self.flag_value)
        )

    @property
    def weight(self) -> tuple[bool, bool, bool]:
        """How particular it is."""
        return self.insurer is not None, self.flag is not None, self.track is not None


@shared_by_all
class DeclinedRequirement(Base):
    """A line that was proposed for the matrix (`db/proposals.py`) and declined: of how many claims the insurer had asked for it then."""

    __tablename__ = 'declined_requirements'
    __table_args__ = (UniqueConstraint('type', 'track', 'insurer_id'),)
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(ForeignKey('document_types.id'))
    track: Mapped[str]
    insurer: Mapped[int] = mapped_column('insurer_id', ForeignKey('insurers.id'))
    claims: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str]


# what the matrix may learn from: the insurer asked, and the matrix did not
_TAUGHT = and_(column('source') == INSURER_ASKS, column('withdrawn_at').is_(None))


class DocumentNeed(ClaimPart, Recorded, Base):
    """What one claim needs other than the matrix says: a type waived, or asked for beside it. Withdrawn, it says nothing more.

    What the insurer asked for (`source`) is kept also where the matrix wants it anyway.
    """

    __tablename__ = 'document_needs'
    __table_args__ = (
        claim_key(),
        Index('ix_document_needs_claim', 'claim_id'),
        Index('ix_document_needs_taught', 'type', 'claim_id', sqlite_where=_TAUGHT, postgresql_where=_TAUGHT),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    type: Mapped[str] = mapped_column(ForeignKey('document_types.id'))
    waived: Mapped[bool] = mapped_column(default=False)
    blocking: Mapped[bool] = mapped_column(default=False)
    label: Mapped[str] = mapped_column(default='')
    reason: Mapped[str] = mapped_column(default='')
    source: Mapped[str] = mapped_column(default=BUREAU_ASKS)
    at: Mapped[datetime]
    by: Mapped[str]
    withdrawn_at: Mapped[datetime | None]

    @validates('label', 'reason')
    def _written(self, _: str, written: str) -> str:
        return values.text(written, limit=200)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """Waived, asked for, or taken back."""
        if not new and not edited.keys() & {'withdrawn_at', 'source'}:
            return None
        told = {'type': [None, self.type], **_pairs(label=self.label, reason=self.reason)}
        if self.source and self.withdrawn_at is None:
            return Event('document.asked', told)
        if new:
            return Event('document.waived' if self.waived else 'document.requested', told)
        return Event('document.requested' if self.waived else 'document.waived', told)


class Document(ClaimPart, Recorded, Base):
    """A file of a claim, as it came (`sha256`) and as it is served (`served_sha256`: without the place a photo was taken)."""

    __tablename__ = 'documents'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('uuid'),
        Index('ix_documents_claim', 'claim_id', 'id'),
        Index('ix_documents_sha256', 'sha256'),
        Index('ix_documents_served_sha256', 'served_sha256'),
        Index('ix_documents_preview', 'preview_state', 'id'),
        Index('ix_documents_message', 'message_id'),
        Index('ix_documents_trash', 'deleted_at'),
    )
    writable_with: ClassVar[Can] = Can.UPLOAD

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    uuid: Mapped[str]
    type: Mapped[str] = mapped_column(ForeignKey('document_types.id'))
    need_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey('document_needs.id'))
    state: Mapped[str] = mapped_column(default='received')
    reject_reason: Mapped[str] = mapped_column(default='')
    decided_by: Mapped[str] = mapped_column(default='')
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    replaces: Mapped[int | None] = mapped_column(BigKey, ForeignKey('documents.id'))
    title: Mapped[str]
    original_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigKey)
    sha256: Mapped[str]
    served_size: Mapped[int] = mapped_column(BigKey)
    served_sha256: Mapped[str]
    pages: Mapped[int | None]
    # waiting, ready, none (an office file has no picture) or failed
    preview_state: Mapped[str] = mapped_column(default='waiting')
    scanned: Mapped[bool] = mapped_column(default=False)
    uploaded_by: Mapped[int | None]
    by: Mapped[str]
    at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str] = mapped_column(default='')
    # its time in the trash is over: the file is gone, the row tells that it was there
    purged_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigKey)
    # of a photo from the garage: the stage it shows
    repair_stage: Mapped[str | None]

    @property
    def is_aside(self) -> bool:
        """Whether it waits in the trash, where nobody put it, for `keep`: nobody is told of it until then."""
        return self.deleted_at is not None and not self.deleted_by

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """Came, was judged, filed elsewhere, taken away or brought back."""
        if self.is_aside:
            return None
        told = {'document': [None, self.uuid], 'title': [None, self.title], 'type': [None, self.type]}
        if new or ('deleted_at' in edited and 'deleted_by' not in edited):
            kind = 'document.replaced' if self.version > 1 else 'document.added'
            return Event(kind, {**told, **_pairs(version=self.version if self.version > 1 else None)})
        if 'purged_at' in edited or 'deleted_at' in edited:
            moved = 'document.removed' if self.deleted_at else 'document.restored'
            return Event('document.purged' if self.purged_at else moved, told, quiet=self.purged_at is not None)
        if 'state' in edited:
            kind = {'accepted': 'document.accepted', 'rejected': 'document.rejected'}.get(
                self.state, 'document.reopened'
            )
            return Event(kind, {**told, **_pairs(reason=self.reject_reason)})
        return Event('document.retyped', {**told, 'type': edited['type']}, quiet=True) if 'type' in edited else None

    def may_remove(self, actor: Actor) -> bool:
        """Whether this actor may take it away and bring it back: who uploaded it, and the bureau."""
        own = self.uploaded_by is not None and self.uploaded_by == actor.user_id
        return actor.may(Can.EDIT_CLAIM) or (own and actor.may(Can.UPLOAD))


class DocumentView(ClaimPart, Internal, PersonSigned, Evidence, Base):
    """Who saw a document, when and how; kept for the bureau, never shown to an office."""

    __tablename__ = 'document_views'
    __table_args__ = (claim_key(), Index('ix_document_views_document', 'document_id', 'id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigKey, ForeignKey('documents.id'))
    user_id: Mapped[int | None] = mapped_column()  # type: ignore[assignment] # None: the product itself
    by: Mapped[str]
    at: Mapped[datetime]
    # previewed, downloaded, original (with the place of a photo), packed (in a ZIP) or submitted (in a submission pack)
    how: Mapped[str]


def _pairs(**told: Any) -> dict[str, list[Any]]:
    return {name: [None, value] for name, value in told.items() if value not in (None, '')}


# ---- questions --------------------------------------------------------------------------------------------------------------


def newest_by_sender(session: Session, claim_id: int) -> dict[int | None, datetime]:
    """When each person last sent something to a claim; under None, whoever came by a link."""
    asked = select(Document.uploaded_by, func.max(Document.at)).where(
        Document.claim_id == claim_id, Document.deleted_at.is_(None)
    )
    return dict(session.execute(asked.group_by(Document.uploaded_by)).all())


def are_new_to(actor: Actor, sent: Mapping[int | None, datetime], since: datetime | None) -> bool:
    """Whether anybody else sent something since, by `newest_by_sender`; nothing is new to somebody who was never here."""
    others = (at for sender, at in sent.items() if sender is None or sender != actor.user_id)
    return since is not None and any(at > since for at in others)


def documents_of(claim_id: int) -> Select[Document]:
    """Every document of a claim that is not in the trash, all versions, newest first."""
    return (
        select(Document)
        .where(Document.claim_id == claim_id, Document.deleted_at.is_(None))
        .order_by(Document.id.desc())
    )


def stage_photos_of(claim_id: int) -> Select[Document]:
    """The photos of a claim's repair, each with the stage it shows, newest first."""
    return documents_of(claim_id).where(Document.repair_stage.is_not(None))


def trash_of(claim_id: int) -> Select[Document]:
    """The removed documents of a claim that can still be brought back, last removed first."""
    removed = select(Document).where(Document.claim_id == claim_id, Document.deleted_by != '')
    return removed.where(Document.purged_at.is_(None)).order_by(Document.deleted_at.desc())


def document_with(address: str) -> Select[Document]:
    """The document with this uuid, if the asker may see it and it is still there."""
    return select(Document).where(Document.uuid == address, Document.purged_at.is_(None))


def attached_to(message_ids: Collection[int]) -> Select[Document]:
    """The documents that came with these messages and are not in the trash."""
    return select(Document).where(Document.message_id.in_(message_ids), Document.deleted_at.is_(None))


def document_types() -> Select[DocumentType]:
    """Every kind of document, in menu order."""
    return select(DocumentType).order_by(DocumentType.position)


def check_type(session: Session, kind: str) -> None:
    """Refuse a kind of document that nobody may choose."""
    found = session.get(DocumentType, kind)
    if found is None or not found.active:
        raise ClaimError(N_('Please choose the kind of document from the list.'))


def same_files(sha256: str) -> Select[Document]:
    """The documents, as far as the asker may see them, that are this very file; newest first."""
    return (
        select(Document)
        .where(Document.sha256 == sha256, Document.deleted_at.is_(None))
        .order_by(Document.id.desc())
        .limit(20)
    )


def views_of(document_id: int) -> Select[DocumentView]:
    """Who saw a document, latest first; empty for everybody but the bureau."""
    return select(DocumentView).where(DocumentView.document_id == document_id).order_by(DocumentView.id.desc())


def waiting_for_previews(before: datetime, limit: int = 50) -> Select[Document]:
    """Documents whose pages nobody has drawn yet although they came before this moment."""
    return (
        select(Document)
        .where(Document.preview_state == 'waiting', Document.at < before, Document.deleted_at.is_(None))
        .order_by(Document.id)
        .limit(limit)
    )


def current(documents: Iterable[Document]) -> list[Document]:
    """Without the versions that a newer one replaces; a version in the trash replaces nothing."""
    kept = [document for document in documents if document.deleted_at is None]
    replaced = {document.replaces for document in kept}
    return [document for document in kept if document.id is None or document.id not in replaced]


def hashes_in_use(session: Session, hashes: Sequence[str]) -> set[str]:
    """Those of the files that some document, also one in the trash, is made of. The product's own question."""
    found = select(Document.sha256, Document.served_sha256).where(
        Document.sha256.in_(hashes) | Document.served_sha256.in_(hashes), Document.purged_at.is_(None)
    )
    return {kept for pair in session.execute(found) for kept in pair}


# ---- orders -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrived:
    """A file that passed the inspection and lies in the store."""

    title: str
    original_name: str
    media_type: str
    size: int
    sha256: str
    served_size: int
    served_sha256: str
    pages: int | None
    scanned: bool = False


@dataclass(frozen=True)
class Slot:
    """Where a file goes: a type (with the need it answers), or in the place of the document whose uuid `replaces` names.

    A file that is `aside` goes with a form that is not saved yet, and becomes a document of the claim by `keep`.
    """

    type: str
    need_id: int | None = None
    replaces: str | None = None
    message_id: int | None = None
    repair_stage: str | None = None
    aside: bool = False


@dataclass(frozen=True)
class Filed:
    """What became of an upload. `duplicate_of` is the same file where it was already; with `added` False nothing new was kept."""

    document: Document
    added: bool
    duplicate_of: Document | None


def check_room(session: Session, claim_no: str, size: int, slot: Slot) -> Claim:
    """Before a file comes in: whether the acting person may add it to this claim, in this place. Returns the claim."""
    actor: Actor = session.info['actor']
    actor.need(Can.UPLOAD)
    claim = session.scalar(select(Claim).where(Claim.claim_no == claim_no))
    if claim is None:
        raise ClaimError(NOT_FOUND)
    older = _document(session, slot.replaces) if slot.replaces else None
    _filed_under(session, claim, slot.type, slot.need_id, older)
    _check_photo(session, slot)
    _check_quota(session, claim, size)
    return claim


def attach(session: Session, claim_id: int, arrived: Arrived, slot: Slot, now: datetime) -> Filed:
    """File a document. The very same file in the same place is not kept twice."""
    actor: Actor = session.info['actor']
    actor.need(Can.UPLOAD)
    claim = lock_claim(session, claim_id)
    older = _document(session, slot.replaces) if slot.replaces else None
    kind, need_id = _filed_under(session, claim, slot.type, slot.need_id, older)
    _check_photo(session, slot)
    twins = list(session.scalars(same_files(arrived.sha256)))
    here = [twin for twin in twins if twin.claim_id == claim_id]
    same = [twin for twin in here if (twin.type, twin.need_id) == (kind, need_id) and twin.state != 'rejected']
    if same:
        return Filed(same[0], added=False, duplicate_of=same[0])
    _check_quota(session, claim, arrived.size)
    document = Document(
        uuid=str(uuid.uuid4()),
        claim_id=claim.id,
        office_id=claim.office_id,
        type=kind,
        need_id=need_id,
        state='received',  # counted before the flush gives defaults
        version=older.version + 1 if older else 1,
        replaces=older.id if older else None,
        title=arrived.title,
        original_name=arrived.original_name,
        media_type=arrived.media_type,
        size=arrived.size,
        sha256=arrived.sha256,
        served_size=arrived.served_size,
        served_sha256=arrived.served_sha256,
        pages=arrived.pages,
        preview_state='waiting' if arrived.pages else 'none',
        scanned=arrived.scanned,
        uploaded_by=actor.user_id,
        by=actor.name,
        at=now,
        message_id=slot.message_id,
        repair_stage=slot.repair_stage,
        deleted_at=now if slot.aside else None,
        deleted_by='',
    )
    session.add(document)
    session.flush()
    return Filed(document, added=True, duplicate_of=next(iter(here or twins), None))


def accept(session: Session, address: str, now: datetime) -> Document:
    """Checked and in order."""
    return _decide(session, address, 'accepted', '', now)


def reject(session: Session, address: str, reason: str, now: datetime) -> Document:
    """Not good enough; the reason, a key of `REJECT_REASONS` or a text, says what has to come instead."""
    reason = reason if reason in REJECT_REASONS else values.text(reason, limit=200)
    if not reason:
        raise ClaimError(N_('Please choose or write why it is rejected.'))
    return _decide(session, address, 'rejected', reason, now)


def reopen(session: Session, address: str, now: datetime) -> Document:
    """Take a decision back: it waits to be checked again."""
    return _decide(session, address, 'received', '', now)


def retype(session: Session, address: str, kind: str, *, need_id: int | None = None) -> Document:
    """File a document under another type."""
    document = _document_to_judge(session, address)
    claim = session.get_one(Claim, document.claim_id)
    document.type, document.need_id = _filed_under(session, claim, kind, need_id, None)
    return document


def remove(session: Session, address: str, now: datetime) -> Document:
    """Put a document into the trash, from where `restore` brings it back."""
    document = _document_to_move(session, address)
    if document.deleted_at is None:
        document.deleted_at = now
        document.deleted_by = session.info['actor'].name
    return document


def restore(session: Session, address: str) -> Document:
    """Bring a document back from the trash."""
    document = _document_to_move(session, address)
    document.deleted_at = None
    document.deleted_by = ''
    return document


def keep(session: Session, address: str, now: datetime) -> Document:
    """What was put aside for a form is kept, as the form is saved: it comes to the claim now."""
    document = _document_to_move(session, address)
    if document.is_aside:
        document.deleted_at = None
        document.at = now
    return document


def note_views(
    session: Session, documents: Iterable[Document], how: str, now: datetime, shown: Actor | None = None
) -> None:
    """Write down that the acting person saw these documents, maybe as `shown`: as whom he looks at the portal."""
    actor: Actor = session.info['actor']
    documents = list(documents)
    numbers = dict(
        session.execute(
            select(Claim.id, Claim.claim_no).where(Claim.id.in_({seen.claim_id for seen in documents}))
        ).all()
    )
    with open_books(session):
        session.add_all(
            access_of(
                shown or actor,
                f'{DOCUMENT}{how}',
                now,
                claim_no=numbers.get(document.claim_id, ''),
                told=document.title,
            )
            for document in documents
        )
    for document in documents:
        session.add(
            DocumentView(
                document_id=document.id,
                claim_id=document.claim_id,
                office_id=document.office_id,
                user_id=actor.user_id,
                by=actor.name,
                at=now,
                how=how,
                internal=True,
            )
        )


def mark_previews(session: Session, document_id: int, state: str) -> None:
    """Its pages are drawn, or cannot be."""
    session.get_one(Document, document_id).preview_state = state


def purge_trash(session: Session, before: datetime, limit: int, now: datetime) -> int:
    """Give up documents that lie in the trash since before this moment; returns how many.

    Their rows stay, with who looked at them and who removed them; `jobs.orphans` then finds files that no document is made of.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    over = select(Document.uuid).where(Document.deleted_at < before, Document.purged_at.is_(None))
    purged = 0
    for address in list(session.scalars(over.order_by(Document.id).limit(limit))):
        document = _document_in_turn(session, address)
        if document.deleted_at is not None:  # nobody brought it back in the last moment
            document.purged_at = now
            purged += 1
    return purged


def _decide(session: Session, address: str, state: str, reason: str, now: datetime) -> Document:
    document = _document_to_judge(session, address)
    document.state = state
    document.reject_reason = reason
    document.decided_by = '' if state == 'received' else session.info['actor'].name
    document.decided_at = None if state == 'received' else now
    return document


def _document(session: Session, address: str) -> Document:
    # what this session read before it had the lock may be old by now
    document = session.scalar(document_with(address).execution_options(populate_existing=True))
    if document is None:
        raise ClaimError(N_('The document was not found.'))
    return document


def _document_in_turn(session: Session, address: str) -> Document:
    """The document as it stands once nobody else can do anything to its claim."""
    lock_claim(session, _document(session, address).claim_id)
    return _document(session, address)


def _document_to_judge(session: Session, address: str) -> Document:
    session.info['actor'].need(Can.EDIT_CLAIM)
    document = _document_in_turn(session, address)
    if document.deleted_at is not None:
        raise ClaimError(N_('The document is in the trash. Restore it first.'))
    return document


def _document_to_move(session: Session, address: str) -> Document:
    document = _document_in_turn(session, address)
    if not document.may_remove(session.info['actor']):
        raise ClaimError(N_('Only who uploaded a document, or the bureau, can remove it.'))
    return document


def _filed_under(
    session: Session, claim: Claim, kind: str, need_id: int | None, older: Document | None
) -> tuple[str, int | None]:
    if older is not None:
        if older.claim_id != claim.id or older.deleted_at is not None:
            raise ClaimError(N_('The document was not found.'))
        return older.type, older.need_id
    check_type(session, kind)
    if need_id is not None:
        need = session.get(DocumentNeed, need_id)
        if need is None or need.claim_id != claim.id or need.type != kind:
            raise ClaimError(N_('This request was not found.'))
    return kind, need_id


def _check_photo(session: Session, slot: Slot) -> None:
    """What shows a stage of the repair is filed among its photos, and the stage exists."""
    if slot.repair_stage is not None and (
        slot.type != STAGE_PHOTOS or session.get(RepairStage, slot.repair_stage) is None
    ):
        raise ClaimError(N_('This stage is not in use.'))


def _check_quota(session: Session, claim: Claim, size: int) -> None:
    kept = select(func.count(Document.id), func.coalesce(func.sum(Document.size), 0)).where(
        Document.claim_id == claim.id, Document.purged_at.is_(None)
    )
    files, held = session.execute(kept).one()
    if files >= MOST_FILES or held + size > MOST_BYTES:
        raise ClaimError(N_('The claim holds too many files already. Ask the bureau to make room.'))
