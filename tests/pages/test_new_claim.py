"""Opening a claim: checked as one types, warned of duplicates, opened once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from components.new_claim import NewClaim, check, typed_in
from db.claims import Claim, claim_by_no
from db.list_state import ListState
from db.lists import page_of
from db.offices import offices
from db.session import fetch, open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


@pytest.fixture
async def page(portal: FastAPI) -> AsyncIterator[Open]:
    user = await signed_in(portal, EMAILS['staff'])
    yield Open(user, await user.open('/claims/new'))
    await user.http_client.aclose()


def form(people: People, **over: str) -> dict[str, str]:
    given = {'office': str(people.levi), 'insured_name': 'בועז אלון', 'plate': '217-34-801', 'event_date': '28/10/26'}
    return {**given, **over}


async def submit(page: Open, values: dict[str, str], *, sure: bool = False) -> dict[str, Any]:
    drawn = page.of(NewClaim)[0]
    before, answered = len(page.user.back_history), drawn.props['answered']
    page.send(drawn, 'submit', {'values': values, 'sure': sure})
    await soon(lambda: drawn.props['answered'] > answered or len(page.user.back_history) > before)
    return dict(drawn.props)


def claims() -> int:
    with open_session(SYSTEM, reading=True) as session:
        return page_of(session, ListState(view='all')).total


async def test_a_claim_is_opened_and_shown(page: Open, people: People) -> None:
    await submit(page, form(people, insured_phone='052 555 0134', tp_plate='64-178-35', agent=str(people.dana.user_id)))
    assert page.user.back_history[-1] == '/claims/26-00001'
    with open_session(people.dana, reading=True) as session:
        opened = session.get_one(Claim, 1)
        assert (opened.plate, opened.insured_phone, opened.status) == ('21734801', '0525550134', 'new')
        assert (opened.agent, opened.handler) == (people.dana.user_id, people.staff.user_id)


async def test_an_agent_reports_an_accident_and_goes_on_to_its_documents(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, handler=people.staff.user_id)
    make_claim(people.cohen, people.staff)  # its number is drawn from the same row
    user = await signed_in(portal, EMAILS['dana'])
    page = Open(user, await user.open('/claims/new'))
    shown = [field['name'] for group in page.of(NewClaim)[0].props['groups'] for field in group['fields']]
    assert shown[0] == 'insured_name'
    assert not {'office', 'agent'} & set(shown)
    await submit(page, form(people, office=str(people.cohen), agent=str(people.manager.user_id), plate='12-345-67'))
    assert page.user.back_history[-1] == '/claims/26-00003?tab=documents'
    with open_session(people.staff, reading=True) as session:
        [opened] = fetch(session, claim_by_no('26-00003'))
        assert (opened.office_id, opened.agent, opened.status) == (people.levi, people.dana.user_id, 'new')
        assert opened.handler == people.staff.user_id
    await user.http_client.aclose()


async def test_a_manager_reports_for_one_of_his_agents(portal: FastAPI, people: People) -> None:
    user = await signed_in(portal, EMAILS['manager'])
    page = Open(user, await user.open('/claims/new'))
    shown = [field['name'] for group in page.of(NewClaim)[0].props['groups'] for field in group['fields']]
    assert shown[:2] == ['agent', 'insured_name']
    await submit(page, form(people, agent=str(people.dana.user_id)))
    with open_session(people.staff, reading=True) as session:
        [opened] = fetch(session, claim_by_no('26-00001'))
        assert (opened.agent, opened.handler) == (people.dana.user_id, None)
    await user.http_client.aclose()


async def test_without_an_office_the_form_says_what_comes_first(portal: FastAPI, people: People) -> None:
    with open_session(people.admin) as session:
        for office in fetch(session, offices()):
            office.active = False
    user = await signed_in(portal, EMAILS['staff'])
    page = Open(user, await user.open('/claims/new'))
    first = page.of(NewClaim)[0].props['errors']
    assert 'אין משרדי סוכנים' in first['office']
    for chosen in ('', str(people.levi)):
        assert (await submit(page, form(people, office=chosen)))['errors'] == first
    await user.http_client.aclose()


async def test_a_double_click_opens_one(page: Open, people: People) -> None:
    drawn = page.of(NewClaim)[0]
    for _ in range(3):
        page.send(drawn, 'submit', {'values': form(people), 'sure': False})
    await soon(lambda: page.user.back_history[-1] != '/claims/new')
    await asyncio.sleep(0.1)
    assert claims() == 1


async def test_every_slip_is_told_beside_its_field(page: Open, people: People) -> None:
    shown = await submit(page, form(people, office='', insured_name=' ', event_date='31/02/2026', insured_phone='5'))
    assert set(shown['errors']) == {'office', 'insured_name', 'event_date', 'insured_phone'}
    assert shown['message']
    shown = await submit(page, form(people, event_date='01/01/2099'))
    assert 'בעתיד' in shown['message']
    shown = await submit(page, form(people, office='9999'))
    assert set(shown['errors']) == {'office'}
    assert claims() == 0


async def test_a_field_is_checked_when_one_leaves_it(page: Open, people: People) -> None:
    drawn = page.of(NewClaim)[0]
    page.send(drawn, 'check', {'name': 'insured_id_no', 'values': form(people, insured_id_no='123456789')})
    await soon(lambda: drawn.props['doubts'])
    page.send(drawn, 'check', {'name': 'insured_phone', 'values': form(people, insured_phone='12')})
    await soon(lambda: drawn.props['errors'])
    assert set(drawn.props['errors']) == {'insured_phone'}, 'what was not left yet is not complained about'
    page.send(drawn, 'check', {'name': 'insured_phone', 'values': form(people, insured_phone='0521234567')})
    await soon(lambda: not drawn.props['errors'])


async def test_a_likely_duplicate_is_shown_and_takes_a_second_yes(page: Open, people: People) -> None:
    make_claim(people.levi, people.staff)
    drawn = page.of(NewClaim)[0]
    page.send(drawn, 'check', {'name': 'plate', 'values': form(people, event_date='30/10/2026')})
    await soon(lambda: drawn.props['duplicates'])
    assert drawn.props['duplicates'][0]['href'] == '/claims/26-00001'

    await submit(page, form(people, event_date='30/10/2026'))
    await submit(page, form(people), sure=True)  # another day: he was not warned of this one
    assert claims() == 1
    await submit(page, form(people), sure=True)
    assert claims() == 2


async def test_another_day_is_no_duplicate(page: Open, people: People) -> None:
    make_claim(people.levi, people.staff)
    await submit(page, form(people, event_date='20/10/2026'))
    assert claims() == 2


async def test_hostile_forms_open_nothing(page: Open) -> None:
    drawn = page.of(NewClaim)[0]
    hostile: list[Any] = ['', [], {'values': []}, {'values': {'insured_name': {'a': 1}, 'office': 1}}]
    for args in hostile:
        page.send(drawn, 'submit', args)
        page.send(drawn, 'check', args)
    await asyncio.sleep(0.1)
    assert claims() == 0


def test_only_the_fields_of_the_form_are_read() -> None:
    assert typed_in({'plate': '1', 'status': 'closed', 'office': 5, 'policy_no': 'x' * 9999}) == {'plate': '1'}
    assert typed_in(None) == {}
    assert 'status' not in check({'status': 'closed'}, 'he').fields
