"""Signing in as a person does it: the form, the cookie, the brake, the links; and what the guard lets through."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from fastapi import FastAPI, Request
from sqlalchemy import select

from components import accesses, guard, proving, sessions
from db import accounts, identity
from db.access_log import Asked
from db.access_log import accesses as log_of
from db.admin_rows import retire
from db.admin_tables import TABLES
from db.base import now
from db.mail import RESET, Mail
from db.offices import User
from db.scope import Actor
from db.session import open_session
from db.settings import load
from jobs import mail
from pages import accessibility, sign_in
from tests.conftest import People
from tests.factories import PASSWORD

SIGN_IN = Actor.system('sign-in')
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEW = 'חתול כחול על הגג'
HERE = 'http://127.0.0.1:8080'
CONTACT = 'רות, 03-0000000'


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=True) as traveller:
        yield traveller


def build(**given: Any) -> FastAPI:
    portal = FastAPI(openapi_url=None)
    settings = load(None, **{'help_contact': CONTACT, **given})
    sign_in.add_routes(portal, settings)
    accessibility.add_routes(portal, settings)

    @portal.get('/{path:path}')
    async def anything(request: Request) -> str:
        return str(request.state.session.actor.name)

    @portal.post('/anything')
    async def change() -> str:
        return 'changed'

    guard.protect(portal, settings)
    return portal


def visitor(portal: FastAPI, base_url: str = HERE, address: str = '10.0.0.1') -> httpx.AsyncClient:
    transport = httpx.ASGITransport(portal, client=(address, 5))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
async def portal(people: People) -> FastAPI:
    with open_session(SIGN_IN) as session:
        for person in (people.dana, people.yossi):
            identity.set_password(session, person.user_id or 0, PASSWORD, now())
    return build()


@pytest.fixture
async def browser(portal: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(portal) as client:
        yield client


async def try_in(client: httpx.AsyncClient, password: str = PASSWORD, **fields: str) -> httpx.Response:
    return await client.post('/login', data={'email': 'dana@levi.demo', 'password': password, **fields})


def told(answer: httpx.Response) -> str:
    """What the page says went wrong."""
    alert = re.search(r'role="alert".*?</p>', answer.text, re.DOTALL)
    return re.sub(r'<svg.*?</svg>|<[^>]+>', '', alert[0]).partition('>')[2].strip() if alert else ''


# ---- in and out -------------------------------------------------------------------------------------------------------------


async def test_who_cannot_get_in_is_told_who_helps_and_reads_the_accessibility_statement(
    browser: httpx.AsyncClient,
) -> None:
    form = await browser.get('/login')
    assert 'שכחתם את הסיסמה?' in form.text
    assert 'href="/accessibility"' in form.text
    statement = await browser.get('/accessibility')
    assert statement.status_code == 200
    assert 'הצהרת נגישות' in statement.text
    assert form.text.count(CONTACT) == statement.text.count(CONTACT) == 1
    assert CONTACT in (await try_in(browser, password='wrong')).text


async def test_the_log_of_access_has_who_came_and_who_did_not_and_never_a_password(
    browser: httpx.AsyncClient, people: People
) -> None:
    await try_in(browser, password='wrong')
    await browser.post('/login', data={'email': 'סודי מאוד 123', 'password': 'wrong'})
    await browser.post('/login', data={'email': 'nobody@levi.demo', 'password': 'wrong'})
    await try_in(browser)
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = [(row.by, row.told, row.address, row.granted) for row in log_of(session, Asked(), 10)]
    assert logged == [
        (people.dana.name, '', '10.0.0.1', True),
        ('', 'nobody@levi.demo', '10.0.0.1', False),
        ('', '', '10.0.0.1', False),
        (people.dana.name, '', '10.0.0.1', False),
    ]


async def test_a_stranger_is_asked_to_sign_in_and_then_gets_what_he_wanted(browser: httpx.AsyncClient) -> None:
    asked = await browser.get('/claims/26-1?tab=money')
    assert asked.status_code == 303
    form = await browser.get(asked.headers['location'])
    assert form.status_code == 200
    assert 'value="/claims/26-1?tab=money"' in form.text
    assert 'dir="rtl"' in form.text
    answer = await try_in(browser, next='/claims/26-1?tab=money')
    assert (answer.status_code, answer.headers['location']) == (303, '/claims/26-1?tab=money')
    assert (await browser.get('/claims/26-1')).json() == 'דנה ארז'
    again = await browser.get('/login', params={'next': '/alerts'})
    assert (again.status_code, again.headers['location']) == (303, '/alerts')


@pytest.mark.parametrize(
    'target',
    [
        'https://evil.example/',
        '//evil.example',
        '/\\evil.example',
        '\\\\evil.example',
        'javascript:alert(1)',
        '/a\r\nX: 1',
        '/\t/evil.example',
        'evil',
        '',
        '/login',
        '/logout',
        '/' + 'x' * 3000,
        ' /x',
        '///evil.example',
    ],
)
async def test_after_signing_in_nobody_is_sent_elsewhere(browser: httpx.AsyncClient, target: str) -> None:
    answer = await try_in(browser, next=target)
    assert answer.headers['location'] == '/'


async def test_the_cookie_is_kept_from_scripts_and_ends_with_the_browser(browser: httpx.AsyncClient) -> None:
    cookies = (await try_in(browser)).headers.get_list('set-cookie')
    session, known = cookies
    assert re.fullmatch(r'sid=[\w-]{43}; HttpOnly; Path=/; SameSite=lax', session)
    assert known.startswith('browser=')
    kept = (await try_in(browser, remember='1')).headers.get_list('set-cookie')
    assert len(kept) == 1, 'the browser is known already'
    assert 'Max-Age=2592000' in kept[0]


async def test_over_tls_the_cookie_is_bound_to_this_host(portal: FastAPI) -> None:
    secure = build(base_url='https://maakav.example', secure_cookies=True)
    async with visitor(secure, 'https://maakav.example') as client:
        answer = await try_in(client)
        cookie = answer.headers.get_list('set-cookie')[0]
        assert cookie.startswith('__Host-sid=')
        assert 'Secure' in cookie
        assert answer.headers['strict-transport-security'] == 'max-age=31536000'
        assert (await client.get('/')).json() == 'דנה ארז'
        insecure = await client.post('/anything', headers={'Origin': 'http://maakav.example'})
        assert insecure.status_code == 403


async def test_each_sign_in_has_its_own_token_and_ends_the_one_before(browser: httpx.AsyncClient) -> None:
    await try_in(browser)
    first = browser.cookies['sid']
    await try_in(browser)
    assert browser.cookies['sid'] != first
    assert (await browser.get('/', headers={'Cookie': f'sid={first}'})).status_code == 303


async def test_signing_out_ends_the_session_at_the_server(browser: httpx.AsyncClient) -> None:
    await try_in(browser)
    kept = browser.cookies['sid']
    answer = await browser.post('/logout')
    assert (answer.status_code, answer.headers['location']) == (303, '/login')
    assert 'sid' not in browser.cookies
    assert (await browser.get('/', headers={'Cookie': f'sid={kept}'})).status_code == 303
    assert (await browser.post('/logout')).status_code == 303


async def test_signing_out_everywhere_ends_all_of_ones_own(portal: FastAPI, browser: httpx.AsyncClient) -> None:
    async with visitor(portal) as phone, visitor(portal) as colleague:
        for client in (browser, phone):
            await try_in(client)
        await try_in(colleague, email='yossi@levi.demo')
        assert (await phone.get('/')).status_code == 200
        assert (await browser.post('/logout-everywhere')).status_code == 303
        assert [(await client.get('/')).status_code for client in (browser, phone, colleague)] == [303, 303, 200]
        assert (await browser.post('/logout-everywhere')).status_code == 401


# ---- guessing ---------------------------------------------------------------------------------------------------------------


async def test_every_failure_looks_the_same(browser: httpx.AsyncClient) -> None:
    failures = [
        await try_in(browser, 'wrong horse battery'),
        await try_in(browser, ''),
        await try_in(browser, 'x' * 5000),
        await try_in(browser, PASSWORD + '\x00'),
        await try_in(browser, email='admin@bureau.demo'),
        await try_in(browser, email='nobody@levi.demo'),
        await try_in(browser, email="' OR 1=1 --"),
        await try_in(browser, email=''),
    ]
    assert [answer.status_code for answer in failures] == [401] * len(failures)
    assert len({told(answer) for answer in failures}) == 1
    assert told(failures[0])
    assert all('sid' not in answer.cookies for answer in failures)
    assert 'value="dana@levi.demo"' in failures[0].text, 'what was typed stays'
    assert 'wrong horse' not in failures[0].text


async def test_the_eleventh_try_in_a_minute_waits_and_is_not_looked_at(
    portal: FastAPI, browser: httpx.AsyncClient, clock: time_machine.Traveller
) -> None:
    for number in range(10):
        assert (await try_in(browser, 'wrong', email=f'user{number}@levi.demo')).status_code == 401
    answer = await try_in(browser)
    assert answer.status_code == 429
    assert answer.headers['retry-after'] == '60'
    assert told(answer)
    async with visitor(portal, address='10.0.0.2') as elsewhere:
        assert (await try_in(elsewhere)).status_code == 303
    clock.shift(timedelta(minutes=1))
    assert (await try_in(browser)).status_code == 303


async def test_many_guesses_at_once_are_no_way_around_it(browser: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(try_in(browser, f'guess {number}') for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 10
    assert (await try_in(browser)).status_code == 429


async def test_who_signs_in_takes_his_try_back(browser: httpx.AsyncClient) -> None:
    for _ in range(12):
        assert (await try_in(browser)).status_code == 303
        await browser.post('/logout')


async def test_guessing_one_account_from_everywhere_waits_but_its_owner_still_gets_in(
    portal: FastAPI, browser: httpx.AsyncClient, clock: time_machine.Traveller
) -> None:
    await try_in(browser)
    await browser.post('/logout')
    for number in range(10):
        async with visitor(portal, address=f'6.6.6.{number}') as guesser:
            assert (await try_in(guesser, f'guess {number}')).status_code == 401
    async with visitor(portal, address='6.6.7.7') as guesser:
        waits = await try_in(guesser)
        assert waits.status_code == 429
        assert '10' in told(waits)
    assert (await try_in(browser)).status_code == 303, 'from the browser he always uses'


async def test_when_too_many_passwords_wait_the_next_is_told_so(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, '_hashes_waiting', 20)
    answer = await try_in(browser)
    assert answer.status_code == 503
    assert 'retry-after' in answer.headers
    assert 'dir="rtl"' in answer.text


# ---- setting passwords ------------------------------------------------------------------------------------------------------


async def test_the_first_start_prints_a_link_that_makes_the_admin_once(
    database: object, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in.print_first_link(load(None))
    link = re.search(r'http://localhost:8080(/setup/\S+)', capsys.readouterr().out)
    assert link
    fields = {'name': 'נעמי בר', 'email': 'naomi@bureau.co.il', 'password': NEW, 'password_again': NEW}
    async with visitor(build()) as client:
        form = await client.get(link[1])
        assert 'name="email"' in form.text
        wrong = await client.post(link[1], data={**fields, 'email': 'naomi', 'password_again': 'אחרת', 'name': ''})
        assert wrong.status_code == 400
        assert wrong.text.count('role="alert"') == 3
        assert (
            await client.post(link[1], data={**fields, 'password': 'maakav-demo', 'password_again': 'maakav-demo'})
        ).status_code == 400
        done = await client.post(link[1], data=fields)
        assert (done.status_code, done.headers['location']) == (303, '/')
        assert (await client.get('/')).json() == 'נעמי בר'
        assert (await client.get(link[1])).status_code == 410
        assert (await client.post(link[1], data=fields)).status_code == 410
    sign_in.print_first_link(load(None))
    assert '/setup/' not in capsys.readouterr().out


async def test_an_invited_person_chooses_a_password_and_is_in(people: People) -> None:
    with open_session(SIGN_IN) as session:
        token = identity.make_link(session, identity.PASSWORD, people.manager.user_id, now(), hours=48)
    async with visitor(build()) as client:
        form = await client.get(f'/setup/{token}')
        assert 'רות לוי' in form.text
        assert form.headers['cache-control'] == 'no-store'
        assert form.headers['referrer-policy'] == 'same-origin'
        short = await client.post(f'/setup/{token}', data={'password': 'short', 'password_again': 'short'})
        assert short.status_code == 400
        done = await client.post(
            f'/setup/{token}', data={'password': NEW, 'password_again': NEW, 'email': 'x@evil.example'}
        )
        assert done.status_code == 303
        assert (await client.get('/')).json() == 'רות לוי'
        assert (await client.get(f'/setup/{token}')).status_code == 410


async def test_changing_the_password_takes_the_present_one_and_ends_the_other_sessions(
    portal: FastAPI, browser: httpx.AsyncClient
) -> None:
    fields = {'current_password': PASSWORD, 'password': NEW, 'password_again': NEW}
    assert (await browser.post('/account/password', data=fields)).status_code == 401
    async with visitor(portal) as phone:
        for client in (browser, phone):
            await try_in(client)
        before = browser.cookies['sid']
        assert 'name="current_password"' in (await browser.get('/account/password')).text
        wrong = await browser.post('/account/password', data={**fields, 'current_password': 'wrong horse battery'})
        assert (wrong.status_code, bool(told(wrong))) == (400, True)
        done = await browser.post('/account/password', data=fields)
        assert (done.status_code, done.headers['location']) == (303, '/account')
        assert browser.cookies['sid'] != before
        assert (await browser.get('/')).status_code == 200
        assert (await phone.get('/')).status_code == 303
        assert (await try_in(phone)).status_code == 401
        assert (await try_in(phone, NEW)).status_code == 303


# ---- the guard --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'headers',
    [
        {'Origin': 'https://evil.example'},
        {'Origin': 'null'},
        {'Sec-Fetch-Site': 'cross-site'},
        {'Sec-Fetch-Site': 'same-site'},
        {'Origin': 'http://127.0.0.1:8081'},
        {'Origin': 'ftp://127.0.0.1:8080'},
    ],
)
async def test_a_form_on_a_foreign_page_changes_nothing(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await try_in(browser)
    assert (await browser.post('/anything', headers=headers)).status_code == 403
    assert (await browser.post('/login', headers=headers)).status_code == 403
    assert (await browser.get('/', headers=headers)).status_code == 200, 'a link from elsewhere is fine'


@pytest.mark.parametrize(
    'headers',
    [
        {'Origin': HERE},
        {'Origin': 'http://localhost:8080'},
        {'Sec-Fetch-Site': 'same-origin', 'Origin': HERE},
        {},
    ],
)
async def test_our_own_forms_pass(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    await try_in(browser)
    assert (await browser.post('/anything', headers=headers)).json() == 'changed'


async def test_a_browser_reports_what_it_blocked_in_one_short_line(
    browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, '_last_report', -1000.0)
    with caplog.at_level(logging.WARNING, 'components.guard'):
        for _ in range(3):
            answer = await browser.post('/csp-report', content=b'{"blocked": "x\nERROR forged"}' + b'x' * 5000)
            assert answer.status_code == 204
    assert len(caplog.messages) == 1
    assert '\n' not in caplog.messages[0]


async def test_many_requests_at_once_look_the_session_up_once(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await try_in(browser)
    looked: list[str] = []
    monkeypatch.setattr(identity, 'session_of', lambda session, token_hash, *_: looked.append(token_hash))
    sessions.forget()
    for _ in range(5):
        assert (await browser.get('/')).status_code == 303
    assert len(looked) == 1


async def test_using_the_portal_keeps_the_session_from_going_idle(
    portal: FastAPI, browser: httpx.AsyncClient, clock: time_machine.Traveller
) -> None:
    await try_in(browser)
    for _ in range(3):
        clock.shift(timedelta(hours=11))
        assert (await browser.get('/')).status_code == 200
        await sessions.write_down_use()
    clock.shift(timedelta(hours=12, seconds=2))
    sessions.forget()
    assert (await browser.get('/')).status_code == 303


async def test_who_finds_the_sign_in_page_instead_of_his_own_is_told_why(
    portal: FastAPI, browser: httpx.AsyncClient, people: People, clock: time_machine.Traveller
) -> None:
    said = 'תוקף הכניסה למערכת פג. יש להיכנס שוב.'
    await try_in(browser)
    for way, hours in ((0, 13), (1, 24)):  # also when the machine slept, and the books were tidied meanwhile
        clock.shift(timedelta(hours=hours))
        await sessions.tidy_up()
        sessions.forget()
        turned = await browser.get('/claims/26-1?tab=calls')
        assert (turned.status_code, turned.headers['location']) == (
            303,
            '/login?next=%2Fclaims%2F26-1%3Ftab%3Dcalls',
        ), way
        assert said in (await browser.get(turned.headers['location'])).text
    back = await try_in(browser, next='/claims/26-1?tab=calls')
    assert back.headers['location'] == '/claims/26-1?tab=calls'
    # not who went himself, nor who may not come in any more
    kept = dict(browser.cookies)
    await browser.post('/logout')
    assert said not in (await browser.get('/login')).text
    browser.cookies.update(kept)
    assert said not in (await browser.get('/login')).text
    await try_in(browser)
    with open_session(SIGN_IN) as session:
        session.get_one(User, people.dana.user_id or 0).active = False
    clock.shift(timedelta(hours=13))
    sessions.forget()
    assert said not in (await browser.get('/login')).text


@pytest.mark.parametrize('closed', ['office', 'account'])
async def test_a_cookie_of_before_opens_nothing_when_the_door_opens_again(
    browser: httpx.AsyncClient, people: People, closed: str
) -> None:
    with open_session(SIGN_IN) as session:
        identity.keep_password(session, people.admin.user_id or 0, 'x', now())
    await try_in(browser, remember='1')
    assert (await browser.get('/')).status_code == 200
    kept = dict(browser.cookies)
    for active in (False, True):
        with open_session(people.admin) as session:
            if closed == 'office':
                retire(session, TABLES['offices'], str(people.levi), active=active)
            else:
                (accounts.enable if active else accounts.disable)(session, people.dana.user_id or 0)
        sessions.forget()
        browser.cookies.update(kept)
        turned = await browser.get('/')
        assert (turned.status_code, turned.headers['location']) == (303, '/login'), active
    browser.cookies.clear()
    assert (await try_in(browser)).status_code == 303
    assert (await browser.get('/')).status_code == 200


# ---- a change that was asked for --------------------------------------------------------------------------------------------


async def test_whoever_must_change_his_password_gets_nowhere_before(browser: httpx.AsyncClient, people: People) -> None:
    assert (await try_in(browser)).status_code == 303
    with open_session(SIGN_IN) as session:
        identity.keep_password(session, people.admin.user_id or 0, 'x', now())
    with open_session(people.admin) as session:
        accounts.demand_new_password(session, people.dana.user_id or 0)
    sessions.forget()
    for path in ('/', '/claims/26-1', '/account'):
        turned = await browser.get(path)
        assert (turned.status_code, turned.headers['location']) == (303, '/account/password')
    assert (await browser.post('/anything')).status_code == 403
    form = await browser.get('/account/password')
    assert 'הלשכה מבקשת לבחור סיסמה חדשה' in form.text
    change = {'current_password': PASSWORD, 'password': PASSWORD, 'password_again': PASSWORD}
    assert 'זו הסיסמה הנוכחית' in (await browser.post('/account/password', data=change)).text
    changed = await browser.post('/account/password', data={**change, 'password': NEW, 'password_again': NEW})
    assert changed.status_code == 303
    assert (await browser.get('/claims/26-1')).json() == 'דנה ארז'


async def test_a_password_of_half_a_year_is_to_be_changed_at_the_next_sign_in(
    browser: httpx.AsyncClient, people: People
) -> None:
    def kept_for(days: int) -> None:
        with open_session(SIGN_IN) as session:
            session.get_one(identity.Credential, people.dana.user_id).changed_at = now() - timedelta(days=days)

    kept_for(179)
    assert (await try_in(browser)).status_code == 303
    assert (await browser.get('/claims/26-1')).status_code == 200
    kept_for(181)
    assert (await browser.get('/claims/26-1')).status_code == 200, 'nobody is sent away from his work'
    assert (await try_in(browser)).status_code == 303
    turned = await browser.get('/claims/26-1')
    assert (turned.status_code, turned.headers.get('location')) == (303, '/account/password')
    change = {'current_password': PASSWORD, 'password': NEW, 'password_again': NEW}
    assert (await browser.post('/account/password', data=change)).status_code == 303
    assert (await browser.get('/claims/26-1')).status_code == 200


async def test_who_forgot_his_password_learns_nothing_of_others(
    portal: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visitor(portal) as guest:
        assert '/forgot' not in (await guest.get('/login')).text, 'no mail here: one asks the bureau'
        assert CONTACT in (await guest.get('/forgot')).text
        monkeypatch.setattr(mail, 'is_on', lambda: True)
        assert '/forgot' in (await guest.get('/login')).text
        known = await guest.post('/forgot', data={'email': 'dana@levi.demo'}, headers={'Origin': HERE})
        unknown = await guest.post('/forgot', data={'email': 'nobody@levi.demo'}, headers={'Origin': HERE})
        told = [re.search(r'<main.*</main>', answer.text, re.DOTALL)[0] for answer in (known, unknown)]  # type: ignore[index]
        assert told[0] == told[1]
        assert (known.status_code, unknown.status_code) == (200, 200)
        with open_session(SIGN_IN) as session:
            assert [letter.kind for letter in session.scalars(select(Mail))] == [RESET]
        answers = [
            await guest.post('/forgot', data={'email': 'dana@levi.demo'}, headers={'Origin': HERE}) for _ in range(3)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_how_long_the_answer_takes_does_not_say_whether_an_address_is_known(
    portal: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(mail, 'is_on', lambda: True)
    monkeypatch.setattr('db.mail.queue_reset', lambda *_: happened.append('queued'))

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            happened.append(message['type'])
            await send(message)

        await portal(scope, receive, told)

    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport, base_url=HERE, headers={'Origin': HERE}) as guest:
        assert (await guest.post('/forgot', data={'email': 'dana@levi.demo'})).status_code == 200
    assert happened == ['http.response.start', 'http.response.body', 'queued']
