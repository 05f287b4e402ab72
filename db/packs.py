"""Submission packs (תיקי הגשה): a claim's documents as one PDF for the insurer, and the frozen list of what stands in it on which page.

A pack is made of a `submission`, which says what goes and in which order; `keep_pack` writes down what became of it. The PDF lies in
the store under its hash. Both stay as they are whatever happens to the documents later.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import Index, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, BigKey, Json
from db.claims import NOT_FOUND, Claim, lock_claim
from db.demands import LETTER_TYPE, Demand, demand_of
from db.documents import FREE_TYPE, Document
from db.reference import UNKNOWN_INSURER, Insurer
from db.requirements import ChecklistItem, checklist
from db.scope import Can, ClaimPart, Event, Evidence, Internal, PersonSigned, Recorded, claim_key
from db.texts import N_, ClaimError, t

# insurers read Hebrew
LANGUAGE = 'he'
MOST_PAGES, MOST_BYTES = 1000, 200 << 20
# they go to an insurer only when somebody picks them: what came from one, and what is signed against its money
ONLY_PICKED = frozenset(
    {'cheque_image', 'settlement_offer_letter', 'rejection_letter', 'counter_appraisal', 'waiver_and_release'}
)
# why a document is in no pack although it was to be: its file is not in the store
LOST = 'missing'
# why the product draws no demand letter for a pack
NO_LETTER: Mapping[str, str] = MappingProxyType(
    {
        'nothing': N_('Nothing is demanded in this claim yet'),
        'uploaded': N_('One was uploaded'),
        'not_selected': N_('The one that was uploaded was not selected'),
        'unwanted': N_('Left out, as was chosen'),
    }
)


class SubmissionPack(ClaimPart, Internal, PersonSigned, Recorded, Evidence, Base):
    """One PDF as it was made for an insurer: when, by whom, for whom, what on which page, and what had to be sent apart."""

    __tablename__ = 'submission_packs'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('uuid'),
        Index('ix_submission_packs_claim', 'claim_id', 'id'),
        Index('ix_submission_packs_sha256', 'sha256'),
    )
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    uuid: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    # as they stood on the cover
    insurer: Mapped[str]
    insurer_claim_no: Mapped[str]
    pages: Mapped[int]
    size: Mapped[int] = mapped_column(BigKey)
    sha256: Mapped[str]
    # of each document, in the order of the pages: uuid, title, sha256 of the file as it is served, pages, first page
    contents: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    # of each that is not among them: uuid, title, sha256, and why
    apart: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    # the demand letter that was drawn: title, pages, first page, what it demands; or why none was. None: there were none yet
    letter: Mapped[dict[str, Any] | None] = mapped_column(Json)

    @property
    def drawn_letter(self) -> dict[str, Any] | None:
        """The demand letter that the product drew for it."""
        return self.letter if self.letter and 'first' in self.letter else None

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What stands in it after the cover, in the order of the pages."""
        return [*filter(None, [self.drawn_letter]), *self.contents]

    def part_at(self, first: int) -> dict[str, Any] | None:
        """What begins on this page."""
        return next((part for part in self.parts if part['first'] == first), None)

    @property
    def lost(self) -> list[str]:
        """The titles of those whose file was not there."""
        return [entry['title'] for entry in self.apart if entry['why'] == LOST]

    @property
    def sent_apart(self) -> list[str]:
        """The titles of those that have to be sent one by one."""
        return [entry['title'] for entry in self.apart if entry['why'] != LOST]

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """The bureau's record tells it; it is news to no office."""
        told = {'pack': [None, self.uuid], 'pages': [None, self.pages], 'insurer': [None, self.insurer]}
        return Event('pack', told, internal=True, quiet=True) if new else None


@dataclass(frozen=True)
class Paper:
    """A document on its way into a pack: what it is called there, and the `group` whose photos stand in the contents as one line."""

    document: Document
    title: str
    group: str


@dataclass(frozen=True)
class Submission:
    """What goes to an insurer: the claim, the insurer's name where it is known, and the papers in their order."""

    claim: Claim
    insurer: str
    papers: Sequence[Paper]
    # the titles of those that go only when picked
    left_out: Sequence[str] = ()
    # what the demand letter demands, or why there is none
    demand: Demand | None = None
    no_letter: str = 'nothing'


@dataclass(frozen=True)
class Bound:
    """What became of a submission: the PDF in the store, the page each paper begins on, and why a paper is not in it."""

    sha256: str
    size: int
    pages: int
    # for each paper (its pages, the first of them) or, of what is sent apart, the reason
    outcomes: Sequence[tuple[int, int] | str]
    # of the demand letter its pages and the first of them
    letter: tuple[int, int] | None = None


# ---- questions --------------------------------------------------------------------------------------------------------------


def packs_of(claim_id: int) -> Select[SubmissionPack]:
    """The packs of a claim, newest first; empty for everybody but the bureau."""
    return select(SubmissionPack).where(SubmissionPack.claim_id == claim_id).order_by(SubmissionPack.id.desc())


def pack_with(address: str) -> Select[SubmissionPack]:
    """The pack with this uuid, if the asker may see it."""
    return select(SubmissionPack).where(SubmissionPack.uuid == address)


def documents_in(pack: SubmissionPack) -> Select[Document]:
    """The documents a pack holds, whatever became of them."""
    return select(Document).where(Document.uuid.in_([entry['uuid'] for entry in pack.contents]))


def submission(session: Session, claim_no: str, picked: Collection[str] = (), *, letter: bool = True) -> Submission:
    """What a pack of a claim would hold now: all that was not rejected but `ONLY_PICKED`, or those `picked`. For whoever may make one.

    With a `letter`, a demand letter is drawn unless one was uploaded.
    """
    session.info['actor'].need(Can.EDIT_CLAIM)
    claim = session.scalar(select(Claim).where(Claim.claim_no == claim_no))
    if claim is None:
        raise ClaimError(NOT_FOUND)
    standing = _papers(checklist(session, claim))
    papers = [paper for paper in standing if _goes(paper, picked)]
    if len(papers) < len(picked):
        raise ClaimError(N_('A selected document was rejected or is not there any more.'))
    left_out = [] if picked else [paper.title for paper in standing if paper not in papers]
    _check_worth_a_pack(papers, left_out)
    insurer = session.get(Insurer, claim.tp_insurer) if claim.tp_insurer else None
    named = insurer.name if insurer and insurer.code != UNKNOWN_INSURER else ''
    demand = demand_of(session, claim, LANGUAGE)
    no_letter = _no_letter(standing, papers, demand, wanted=letter)
    return Submission(claim, named, papers, left_out, None if no_letter else demand, no_letter)


def _check_worth_a_pack(papers: Sequence[Paper], left_out: Sequence[str]) -> None:
    if not papers and left_out:
        raise ClaimError(N_('These go to the insurer only when selected: {titles}.'), titles=', '.join(left_out))
    if not papers:
        raise ClaimError(N_('There is no document to submit yet.'))
    pages = sum(paper.document.pages or 0 for paper in papers)
    held = sum(paper.document.served_size for paper in papers)
    if pages > MOST_PAGES or held > MOST_BYTES:
        raise ClaimError(
            N_('A submission pack holds {pages} pages and {size} MB at most. Please select some of the documents.'),
            pages=f'{MOST_PAGES:,}',
            size=MOST_BYTES >> 20,
        )


def _no_letter(standing: Sequence[Paper], papers: Sequence[Paper], demand: Demand | None, *, wanted: bool) -> str:
    """Why no demand letter is drawn; '' when one is. Two letters would demand two things."""
    if any(_is_letter(paper) for paper in papers):
        return 'uploaded'
    if not wanted:
        return 'unwanted'
    if any(_is_letter(paper) for paper in standing):
        return 'not_selected'
    return '' if demand else 'nothing'


def _goes(paper: Paper, picked: Collection[str]) -> bool:
    return paper.document.uuid in picked if picked else paper.document.type not in ONLY_PICKED


def packs_among(session: Session, hashes: Sequence[str]) -> set[str]:
    """Those of the files that are packs. The product's own question."""
    return set(session.scalars(select(SubmissionPack.sha256).where(SubmissionPack.sha256.in_(hashes))))


def _papers(items: Sequence[ChecklistItem]) -> list[Paper]:
    """A demand letter, then in the order of the checklist, all photos where the first of them stand; of one kind the oldest first."""
    photos = next((place for place, item in enumerate(items) if _is_of_photos(item)), 0)
    places = sorted(enumerate(items), key=lambda placed: photos if _is_of_photos(placed[1]) else placed[0])
    papers = [paper for _, item in places for paper in _papers_of(item)]
    return sorted(papers, key=lambda paper: not _is_letter(paper))


def _is_letter(paper: Paper) -> bool:
    return paper.document.type == LETTER_TYPE


def _is_of_photos(item: ChecklistItem) -> bool:
    return item.type.group == 'photos'


def _papers_of(item: ChecklistItem) -> Iterable[Paper]:
    label = item.label_in(LANGUAGE)
    good = [document for document in reversed(item.documents) if document.state != 'rejected']
    for number, document in enumerate(good, start=1):
        title = f'{label} ({number})' if len(good) > 1 else label
        if item.type.id == FREE_TYPE and item.need_id is None:
            title = Path(document.title).stem
        yield Paper(document, title, label if _is_of_photos(item) else '')


# ---- orders -----------------------------------------------------------------------------------------------------------------


def keep_pack(session: Session, made: Submission, bound: Bound, now: datetime) -> SubmissionPack:
    """Write down a pack that lies in the store. What was rejected or taken away while it was made is submitted by nobody."""
    actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    claim = lock_claim(session, made.claim.id)
    standing = {paper.document.uuid for paper in _papers(checklist(session, claim))}
    if not {paper.document.uuid for paper in made.papers} <= standing:
        raise ClaimError(N_('The documents changed while the pack was made. Please make it again.'))
    contents, apart = [], []
    for paper, outcome in zip(made.papers, bound.outcomes, strict=True):
        entry = {'uuid': paper.document.uuid, 'title': paper.title, 'sha256': paper.document.served_sha256}
        if isinstance(outcome, str):
            apart.append({**entry, 'why': outcome})
        else:
            contents.append({**entry, 'pages': outcome[0], 'first': outcome[1]})
    pack = SubmissionPack(
        uuid=str(uuid.uuid4()),
        claim_id=claim.id,
        office_id=claim.office_id,
        user_id=actor.user_id,
        by=actor.name,
        at=now,
        insurer=made.insurer,
        insurer_claim_no=made.claim.insurer_claim_no,
        pages=bound.pages,
        size=bound.size,
        sha256=bound.sha256,
        contents=contents,
        apart=apart,
        letter=_letter(made, bound),
        internal=True,
    )
    session.add(pack)
    session.flush()
    return pack


def _letter(made: Submission, bound: Bound) -> dict[str, Any]:
    """What is kept of the demand letter."""
    if made.demand is None or bound.letter is None:
        return {'why': made.no_letter}
    pages, first = bound.letter
    return {'title': t(N_('Demand letter'), LANGUAGE), 'pages': pages, 'first': first, **made.demand.written()}
