"""The second step as a person meets it: the page for the code, turning it on, and who is let nowhere before he has it."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from fastapi import FastAPI, Request
from pyotp import TOTP
from sqlalchemy import select

from components import guard, sessions
from db import accounts, identity
from db.admin_changes import admin_history
from db.base import now
from db.bureau import bureau_settings
from db.scope import Actor, Role
from db.session import fetch, open_session
from db.settings import load
from pages import sign_in, two_factor
from tests.conftest import People
from tests.factories import PASSWORD, turn_on_two_factor

SIGN_IN = Actor.system('sign-in')
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEW = 'חתול כחול על הגג'
HERE = 'http://127.0.0.1:8080'
OWN = '/account/two-factor'


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def build(**given: Any) -> FastAPI:
    portal = FastAPI(openapi_url=None)
    settings = load(None, **given)
    sign_in.add_routes(portal, settings)
    two_factor.add_routes(portal, settings)

    @portal.get('/{path:path}')
    async def anything(request: Request) -> str:
        return str(request.state.session.actor.name)

    guard.protect(portal, settings)
    return portal


def visitor(portal: FastAPI, base_url: str = HERE, address: str = '10.0.0.1') -> httpx.AsyncClient:
    transport = httpx.ASGITransport(portal, client=(address, 5))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
async def portal(people: People) -> FastAPI:
    with open_session(SIGN_IN) as session:
        for person in (people.dana, people.yossi, people.admin):
            identity.set_password(session, person.user_id or 0, PASSWORD, now())
    return build()


@pytest.fixture
async def browser(portal: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(portal) as client:
        yield client


@pytest.fixture
def phone(portal: FastAPI, people: People, clock: time_machine.Traveller) -> TOTP:
    """Dana has had it on for a while."""
    app, _ = turn_on_two_factor(people.dana, now())
    clock.shift(timedelta(minutes=5))
    return app


async def password(client: httpx.AsyncClient, typed: str = PASSWORD, **fields: str) -> httpx.Response:
    return await client.post('/login', data={'email': 'dana@levi.demo', 'password': typed, **fields})


async def type_code(client: httpx.AsyncClient, code: str, **fields: str) -> httpx.Response:
    return await client.post('/login/code', data={'code': code, **fields})


async def both_steps(client: httpx.AsyncClient, phone: TOTP) -> None:
    await password(client)
    await type_code(client, phone.at(now()))


def told(answer: httpx.Response) -> str:
    """What the page says went wrong."""
    alert = re.search(r'role="alert".*?</p>', answer.text, re.DOTALL)
    return re.sub(r'<svg.*?</svg>|<[^>]+>', '', alert[0]).partition('>')[2].strip() if alert else ''


def wrong(phone: TOTP) -> str:
    return str((int(phone.at(now())) + 1) % 10**6).zfill(6)


# ---- signing in -------------------------------------------------------------------------------------------------------------


async def test_the_password_alone_opens_nothing_and_the_code_leads_where_one_wanted(
    browser: httpx.AsyncClient, phone: TOTP
) -> None:
    asked = await password(browser, next='/claims/26-1?tab=money')
    assert asked.status_code == 303
    assert 'sid' not in browser.cookies
    assert (await browser.get('/')).status_code == 303
    page = await browser.get(asked.headers['location'])
    assert page.status_code == 200
    assert 'autocomplete="one-time-code"' in page.text
    assert 'value="/claims/26-1?tab=money"' in page.text
    answer = await type_code(browser, phone.at(now()), next='/claims/26-1?tab=money')
    assert (answer.status_code, answer.headers['location']) == (303, '/claims/26-1?tab=money')
    assert (await browser.get('/claims/26-1')).json() == 'דנה ארז'
    assert 'half' not in browser.cookies


async def test_the_cookie_of_half_a_sign_in_is_kept_from_scripts_and_short(
    browser: httpx.AsyncClient, phone: TOTP
) -> None:
    (half,) = (await password(browser)).headers.get_list('set-cookie')
    assert re.fullmatch(r'half=[\w-]{43}; HttpOnly; Max-Age=300; Path=/; SameSite=lax', half)
    async with visitor(build(base_url='https://x.example', secure_cookies=True), 'https://x.example') as secure:
        (half,) = (await password(secure)).headers.get_list('set-cookie')
        assert re.match(r'__Host-half=.*; Secure', half)


async def test_remembering_lasts_as_long_as_without_a_second_step(browser: httpx.AsyncClient, phone: TOTP) -> None:
    asked = await password(browser, remember='1')
    page = await browser.get(asked.headers['location'])
    assert 'name="remember" value="1"' in page.text
    cookies = (await type_code(browser, phone.at(now()), remember='1')).headers.get_list('set-cookie')
    assert f'Max-Age={30 * 86400}' in next(cookie for cookie in cookies if cookie.startswith('sid='))


async def test_half_a_sign_in_is_no_session_anywhere(browser: httpx.AsyncClient, phone: TOTP) -> None:
    await password(browser)
    token = browser.cookies['half']
    async with visitor(build()) as thief:
        thief.cookies.set('sid', token)
        assert (await thief.get('/')).status_code == 303
        assert (await thief.get(OWN)).status_code == 303
        assert (await thief.post(f'{OWN}/off', data={})).status_code == 401
        assert (await thief.get(f'/setup/{token}')).status_code == 410


async def test_wrong_spent_and_missing_codes_look_the_same(browser: httpx.AsyncClient, phone: TOTP) -> None:
    await password(browser)
    spent = phone.at(now())
    await type_code(browser, spent)
    await browser.post('/logout')
    await password(browser)
    failures = [await type_code(browser, code) for code in (wrong(phone), spent, '')]
    assert [answer.status_code for answer in failures] == [401] * 3
    assert len({told(answer) for answer in failures}) == 1
    assert 'שהשעה בנייד נקבעת אוטומטית' in told(failures[0])
    assert 'sid' not in browser.cookies


async def test_the_fourth_code_in_a_minute_waits_and_is_not_looked_at(
    portal: FastAPI, browser: httpx.AsyncClient, phone: TOTP, clock: time_machine.Traveller
) -> None:
    await password(browser)
    for _ in range(3):
        assert (await type_code(browser, wrong(phone))).status_code == 401
    answer = await type_code(browser, phone.at(now()))
    assert (answer.status_code, answer.headers['retry-after']) == (429, '60')
    async with visitor(portal, address='10.0.0.2') as elsewhere:
        await password(elsewhere)
        assert (await type_code(elsewhere, phone.at(now()))).status_code == 429, 'it is the account that waits'
    clock.shift(timedelta(minutes=1))
    assert (await type_code(browser, phone.at(now()))).status_code == 303


async def test_a_right_password_does_not_give_tries_back_before_the_code(
    browser: httpx.AsyncClient, phone: TOTP
) -> None:
    for _ in range(10):
        assert (await password(browser)).status_code == 303
    assert (await password(browser)).status_code == 429


async def test_who_gets_in_takes_his_tries_back(
    browser: httpx.AsyncClient, phone: TOTP, clock: time_machine.Traveller
) -> None:
    for _ in range(12):
        await password(browser)
        assert (await type_code(browser, wrong(phone))).status_code == 401
        assert (await type_code(browser, phone.at(now()))).status_code == 303
        await browser.post('/logout')
        clock.shift(timedelta(seconds=31))


async def test_after_five_minutes_the_password_is_asked_again(
    browser: httpx.AsyncClient, phone: TOTP, clock: time_machine.Traveller
) -> None:
    await password(browser)
    half = browser.cookies['half']
    clock.shift(timedelta(minutes=5))
    browser.cookies.set('half', half)
    answer = await type_code(browser, phone.at(now()), next='/alerts')
    assert answer.status_code == 303
    page = await browser.get(answer.headers['location'])
    assert 'הזמן להקלדת הקוד עבר' in page.text
    assert 'value="/alerts"' in page.text


async def test_without_a_password_there_is_no_page_for_a_code(browser: httpx.AsyncClient) -> None:
    for answer in (await browser.get('/login/code'), await type_code(browser, '123456')):
        assert answer.status_code == 303
        assert answer.headers['location'].startswith('/login?')


@pytest.mark.parametrize('target', ['https://evil.example/', '//evil.example', '/\\evil.example', '/login/code'])
async def test_the_code_leads_nobody_elsewhere(browser: httpx.AsyncClient, phone: TOTP, target: str) -> None:
    asked = await password(browser, next=target)
    assert 'evil' not in asked.headers['location']
    answer = await type_code(browser, phone.at(now()), next=target)
    assert answer.headers['location'] == '/'


async def test_a_recovery_code_lets_in_once(portal: FastAPI, browser: httpx.AsyncClient, people: People) -> None:
    _, codes = turn_on_two_factor(people.dana, now())
    asked = await password(browser)
    page = await browser.get(asked.headers['location'] + '&recovery=1')
    assert 'name="recovery_code"' in page.text
    assert (await browser.post('/login/code', data={'recovery_code': codes[3]})).status_code == 303
    assert (await browser.get('/')).json() == 'דנה ארז'
    async with visitor(portal) as other:
        await password(other)
        refused = await other.post('/login/code', data={'recovery_code': codes[3]})
        assert refused.status_code == 401
        assert 'name="recovery_code"' in refused.text


async def test_every_try_stands_in_the_log_and_no_code_does(
    browser: httpx.AsyncClient, phone: TOTP, people: People, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    typed, mistyped = phone.at(now()), wrong(phone)
    await password(browser)
    await type_code(browser, mistyped)
    await type_code(browser, typed)
    written = capsys.readouterr().out + caplog.text
    for event in ('password right, code asked', 'sign-in code refused', 'signed in'):
        assert written.count(event) == 1, event
    assert not any(secret in written for secret in (typed, mistyped, phone.secret))


async def test_a_sign_in_under_way_leaves_what_is_open_in_other_tabs_alone(
    browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    await browser.post('/login', data={'email': 'yossi@levi.demo', 'password': PASSWORD})
    await password(browser)
    assert (await browser.get('/')).json() == 'יוסי מזרחי'
    await type_code(browser, phone.at(now()))
    assert (await browser.get('/')).json() == 'דנה ארז'


async def test_a_link_to_a_new_password_does_not_skip_the_code(
    portal: FastAPI, browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    with open_session(people.admin) as session:
        token = accounts.new_link(session, people.dana.user_id or 0, now())
    done = await browser.post(f'/setup/{token}', data={'password': NEW, 'password_again': NEW})
    assert done.headers['location'].startswith('/login/code')
    assert 'sid' not in browser.cookies
    assert (await type_code(browser, phone.at(now()))).status_code == 303
    assert (await browser.get('/')).json() == 'דנה ארז'


async def test_a_changed_password_voids_half_a_sign_in_and_keeps_the_second_step(
    portal: FastAPI, browser: httpx.AsyncClient, phone: TOTP, clock: time_machine.Traveller
) -> None:
    await both_steps(browser, phone)
    async with visitor(portal) as thief:
        await password(thief)
        clock.shift(timedelta(seconds=30))
        fields = {'current_password': PASSWORD, 'code': phone.at(now()), 'password': NEW, 'password_again': NEW}
        assert (await browser.post('/account/password', data=fields)).headers['location'] == '/account'
        assert (await browser.get('/')).json() == 'דנה ארז'
        assert (await type_code(thief, phone.at(now()))).headers['location'].startswith('/login?')
        assert (await password(thief, NEW)).headers['location'].startswith('/login/code')


# ---- turning it on and off --------------------------------------------------------------------------------------------------


def secret_on(page: httpx.Response) -> TOTP:
    key = re.search(r'data-testid="two-factor-key">([A-Z2-7 ]+)<', page.text)
    assert key
    return TOTP(key[1].replace(' ', ''))


def codes_on(page: httpx.Response) -> list[str]:
    return re.findall(r'<li>(\w{4}-\w{4}-\w{4}-\w{4})</li>', page.text)


async def test_turning_it_on_takes_the_password_and_a_first_code(
    portal: FastAPI, browser: httpx.AsyncClient, clock: time_machine.Traveller
) -> None:
    async with visitor(portal) as other:
        for client in (browser, other):
            await password(client)
        refused = await browser.post(f'{OWN}/start', data={'current_password': 'wrong horse battery'})
        assert (refused.status_code, bool(told(refused))) == (400, True)
        assert 'two-factor-key' not in (await browser.get(OWN)).text
        begun = await browser.post(f'{OWN}/start', data={'current_password': PASSWORD})
        page = await browser.get(begun.headers['location'])
        assert '<svg' in page.text.partition('two-factor-qr')[2]
        app, before = secret_on(page), browser.cookies['sid']
        mistyped = await browser.post(OWN, data={'code': wrong(app)})
        assert (mistyped.status_code, secret_on(mistyped).secret) == (400, app.secret)
        done = await browser.post(OWN, data={'code': app.at(now())})
        assert len(codes_on(done)) == 10
        assert done.headers['cache-control'] == 'no-store'
        assert browser.cookies['sid'] != before
        assert (await browser.get('/')).json() == 'דנה ארז'
        assert (await other.get('/')).status_code == 303, 'whoever came with the password alone is out'
        loaded_anew = await browser.post(OWN, data={'code': app.at(now())})
        assert (loaded_anew.status_code, loaded_anew.headers.get('location')) == (303, OWN), 'nothing went wrong'
        again = await browser.get(OWN)
        assert (codes_on(again), 'אפשר ליצור כאן חדשים' in again.text) == ([], True)
        assert app.secret not in again.text.replace(' ', '')
        clock.shift(timedelta(minutes=1))
        assert (await password(other)).headers['location'].startswith('/login/code')
        assert (await type_code(other, app.at(now()))).status_code == 303


async def test_turning_it_off_and_new_codes_take_password_and_code(browser: httpx.AsyncClient, phone: TOTP) -> None:
    await both_steps(browser, phone)
    code = phone.at(now() + timedelta(seconds=30))
    for path in ('codes', 'off'):
        for fields in (
            {'current_password': 'wrong horse battery', 'code': code},
            {'current_password': PASSWORD, 'code': wrong(phone)},
            {},
        ):
            refused = await browser.post(f'{OWN}/{path}', data=fields)
            assert (refused.status_code, bool(told(refused)), codes_on(refused)) == (400, True, [])
    assert 'formaction' in (await browser.get(OWN)).text


async def test_with_both_there_are_new_codes_and_it_can_be_turned_off(
    browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    await both_steps(browser, phone)
    code = phone.at(now() + timedelta(seconds=30))
    shown = await browser.post(f'{OWN}/codes', data={'current_password': PASSWORD, 'code': code})
    assert f'data-here="{OWN}"' in shown.text, 'a reload sends no form again'
    fresh = codes_on(shown)
    assert len(fresh) == 10
    done = await browser.post(f'{OWN}/off', data={'current_password': PASSWORD, 'code': fresh[0]})
    assert (done.status_code, done.headers['location']) == (303, '/account')
    await browser.post('/logout')
    assert (await password(browser)).headers['location'] == '/'
    with open_session(people.admin, reading=True) as session:
        kinds = [line.kind for line in fetch(session, admin_history(['users'], str(people.dana.user_id)))]
    assert kinds[:3] == ['two_factor_off', 'codes_renewed', 'two_factor_on']


async def test_guessing_a_code_from_a_session_is_braked_too(browser: httpx.AsyncClient, phone: TOTP) -> None:
    await both_steps(browser, phone)
    for _ in range(3):
        await browser.post(f'{OWN}/off', data={'current_password': PASSWORD, 'code': wrong(phone)})
    right = {'current_password': PASSWORD, 'code': phone.at(now() + timedelta(seconds=30))}
    assert (await browser.post(f'{OWN}/off', data=right)).status_code == 400
    assert 'כיבוי' in (await browser.get(OWN)).text


async def test_clicks_that_are_refused_brake_no_sign_in(
    browser: httpx.AsyncClient, phone: TOTP, people: People, clock: time_machine.Traveller
) -> None:
    await both_steps(browser, phone)
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.AGENT]
    clock.shift(timedelta(seconds=30))
    typed = {'current_password': PASSWORD, 'code': phone.at(now())}
    refused = [told(await browser.post(f'{OWN}/off', data=typed)) for _ in range(12)]
    assert ('הלשכה דורשת' in refused[0], 'יותר מדי' in refused[-1]) == (True, True)
    await browser.post('/logout')
    assert (await password(browser)).status_code == 303
    clock.shift(timedelta(minutes=1))
    assert (await type_code(browser, phone.at(now()))).status_code == 303


async def test_a_refused_change_gives_no_guesses_of_the_code_back(
    browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    await both_steps(browser, phone)
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.AGENT]
    guess = {'current_password': PASSWORD, 'code': wrong(phone)}
    for path in ('codes', 'off', 'start', 'codes', 'off'):
        await browser.post(f'{OWN}/{path}', data=guess)
    right = {'current_password': PASSWORD, 'code': phone.at(now() + timedelta(seconds=30))}
    answer = await browser.post(f'{OWN}/codes', data=right)
    assert (codes_on(answer), 'יותר מדי' in told(answer)) == ([], True)


async def test_beginning_what_is_on_says_so_and_leaves_no_proof(
    browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    await both_steps(browser, phone)
    code = phone.at(now() + timedelta(seconds=30))
    answer = await browser.post(f'{OWN}/start', data={'current_password': PASSWORD, 'code': code})
    assert 'האימות הדו-שלבי כבר פעיל.' in told(answer)
    assert codes_on(await browser.post(f'{OWN}/codes', data={'current_password': PASSWORD, 'code': code})), 'not spent'


async def test_beginning_makes_no_proof_for_an_export(browser: httpx.AsyncClient) -> None:
    await password(browser)
    assert (await browser.post(f'{OWN}/start', data={'current_password': PASSWORD})).status_code == 303
    with open_session(SIGN_IN, reading=True) as session:
        made = session.scalars(select(identity.OneTimeLink.purpose)).all()
    assert identity.PROOF not in made


# ---- another password -------------------------------------------------------------------------------------------------------


async def test_who_signs_in_in_two_steps_types_a_code_for_another_password(
    browser: httpx.AsyncClient, phone: TOTP, clock: time_machine.Traveller, capsys: Any
) -> None:
    await password(browser)
    spent = phone.at(now())
    await type_code(browser, spent)
    form = (await browser.get('/account/password')).text
    assert ('name="code"' in form, 'autocomplete="one-time-code"' in form) == (True, True)
    fields = {'current_password': PASSWORD, 'password': NEW, 'password_again': NEW}
    for code in ({}, {'code': spent}):
        refused = await browser.post('/account/password', data=fields | code)
        assert (refused.status_code, 'הקוד' in refused.text.split('id="code-error"')[1][:200]) == (400, True)
    assert capsys.readouterr().out.count('proof refused') == 2
    clock.shift(timedelta(seconds=30))
    mistyped = await browser.post(
        '/account/password', data={**fields, 'current_password': 'wrong horse battery', 'code': phone.at(now())}
    )
    assert 'id="current_password-error"' in mistyped.text
    done = await browser.post('/account/password', data={**fields, 'code': phone.at(now())})
    assert (done.status_code, done.headers['location']) == (303, '/account')
    assert (await browser.get('/')).json() == 'דנה ארז'
    await browser.post('/logout')
    assert (await password(browser, NEW)).headers['location'].startswith('/login/code')


async def test_who_signs_in_by_the_password_alone_changes_it_without_a_code(browser: httpx.AsyncClient) -> None:
    await password(browser)
    assert 'name="code"' not in (await browser.get('/account/password')).text
    fields = {'current_password': PASSWORD, 'password': NEW, 'password_again': NEW}
    assert (await browser.post('/account/password', data=fields)).headers['location'] == '/account'


@pytest.mark.parametrize('way', ['next code', 'recovery code', 'reset'])
async def test_whoever_must_choose_another_password_gets_there_in_two_steps(
    browser: httpx.AsyncClient, people: People, clock: time_machine.Traveller, way: str
) -> None:
    phone, codes = turn_on_two_factor(people.dana, now())
    clock.shift(timedelta(minutes=5))
    with open_session(people.admin) as session:
        accounts.demand_new_password(session, people.dana.user_id or 0)
        bureau_settings(session).two_factor_roles = [Role.AGENT]
    await password(browser)
    spent = phone.at(now())
    await type_code(browser, spent)
    assert (await browser.get('/')).headers['location'] == '/account/password'
    fields = {'current_password': PASSWORD, 'password': NEW, 'password_again': NEW}
    assert (await browser.post('/account/password', data={**fields, 'code': spent})).status_code == 400
    if way == 'next code':
        clock.shift(timedelta(seconds=30))
        fields['code'] = phone.at(now())
    elif way == 'recovery code':
        fields['code'] = codes[0]
    else:
        with open_session(people.admin) as session:
            accounts.reset_two_factor(session, people.dana.user_id or 0)
        sessions.forget()
        assert (await password(browser)).status_code == 303
        assert 'name="code"' not in (await browser.get('/account/password')).text
    done = await browser.post('/account/password', data=fields)
    assert (done.status_code, done.headers['location']) == (303, '/account')
    await browser.get(done.headers['location'])
    arrived = await browser.get('/')
    if way == 'reset':
        assert arrived.headers['location'] == OWN, 'of his role it is required anew'
    else:
        assert arrived.json() == 'דנה ארז'


# ---- who has to -------------------------------------------------------------------------------------------------------------


async def test_whoever_has_to_set_it_up_gets_nowhere_before(browser: httpx.AsyncClient, people: People) -> None:
    await password(browser)
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.AGENT]
    assert (await browser.get('/')).json() == 'דנה ארז', 'whoever is at work goes on until the next sign-in'
    await browser.post('/logout')
    assert (await password(browser)).status_code == 303
    for path in ('/', '/claims/26-1', '/account'):
        turned = await browser.get(path)
        assert (turned.status_code, turned.headers['location']) == (303, OWN)
    assert (await browser.post('/anything')).status_code == 403
    assert (await browser.post(f'{OWN}/off')).status_code == 403
    page = await browser.get(OWN)
    assert 'הלשכה מבקשת להפעיל' in page.text
    assert 'current_password' not in page.text, 'it was typed a moment ago'
    await browser.post(f'{OWN}/start')
    app = secret_on(await browser.get(OWN))
    done = await browser.post(OWN, data={'code': app.at(now())})
    assert len(codes_on(done)) == 10
    assert (await browser.get('/claims/26-1')).json() == 'דנה ארז'
    assert 'formaction' not in (await browser.get(OWN)).text, 'what is required is not turned off'


async def test_who_finds_a_browser_left_at_the_first_step_needs_the_password(
    browser: httpx.AsyncClient, people: People, clock: time_machine.Traveller
) -> None:
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.AGENT]
    await password(browser)
    clock.shift(timedelta(minutes=6))
    assert 'current_password' in (await browser.get(OWN)).text
    assert (await browser.post(f'{OWN}/start')).status_code == 400
    assert 'two-factor-key' not in (await browser.get(OWN)).text
    await browser.post(f'{OWN}/start', data={'current_password': PASSWORD})
    assert 'two-factor-key' in (await browser.get(OWN)).text


async def test_a_password_changed_while_it_is_looked_at_lets_nobody_in(
    browser: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = identity.verify_password

    def slowly(typed: str, kept: str | None) -> tuple[bool, str | None]:
        answer = verify(typed, kept)
        with open_session(Actor.system('sign-in')) as session:
            identity.keep_password(session, people.dana.user_id or 0, identity.hash_password('another one now'), now())
        return answer

    monkeypatch.setattr(identity, 'verify_password', slowly)
    answer = await password(browser)
    assert (answer.status_code, answer.headers['location']) == (303, '/login')
    assert (await browser.get('/')).status_code == 303


async def test_of_whom_it_is_not_required_signs_in_as_ever(browser: httpx.AsyncClient, people: People) -> None:
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.ADMIN, Role.HANDLER]
    assert (await password(browser)).headers['location'] == '/'
    assert (await browser.get('/')).json() == 'דנה ארז'


async def test_after_a_reset_by_an_admin_the_password_is_enough(
    browser: httpx.AsyncClient, phone: TOTP, people: People
) -> None:
    await both_steps(browser, phone)
    with open_session(people.admin) as session:
        accounts.reset_two_factor(session, people.dana.user_id or 0)
    sessions.forget()
    assert (await browser.get('/')).status_code == 303
    assert (await password(browser)).headers['location'] == '/'
