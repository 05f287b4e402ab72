"""A program that asks again and again is told each change once, in an order that skips none, as far as its person may see."""

import time

import pytest

from db import catch_up, messages
from db.base import now
from db.catch_up import Stretch, news_in, stretch_since
from db.changes import latest_seq
from db.claims import Claim, save_fields
from db.scope import Actor
from db.session import Database, open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim


def settle() -> None:
    """Until every change so far may be told. PostgreSQL holds changes back while any older transaction runs."""
    for _ in range(6000):
        with open_session(SYSTEM, reading=True) as session:
            newest = stretch_since(session, None)
            if newest is not None and newest.latest == latest_seq(session):
                return
        time.sleep(0.01)
    raise TimeoutError('changes are held back')


@pytest.fixture
def claims(people: People) -> tuple[Claim, Claim]:
    made = make_claim(people.levi, people.staff), make_claim(people.cohen, people.staff, insured_name='של אחר')
    settle()
    return made


def since(change_id: int | None) -> Stretch | None:
    with open_session(SYSTEM, reading=True) as session:
        return stretch_since(session, change_id)


def told(person: Actor, stretch: Stretch | None, limit: int = 100) -> list[tuple[str, str]]:
    assert stretch is not None
    with open_session(person, reading=True) as session:
        return [(claim_no, change.kind) for change, claim_no in news_in(session, stretch, limit)]


def edit(person: Actor, claim: Claim, before: str, after: str) -> None:
    with open_session(person) as session:
        save_fields(session, claim.id, {'make_model': (before, after)}, now())


def test_a_place_before_what_is_held_back_stays(people: People, claims: tuple[Claim, Claim]) -> None:
    begun = since(None)
    assert begun is not None
    assert since(begun.latest) == Stretch(begun.upto, begun.upto, begun.latest)


def test_nothing_has_happened_yet(people: People) -> None:
    assert since(None) == since(0) == Stretch((0, 0), (0, 0), 0)
    assert since(1) is None


def test_each_is_told_what_is_his_and_no_news_to_nobody(people: People, claims: tuple[Claim, Claim]) -> None:
    mine, theirs = claims
    with open_session(people.staff) as session:
        messages.note_internally(session, mine.id, 'בינינו', now())
    settle()
    whole = since(0)
    assert told(people.manager, whole) == [(mine.claim_no, 'opened')]
    assert told(people.rival, whole) == [(theirs.claim_no, 'opened')]
    assert told(people.staff, whole) == [(mine.claim_no, 'opened'), (theirs.claim_no, 'opened')]
    assert told(people.staff, whole, limit=1) == [(mine.claim_no, 'opened')]


def test_what_was_told_is_not_told_again(people: People, claims: tuple[Claim, Claim]) -> None:
    begun = since(None)
    assert begun is not None
    assert told(people.manager, begun) == []
    edit(people.staff, claims[0], '', 'מאזדה')
    edit(people.staff, claims[1], '', 'סובארו')
    settle()
    following = since(begun.latest)
    assert following is not None
    assert told(people.manager, following) == [(claims[0].claim_no, 'updated')]
    with open_session(SYSTEM, reading=True) as session:
        assert following.latest == latest_seq(session)
    assert told(people.manager, since(following.latest)) == []


def test_whoever_comes_from_too_far_or_from_nowhere_is_sent_to_the_claims(
    people: People, claims: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = since(None)
    assert begun is not None
    assert since(begun.latest + 1) is None
    monkeypatch.setattr(catch_up, 'GOES_BACK', 1)
    assert since(begun.latest - 1) is not None
    assert since(0) is None
    assert since(begun.latest) is not None


@pytest.mark.postgres
def test_a_change_that_is_committed_late_is_not_skipped(
    people: People, claims: tuple[Claim, Claim], database: Database
) -> None:
    if database.reader.dialect.name != 'postgresql':
        pytest.skip('on SQLite writers take turns')
    other = make_claim(people.levi, people.staff, insured_name='עוד')
    settle()
    begun = since(None)
    assert begun is not None
    with open_session(people.staff) as slow:
        save_fields(slow, claims[0].id, {'make_model': ('', 'מאזדה')}, now())
        slow.flush()
        edit(people.staff2, other, '', 'סובארו')
        meanwhile = since(begun.latest)
        seen = told(people.manager, meanwhile)
    assert meanwhile is not None
    settle()
    seen += told(people.manager, since(meanwhile.latest))
    assert sorted(seen) == sorted([(claims[0].claim_no, 'updated'), (other.claim_no, 'updated')])
