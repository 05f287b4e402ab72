"""The API: a program reads with a key what its person may read, and whatever else it sends gets a refusal in one shape."""

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from components import accesses, sessions
from components.brakes import Brake
from db import accounts, api_keys, catch_up, identity, messages
from db.access_log import Access
from db.api_keys import Wish
from db.base import now
from db.cheques import Slip, enter_cheque
from db.claims import FIELDS, Claim, change_status, save_fields
from db.list_state import DAYS, MANY
from db.scope import Actor, Role
from db.session import open_session
from pages import api
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, make_claim, make_user
from tests.portal import signed_in

CLAIMS, CHANGES, DOCUMENT = '/api/v1/claims', '/api/v1/changes', '/api/v1/openapi.json'
NUMBER = '034862177'


@pytest.fixture(autouse=True)
def brakes() -> None:
    for brake in (api._reads, api._wrong_keys, api._noted):
        brake.moments.clear()


@pytest.fixture
async def program(portal: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(portal), base_url='http://test') as client:
        yield client


def key_of(person: Actor, name: str = 'CRM') -> dict[str, str]:
    with open_session(SYSTEM) as session:
        if session.get(identity.Credential, person.user_id) is None:
            identity.set_password(session, person.user_id or 0, PASSWORD, now())
    with open_session(person) as session:
        token = api_keys.make_key(session, Wish(name, 365), '', now())
    return {'Authorization': f'Bearer {token}'}


@pytest.fixture
def levi(people: People) -> Claim:
    fields = {
        'insured_id_no': NUMBER,
        'demand_amount': 3120000,
        'repair_stage': 'bodywork',
        'insured_name': 'רונית ברק',
    }
    claim = make_claim(people.levi, people.staff, fields, agent=people.dana.user_id)
    with open_session(people.staff) as session:
        slip = Slip('insurer_to_insured', 2198000, date(2027, 3, 1), cheque_no='1007')
        enter_cheque(session, claim.id, slip, 'expected', now())
    return claim


@pytest.fixture
def cohen(people: People) -> Claim:
    return make_claim(
        people.cohen, people.staff, insured_name='זרובבל הזר', plate='9988776', agent=people.rival.user_id
    )


async def get(program: AsyncClient, address: str, key: dict[str, str], status: int = 200) -> Any:
    answer = await program.get(address, headers=key)
    assert answer.status_code == status, answer.text
    assert answer.headers['cache-control'] == 'no-store'
    return answer.json()


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A refusal in the one shape; returns what it tells."""
    assert answer.status_code == status, answer.text
    assert answer.headers['content-type'] == 'application/json'
    told: dict[str, Any] = answer.json()
    assert set(told) == {'error'}
    assert set(told['error']) == {'code', 'message'}
    assert told['error']['code'] == code
    assert any('א' <= sign <= 'ת' for sign in told['error']['message'])
    error: dict[str, Any] = told['error']
    return error


def looked_at() -> list[tuple[str, str, str, bool]]:
    accesses.write()
    with open_session(SYSTEM, reading=True) as session:
        return [
            (one.what, one.claim_no, one.told, one.granted)
            for one in session.scalars(select(Access).order_by(Access.id))
        ]


# ---- the list ---------------------------------------------------------------------------------------------------------------


async def test_a_manager_reads_the_claims_of_his_office(
    program: AsyncClient, people: People, levi: Claim, cohen: Claim
) -> None:
    answer = await get(program, CLAIMS, key_of(people.manager))
    (row,) = answer['claims']
    assert answer['next'] is None
    assert (row['claim_no'], row['insured_name'], row['plate']) == (levi.claim_no, 'רונית ברק', '21734801')
    assert row['status'] == {'key': 'new', 'label': 'חדשה'}
    assert row['repair_stage'] == {'key': 'bodywork', 'label': 'פחחות'}
    assert row['waiting_on']['label']
    assert (row['event_date'], row['demand_amount'], row['agent'], row['office']) == (
        '2026-10-28',
        3120000,
        'דנה ארז',
        None,
    )
    assert row['unread'] is True


async def test_the_bureau_reads_all_offices_and_says_whose_each_claim_is(
    program: AsyncClient, people: People, levi: Claim, cohen: Claim
) -> None:
    key = key_of(people.staff)
    answer = await get(program, CLAIMS, key)
    assert [row['office'] for row in answer['claims']] == ['סוכנות כהן', 'סוכנות לוי']
    narrowed = await get(program, f'{CLAIMS}?office={people.levi}', key)
    assert [row['claim_no'] for row in narrowed['claims']] == [levi.claim_no]


@pytest.mark.parametrize(
    ('query', 'found'),
    [
        ('q=ברק', True),
        ('q=217-34-801', True),
        ('q=ברק&scope=insured_name', True),
        ('q=זרובבל', False),
        ('status=new,submitted', True),
        ('status=submitted', False),
        ('view=closed', False),
        ('view=all', True),
        ('event_from=2026-10-28&event_to=2026-10-28', True),
        ('event_from=2026-10-29', False),
        ('repair_stage=bodywork', True),
        ('agent=0', False),
        ('status=&q=', True),
    ],
)
async def test_it_is_narrowed_as_on_screen(
    program: AsyncClient, people: People, levi: Claim, cohen: Claim, query: str, found: bool
) -> None:
    answer = await get(program, f'{CLAIMS}?{query}', key_of(people.manager))
    assert [row['claim_no'] for row in answer['claims']] == ([levi.claim_no] if found else [])


@pytest.mark.parametrize('sort', ['-updated_at', 'updated_at', 'insured_name', '-claim_no', 'status', '-demand_amount'])
async def test_page_after_page_leads_through_the_whole_list(program: AsyncClient, people: People, sort: str) -> None:
    made = {
        make_claim(people.levi, people.staff, insured_name=f'לקוח {n % 7}', plate=f'1{n:06}').claim_no
        for n in range(23)
    }
    key, seen, after, pages = key_of(people.manager), [], '', 0
    while True:
        answer = await get(program, f'{CLAIMS}?limit=10&sort={sort}{after}', key)
        seen += [row['claim_no'] for row in answer['claims']]
        pages += 1
        if answer['next'] is None:
            break
        after = f'&after={answer["next"]}'
    assert (pages, len(seen), set(seen)) == (3, 23, made)


# ---- one claim --------------------------------------------------------------------------------------------------------------


async def test_a_claim_has_every_field_and_the_cheques_to_come(
    program: AsyncClient, people: People, levi: Claim
) -> None:
    told = await get(program, f'{CLAIMS}/{levi.claim_no}', key_of(people.manager))
    assert set(FIELDS) <= set(told)
    assert (told['insured_id_no'], told['insured_phone'], told['agent']) == (NUMBER, '0525550134', 'דנה ארז')
    assert told['documents']['label']
    assert told['model_year'] is None
    assert told['cheques'] == [
        {
            'direction': {'key': 'insurer_to_insured', 'label': 'מחברת הביטוח ללקוח'},
            'cheque_no': '1007',
            'amount': 2198000,
            'due_date': '2027-03-01',
            'state': {'key': 'expected', 'label': 'המחאה צפויה'},
        }
    ]


async def test_a_number_with_a_slash_is_found(program: AsyncClient, people: People) -> None:
    claim = make_claim(people.levi, people.staff, claim_no='2024/17/א')
    told = await get(program, f'{CLAIMS}/{claim.claim_no}', key_of(people.manager))
    assert told['claim_no'] == '2024/17/א'


async def test_masked_roles_read_masks(program: AsyncClient, people: People, levi: Claim) -> None:
    team = make_user('אורן שגב', Role.REPAIR_TEAM, email='repair@bureau.demo')
    key = key_of(team)
    told = await get(program, f'{CLAIMS}/{levi.claim_no}', key)
    assert told['insured_id_no'].endswith('•2177')
    with open_session(people.staff) as session:
        save_fields(session, levi.id, {'insured_id_no': (NUMBER, '123456782')}, now())
    changes = await program.get(f'{CHANGES}?after=0', headers=key)
    assert 'insured_id_no' in changes.text
    for number in (NUMBER, '123456782'):
        assert number not in changes.text
    assert (await get(program, f'{CLAIMS}/{levi.claim_no}', key_of(people.staff)))['insured_id_no'] == '123456782'


async def test_what_is_of_another_office_is_not_there_and_no_byte_of_it_comes(
    program: AsyncClient, people: People, levi: Claim, cohen: Claim
) -> None:
    key = key_of(people.manager)
    missing = refused(await program.get(f'{CLAIMS}/26-99999', headers=key), 404, 'not_found')
    assert refused(await program.get(f'{CLAIMS}/{cohen.claim_no}', headers=key), 404, 'not_found') == missing
    with open_session(people.staff) as session:
        change_status(session, cohen.id, 'submitted', '', 'new', now())
    for address in (
        CLAIMS,
        f'{CLAIMS}?view=all&limit=200',
        f'{CLAIMS}?q={cohen.claim_no}',
        f'{CHANGES}?after=0',
        DOCUMENT,
    ):
        text = (await program.get(address, headers=key)).text
        for foreign in (cohen.claim_no, 'זרובבל', '9988776', 'סוכנות כהן', people.rival.name):
            assert foreign not in text, (address, foreign)


# ---- changes ----------------------------------------------------------------------------------------------------------------


async def test_a_program_follows_what_changes(program: AsyncClient, people: People, levi: Claim, cohen: Claim) -> None:
    key = key_of(people.manager)
    begun = await get(program, f'{CHANGES}?after=latest', key)
    assert (begun['changes'], begun['more']) == ([], False)
    with open_session(people.staff) as session:
        change_status(session, levi.id, 'submitted', '', 'new', now())
    with open_session(people.staff) as session:
        change_status(session, cohen.id, 'submitted', '', 'new', now())
        messages.note_internally(session, levi.id, 'בינינו', now())
    told = await get(program, f'{CHANGES}?after={begun["latest"]}', key)
    (change,) = told['changes']
    assert (change['claim_no'], change['by'], change['label']) == (levi.claim_no, 'שירה לביא', 'סטטוס')
    assert change['before'] == 'חדשה'
    assert change['after'] not in ('', 'חדשה')
    assert 'status' in change['fields']
    assert told['latest'] > change['seq']  # past what is not his, which is not looked through again
    again = await get(program, f'{CHANGES}?after={told["latest"]}', key)
    assert again == {'changes': [], 'latest': told['latest'], 'more': False}


async def test_many_changes_come_bit_by_bit(
    program: AsyncClient, people: People, levi: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, 'CHANGES_AT_ONCE', 2)
    for number in range(5):
        with open_session(people.staff) as session:
            save_fields(
                session, levi.id, {'make_model': ('' if not number else f'דגם {number - 1}', f'דגם {number}')}, now()
            )
    key, after, seen = key_of(people.manager), 0, []
    while True:
        told = await get(program, f'{CHANGES}?after={after}', key)
        seen += [change['after'] for change in told['changes']]
        after = told['latest']
        if not told['more']:
            break
    assert [one for one in seen if one.startswith('דגם')] == [f'דגם {number}' for number in range(5)]


async def test_what_is_too_long_ago_is_said_to_be(
    program: AsyncClient, people: People, levi: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(people.manager)
    latest = (await get(program, f'{CHANGES}?after=latest', key))['latest']
    refused(await program.get(f'{CHANGES}?after={latest + 1000}', headers=key), 410, 'gone')
    refused(await program.get(f'{CHANGES}?after=999999999999999', headers=key), 410, 'gone')
    monkeypatch.setattr(catch_up, 'GOES_BACK', 0)
    refused(await program.get(f'{CHANGES}?after=0', headers=key), 410, 'gone')


# ---- keys -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('address', [CLAIMS, f'{CLAIMS}/26-00001', f'{CHANGES}?after=0', f'{CLAIMS}?hack=1'])
@pytest.mark.parametrize(
    'authorization',
    [
        '',
        'Bearer',
        'Bearer ',
        'Basic YTpi',
        'Bearer maakav_1.x',
        f'Bearer maakav_{"0" * 12}.{"x" * 43}',
        'bearer \x7f',
        'x' * 9000,
    ],
)
async def test_without_a_key_nothing_is_told(program: AsyncClient, address: str, authorization: str) -> None:
    headers = {'Authorization': authorization} if authorization else {}
    answer = await program.get(address, headers=headers)
    refused(answer, 401, 'unauthorized')
    assert answer.headers['www-authenticate'].startswith('Bearer')


async def test_a_sign_in_opens_no_api_and_a_key_opens_nothing_else(
    portal: FastAPI, people: People, levi: Claim
) -> None:
    browser = (await signed_in(portal, 'manager@levi.demo')).http_client
    key = key_of(people.manager)
    refused(await browser.get(CLAIMS), 401, 'unauthorized')
    assert (await browser.get(CLAIMS, headers=key)).status_code == 200
    await browser.aclose()
    async with AsyncClient(transport=ASGITransport(portal), base_url='http://test') as program:
        for address in ('/', f'/claims/{levi.claim_no}', '/account', '/account/keys', '/reports'):
            answer = await program.get(address, headers=key)
            assert (answer.status_code, answer.headers['location'].partition('?')[0]) == (303, '/login')
        for address in ('/files/exports/1', f'/files/claims/{levi.claim_no}/zip'):
            assert (await program.get(address, headers=key)).status_code == 401


async def test_a_key_is_dead_at_once_when_its_person_is(program: AsyncClient, people: People, levi: Claim) -> None:
    key, other = key_of(people.manager), key_of(people.staff)
    assert await get(program, CLAIMS, key)
    with open_session(SYSTEM) as session:
        accounts.disable(session, people.manager.user_id or 0)
    refused(await program.get(CLAIMS, headers=key), 401, 'unauthorized')
    assert await get(program, CLAIMS, other)


async def test_the_last_use_is_written_down(program: AsyncClient, people: People, levi: Claim) -> None:
    key = key_of(people.manager)
    await get(program, CLAIMS, key)
    await sessions.write_down_use()
    with open_session(people.manager, reading=True) as session:
        assert api_keys.own_keys(session, now())[0].key.used_at is not None


async def test_every_read_stands_in_the_log_of_access(
    program: AsyncClient, people: People, levi: Claim, cohen: Claim
) -> None:
    key = key_of(people.manager)
    for address in (CLAIMS, CLAIMS, f'{CLAIMS}?q=ברק', f'{CLAIMS}/{levi.claim_no}', f'{CLAIMS}/{levi.claim_no}'):
        await get(program, address, key)
    await program.get(f'{CLAIMS}/{cohen.claim_no}', headers=key)
    await get(program, f'{CHANGES}?after=latest', key)
    await program.get(CLAIMS)
    assert looked_at() == [
        ('list', '', '', True),
        ('search', '', 'ברק', True),
        ('claim', levi.claim_no, '', True),
        ('claim', levi.claim_no, '', True),
        ('claim', cohen.claim_no, '', False),
        ('page', '', CHANGES, True),
        ('page', '', CLAIMS, False),
    ]
    with open_session(SYSTEM, reading=True) as session:
        first = session.scalars(select(Access).order_by(Access.id)).first()
        assert first is not None
        assert (first.user_id, first.by) == (people.manager.user_id, 'רות לוי, במפתח API «CRM»')


async def test_whoever_asks_too_often_is_told_when_to_come_again(
    program: AsyncClient, people: People, levi: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, '_reads', Brake(2, 60.0))
    key, other = key_of(people.manager), key_of(people.manager, 'another')
    for _ in range(2):
        await get(program, CLAIMS, key)
    answer = await program.get(CLAIMS, headers=key)
    refused(answer, 429, 'too_many_requests')
    assert 0 < int(answer.headers['retry-after']) <= 60
    assert await get(program, CLAIMS, other)


async def test_wrong_keys_are_braked_and_right_ones_from_there_are_not(
    program: AsyncClient, people: People, levi: Claim
) -> None:
    key = key_of(people.manager)
    for _ in range(api.WRONG_KEYS[0]):
        assert (await program.get(CLAIMS)).status_code == 401
    answer = await program.get(CLAIMS)
    refused(answer, 429, 'too_many_requests')
    assert int(answer.headers['retry-after']) > 500
    assert await get(program, CLAIMS, key)


# ---- whatever is sent -------------------------------------------------------------------------------------------------------


NASTY = (
    *('page=2', 'size=10', 'columns=plate', 'before=1', 'hack=1', 'q=a&q=b', 'view=nothing', 'scope=everything'),
    *(
        'sort=password',
        'sort=-',
        'status=no_such_status',
        'status=%27%20OR%201=1',
        'insurer=abc',
        'insurer=99999999999',
        'quick=x',
    ),
    *(
        'event_from=yesterday',
        'event_from=2026-13-45',
        'event_from=2026-11-02&event_to=2026-11-01',
        'limit=0',
        'limit=201',
    ),
    *(
        'limit=-1',
        'limit=1e9',
        'limit=%00',
        'after=1.5',
        'after=0.5',
        'after=2',
        'after=x',
        'after=2.99999999999999999999',
    ),
    *(
        'q=%00',
        'q=' + 'x' * 101,
        'q=!!!',
        'status=' + 'a,' * 300,
        'q=' + '%F0%9F%98%80' * 200,
        'office=1',
        '%00=1',
        '=x',
        'q[]=x',
    ),
    *(
        'event_from=%D9%A2%D9%A0',
        'q=%E2%80%AE%00x',
        'view=%ff',
        'repair_stage=' + 'x' * 41,
        'left_stage=nowhere',
        'documents=maybe',
    ),
)


@pytest.mark.parametrize('query', NASTY)
async def test_what_is_not_understood_is_refused_in_words(
    program: AsyncClient, people: People, levi: Claim, query: str
) -> None:
    refused(await program.get(f'{CLAIMS}?{query}', headers=key_of(people.manager)), 422, 'not_understood')


@pytest.mark.parametrize(
    'query',
    [
        '',
        'after=',
        'after=-1',
        'after=x',
        'after=1.0',
        'after=%00',
        'after=1&after=2',
        'after=0&limit=1',
        'after=' + '9' * 400,
    ],
)
async def test_a_place_that_is_none_is_refused_in_words(
    program: AsyncClient, people: People, levi: Claim, query: str
) -> None:
    refused(await program.get(f'{CHANGES}?{query}', headers=key_of(people.manager)), 422, 'not_understood')


@pytest.mark.parametrize(
    'claim_no', ['%00', 'x' * 5000, "'%20OR%201=1", '..%2F..%2Fetc', '%E2%80%AE', '%F0%9F%98%80', '%ff%fe', '{}']
)
async def test_a_number_that_is_none_is_not_found(
    program: AsyncClient, people: People, levi: Claim, claim_no: str
) -> None:
    refused(await program.get(f'{CLAIMS}/{claim_no}', headers=key_of(people.manager)), 404, 'not_found')


@pytest.mark.parametrize(
    'address', ['/api/v1/', '/api/v1/people', f'{CHANGES}/', '/api/v1/openapi.json/x', '/api/v1/%00']
)
async def test_where_nothing_is_nothing_is_found(program: AsyncClient, address: str) -> None:
    refused(await program.get(address), 404, 'not_found')


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
@pytest.mark.parametrize('address', [CLAIMS, f'{CLAIMS}/26-00001', CHANGES, DOCUMENT])
async def test_nothing_is_written(program: AsyncClient, people: People, method: str, address: str) -> None:
    headers = {**key_of(people.manager), 'Origin': 'https://elsewhere.example', 'Sec-Fetch-Site': 'cross-site'}
    answer = await program.request(method, address, headers=headers, content=b'x' * 2_000_000)
    refused(answer, 405, 'method_not_allowed')
    assert answer.headers['allow'] == 'GET'


async def test_a_database_that_gives_no_answer_is_no_fault_of_the_program(
    program: AsyncClient, people: People, levi: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError('SELECT', {}, Exception('gone'))

    key = key_of(people.manager)
    monkeypatch.setattr(api, '_rows', away)
    answer = await program.get(CLAIMS, headers=key)
    refused(answer, 503, 'unavailable')
    assert int(answer.headers['retry-after']) > 0


# ---- the document -----------------------------------------------------------------------------------------------------------


async def test_the_document_is_sound_and_says_what_is_asked_and_how_one_is_known(program: AsyncClient) -> None:
    answer = await program.get(DOCUMENT)
    assert answer.headers['content-type'] == 'application/json'
    document = answer.json()
    validate(document)
    assert set(document['paths']) == {CLAIMS, f'{CLAIMS}/{{claim_no}}', CHANGES}
    (scheme,) = document['components']['securitySchemes'].values()
    assert (scheme['type'], scheme['scheme']) == ('http', 'bearer')
    for path in document['paths'].values():
        assert list(path) == ['get']
        assert path['get']['security']
        assert {'401', '422', '429', '503'} <= set(path['get']['responses'])
        for status, told in path['get']['responses'].items():
            shape = told['content']['application/json']['schema']['$ref']
            assert (shape == '#/components/schemas/Error') == (status != '200')
    asked = {one['name'] for one in document['paths'][CLAIMS]['get']['parameters']}
    assert asked == {'view', 'q', 'scope', 'sort', 'after', 'limit', *MANY, *DAYS}


async def test_what_is_answered_is_what_the_document_says(program: AsyncClient, people: People, levi: Claim) -> None:
    document = (await program.get(DOCUMENT)).json()
    key = key_of(people.staff)
    with open_session(people.staff) as session:
        change_status(session, levi.id, 'submitted', '', 'new', now())
    for path, address in (
        (CLAIMS, CLAIMS),
        (f'{CLAIMS}/{{claim_no}}', f'{CLAIMS}/{levi.claim_no}'),
        (CHANGES, f'{CHANGES}?after=0'),
    ):
        shape = document['paths'][path]['get']['responses']['200']['content']['application/json']['schema']
        answered = await get(program, address, key)
        Draft202012Validator({**document, **shape}).validate(answered)
        assert json.dumps(answered) != '{}'
