"""Export to Excel as people meet it: started from the list, found again, fetched by nobody else, and many only with the password."""

import io
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from fastapi import FastAPI

from components import accesses
from components.bulk_bar import BulkBar
from components.claims_list import ClaimsBar
from components.exports_tray import ExportsTray
from db import exports, files, identity, two_factor
from db.access_log import FILE, Asked
from db.access_log import accesses as log_of
from db.base import now
from db.exports import DONE, EXPIRED, FAILED, RUNNING, Export, export_records, export_with
from db.offices import AgentOffice
from db.offices import User as Person
from db.scope import Role
from db.session import fetch_one, open_session
from jobs import export_making
from jobs import exports as making
from jobs.sheets import FIRST_ROW, HEADER_ROW
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, make_claim, turn_on_two_factor
from tests.pages.conftest import EMAILS, Open, shown_by
from tests.portal import signed_in
from tests.stores import failing_store
from tests.waiting import soon


async def desk(portal: FastAPI, who: str, path: str = '/') -> Open:
    user = await signed_in(portal, EMAILS.get(who, who))
    return Open(user, await user.open(path))


async def in_two_steps(portal: FastAPI, code: str) -> Open:
    """Dana at her list, signed in with this code."""
    user = await signed_in(portal, EMAILS['dana'])
    assert (await user.http_client.post('/login/code', data={'code': code})).status_code == 303
    return Open(user, await user.open('/'))


def tray(page: Open) -> ExportsTray:
    found: ExportsTray = page.of(ExportsTray)[0]
    return found


def items(page: Open) -> list[dict[str, Any]]:
    return list(tray(page).props['items'])


@pytest.fixture(autouse=True)
def in_this_process(request, monkeypatch):
    """That a program of its own makes the workbook is told once; starting one takes seconds."""
    if 'nobody_elses' in request.node.name:
        return

    def make(export: Export, path: Path) -> None:
        rows = export_making.make(export.id, path)
        making._verdict(export, {'end': True, 'rows': rows})

    monkeypatch.setattr(making, '_in_child', make)


async def made(page: Open) -> dict[str, Any]:
    await soon(lambda: items(page) and items(page)[0]['state'] == DONE)
    return items(page)[0]


def numbers_in(content: bytes) -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [row[1] for row in sheet.iter_rows(min_row=FIRST_ROW, values_only=True)]


async def test_what_the_list_shows_is_exported_found_again_and_nobody_elses(portal: FastAPI, people: People) -> None:
    wanted = make_claim(people.levi, people.staff, insured_name='משה כהן')
    make_claim(people.levi, people.staff, insured_name='רונית ברקוביץ')
    make_claim(people.cohen, people.staff, insured_name='משה כהן')
    dana = await desk(portal, 'dana', '/?q=כהן')
    assert items(dana) == []
    dana.send(tray(dana), 'start')
    item = await made(dana)
    assert item['id'] in tray(dana).props['mine']
    answer = await dana.user.http_client.get(item['href'])
    assert answer.status_code == 200
    assert numbers_in(answer.content) == [wanted.claim_no]
    assert answer.headers['Content-Security-Policy'].startswith('sandbox')
    assert answer.headers['Cache-Control'] == 'private, no-store'
    name = unquote(answer.headers['Content-Disposition'].rpartition("''")[2])
    assert name.startswith('תביעות-פתוחות_2')
    assert name.endswith('.xlsx')
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = log_of(session, Asked(what=FILE), 1)
    assert [(row.told, row.by) for row in logged] == [(name, people.dana.name)]

    again = await desk(portal, 'dana')  # another visit: it waits there, and does not come by itself
    assert [found['id'] for found in items(again)] == [item['id']]
    assert tray(again).props['mine'] == []
    for number in ('0', '1e3', '999999999', '-1', '../1', '%00', '1' * 20):
        assert (await again.user.http_client.get(f'/files/exports/{number}')).status_code == 404
    for other in ('manager', 'rival', 'staff'):
        stranger = await signed_in(portal, EMAILS[other])
        assert (await stranger.http_client.get(item['href'])).status_code == 404
        page = await desk(portal, other)
        assert items(page) == []
        page.send(tray(page), 'cancel', item['id'])
        page.send(tray(page), 'away', item['id'])
    assert (await again.user.http_client.get(item['href'])).status_code == 200
    again.send(tray(again), 'away', item['id'])
    await soon(lambda: items(again) == [])
    assert (await again.user.http_client.get(item['href'])).status_code == 404


async def test_who_looks_as_its_person_neither_fetches_a_workbook_nor_makes_one(
    portal: FastAPI, people: People, toasts: list[str]
) -> None:
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    item = await made(dana)
    looker = await signed_in(portal, EMAILS['staff'])
    asked = {'person': str(people.dana.user_id), 'reason': 'x'}
    assert (await looker.http_client.post('/look-as', data=asked)).status_code == 303
    page = Open(looker, await looker.open('/'))
    assert [found['id'] for found in items(page)] == [item['id']]
    assert (await looker.http_client.get(item['href'])).status_code == 404
    page.send(tray(page), 'start')
    page.send(tray(page), 'away', item['id'])
    await soon(lambda: toasts == ['בצפייה כסוכן אי אפשר לשנות דבר.'] * 2)
    again = await desk(portal, 'dana')
    assert [found['id'] for found in items(again)] == [item['id']]


async def test_a_workbook_that_the_store_breaks_off_is_told_of_and_fetched_again(
    portal: FastAPI, people: People, tmp_path: Path
) -> None:
    wanted = make_claim(people.levi, people.staff)
    with failing_store() as store:
        files.connect(store.url, tmp_path)
        dana = await desk(portal, 'dana')
        dana.send(tray(dana), 'start')
        address = (await made(dana))['href']
        store.fault = 'cut'
        answer = await dana.user.http_client.get(address)
        assert (answer.status_code, answer.json()['error'][:13]) == (503, 'אחסון המסמכים')
        store.mend()
        assert numbers_in((await dana.user.http_client.get(address)).content) == [wanted.claim_no]


async def test_who_only_reads_has_no_button_and_fetches_nothing(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    item = await made(dana)
    with open_session(people.admin) as session:
        session.get_one(Person, people.dana.user_id).role = Role.READ_ONLY
    reader = await desk(portal, 'dana')
    assert reader.of(ExportsTray) == []
    assert reader.of(BulkBar)[0].props['exports'] == ''
    assert (await reader.user.http_client.get(item['href'])).status_code == 404


@pytest.mark.parametrize('change', ['another office', 'own claims only'])
async def test_a_workbook_of_what_one_no_longer_sees_is_gone(portal: FastAPI, people: People, change: str) -> None:
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    item = await made(dana)
    with open_session(people.admin) as session:
        if change == 'another office':
            session.get_one(Person, people.dana.user_id).office_id = people.cohen
        else:
            session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    moved = await desk(portal, 'dana')
    assert (await moved.user.http_client.get(item['href'])).status_code == 404
    (shown,) = items(moved)
    assert (shown['state'], shown['href'], shown['again']) == (EXPIRED, '', True)


async def test_selected_rows_are_exported_from_the_bar(portal: FastAPI, people: People) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(3)]
    foreign = make_claim(people.cohen, people.staff)
    dana = await desk(portal, 'dana')
    [bar] = dana.of(BulkBar)
    dana.send(bar, 'export', {'all': False, 'numbers': [claims[0].claim_no, foreign.claim_no]})
    item = await made(dana)
    assert item['title'] == 'התביעות שנבחרו'
    assert numbers_in((await dana.user.http_client.get(item['href'])).content) == [claims[0].claim_no]
    made_up: list[Any] = [None, [], {'numbers': 'x'}, {'all': 1}, {'numbers': [None, 5]}]
    for nonsense in made_up:
        dana.send(bar, 'export', nonsense)
    dana.send(bar, 'export', {'all': True, 'numbers': []})
    await soon(lambda: len(items(dana)) == 2)
    await made(dana)
    assert items(dana)[0]['parts'][1] == '3 תביעות'


async def test_how_far_it_is_stands_on_the_page_while_it_is_made(
    portal: FastAPI, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def make(export: Export, path: Path) -> str:
        with open_session(SYSTEM) as session:
            exports.advance(session, export.id, export.worker, now(), (3, 1000))
        go_on.wait(30)
        return making.FAILED

    monkeypatch.setattr(making, '_in_child', make)
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    try:
        await soon(lambda: items(dana) and items(dana)[0]['done'])
        (item,) = items(dana)
        assert (item['state'], item['making'], item['done'], item['total']) == (RUNNING, True, 3, 1000)
        assert (item['parts'], item['href']) == (['3 מתוך 1,000 תביעות'], '')
    finally:
        go_on.set()
    await soon(lambda: items(dana)[0]['state'] == FAILED)
    assert items(dana)[0]['making'] is False


async def test_the_workbook_has_the_columns_the_list_shows_or_all_details(portal: FastAPI, people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana', '/?columns=plate,claim_no')
    [bar] = dana.of(BulkBar)
    assert [choice['details'] for choice in shown_by(bar, 'exportChoices')] == [False, True]
    picked = {'all': False, 'numbers': [claim.claim_no]}
    orders = (
        lambda: dana.send(tray(dana), 'start', False),
        lambda: dana.send(tray(dana), 'start', True),
        lambda: dana.send(bar, 'export', {**picked, 'details': False}),
        lambda: dana.send(bar, 'export', {**picked, 'details': True}),
    )
    headers = []
    for place, order in enumerate(orders):
        order()
        await soon(partial(_are, dana, place + 1))
        answer = await dana.user.http_client.get((await made(dana))['href'])
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        headers.append([cell.value for cell in sheet[HEADER_ROW]])
    assert headers[0] == headers[2] == ['מבוטח', 'מס׳ רכב', 'מס׳ תביעה']
    assert headers[1] == headers[3]
    assert headers[1][:3] == headers[0]
    assert {'ת״ז המבוטח', 'נייד המבוטח', 'סטטוס'} < {*headers[1]}
    assert [item['parts'][2] for item in items(dana)][-1] == '3 עמודות'


def _are(page: Open, many: int) -> bool:
    return len(items(page)) == many


async def test_very_many_claims_take_the_password(portal: FastAPI, people: People, monkeypatch) -> None:
    monkeypatch.setattr(exports, 'CONFIRM_ABOVE', 1)
    for _ in range(2):
        make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    browser = dana.user.http_client
    dana.send(tray(dana), 'start')
    await soon(lambda: tray(dana).props['confirm'])
    assert items(dana) == []

    wrong = await browser.post('/files/exports/confirm', data={'password': 'wrong password'})
    assert (wrong.status_code, 'proof' in wrong.json()) == (401, False)
    right = await browser.post('/files/exports/confirm', data={'password': PASSWORD})
    assert right.status_code == 200
    other = await signed_in(portal, EMAILS['manager'])
    theirs = (await other.http_client.post('/files/exports/confirm', data={'password': PASSWORD})).json()['proof']
    for proof in ('', 'made up', None, 'x' * 1000, theirs):
        turn = tray(dana).props['confirm']['turn']
        dana.send(tray(dana), 'confirmed', {'turn': turn, 'proof': proof})
        await soon(partial(_is_later, dana, turn))
    assert items(dana) == []
    turn = tray(dana).props['confirm']['turn']
    dana.send(tray(dana), 'confirmed', {'turn': turn, 'proof': right.json()['proof']})
    item = await made(dana)
    assert tray(dana).props['confirm'] is None
    assert len(numbers_in((await browser.get(item['href'])).content)) == 2


def _is_later(page: Open, turn: int) -> bool:
    return bool(tray(page).props['confirm']['turn'] > turn)


async def test_who_signs_in_in_two_steps_types_a_code_too(portal: FastAPI, people: People, monkeypatch) -> None:
    monkeypatch.setattr(exports, 'CONFIRM_ABOVE', 1)
    for _ in range(2):
        make_claim(people.levi, people.staff)
    app, codes = turn_on_two_factor(people.dana, now() - timedelta(minutes=5))
    spent, next_code = app.at(now()), app.at(now() + timedelta(seconds=30))
    dana = await in_two_steps(portal, spent)
    browser = dana.user.http_client
    assert browser.cookies['browser'], 'it is known, and excuses nobody'

    async def confirm(password: str, code: str = '') -> tuple[int, str | None]:
        answer = await browser.post('/files/exports/confirm', data={'password': password, 'code': code})
        assert ('proof' in answer.json()) == (answer.status_code == 200)
        return answer.status_code, answer.json().get('wrong')

    dana.send(tray(dana), 'start')
    await soon(lambda: tray(dana).props['confirm'])
    assert tray(dana).props['confirm']['code'] is True
    assert 'קוד מאפליקציית האימות' in tray(dana).props['confirm']['text']
    assert await confirm(PASSWORD) == (401, 'code')
    assert await confirm('wrong password', next_code) == (401, 'password')
    assert await confirm(PASSWORD, spent) == (401, 'code'), 'it let her in'
    assert await confirm(PASSWORD, next_code) == (200, None), 'a wrong password spends no code'
    assert await confirm(PASSWORD, next_code) == (401, 'code')
    right = await browser.post('/files/exports/confirm', data={'password': PASSWORD, 'code': codes[0]})
    turn = tray(dana).props['confirm']['turn']
    dana.send(tray(dana), 'confirmed', {'turn': turn, 'proof': right.json()['proof']})
    assert len(numbers_in((await browser.get((await made(dana))['href'])).content)) == 2
    with open_session(people.dana, reading=True) as session:
        assert two_factor.own_standing(session, now()).codes_left == 9


async def test_guessing_the_code_is_braked_as_at_a_sign_in(portal: FastAPI, people: People) -> None:
    app, codes = turn_on_two_factor(people.dana, now() - timedelta(minutes=5))
    dana = await in_two_steps(portal, app.at(now()))
    typed = [{'password': PASSWORD, 'code': code} for code in ('1', '2', '3', codes[0])]
    answers = [await dana.user.http_client.post('/files/exports/confirm', data=fields) for fields in typed]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert 'דקה' in answers[-1].json()['error']
    with open_session(people.dana, reading=True) as session:
        assert two_factor.own_standing(session, now()).codes_left == 10


async def test_who_signs_in_by_the_password_alone_is_asked_for_no_code(
    portal: FastAPI, people: People, monkeypatch
) -> None:
    monkeypatch.setattr(exports, 'CONFIRM_ABOVE', 0)
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    await soon(lambda: tray(dana).props['confirm'])
    assert tray(dana).props['confirm']['code'] is False


async def test_guessing_the_password_is_braked(portal: FastAPI) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    answers = [
        await dana.http_client.post('/files/exports/confirm', data={'password': f'guess {number}'})
        for number in range(12)
    ]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    late = await dana.http_client.post('/files/exports/confirm', data={'password': PASSWORD})
    assert late.status_code == 429


async def test_what_failed_says_so_and_is_started_again(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana')
    dana.send(tray(dana), 'start')
    item = await made(dana)
    with open_session(SYSTEM) as session:
        export = fetch_one(session, export_with(item['id']))
        assert export is not None
        export.state, export.why = FAILED, exports.INTERRUPTED
        key = export.key
    files.store().delete(key, now())
    back = await desk(portal, 'dana')
    [left] = items(back)
    assert left['again'] is True
    assert left['href'] == ''
    assert left['parts'][0] == 'ההכנה לא הושלמה.'
    assert (await back.user.http_client.get(item['href'])).status_code == 404
    back.send(tray(back), 'again', item['id'])
    await soon(lambda: items(back) and items(back)[0]['id'] != item['id'])
    assert (await made(back))['again'] is False
    assert len(items(back)) == 1


async def test_an_admin_reads_who_took_what(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, insured_name='<b>כהן</b>')
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    dana = await desk(portal, 'dana', '/?q=כהן')
    dana.send(tray(dana), 'start')
    await made(dana)
    admin = await desk(portal, 'admin@bureau.demo', '/admin/exports')
    shown = next(element for element in admin.client.elements.values() if 'export-records' in str(element.props))
    content = shown.props['innerHTML']
    assert 'דנה ארז' in content
    assert 'תביעות פתוחות · חיפוש: &quot;כהן&quot;' in content
    assert 'תביעה אחת' in content
    with open_session(people.admin, reading=True) as session:
        assert len(export_records(session)) == 1


async def test_the_workbook_has_the_order_the_list_has_now(portal: FastAPI, people: People) -> None:
    first = make_claim(people.levi, people.staff, insured_name='אבא')
    second = make_claim(people.levi, people.staff, insured_name='תמר')
    dana = await desk(portal, 'dana', '/?sort=-insured_name')
    dana.send(tray(dana), 'start')
    item = await made(dana)
    assert numbers_in((await dana.user.http_client.get(item['href'])).content) == [second.claim_no, first.claim_no]
    dana.send(dana.of(ClaimsBar)[0], 'change', {'q': 'אבא'})
    await soon(lambda: dana.of(ClaimsBar)[0].props['state']['q'] == 'אבא')
    dana.send(tray(dana), 'start')
    await soon(lambda: len(items(dana)) == 2)
    item = await made(dana)
    assert numbers_in((await dana.user.http_client.get(item['href'])).content) == [first.claim_no]
