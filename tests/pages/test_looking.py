"""Looking as an agent, on the screens: where it begins, the banner on every page, and that whatever is sent meanwhile is refused."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from nicegui import Client
from nicegui.testing import User
from sqlalchemy import select

from components import accesses, sockets
from components.alerts_list import AlertsList
from components.bell import Bell
from components.claim_head import ClaimHead
from components.messages_panel import MessagesPanel
from components.sessions import end_looks
from db import accounts, documents, looking
from db.access_log import CLAIM, LIST, LOOK, LOOK_OVER, PAGE, Access
from db.alerts import Alert
from db.base import now
from db.messages import Draft, ThreadKey, ThreadMark, save_draft
from db.offices import User as Person
from db.scope import Actor
from db.seen_marks import SeenMark
from db.session import fetch, open_session
from tests import papers
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon

REFUSED = 'בצפייה כסוכן אי אפשר לשנות דבר.'
WHY = 'אינה רואה תביעה'


@pytest.fixture
async def staff(portal: FastAPI) -> AsyncIterator[User]:
    user = await signed_in(portal, EMAILS['staff'])
    yield user
    await user.http_client.aclose()


async def look(user: User, shown: Actor, reason: str = WHY) -> Any:
    return await user.http_client.post('/look-as', data={'person': str(shown.user_id), 'reason': reason})


def kept(*kinds: str) -> Sequence[Access]:
    accesses.write()
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, select(Access).where(Access.what.in_(kinds)).order_by(Access.id))


def log(*kinds: str) -> list[tuple[str, int | None, int | None, str]]:
    return [(line.what, line.user_id, line.as_user_id, line.claim_no or line.told) for line in kept(*kinds)]


def refused() -> list[tuple[int | None, str, str]]:
    return [(line.user_id, line.as_name, line.told) for line in kept(LOOK) if not line.granted]


async def test_staff_see_what_the_agent_sees_and_a_banner_until_they_end_it(
    portal: FastAPI, staff: User, people: People
) -> None:
    hers = make_claim(people.levi, people.staff, agent=people.dana.user_id, insured_name='רבקה שלום')
    other = make_claim(people.cohen, people.staff, agent=people.rival.user_id, insured_name='אורי גולן')
    form = Open(staff, await staff.open(f'/look-as?person={people.dana.user_id}'))
    assert f'<option value="{people.dana.user_id}" selected>' in form.everything()
    assert people.staff2.name not in form.everything()
    assert (await look(staff, people.dana)).status_code == 303
    answer = await staff.http_client.get('/')
    assert 'data-testid="looking"' in answer.text
    assert f'צפייה כ־\u2068{people.dana.name}\u2069' in answer.text
    assert answer.text.index('data-testid="looking"') < answer.text.index('id="app"')
    page = Open(staff, await staff.open('/'))
    await soon(lambda: hers.insured_name in page.everything())
    assert other.insured_name not in page.everything()
    assert 'href="/account"' not in page.everything()
    assert 'account/preferences' not in page.everything()
    assert (await staff.http_client.post('/look-as/end')).status_code == 303
    answer = await staff.http_client.get('/')
    assert 'data-testid="looking"' not in answer.text
    again = Open(staff, await staff.open('/'))
    await soon(lambda: other.insured_name in again.everything())
    who = people.staff.user_id, people.dana.user_id
    assert log(LOOK, LOOK_OVER) == [(LOOK, *who, WHY), (LOOK_OVER, *who, '')]
    assert {line[1:3] for line in log(LIST)} == {who, (people.staff.user_id, None)}


async def test_what_is_opened_meanwhile_is_noted_of_who_looks_and_nothing_of_the_agent_is_touched(
    portal: FastAPI, staff: User, people: People
) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    await look(staff, people.dana)
    page = Open(staff, await staff.open(f'/claims/{claim.claim_no}'))
    await page.open_tabs()
    await page.open_tabs('messages')
    page.send(page.of(ClaimHead)[0], 'seen', 10**6)
    panel = page.of(MessagesPanel)[0]
    page.send(panel, 'draft', {'body': 'טיוטה', 'internal': False})
    page.send(panel, 'seen', 10**6)
    answer = await page.answer(panel, 'send', {'body': 'שלום', 'key': 'k', 'internal': False})
    assert answer['message'] == REFUSED
    alerts = Open(staff, await staff.open('/alerts'))
    assert [one.props['own'] for one in (alerts.of(AlertsList)[0], alerts.of(Bell)[0])] == [False, False]
    with open_session(SYSTEM, reading=True) as session:
        for model in (SeenMark, Draft, ThreadMark):
            assert not fetch(session, select(model).where(model.user_id == people.dana.user_id)), model
        assert not fetch(session, select(Alert).where(Alert.user_id == people.dana.user_id, Alert.read_at.is_not(None)))
    who = people.staff.user_id, people.dana.user_id
    assert log(CLAIM, PAGE) == [(CLAIM, *who, claim.claim_no), (PAGE, *who, '/alerts')]


async def test_what_the_agent_has_not_sent_is_not_shown(portal: FastAPI, staff: User, people: People) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.dana) as session:
        save_draft(session, ThreadKey(people.levi, claim.id), 'עוד לא נשלח')
    await look(staff, people.dana)
    page = Open(staff, await staff.open(f'/claims/{claim.claim_no}'))
    await page.open_tabs('messages')
    assert 'עוד לא נשלח' not in page.everything()


@pytest.mark.parametrize(
    'address',
    [
        '/account/preferences',
        '/account/mail',
        '/account/password',
        '/account/two-factor/start',
        '/logout-everywhere',
        '/files/exports/confirm',
        '/files/claims/26-1',
        '/look-as',
        '/files/imports',
    ],
)
async def test_nothing_is_sent_meanwhile(staff: User, people: People, address: str) -> None:
    await look(staff, people.dana)
    answer = await staff.http_client.post(address, data={'theme': 'dark'}, headers={'X-Maakav-Upload': '1'})
    assert answer.status_code == 403
    assert REFUSED in answer.text
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(Person, people.dana.user_id).theme == 'auto'


@pytest.mark.parametrize(
    ('address', 'status'),
    [
        ('/account', 404),
        ('/account/password', 404),
        ('/account/two-factor', 404),
        ('/look-as', 404),
        ('/admin', 404),
        ('/files/exports/1', 404),
        ('/reports/all.xlsx', 404),
        ('/reports/month.xlsx?month=2026-11', 404),
    ],
)
async def test_how_the_agent_signs_in_is_not_shown_and_nothing_is_made_to_take_away(
    staff: User, people: People, address: str, status: int
) -> None:
    await look(staff, people.manager)
    answer = await staff.http_client.get(address)
    assert answer.status_code == status
    assert people.manager.name not in answer.text.replace(f'צפייה כ־\u2068{people.manager.name}\u2069', '')


async def test_who_has_not_the_right_finds_no_such_page(portal: FastAPI, people: People) -> None:
    user = await signed_in(portal, EMAILS['manager'])
    assert (await user.http_client.get('/look-as')).status_code == 404
    assert (await look(user, people.dana)).status_code == 404
    assert (await user.http_client.post('/look-as/end')).status_code == 303
    assert refused() == [(people.manager.user_id, people.dana.name, WHY)]
    await user.http_client.aclose()


@pytest.mark.parametrize('reason', ['', '  '])
async def test_without_a_reason_nobody_looks(staff: User, people: People, reason: str) -> None:
    answer = await look(staff, people.dana, reason)
    assert answer.status_code == 400
    assert 'סיבת הצפייה' in answer.text
    assert (await look(staff, people.staff2)).status_code == 400
    who = people.staff.user_id
    assert refused() == [(who, people.dana.name, reason), (who, people.staff2.name, WHY)]


async def test_a_try_to_look_as_another_meanwhile_is_refused_and_noted(staff: User, people: People) -> None:
    await look(staff, people.dana)
    assert (await look(staff, people.manager)).status_code == 403
    assert refused() == [(people.staff.user_id, people.dana.name, '')]


async def test_an_agent_is_not_told_of_a_look_that_was_refused(portal: FastAPI, staff: User, people: People) -> None:
    await look(staff, people.dana, ' ')
    refused()
    user = await signed_in(portal, EMAILS['dana'])
    page = Open(user, await user.open('/account'))
    assert page.everything().count('data-testid="own-look"') == 0
    await user.http_client.aclose()


@pytest.mark.parametrize('how', ['agent disabled', 'staff disabled', 'time over'])
async def test_open_pages_are_cut_off_when_it_is_over(
    staff: User, people: People, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await look(staff, people.dana)
    client = await staff.open('/')
    if how == 'time over':
        later = now() + looking.LASTS
        monkeypatch.setattr('components.sessions.now', lambda: later)
        await end_looks()
    else:
        with open_session(SYSTEM) as session:
            accounts.disable(session, (people.dana if how == 'agent disabled' else people.staff).user_id or 0)
    await soon(lambda: client.id not in Client.instances)


async def test_pages_are_looked_at_again_when_either_of_the_two_changed(
    staff: User, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await look(staff, people.dana)
    client, fallen = await staff.open('/'), list[Client]()

    async def nobody(_: Any) -> dict[str, Any]:
        return {}

    async def cut(clients: list[Client]) -> None:
        fallen.extend(clients)

    # nothing of this waits, so that the watch over all sessions has no turn meanwhile
    monkeypatch.setattr('components.sessions.find_afresh', nobody)
    monkeypatch.setattr(sockets, 'cut', cut)
    await sockets.recheck(people.rival.user_id)
    assert fallen == []
    for one in (people.staff, people.dana):
        await sockets.recheck(one.user_id)
        assert fallen == [client]
        fallen.clear()


async def test_documents_are_read_one_by_one_and_none_are_packed(portal: FastAPI, staff: User, people: People) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    dana = await signed_in(portal, EMAILS['dana'])
    told = {'X-Maakav-Upload': '1', 'X-File-Name': 'a.pdf', 'X-Document-Type': 'police_report'}
    address = f'/files/claims/{claim.claim_no}'
    sent = (await dana.http_client.post(address, content=papers.pdf(), headers=told)).json()
    await dana.http_client.aclose()
    await look(staff, people.dana)
    for _ in range(2):
        assert (await staff.http_client.get(f'/files/{sent["uuid"]}')).status_code == 200
    assert (await staff.http_client.get(f'{address}/zip')).status_code == 422
    assert (await staff.http_client.get(f'/files/claims.zip?claim={claim.claim_no}')).status_code == 422
    with open_session(SYSTEM, reading=True) as session:
        seen = [(view.user_id, view.how) for view in fetch(session, select(documents.DocumentView))]
    assert seen == [(people.staff.user_id, 'downloaded')]
    assert log('document.downloaded')[0][1:] == (people.staff.user_id, people.dana.user_id, claim.claim_no)
    assert log('document.packed') == []


async def test_a_page_of_before_does_nothing_meanwhile(staff: User, people: People) -> None:
    before = await staff.open('/')
    owner = sockets.owner_of(before)
    assert owner is not None
    await look(staff, people.dana)
    await soon(partial(_is_gone, before))


def _is_gone(client: Client) -> bool:
    return client.id not in Client.instances


async def test_the_agent_finds_who_looked_and_keeps_his_own_sign_ins(
    portal: FastAPI, staff: User, people: People
) -> None:
    await look(staff, people.dana)
    accesses.write()
    user = await signed_in(portal, EMAILS['dana'])
    page = Open(user, await user.open('/account'))
    assert page.everything().count('data-testid="own-look"') == 1
    assert people.staff.name in page.everything()
    assert WHY not in page.everything()
    await user.http_client.aclose()


async def test_the_log_of_access_says_as_whom(portal: FastAPI, staff: User, admin: User, people: People) -> None:
    await look(staff, people.dana)
    accesses.write()
    page = Open(admin, await admin.open(f'/admin/accesses?as={people.dana.user_id}'))
    assert f'כ־\u2068{people.dana.name}\u2069' in page.html()
    assert WHY in page.everything()
    assert page.everything().count('data-testid="access"') == 1
