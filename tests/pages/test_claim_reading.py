"""Who has the same claim open at the same moment reads it once, and never with other people's eyes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from importlib import import_module
from threading import Event
from typing import Any

import pytest

from components import claim_reading
from components.claim_reading import audience_of, kept, read_once
from components.claim_watch import ClaimWatchMenu
from db.alerts import snooze
from db.base import now
from db.claims import Claim, save_fields
from db.doorbell import Notice, announce
from db.session import open_session
from tests.conftest import People
from tests.factories import alert_everybody, make_claim
from tests.pages.conftest import Opener, calm
from tests.waiting import soon

MOST = 51
Readers = list[int | None]


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


@pytest.fixture
async def readers(open_page: Opener, claim: Claim, monkeypatch: pytest.MonkeyPatch) -> Readers:
    """Who has read the claim, once somebody has it open."""
    await open_page('staff', claim)
    await calm()
    found: Readers = []
    read: Callable[..., Any] = claim_reading.read

    def noted(session: Any, *asked: Any) -> Any:
        found.append(session.info['actor'].user_id)
        return read(session, *asked)

    monkeypatch.setattr(claim_reading, 'read', noted)
    return found


async def test_colleagues_who_are_told_together_read_once(claim: Claim, people: People, readers: Readers) -> None:
    one, two = await asyncio.gather(*(read_once(who, claim.id, MOST) for who in (people.staff, people.staff2)))
    assert one is two
    assert one is not None
    assert len(readers) == 1


async def test_nobody_reads_with_the_eyes_of_another_role_or_office(
    claim: Claim, people: People, readers: Readers
) -> None:
    only_his_own = replace(people.yossi, sees_own_only=True)
    in_english = replace(people.staff2, language='en')
    everybody = (people.staff, people.manager, people.dana, people.yossi, only_his_own, people.rival, in_english)
    found = await asyncio.gather(*(read_once(who, claim.id, MOST) for who in everybody))
    assert [reading is not None for reading in found] == [True, True, True, True, False, False, True]
    staff, manager, dana, yossi, *_, english = found
    assert dana is yossi
    assert len({id(staff), id(manager), id(dana), id(english)}) == 4
    assert staff is not None
    assert dana is not None
    assert staff.office
    assert not dana.office
    assert len(readers) == 6


async def test_who_asks_while_it_is_being_read_gets_what_is_newer(
    claim: Claim, people: People, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, read = Event(), claim_reading.read

    def slowly(*asked: Any) -> Any:
        found = read(*asked)
        goes_on.wait(5)
        return found

    monkeypatch.setattr(claim_reading, 'read', slowly)
    first = asyncio.ensure_future(read_once(people.staff, claim.id, MOST))
    await soon(lambda: readers)
    second = asyncio.ensure_future(read_once(people.staff2, claim.id, MOST))
    await soon(lambda: len(readers) == 2)
    goes_on.set()
    assert await first is not await second


async def test_what_is_new_to_somebody_comes_out_of_the_record_or_is_asked_for(
    claim: Claim, people: People, readers: Readers
) -> None:
    whole = await read_once(people.dana, claim.id, MOST)
    short = await read_once(people.dana, claim.id, 1)
    assert whole is not None
    assert short is not None
    assert whole.news(0, people.dana.user_id) == [*reversed(whole.history)]
    assert whole.news(0, people.staff.user_id) == [], 'what he did himself'
    assert short.news(0, people.dana.user_id) is None, 'further back than what was read'
    assert short.news(short.history[0].id, people.dana.user_id) == []


async def test_nobody_waits_for_what_an_earlier_life_of_the_app_was_asked(
    claim: Claim, people: People, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over = claim_reading._Once((claim.id, MOST, None, None, str(people.staff.role), 'he'), people.staff)
    left_over._reading.cancel()
    monkeypatch.setitem(claim_reading._asked, left_over._audience, left_over)
    claim_reading.start()
    assert await read_once(people.staff, claim.id, MOST) is not None


async def test_who_opens_a_claim_that_somebody_has_open_shares_what_was_read(
    claim: Claim, people: People, readers: Readers, open_page: Opener
) -> None:
    page = await open_page('staff2', claim)
    assert readers == [], 'his colleague has it open'
    await open_page('dana', claim)
    assert readers == [people.dana.user_id], 'an agent sees it with his own eyes'
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'policy_no': (claim.policy_no, '77-7')}, now())
    late = await open_page('dana', claim)
    await soon(lambda: page.row('policy_no')['text'] == late.row('policy_no')['text'] == '77-7')


async def test_nothing_is_shared_that_was_read_while_anything_rang(claim: Claim, people: People) -> None:
    stop = claim_reading.start()
    audience = audience_of(people.staff, claim.id, MOST)
    with open_session(people.staff, reading=True) as session:
        reading = claim_reading.read(session, claim.id, MOST)
    assert reading is not None
    since = claim_reading.turn()
    announce(Notice('alert', user_id=people.dana.user_id))
    claim_reading.keep(audience, reading, since)
    assert kept(audience, claim.version) is reading
    assert kept(audience, claim.version + 1) is None, 'his own look at the claim says that it is older'
    announce(Notice('claim', claim.office_id, claim.id + 1))
    assert kept(audience, claim.version) is reading, 'that was another one'
    announce(Notice('claim', claim.office_id, claim.id))
    assert kept(audience, claim.version) is None
    claim_reading.keep(audience, reading, since)
    assert kept(audience, claim.version) is None, 'it may be older than what rang'
    claim_reading.keep(audience, reading, claim_reading.turn())
    announce(Notice('words'))
    assert kept(audience, claim.version) is None
    of_another_day = replace(reading, day=date(2020, 1, 1))
    claim_reading.keep(audience, of_another_day, claim_reading.turn())
    assert kept(audience, claim.version) is None, 'not of today'
    stop()
    claim_reading.keep(audience, reading, claim_reading.turn())
    assert kept(audience, claim.version) is None


def _noted(asked: list[str], question: Callable[..., Any], *given: Any) -> Any:
    asked.append(question.__name__)
    return question(*given)


async def none_left(asked: list[str]) -> None:
    """What opening a page rings for is asked when it rings, on a busy machine some time later."""
    await asyncio.sleep(0.3)
    while asked:
        asked.clear()
        await asyncio.sleep(0.3)


async def test_who_looks_at_a_claim_is_asked_nothing_anew_for_having_seen_it(
    claim: Claim, people: People, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert_everybody()  # of the new claim, which would be told some time later
    page, asked = await open_page('dana', claim), list[str]()
    for question in ('bell._count_for', 'messages_link.standing_of', 'claim_watch.watched'):
        module, name = question.split('.')
        ours = getattr(import_module(f'components.{module}'), name)
        monkeypatch.setattr(f'components.{question}', partial(_noted, asked, ours))
    await none_left(asked)
    announce(Notice('seen', claim.office_id, claim.id, user_id=people.dana.user_id))
    await asyncio.sleep(0.2)
    assert asked == []
    announce(Notice('alert', claim.office_id, claim.id, user_id=people.dana.user_id))
    await soon(lambda: asked)
    await asyncio.sleep(0.2)
    assert asked == ['_count_for']
    with open_session(people.dana) as session:
        snooze(session, claim.id, 'day', now())
    await soon(lambda: page.of(ClaimWatchMenu)[0].props['shown']['until'])
    asked.clear()
    announce(Notice('alert', claim.office_id, claim.id, user_id=people.dana.user_id))
    await soon(lambda: 'watched' in asked)
