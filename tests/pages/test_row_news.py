"""One change told to many lists at once: the same frame for all who see the same, other words or another question for the rest."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from components import row_news, sockets
from components.claims_list import ClaimsTable
from db.alerts import mark_all_read, visit
from db.base import now
from db.claims import Claim, change_status, save_fields
from db.messages import note_internally
from db.offices import AgentOffice
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.test_claims import Desk, desk
from tests.waiting import soon

Frames = defaultdict[str, list[str]]


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> Iterator[Frames]:
    """What was written to the sockets of each page; here all of them take it."""
    written: Frames = defaultdict(list)

    def tell(client_id: str, frame: str) -> bool:
        written[client_id].append(frame)
        return True

    monkeypatch.setattr(sockets, 'tell', tell)
    yield written
    assert all(room.members for room in row_news._rooms.values()), 'an empty room is closed'


@pytest.fixture
def two(people: People) -> tuple[Claim, Claim]:
    made = (
        make_claim(people.levi, people.staff, agent=people.dana.user_id),
        make_claim(people.levi, people.staff, agent=people.yossi.user_id),
    )
    for reader in (people.dana, people.manager, people.staff2):
        with open_session(reader) as session:
            mark_all_read(session, now())
    return made


def change(actor: Actor, claim: Claim, phone: str = '050-1234567') -> None:
    with open_session(actor) as session:
        seen = session.get_one(Claim, claim.id).insured_phone
        save_fields(session, claim.id, {'insured_phone': (seen, phone)}, now())


def said(frames: Frames, page: Desk, *, quiet: bool = False) -> list[dict[str, Any]]:
    """The news a page was told; or what it was told that is none."""
    told = [json.loads(frame.removeprefix('42'))[1] for frame in frames[page.client.id]]
    return [news for news in told if news['quiet'] is quiet]


async def test_all_who_see_the_same_get_the_same_frame_and_nobody_else_any(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    dana, manager, staff2 = [await desk(portal, who) for who in ('dana', 'manager', 'staff2')]
    rival, filtered = await desk(portal, 'rival'), await desk(portal, 'dana', '/?status=new')
    before = dana.one(ClaimsTable).props['upto']
    change(people.staff, two[0])
    await soon(lambda: said(frames, dana) and said(frames, manager) and said(frames, staff2))
    [news] = said(frames, dana)
    assert news['number'] > before
    assert (news['fresh'], news['quiet'], news['row']['no']) == (True, False, two[0].claim_no)
    assert (news['row']['unread'], news['row']['hint']['after']) == (True, '050-1234567')
    told = [next(frame for frame in frames[page.client.id] if '"quiet":false' in frame) for page in (dana, manager)]
    assert told[0] is told[1], 'put into words once'
    # a list with a filter asks again, under its own scope
    await soon(lambda: filtered.rows[0]['no'] == two[0].claim_no)
    assert filtered.rows[0]['unread']
    assert filtered.one(ClaimsTable).props['upto'] >= news['number']
    assert not frames[filtered.client.id]
    assert not frames[rival.client.id]
    # the rows that the server knows of stay as they were: the browser puts the news on top of them
    assert dana.numbers[0] == two[1].claim_no

    change(people.staff, two[0], '050-7654321')
    await soon(lambda: len(said(frames, dana)) == 2)
    assert not said(frames, dana)[1]['fresh'], 'it was unread already: the number behind the view stays'


async def test_ones_own_change_is_asked_for(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    staff, staff2 = await desk(portal, 'staff'), await desk(portal, 'staff2')
    change(people.staff, two[0])
    await soon(lambda: said(frames, staff2) and staff.numbers[0] == two[0].claim_no)
    assert not staff.rows[0]['unread'], 'not bold for who wrote it'
    assert not frames[staff.client.id]


async def test_agents_who_see_their_own_claims_only_hear_of_no_other(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    dana, manager = await desk(portal, 'dana'), await desk(portal, 'manager')
    assert dana.numbers == [two[0].claim_no]
    change(people.staff, two[1])
    await soon(lambda: said(frames, manager))
    change(people.staff, two[0])
    await soon(lambda: said(frames, dana) and len(said(frames, manager)) == 2)
    assert [news['row']['no'] for news in said(frames, dana)] == [two[0].claim_no]
    assert two[1].claim_no not in str(frames[dana.client.id])


async def test_a_claim_that_is_closed_leaves_the_open_ones_and_the_numbers_follow(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    dana = await desk(portal, 'dana')
    with open_session(people.staff) as session:
        change_status(session, two[0].id, 'closed', 'שולם', 'new', now())
    await soon(lambda: dana.numbers == [two[1].claim_no] and dana.counts['closed'] == '1')
    # quietly it may be told: what follows a new claim (tasks, silences) rings a moment later
    assert two[0].claim_no not in str(said(frames, dana))


async def test_what_is_no_news_moves_nothing(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    dana, staff2 = await desk(portal, 'dana'), await desk(portal, 'staff2')
    with open_session(people.staff) as session:
        note_internally(session, two[0].id, 'הלקוח כועס', now())
    await soon(lambda: said(frames, dana, quiet=True) and said(frames, staff2, quiet=True))
    for page in (dana, staff2):
        assert not said(frames, page)
        assert not any(news['fresh'] for news in said(frames, page, quiet=True))
    assert 'כועס' not in str(frames)


async def test_many_claims_at_once_are_a_new_list(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_news, 'MOST', 1)
    dana = await desk(portal, 'dana')
    with open_session(people.staff) as session:
        for claim in two:
            change_status(session, claim.id, 'submitted', '', 'new', now())
    await soon(lambda: all(row['unread'] for row in dana.rows))
    assert not frames[dana.client.id]


async def test_a_page_that_takes_no_frame_asks_again(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(client_id: str, _: str) -> bool:
        asked.append(client_id)
        return False

    monkeypatch.setattr(sockets, 'tell', refuse)
    dana = await desk(portal, 'dana')
    change(people.staff, two[0])
    await soon(lambda: dana.numbers[0] == two[0].claim_no)
    assert set(asked) == {dana.client.id}


async def test_opening_a_claim_in_another_tab_is_asked_for(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    dana, filtered = await desk(portal, 'dana'), await desk(portal, 'dana', '/?view=unread')
    change(people.staff, two[0])
    await soon(lambda: said(frames, dana) and filtered.numbers == [two[0].claim_no])
    with open_session(people.dana) as session:
        visit(session, two[0].id, now())
    await soon(lambda: filtered.numbers == [] and dana.numbers[0] == two[0].claim_no)
    await soon(lambda: not dana.rows[0]['unread'])  # each page answers the bell by itself
    assert dana.numbers[0] == two[0].claim_no


async def test_an_import_of_the_product_itself_is_news_to_everybody(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], frames: Frames
) -> None:
    dana = await desk(portal, 'dana')
    change(SYSTEM, two[0])
    await soon(lambda: said(frames, dana))
    assert said(frames, dana)[0]['fresh']
