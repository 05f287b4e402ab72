"""Who learns another person's page by heart still gets nothing from it, and the person notices nothing."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from db import identity
from db.base import now
from db.scope import Actor
from db.session import connect, open_session
from tests import factories
from tests.conftest import People
from tests.e2e.conftest import Page, Server, Socket, Visitor, serving
from tests.factories import PASSWORD
from tests.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope='module')
def folder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('attacked')
    (path / 'maakav.db').write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture(scope='module')
def crowd(folder: Path) -> Iterator[People]:
    """Two offices and the bureau, all with the same password."""
    database = connect(f'sqlite:///{folder}/maakav.db')
    people: People = factories.make_people()
    password_hash = identity.hash_password(PASSWORD)
    with open_session(Actor.system('test')) as session:
        for person in (
            people.dana,
            people.yossi,
            people.manager,
            people.rival,
            people.staff,
            people.staff2,
            people.admin,
        ):
            identity.keep_password(session, person.user_id or 0, password_hash, now())
    yield people
    database.close()


@pytest.fixture(scope='module')
def server(folder: Path, crowd: People) -> Iterator[Server]:
    with serving('tests.e2e.attacked_app', folder, DATABASE_URL=f'sqlite:///{folder}/maakav.db') as running:
        yield running
        assert 'Traceback' not in running.written()


@pytest.fixture(scope='module')
def attacker(server: Server) -> Visitor:
    """Signed in himself, in another office."""
    return Visitor(server).sign_in('agent@cohen.demo', PASSWORD)


@pytest.fixture(scope='module')
def dana(server: Server) -> Visitor:
    return Visitor(server).sign_in('dana@levi.demo', PASSWORD)


@pytest.fixture
def page(dana: Visitor) -> Page:
    return dana.open()


@pytest.fixture
def victim(server: Server, dana: Visitor, page: Page) -> Iterator[Socket]:
    """Dana's own socket; after each attack her page still works."""
    socket = Socket(server, page.query, dana.cookie, origin=server.url)
    assert socket.admitted
    yield socket
    still_works(dana, page, socket)
    socket.close()


def handled(visitor: Visitor) -> list[str]:
    told: list[str] = visitor.http.get('/api/handled').json()
    return told


def still_works(visitor: Visitor, page: Page, socket: Socket) -> None:
    before = handled(visitor).count('click דנה ארז')
    socket.emit('event', page.event('click', {}))
    socket.listen(lambda text: '"update"' in text and f'"{page.element("count")}":{{' in text)
    # an earlier click of hers may have been answered just now
    until(lambda: handled(visitor).count('click דנה ארז') > before)


def forged(page: Page) -> list[tuple[str, dict[str, Any]]]:
    """Everything the page's own socket could say."""
    return [
        ('event', page.event('click', {})),
        ('event', page.event('ask', {})),
        ('event', page.event('note', 'זיוף', kind='update:')),
        ('javascript_response', {'client_id': page.client_id, 'request_id': str(uuid4()), 'result': 1}),
        ('ack', {'client_id': page.client_id, 'next_message_id': 10**9}),
        ('log', {'client_id': page.client_id, 'level': 'error', 'message': 'FORGED LINE'}),
    ]


# ---- getting in -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'origin', ['https://evil.example', 'null', 'http://127.0.0.1:1', 'http://127.0.0.1.evil.example']
)
def test_a_socket_from_a_foreign_page_is_refused_even_with_the_right_cookie(
    server: Server, dana: Visitor, page: Page, victim: Socket, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Socket(server, page.query, dana.cookie, origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize('cookie', ['', 'sid=', 'sid=made-up', f'sid={"x" * 43}', 'sid=x; sid=y'])
def test_a_socket_without_a_session_is_told_to_sign_in(server: Server, page: Page, victim: Socket, cookie: str) -> None:
    stranger = Socket(server, page.query, cookie)
    assert stranger.greeting == '44{"message": "Implicit handshake failed"}', 'the word that makes the page reload'
    stranger.listen_to_the_end()


def test_a_socket_for_somebody_elses_page_is_refused(
    server: Server, attacker: Visitor, page: Page, victim: Socket
) -> None:
    own = attacker.open()
    doubled = [
        page.query,
        f'client_id={page.client_id}&{own.query}',
        page.query.replace('document_id', 'document'),
        'client_id=&implicit_handshake=true',
        page.query.replace('next_message_id=0', 'next_message_id=NaN'),
    ]
    for query in doubled:
        intruder = Socket(server, query, attacker.cookie)
        assert intruder.greeting.startswith('44'), query
        intruder.close()


def test_shaking_hands_later_does_not_open_somebody_elses_page_either(
    server: Server, attacker: Visitor, page: Page, victim: Socket
) -> None:
    for query in ('', attacker.open().query):
        intruder = Socket(server, query, attacker.cookie)
        assert intruder.admitted
        hand = {'client_id': page.client_id, 'tab_id': page.tab_id, 'document_id': str(uuid4()), 'next_message_id': 0}
        assert intruder.ask('handshake', hand) == [False]
        shapes: list[Any] = [
            {},
            [],
            'x',
            None,
            7,
            {**hand, 'client_id': [page.client_id]},
            {**hand, 'next_message_id': {}},
        ]
        for shape in shapes:
            assert intruder.ask('handshake', shape) == [False]
        for name, said in forged(page):
            intruder.emit(name, said)
        time.sleep(0.3)
        assert intruder.ask('handshake', hand) == [False]
        if not query:
            assert all(text.startswith('437') for _, text in intruder.heard), 'nothing is told to him'
        intruder.close()


def test_ones_own_socket_says_nothing_in_another_pages_name(
    server: Server, attacker: Visitor, dana: Visitor, page: Page, victim: Socket
) -> None:
    own = attacker.open()
    intruder = Socket(server, own.query, attacker.cookie)
    assert intruder.admitted
    before = handled(dana)
    for name, said in forged(page):
        intruder.emit(name, said)
        intruder.emit(name, {**said, 'client_id': own.client_id, 'id': 10**6})
    intruder.emit('event', own.event('click', {}))
    until(lambda: 'click אבי כהן' in handled(dana)[len(before) :])
    assert handled(dana)[len(before) :] == ['click אבי כהן'], 'only his own click was done'
    assert 'FORGED' not in server.written().replace('"FORGED LINE"', '', 1)
    intruder.close()


def test_long_polling_does_not_go_on_with_another_sessions_connection(
    server: Server, attacker: Visitor, dana: Visitor, page: Page, victim: Socket
) -> None:
    address = '/_nicegui_ws/socket.io/'
    polled = dana.http.get(f'{address}?{dana.open().query}&EIO=4&transport=polling')
    assert polled.status_code == 200
    engine_id = json.loads(polled.text[1:])['sid']
    query = f'?{page.query}&EIO=4&transport=polling&sid={engine_id}'
    assert Visitor(server).http.get(address + query).status_code == 401
    assert attacker.http.get(address + query).status_code == 403
    assert attacker.http.post(address + query, content='40').status_code == 403
    with pytest.raises(InvalidStatus):
        Socket(server, f'{page.query}&sid={engine_id}', attacker.cookie)
    assert dana.http.post(f'{address}{query}', content='41').status_code == 200


def test_an_upload_goes_to_ones_own_page_only(
    server: Server, attacker: Visitor, dana: Visitor, page: Page, victim: Socket
) -> None:
    address = page.elements[page.element('upload')]['props']['url']
    files = {'file': ('a.txt', b'x', 'text/plain')}
    before = handled(dana)
    assert Visitor(server).http.post(address, files=files).status_code == 401
    assert attacker.http.post(address, files=files).status_code == 403
    assert dana.http.post(address, files=files, headers={'Origin': 'https://evil.example'}).status_code == 403
    assert dana.http.post(address, files=files, headers={'Sec-Fetch-Site': 'cross-site'}).status_code == 403
    big = {'file': ('big.bin', b'x' * 7_000_000, 'text/plain')}
    assert dana.http.post(address, files=big).status_code == 413
    assert handled(dana) == before
    assert dana.http.post(address, files=files).status_code == 200
    assert handled(dana) == [*before, 'upload דנה ארז a.txt']


# ---- saying nonsense --------------------------------------------------------------------------------------------------------


def nonsense(page: Page) -> list[Any]:
    sound = page.event('click', {})
    wrongs: list[Any] = [None, 7.5, [], {}, '', True, 'x' * 1000, -1]
    return [
        None,
        7,
        'x',
        [],
        {},
        {'client_id': page.client_id},
        *({**sound, key: wrong} for key in sound for wrong in wrongs),
        {**sound, 'args': ['{', 'NaN', '[' * 2000]},
        {**sound, 'args': [{}]},
        {**sound, 'args': ['1'] * 5000},
    ]


def test_malformed_messages_are_dropped_and_counted(server: Server, dana: Visitor, page: Page, victim: Socket) -> None:
    before = dana.http.get('/api/refused').json().get('malformed', 0)
    for name in ('event', 'javascript_response', 'ack', 'log'):
        for said in nonsense(page):
            victim.emit(name, said)
            time.sleep(0.006)
    frames: list[str | bytes] = [
        '',
        '4',
        '42',
        '42[',
        '42{}',
        '42[]',
        '42[7]',
        '42["event",NaN]',
        '42["event","\\ud800"]',
        '451-["x",{}]',
    ]
    frames += ['9', 'x', '40{', '42/other,["event"]', '42' + '[' * 100_000, '4\x00', '44{"message":"x"}', b'\x00\x01']
    for frame in frames:
        victim.raw.send(frame)
    victim.emit('no such event', {})
    until(lambda: dana.http.get('/api/refused').json()['malformed'] > before + 100)
    assert 'Traceback' not in server.written()


def test_values_of_the_wrong_shape_leave_the_page_standing(dana: Visitor, page: Page, victim: Socket) -> None:
    for value in ({'a': 1}, [1], 7, None, True, 1e308, '\x00', '\u202e', 'x' * 10_000):
        victim.emit('event', page.event('note', value, kind='update:'))


def test_a_message_of_three_megabytes_closes_the_socket_and_nothing_else(
    server: Server, dana: Visitor, page: Page, victim: Socket
) -> None:
    other = dana.open()
    flooded = Socket(server, other.query, dana.cookie)
    with suppress(ConnectionClosed):
        flooded.raw.send('42["log","' + 'x' * 3_000_000 + '"]')
    flooded.listen_to_the_end()
    again = Socket(server, other.query, dana.cookie)
    assert again.admitted, 'the page comes back'
    still_works(dana, other, again)
    again.close()


def test_more_messages_than_hands_can_send_close_the_socket(server: Server, dana: Visitor, victim: Socket) -> None:
    other = dana.open()
    flooded = Socket(server, other.query, dana.cookie)
    with suppress(ConnectionClosed):
        for _ in range(2000):
            flooded.emit('log', {})
    flooded.listen_to_the_end()


def test_a_page_writes_one_line_into_the_log(server: Server, page: Page, victim: Socket) -> None:
    evil = 'first\nERROR root forged line\r\n\x1b[2J\u202e' + 'x' * 5000
    victim.emit('log', {'client_id': page.client_id, 'level': 'error', 'message': evil})
    until(lambda: 'forged line' in server.written())
    lines = [line for line in server.written().splitlines() if 'forged line' in line]
    assert len(lines) == 1
    assert lines[0].startswith('WARNING components.sockets page of user')
    assert '\x1b' not in lines[0]
    assert len(lines[0]) < 1500


def test_the_log_holds_no_page_ids(server: Server, page: Page, victim: Socket) -> None:
    assert page.client_id not in server.written()


# ---- being cut off ----------------------------------------------------------------------------------------------------------


def cut_off(server: Server, visitor: Visitor, page: Page, socket: Socket, moment: float) -> None:
    """Check that a page heard nothing later than a second after `moment`, and speaks to nobody since."""
    last = socket.listen_to_the_end()
    assert last - moment < 1
    assert 'window.location.reload' in socket.heard[-1][1] or socket.heard[-1][1] == '1'
    again = Socket(server, page.query, visitor.cookie)
    assert again.greeting == '44{"message": "Implicit handshake failed"}'
    answer = visitor.http.get('/')
    assert (answer.status_code, answer.headers['location']) == (303, '/login')
    assert (
        visitor.http.post(page.elements[page.element('upload')]['props']['url'], files={'f': b'x'}).status_code == 401
    )


def reset_password(server: Server, user_id: int) -> None:
    """By the link that somebody who forgot it gets, in a browser of his own."""
    with open_session(Actor.system('test')) as session:
        token = identity.make_link(session, identity.PASSWORD, user_id, now(), 1)
    chosen = {'password': PASSWORD, 'password_again': PASSWORD}
    assert Visitor(server).http.post(f'/setup/{token}', data=chosen).status_code == 303


@pytest.mark.parametrize('why', ['promote', 'password', 'disable'])
def test_who_is_not_who_he_was_is_cut_off_within_a_second(
    server: Server, attacker: Visitor, crowd: People, victim: Socket, why: str
) -> None:
    yossi, admin = (Visitor(server).sign_in(email, PASSWORD) for email in ('yossi@levi.demo', 'admin@bureau.demo'))
    page = yossi.open()
    socket = Socket(server, page.query, yossi.cookie)
    socket.listen(lambda text: '"update"' in text)
    if why == 'password':
        reset_password(server, crowd.yossi.user_id or 0)
    else:
        order = admin.open(f'/order/{why}/{crowd.yossi.user_id}')
        hand = Socket(server, order.query, admin.cookie)
        hand.emit('event', order.event('give', {}))
    cut_off(server, yossi, page, socket, time.monotonic())
    answer = Visitor(server).http.post('/login', data={'email': 'yossi@levi.demo', 'password': PASSWORD})
    assert answer.status_code == (401 if why == 'disable' else 303)


def test_signing_out_everywhere_cuts_the_other_browsers(server: Server, victim: Socket) -> None:
    office, home = (Visitor(server).sign_in('manager@levi.demo', PASSWORD) for _ in range(2))
    page = home.open()
    socket = Socket(server, page.query, home.cookie)
    socket.listen(lambda text: '"update"' in text)
    moment = time.monotonic()
    assert office.http.post('/logout-everywhere').status_code == 303
    cut_off(server, home, page, socket, moment)


def test_what_another_process_changes_is_noticed_within_three_seconds(server: Server, victim: Socket) -> None:
    staff = Visitor(server).sign_in('staff@bureau.demo', PASSWORD)
    page = staff.open()
    socket = Socket(server, page.query, staff.cookie)
    socket.listen(lambda text: '"update"' in text)
    with open_session(Actor.system('test')) as session:
        kept = next(
            iter(session.scalars(identity.sessions_of(identity.account_of(session, 'staff@bureau.demo')[0] or 0)))
        )
        session.delete(kept)
    moment = time.monotonic()
    assert socket.listen_to_the_end() - moment < 3
    assert Socket(server, page.query, staff.cookie).greeting.startswith('44')


def test_pages_nobody_connects_to_are_few(server: Server, victim: Socket) -> None:
    greedy = Visitor(server).sign_in('staff2@bureau.demo', PASSWORD)
    answers = [greedy.http.get('/').status_code for _ in range(25)]
    assert answers == [200] * 20 + [429] * 5
    assert greedy.http.get('/api/handled').status_code == 200


def test_strangers_get_no_page_at_all(server: Server, victim: Socket) -> None:
    stranger = Visitor(server).http
    for path in (
        '/',
        '/claims/1',
        '/nothing',
        '/setup/a/b',
        '/t/x',
        '/static/x',
        '/_nicegui/3.18.0/x',
        '/sw.js',
        '/login/',
    ):
        answer = stranger.get(path)
        assert answer.status_code in (303, 404), path
        assert 'client_id' not in answer.text
    assert stranger.get('/api/handled').status_code == 401
    assert stranger.post('/').status_code == 401


def test_a_body_without_a_length_is_cut_at_the_limit(dana: Visitor, victim: Socket) -> None:
    def endless() -> Iterator[bytes]:
        yield from (b'x' * 10_000 for _ in range(200))

    assert dana.http.post('/api/echo', content=b'x' * 1000).json() == 1000
    assert dana.http.post('/api/echo', content=endless()).status_code in (400, 413)
    assert dana.http.post('/login', content=b'x' * 70_000).status_code == 413


def test_a_page_brings_its_own_scripts_only(dana: Visitor, victim: Socket) -> None:
    first, second = dana.http.get('/'), dana.http.get('/', headers={'X-Forwarded-Prefix': '/evil"><script>'})
    nonces = [re.search(r"'nonce-([^']+)'", answer.headers['content-security-policy']) for answer in (first, second)]
    assert nonces[0]
    assert nonces[1]
    assert nonces[0][1] != nonces[1][1]
    assert first.text.count('<script') == first.text.count(f'<script nonce="{nonces[0][1]}"')
    assert 'evil' not in second.text
    assert first.headers['cache-control'] == 'no-store'
    assert "'unsafe-inline'" not in first.headers['content-security-policy'].partition('style-src')[0]


def test_in_a_browser_injected_scripts_do_not_run_and_signing_out_empties_the_other_tab(
    server: Server, chromium: Browser, victim: Socket
) -> None:
    context = chromium.new_context(base_url=server.url, locale='he-IL')
    tab, other = context.new_page(), context.new_page()
    blocked: list[str] = []
    tab.on(
        'console', lambda message: blocked.append(message.text) if 'Content Security Policy' in message.text else None
    )
    tab.goto('/?view=open')
    expect(tab).to_have_url(re.compile(r'/login\?next=%2F%3Fview%3Dopen$'))
    tab.locator('[name=email]').fill('dana@levi.demo')
    tab.locator('[name=password]').fill('wrong horse battery')
    tab.keyboard.press('Enter')
    expect(tab.get_by_role('alert')).to_be_visible()
    tab.locator('[name=password]').fill(PASSWORD)
    tab.keyboard.press('Enter')
    expect(tab).to_have_url(f'{server.url}/?view=open')
    tab.wait_for_function('window.did_handshake')
    tab.get_by_test_id('click').click()
    expect(tab.get_by_test_id('count')).to_have_text('1')
    assert tab.evaluate('window.pwned') is None
    assert blocked
    other.goto('/')
    other.wait_for_function('window.did_handshake')
    tab.locator('form').evaluate('form => form.submit()')
    expect(tab).to_have_url(f'{server.url}/login')
    expect(other).to_have_url(f'{server.url}/login')
    context.close()
