"""Making an API key as a person does: by his password, once shown, and revoked on the page of his account."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from db import accounts, api_keys, identity
from db.api_keys import OwnKey, Wish
from db.base import now
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, turn_on_two_factor
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in

HERE = '/account/keys'


@pytest.fixture
async def manager(portal: FastAPI, people: People) -> AsyncIterator[httpx.AsyncClient]:
    user = await signed_in(portal, EMAILS['manager'])
    yield user.http_client
    await user.http_client.aclose()


async def make(browser: httpx.AsyncClient, **over: str) -> httpx.Response:
    return await browser.post(HERE, data={'name': 'CRM', 'days': '90', 'current_password': PASSWORD, **over})


def token_in(answer: httpx.Response) -> str:
    shown = re.search(r'data-testid="api-key-token">([^<]+)<', answer.text)
    return shown[1] if shown else ''


def keys(person: Actor) -> list[OwnKey]:
    with open_session(person, reading=True) as session:
        return api_keys.own_keys(session, now())


def told(answer: httpx.Response) -> str:
    alert = re.search(r'role="alert".*?</p>', answer.text, re.DOTALL)
    return re.sub(r'<[^>]+>', '', alert[0]).partition('>')[2].strip() if alert else ''


async def test_a_key_is_shown_once_and_opens_the_api(
    portal: FastAPI, people: People, manager: httpx.AsyncClient
) -> None:
    assert 'name="current_password"' in (await manager.get(HERE)).text
    answer = await make(manager)
    assert answer.status_code == 200
    assert answer.headers['cache-control'] == 'no-store'
    token = token_in(answer)
    assert token.startswith('maakav_')
    assert 'data-here="/account"' in answer.text
    async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url='http://test') as program:
        assert (await program.get('/api/v1/claims', headers={'Authorization': f'Bearer {token}'})).status_code == 200
    for address in ('/account', HERE):
        assert token.partition('.')[2] not in (await manager.get(address)).text


@pytest.mark.parametrize(
    ('wrong', 'word'),
    [
        ({'current_password': 'not it'}, 'הסיסמה הנוכחית אינה נכונה'),
        ({'current_password': ''}, 'הסיסמה הנוכחית אינה נכונה'),
        ({'name': ''}, 'לאיזו תוכנה'),
        ({'name': 'x' * 61}, '61'),
        ({'days': '3650'}, 'מהרשימה'),
        ({'days': 'x\x00'}, 'מהרשימה'),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_made(
    people: People, manager: httpx.AsyncClient, wrong: dict[str, str], word: str
) -> None:
    answer = await make(manager, **wrong)
    assert answer.status_code == 400
    assert word in answer.text
    assert not token_in(answer)
    assert keys(people.manager) == []


async def test_whoever_signs_in_in_two_steps_types_a_code_too(people: People, manager: httpx.AsyncClient) -> None:
    _, codes = turn_on_two_factor(people.manager, now())
    with open_session(SYSTEM) as session:  # turning it on has ended his sign-ins
        token = identity.start_session(session, people.manager.user_id or 0, identity.Browser(), now())
    manager.cookies.set('sid', token)
    assert 'name="code"' in (await manager.get(HERE)).text
    assert not token_in(await make(manager, code='123456'))
    assert token_in(await make(manager, code=codes[0]))


async def test_tries_are_braked_as_those_to_sign_in(people: People, manager: httpx.AsyncClient) -> None:
    for _ in range(identity.ACCOUNT_TRIES):
        await make(manager, current_password='not it')
    answer = await make(manager)
    assert not token_in(answer)
    assert 'ניסיונות' in answer.text


async def test_his_account_lists_them_and_one_is_revoked_there(
    portal: FastAPI, people: People, manager: httpx.AsyncClient
) -> None:
    await make(manager, name='<b>CRM</b>')
    key = keys(people.manager)[0].key
    user = await signed_in(portal, EMAILS['manager'])
    shown = Open(user, await user.open('/account')).html()
    assert '&lt;b&gt;CRM&lt;/b&gt;' in shown
    assert key.beginning in shown
    assert f'action="{HERE}/{key.id}/revoke"' in shown
    await user.http_client.aclose()
    answer = await manager.post(f'{HERE}/{key.id}/revoke')
    assert (answer.status_code, answer.headers['location']) == (303, '/account')
    assert keys(people.manager) == []
    assert (await manager.post(f'{HERE}/{key.id}/revoke')).status_code == 404


@pytest.mark.parametrize('who', ['dana', 'rival'])
async def test_agents_have_none_of_it(portal: FastAPI, people: People, who: str) -> None:
    user = await signed_in(portal, EMAILS[who])
    assert 'data-testid="api-keys"' not in Open(user, await user.open('/account')).html()
    assert (await user.http_client.get(HERE)).status_code == 404
    answer = await make(user.http_client)
    assert not token_in(answer)
    assert keys(people.dana if who == 'dana' else people.rival) == []
    await user.http_client.aclose()


async def test_nobody_revokes_the_key_of_another(portal: FastAPI, people: People, manager: httpx.AsyncClient) -> None:
    with open_session(people.staff) as session:
        api_keys.make_key(session, Wish('BI', 30), '', now())
    (theirs,) = keys(people.staff)
    for key_id in (theirs.key.id, 'x' * 500, '%00', "' OR 1=1"):
        assert (await manager.post(f'{HERE}/{key_id}/revoke')).status_code == 404
    assert len(keys(people.staff)) == 1


async def test_no_page_elsewhere_makes_or_revokes_one(people: People, manager: httpx.AsyncClient) -> None:
    elsewhere = {'Origin': 'https://elsewhere.example'}
    answer = await manager.post(
        HERE, data={'name': 'CRM', 'days': '90', 'current_password': PASSWORD}, headers=elsewhere
    )
    assert answer.status_code == 403
    await make(manager)
    (mine,) = keys(people.manager)
    assert (await manager.post(f'{HERE}/{mine.key.id}/revoke', headers=elsewhere)).status_code == 403
    assert len(keys(people.manager)) == 1


async def test_whoever_looks_as_a_manager_sees_no_keys_and_makes_none(
    portal: FastAPI, people: People, admin: object
) -> None:
    user = await signed_in(portal, 'admin@bureau.demo')
    browser = user.http_client
    begun = await browser.post('/look-as', data={'person': str(people.manager.user_id), 'reason': 'בדיקה'})
    assert begun.status_code in (200, 303), begun.text
    assert (await browser.get(HERE)).status_code == 404
    assert (await make(browser)).status_code == 403
    assert (await browser.get('/api/v1/claims')).status_code == 401
    assert keys(people.manager) == []
    await browser.aclose()


async def test_the_record_of_the_house_tells_of_it(people: People, manager: httpx.AsyncClient) -> None:
    await make(manager)
    with open_session(people.admin) as session:
        accounts.disable(session, people.manager.user_id or 0)
    assert keys(people.manager) == []
