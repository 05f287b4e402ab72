"""A changed requirement reaches the claims it concerns: their axis and counts, and nobody's bell."""

import pytest
from sqlalchemy import select

from db import changes
from db.base import now
from db.claims import Claim, change_status
from db.documents import DocumentRequirement
from db.session import open_session
from jobs import recount
from tests.conftest import People
from tests.factories import SYSTEM, make_claim


def stored(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


def test_every_open_claim_is_counted_anew_and_nothing_moves(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount, '_BATCH', 2)
    claims = [make_claim(people.levi, people.staff) for _ in range(3)]
    closed, unchecked = make_claim(people.cohen, people.staff), make_claim(people.cohen, people.staff)
    with open_session(SYSTEM) as session:
        change_status(session, closed.id, 'closed', 'paid_in_full', 'new', now())
        session.get_one(Claim, unchecked.id).documents = 'unchecked'
        for claim in claims[:2]:  # asked for nothing yet
            session.get_one(Claim, claim.id).documents = 'complete'
    before = [stored(claim) for claim in (*claims, closed, unchecked)]
    with open_session(people.admin) as session:
        session.add(DocumentRequirement(type='police_report', required=True, blocking=True))
    assert recount.recount_documents() == 3
    for old, fresh in zip(before[:3], map(stored, claims), strict=True):
        assert fresh.documents == 'missing_blocking'
        assert fresh.required_documents == old.required_documents + 1
        assert (fresh.seq, fresh.updated_at) == (old.seq, old.updated_at)
    for old, fresh in zip(before[3:], (stored(closed), stored(unchecked)), strict=True):
        assert (fresh.documents, fresh.required_documents) == (old.documents, old.required_documents)
    with open_session(SYSTEM, reading=True) as session:
        told = session.scalars(select(changes.Change).where(changes.Change.by == 'requirements')).all()
    assert {(change.claim_id, change.kind, change.quiet) for change in told} == {
        (claim.id, 'updated', True) for claim in claims[:2]
    }
    assert all(change.fields == {'documents': ['complete', 'missing_blocking']} for change in told)
    assert recount.recount_documents() == 3
    with open_session(SYSTEM, reading=True) as session:
        assert len(session.scalars(select(changes.Change).where(changes.Change.by == 'requirements')).all()) == 2
