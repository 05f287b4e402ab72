"""Which documents a claim of the demo has: as many as its life says are there, with files everybody may look at."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from db.bulk import blank
from db.claims import Claim
from db.demo_papers import PHOTOS, Paper, papers_of
from db.documents import INSURER_ASKS, INSURER_REPEATS, Document, DocumentNeed
from db.requirements import ChecklistItem, Matrix, count

Row = dict[str, Any]
UNCHECKED = 'unchecked'
_REJECTED = 'unreadable_scan'


def papers(matrix: Matrix) -> list[Paper]:
    """Every file the demo's documents may be made of."""
    wanted = {line.type for line in matrix.lines}
    return [paper for kind in sorted(wanted) for paper in papers_of(kind, matrix.types[kind].label)]


def filed(
    row: Row,
    matrix: Matrix,
    moments: Sequence[datetime],
    people: Mapping[bool, tuple[int, str]],
    lacking: Collection[str] = (),
    needs: Sequence[Row] = (),
) -> list[Row]:
    """The documents of a claim, whose row is told how many there are of how many needed.

    What is missing agrees with what its life says is missing, or is just what is `lacking`. `moments` are when something was
    done about it, `people` who files for the bureau (True) and who for the office, `needs` what the insurer asked for.
    """
    rng = Random(f'{row["plate"]}📄{row["insured_name"]}')
    claim = cast(Claim, SimpleNamespace(**row))
    asked = [DocumentNeed(**need) for need in needs]
    needed = [item for item in matrix.checklist(claim, [], asked) if item.required]
    here = _here(rng, needed, row['documents'], lacking)
    rows: list[Row] = []
    for place, (item, state) in enumerate(here):
        for paper in _chosen(rng, item):
            since = max((need['at'] for need in needs if need['id'] == item.need_id), default=moments[0])
            at = max(moments[min(place, len(moments) - 1)], since) + timedelta(minutes=2 + 2 * len(rows), seconds=17)
            rows.append(_document(rng, row, item, paper, (at, state, people)))
    documents = [Document(**{**document, 'id': number}) for number, document in enumerate(rows, 1)]
    count(claim, matrix.checklist(claim, documents, asked))
    row |= {name: getattr(claim, name) for name in ('documents', 'required_documents', 'missing_documents')}
    return rows


def asked_for(row: Row, matrix: Matrix, asked: Mapping[str, tuple[datetime, str]]) -> list[Row]:
    """What the insurer asked for in a claim, by kind when and who heard of it; numbered within the claim."""
    claim = cast(Claim, SimpleNamespace(**row))
    return [
        {
            **blank(DocumentNeed),
            'id': place,
            'office_id': row['office_id'],
            'type': kind,
            'source': INSURER_REPEATS if matrix.wants(kind, claim) else INSURER_ASKS,
            'at': at,
            'by': by,
        }
        for place, (kind, (at, by)) in enumerate(asked.items(), 1)
    ]


def _here(
    rng: Random, needed: Sequence[ChecklistItem], said: str, lacking: Collection[str]
) -> list[tuple[ChecklistItem, str]]:
    """Which of the needed ones came, and whether they were good."""
    absent = set(lacking)
    if said != 'complete' and not lacking:
        wanted = [item for item in needed if item.blocking is (said == 'missing_blocking')]
        absent = {item.type.id for item in rng.sample(wanted, min(len(wanted), rng.randint(1, 2)))}
        absent |= {item.type.id for item in needed if not item.blocking and rng.random() < 0.3}
    came = [item for item in needed if item.type.id not in absent]
    fresh = len(came) - rng.randint(0, 3) if said != 'complete' else len(came)
    found = [(item, 'accepted' if place < fresh else 'received') for place, item in enumerate(came)]
    refused = [(item, 'rejected') for item in needed if item.type.id in absent - set(lacking) and rng.random() < 0.3]
    return found + refused[:1]


def _chosen(rng: Random, item: ChecklistItem) -> Sequence[Paper]:
    there = papers_of(item.type.id, item.type.label)
    return rng.sample(there, rng.randint(2, 4)) if item.type.id == PHOTOS else [rng.choice(there)]


def _document(
    rng: Random, row: Row, item: ChecklistItem, paper: Paper, came: tuple[datetime, str, Mapping[bool, tuple[int, str]]]
) -> Row:
    at, state, people = came
    user_id, name = people[not item.from_office]
    decided = state != 'received'
    return {
        **blank(Document),
        'uuid': str(UUID(int=rng.getrandbits(128), version=4)),
        'office_id': row['office_id'],
        'type': item.type.id,
        'need_id': item.need_id,
        'state': state,
        'reject_reason': _REJECTED if state == 'rejected' else '',
        'decided_by': people[True][1] if decided else '',
        'decided_at': at + timedelta(minutes=50) if decided else None,
        'title': item.type.label,
        'original_name': paper.name,
        'media_type': paper.media_type,
        'size': len(paper.content),
        'sha256': paper.sha256,
        'served_size': len(paper.content),
        'served_sha256': paper.sha256,
        'pages': paper.pages,
        'preview_state': 'ready',  # drawn when somebody looks
        'uploaded_by': user_id,
        'by': name,
        'at': at,
    }
