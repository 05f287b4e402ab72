"""What becomes of a claim, as lists are told: the same for all who see the same, nothing to anybody else, and unread for whom it is."""

import dataclasses

import pytest

from db import alerts, doorbell, list_rows
from db.base import now
from db.claims import Claim, change_status, mark_checked, save_fields
from db.list_rows import News
from db.messages import note_internally
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, insured_name='משה אוחיון', agent=people.dana.user_id)


def told(actor: Actor, notices: list[doorbell.Notice]) -> list[News]:
    """As a room of lists asks after these notices."""
    rung = [notice for notice in notices if notice.kind == 'claim']
    claims = {notice.claim_id for notice in rung if notice.claim_id}
    with open_session(actor, reading=True) as session:
        return list_rows.news_of(session, claims, {notice.change_id for notice in rung if notice.change_id})


def save(actor: Actor, claim: Claim, **fields: tuple[object, object]) -> None:
    with open_session(actor) as session:
        save_fields(session, claim.id, dict(fields), now())


def own_only(actor: Actor) -> Actor:
    return dataclasses.replace(actor, sees_own_only=True)


def test_a_change_is_told_to_all_who_see_the_claim_and_to_nobody_else(
    people: People, notices: list[doorbell.Notice], claim: Claim
) -> None:
    before = claim.seq
    notices.clear()
    save(people.staff, claim, insured_name=('משה אוחיון', 'משה בן דוד'))
    [news] = told(people.manager, notices)
    assert (news.row.insured_name, news.row.unread, news.is_open) == ('משה בן דוד', True, True)
    assert (news.is_quiet, news.turned, news.authors) == (False, False, frozenset({people.staff.user_id}))
    assert news.before == before
    assert news.row.change
    assert news.row.change.fields == {'insured_name': ['משה אוחיון', 'משה בן דוד']}
    for colleague in (people.dana, people.staff2, own_only(people.dana)):
        assert [one.row for one in told(colleague, notices)] == [news.row]
    assert told(people.rival, notices) == []
    assert told(own_only(people.yossi), notices) == [], 'of his office, and not his'


def test_what_is_kept_from_the_office_is_quiet_there(
    people: People, notices: list[doorbell.Notice], claim: Claim
) -> None:
    notices.clear()
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, now())
        note_internally(session, claim.id, 'הלקוח כועס', now())
    for reader in (people.dana, people.staff2):
        [news] = told(reader, notices)
        assert news.is_quiet
        assert news.row.seq == claim.seq
        assert 'כועס' not in str(news.row.change and news.row.change.fields)


def test_lists_hear_when_they_gain_or_lose_a_claim(
    people: People, notices: list[doorbell.Notice], claim: Claim
) -> None:
    assert told(people.dana, notices)[0].turned, 'it was opened'
    for status, reason, turned in (('submitted', '', False), ('closed', 'שולם', True), ('submitted', 'טעות', True)):
        notices.clear()
        with open_session(people.staff) as session:
            now_in = session.get_one(Claim, claim.id).status
            change_status(session, claim.id, status, reason, now_in, now())
        [news] = told(people.manager, notices)
        assert (news.turned, news.is_open) == (turned, status != 'closed')
    notices.clear()
    save(people.staff, claim, agent=(people.dana.user_id, people.yossi.user_id))
    assert told(people.manager, notices)[0].turned
    assert told(own_only(people.dana), notices) == []
    left = {notice.user_id for notice in notices if notice.kind == 'person'}
    assert people.dana.user_id in left, 'she is rung for herself'


def test_it_is_known_for_whom_it_was_unread_already(
    people: People, notices: list[doorbell.Notice], claim: Claim
) -> None:
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    with open_session(people.yossi) as session:
        alerts.mark_all_read(session, now())
    readers = (people.dana, people.yossi, people.manager)
    for after, waiting in (('ב', {people.manager}), ('ג', set(readers))):
        notices.clear()
        with open_session(people.staff, reading=True) as session:
            name = session.get_one(Claim, claim.id).insured_name
        save(people.staff, claim, insured_name=(name, after))
        [news] = told(people.manager, notices)
        with open_session(SYSTEM, reading=True) as session:
            found = list_rows.waiting_for(session, {claim.id: news.before}, [reader.user_id or 0 for reader in readers])
        assert found == {(reader.user_id, claim.id) for reader in waiting}


def test_alerts_ring_the_bell_and_not_the_lists(people: People, notices: list[doorbell.Notice], claim: Claim) -> None:
    notices.clear()
    alert_everybody()
    assert {notice.kind for notice in notices if notice.user_id == people.dana.user_id} == {'alert'}
    notices.clear()
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    assert {'alert', 'seen'} == {notice.kind for notice in notices}
    notices.clear()
    with open_session(people.yossi) as session:
        alerts.mark_all_read(session, now())
    assert doorbell.Notice('person', people.levi, user_id=people.yossi.user_id) in notices, (
        'no claim is bold for him now'
    )
