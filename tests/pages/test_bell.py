"""One change rings many bells: their numbers are counted by one question, and each person's is his own."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from components import bell
from components.bell import Bell
from db.alerts import mark_all_read, unread_groups_of
from db.base import now
from db.claims import Claim, save_fields
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import alert_everybody, make_claim
from tests.pages.conftest import Opener
from tests.waiting import soon

Asked = list[set[int]]


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Of whom the product asks at once."""
    found: Asked = []

    def noted(session: Any, people: Collection[int]) -> Any:
        found.append(set(people))
        return unread_groups_of(session, people)

    monkeypatch.setattr('components.bell.unread_groups_of', noted)
    return found


def ids(*people: Actor) -> set[int]:
    return {person.user_id or 0 for person in people}


async def test_bells_that_ring_together_are_counted_by_one_question(
    portal: FastAPI, people: People, claim: Claim, asked: Asked
) -> None:
    alert_everybody()
    everybody = (people.dana, people.manager, people.rival, people.staff)
    found = await asyncio.gather(*map(bell._count_for, everybody))
    assert found == [1, 1, 0, 0]
    assert asked == [ids(*everybody)]


async def test_whoever_is_rung_later_is_counted_anew(
    portal: FastAPI, people: People, claim: Claim, asked: Asked
) -> None:
    alert_everybody()
    assert await bell._count_for(people.dana) == 1
    with open_session(people.dana) as session:
        mark_all_read(session, now())
    assert await bell._count_for(people.dana) == 0
    assert asked == [ids(people.dana)] * 2


async def test_who_sees_his_own_claims_only_asks_for_himself(
    portal: FastAPI, people: People, claim: Claim, asked: Asked
) -> None:
    alert_everybody()
    with open_session(people.staff) as session:
        before = session.get_one(Claim, claim.id).agent
        save_fields(session, claim.id, {'agent': (before, people.yossi.user_id)}, now())
    # the alert is there still, but the claim is no longer hers
    assert await bell._count_for(replace(people.dana, sees_own_only=True)) == 0
    assert asked == []


async def test_the_number_follows_on_open_pages(open_page: Opener, people: People, claim: Claim) -> None:
    page = await open_page('dana', claim)
    make_claim(people.levi, people.staff)
    alert_everybody()
    await soon(lambda: page.of(Bell)[0].props['count'] == 1)
