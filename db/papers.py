"""The documents of several claims at once, to be taken away together: which, and how much is too much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.claims import Claim
from db.documents import Document
from db.list_claims import claims_in
from db.list_state import ListState
from db.texts import N_, ClaimError

CLAIMS_AT_MOST, FILES_AT_MOST, BYTES_AT_MOST = 50, 1000, 1 << 30
_MB = 1 << 20


@dataclass(frozen=True)
class Papers:
    """Claims, and what lies in each; no claim without documents."""

    claims: Sequence[Claim]
    documents: Mapping[int, Sequence[Document]]


def papers_of(session: Session, chosen: Iterable[str] | ListState) -> Papers:
    """The documents of the claims of these numbers, or of all claims of a list; the first in each claim comes first."""
    wanted = select(Claim).order_by(Claim.seq.desc()).limit(CLAIMS_AT_MOST + 1)
    if isinstance(chosen, ListState):
        wanted = wanted.where(Claim.id.in_(claims_in(session, chosen)[0]))
    else:
        wanted = wanted.where(Claim.claim_no.in_(set(chosen)))
    claims = list(session.scalars(wanted))
    if len(claims) > CLAIMS_AT_MOST:
        raise ClaimError(N_('Documents of up to {n} claims come in one file. Please select fewer.'), n=CLAIMS_AT_MOST)
    found = select(Document).where(Document.claim_id.in_([claim.id for claim in claims]), Document.deleted_at.is_(None))
    documents = list(session.scalars(found.order_by(Document.id).limit(FILES_AT_MOST + 1)))
    _check_amount(documents)
    by_claim: dict[int, list[Document]] = {}
    for document in documents:
        by_claim.setdefault(document.claim_id, []).append(document)
    return Papers([claim for claim in claims if claim.id in by_claim], by_claim)


def _check_amount(documents: Sequence[Document]) -> None:
    if not documents:
        raise ClaimError(N_('There are no documents in these claims.'))
    if len(documents) > FILES_AT_MOST:
        raise ClaimError(N_('More than {n} documents are too many for one file. Please select fewer.'), n=FILES_AT_MOST)
    if sum(document.served_size for document in documents) > BYTES_AT_MOST:
        raise ClaimError(N_('More than {n} MB are too much for one file. Please select fewer.'), n=BYTES_AT_MOST // _MB)
