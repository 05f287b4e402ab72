"""The log of access: what was looked at, taken or refused stands in it under a name, for admins."""

from datetime import timedelta
from typing import Any

import pytest

from db import access_log, documents, links
from db.access_log import CLAIM, LINK, SEARCH, SIGN_IN, Access, Asked, keep_accesses
from db.base import now
from db.documents import FREE_TYPE, Arrived, Slot
from db.scope import Actor
from db.session import open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim


def seen(what: str, user_id: int | None, **other: Any) -> dict[str, Any]:
    return {'at': now(), 'user_id': user_id, 'what': what, **other}


def keep(*accesses: dict[str, Any]) -> None:
    with open_session(SYSTEM) as session:
        keep_accesses(session, accesses)


def found(admin: Actor, limit: int = 100, **asked: Any) -> list[Access]:
    with open_session(admin, reading=True) as session:
        return access_log.accesses(session, Asked(**asked), limit)


def test_it_is_asked_by_person_claim_deed_and_refusal_newest_first(people: People) -> None:
    dana, yossi = people.dana.user_id, people.yossi.user_id
    keep(
        seen(CLAIM, dana, by=people.dana.name, claim_no='26-1'),
        seen(CLAIM, yossi, by=people.yossi.name, claim_no='26-1', granted=False),
        seen(SEARCH, dana, by=people.dana.name, told='לוי'),
    )
    assert [(row.what, row.by) for row in found(people.admin)] == [
        (SEARCH, people.dana.name),
        (CLAIM, people.yossi.name),
        (CLAIM, people.dana.name),
    ]
    assert [row.told for row in found(people.admin, user_id=dana, what=SEARCH)] == ['לוי']
    assert {row.user_id for row in found(people.admin, claim_no='26-1')} == {dana, yossi}
    assert [row.user_id for row in found(people.admin, only_refused=True)] == [yossi]
    assert {row.user_id for row in found(people.admin, name=people.yossi.name[:3])} == {yossi}
    assert len(found(people.admin, name=f'{people.dana.name}\0', claim_no='26-\u200f1\0')) == 1
    newest = found(people.admin, limit=1)[0]
    assert [row.what for row in found(people.admin, before=newest.id)] == [CLAIM, CLAIM]


def test_nobody_has_a_number_that_is_too_large_for_one(people: People) -> None:
    keep(seen(CLAIM, people.dana.user_id))
    assert found(people.admin, user_id=10**15 - 1) == []


def test_who_signs_in_is_known_by_his_number_and_gets_his_name(people: People) -> None:
    keep(seen(SIGN_IN, people.dana.user_id, address='10.0.0.1'), seen(SIGN_IN, None, told='x@y.example', granted=False))
    stranger, dana = found(people.admin)
    assert (dana.by, dana.address, dana.granted) == (people.dana.name, '10.0.0.1', True)
    assert (stranger.by, stranger.told, stranger.granted) == ('', 'x@y.example', False)


def test_only_admins_read_it_and_everybody_his_own_sign_ins(people: People) -> None:
    keep(
        seen(SIGN_IN, people.dana.user_id),
        seen(SIGN_IN, people.yossi.user_id),
        seen(CLAIM, people.dana.user_id, claim_no='26-1'),
        seen(SIGN_IN, people.dana.user_id, granted=False),
    )
    for actor in (people.manager, people.staff, people.dana):
        with pytest.raises(ClaimError, match='not allowed'):
            found(actor)
        with pytest.raises(ClaimError, match='not allowed'), open_session(actor) as session:
            access_log.review_accesses(session, now())
    with open_session(people.dana, reading=True) as session:
        assert [row.granted for row in access_log.own_sign_ins(session)] == [False, True]


def test_a_review_is_signed_in_the_log_itself(people: People) -> None:
    def last() -> Access | None:
        with open_session(people.admin, reading=True) as session:
            return access_log.last_review(session)

    assert last() is None
    with open_session(people.admin) as session:
        access_log.review_accesses(session, now())
    assert (review := last()) is not None
    assert review.by == people.admin.name


def test_a_log_waits_for_its_review_from_a_month_after_it_began_or_was_looked_through(people: People) -> None:
    def is_due(days: int) -> bool:
        with open_session(people.admin, reading=True) as session:
            return access_log.review_is_due(session, now() + timedelta(days=days))

    assert not is_due(365), 'nothing is in it'
    keep(seen(SIGN_IN, people.staff.user_id))
    assert [is_due(29), is_due(31)] == [False, True]
    with open_session(people.admin) as session:
        access_log.review_accesses(session, now() + timedelta(days=31))
    assert [is_due(60), is_due(62)] == [False, True]
    with pytest.raises(ClaimError, match='not allowed'), open_session(people.staff, reading=True) as session:
        access_log.review_is_due(session, now())


def test_documents_and_links_are_noted_where_they_are_opened(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        arrived = Arrived('אישור.pdf', 'scan.pdf', 'application/pdf', 1, 'ab' * 32, 1, 'ab' * 32, pages=1)
        filed = documents.attach(session, claim.id, arrived, Slot(FREE_TYPE), now()).document
        documents.note_views(session, [filed], 'downloaded', now())
        token = links.create_link(session, claim.id, links.GARAGE, now())
    with open_session(SYSTEM) as session:
        links.note_use(session, links.hash_of(token), now())
        links.note_use(session, links.hash_of(token), now())
    link, document = found(people.admin)
    assert (document.what, document.told, document.by) == ('document.downloaded', 'אישור.pdf', people.staff.name)
    assert (link.what, link.user_id) == (LINK, None)
    assert 'קישור' in link.by
    assert document.claim_no == link.claim_no == claim.claim_no
