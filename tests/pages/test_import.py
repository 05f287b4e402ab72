"""The import page: a workbook goes up its own route, staff see one import live on all their pages, and nobody else finds any."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import openpyxl
import pytest
from fastapi import FastAPI

from components import accesses
from components.import_list import ImportList
from components.import_run import ImportScreen
from db import import_runs
from db.access_log import FILE, Asked
from db.access_log import accesses as log_of
from db.base import now
from db.claims import claim_by_no
from db.import_runs import COMMITTING, STALE, ImportRun
from db.session import fetch_one, open_session
from jobs import import_work
from jobs.workbook_reading import MAX_PACKED
from tests.conftest import People
from tests.factories import SYSTEM
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon

HEADINGS = ("מס' תביעה", 'סוכנות', 'שם המבוטח', 'תאריך האירוע', 'סטטוס')
GOOD = [(f'TG-0000{number}', 'סוכנות לוי', 'רונית ברקוביץ', '28/10/2026', 'חדשה') for number in range(1, 4)]
UNKNOWN = ('TG-00009', 'סוכנות לוי', 'רונית ברקוביץ', '28/10/2026', 'חונה אצלנו')


def workbook(*rows: Any) -> bytes:
    book = openpyxl.Workbook()
    for row in (HEADINGS, *rows):
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.fixture
async def clients(portal: FastAPI) -> AsyncIterator[dict[str, Any]]:
    users = {who: await signed_in(portal, EMAILS[who]) for who in ('staff', 'staff2', 'dana')}
    yield users
    for user in users.values():
        await user.http_client.aclose()


async def send(client: httpx.AsyncClient, content: bytes, name: str = 'רשימה.xlsx', **over: str) -> httpx.Response:
    headers = {'X-Maakav-Upload': '1', 'X-File-Name': quote(name), **over}
    return await client.post('/files/imports', content=content, headers=headers)


async def opened(user: Any, run_id: int) -> tuple[Open, ImportScreen]:
    page = Open(user, await user.open(f'/import/{run_id}'))
    return page, page.of(ImportScreen)[0]


def step(screen: ImportScreen) -> str:
    return str(screen.props['run']['step'])


def refusal(screen: ImportScreen) -> str:
    return str((screen.props['answer'] or {'message': ''})['message'])


def chosen(screen: ImportScreen) -> dict[str, Any]:
    columns = screen.props['form']['columns']
    return {'mode': 'both', 'columns': {str(one['index']): one['field'] for one in columns if one['field']}}


async def checked(page: Open, screen: ImportScreen) -> dict[str, int]:
    page.send(screen, 'check', chosen(screen))
    await soon(lambda: step(screen) == 'checked')
    return {outcome['key']: outcome['count'] for outcome in screen.props['outcomes']}


async def test_a_workbook_is_understood_taught_saved_and_given_back(clients: dict[str, Any], people: People) -> None:
    answer = await send(clients['staff'].http_client, workbook(*GOOD, UNKNOWN, ('', '', 'x', '', '')))
    assert answer.status_code == 201, answer.text
    run_id = answer.json()['id']
    page, screen = await opened(clients['staff'], run_id)
    _, other = await opened(clients['staff2'], run_id)
    first = screen.props['form']['columns'][0]
    assert (first['field'], first['why']) == ('claim_no', 'כותרת מוכרת')
    assert await checked(page, screen) == {'new': 3, 'updated': 0, 'same': 0, 'refused': 2, 'warned': 0}
    await soon(lambda: step(other) == 'checked')
    assert screen.props['outcomes'][3]['on'], 'what was refused is shown first'
    assert 'הסטטוס אינו מוכר' in screen.props['rows'][0]['said'][0]['text']
    assert [word['word'] for word in screen.props['unknown']] == ['חונה אצלנו']

    # what nobody asked about is not taught, a word of the file is, and everything is looked at again
    said = [{'kind': 'status', 'word': word, 'meaning': 'in_repair'} for word in ('חונה אצלנו', 'אחר')]
    page.send(screen, 'teach', said)
    await soon(lambda: step(screen) == 'checked' and screen.props['outcomes'][0]['count'] == 4)
    page.send(screen, 'order', 'commit')
    await soon(lambda: step(screen) == step(other) == 'done')
    assert '4 שורות נשמרו' in other.props['run']['came']
    with open_session(SYSTEM, reading=True) as session:
        claim = fetch_one(session, claim_by_no('TG-00009'))
    assert claim is not None
    assert claim.status == 'in_repair'

    client = clients['staff2'].http_client
    refused = await client.get(screen.props['run']['refusedHref'])
    assert refused.headers['content-disposition'].startswith('attachment;')
    assert openpyxl.load_workbook(io.BytesIO(refused.content)).active.max_row == 2
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = log_of(session, Asked(what=FILE), 1)
    assert [(row.told, row.by) for row in logged] == [('רשימה.xlsx', people.staff2.name)]

    again = (await send(client, workbook(*GOOD, UNKNOWN))).json()['id']
    page, screen = await opened(clients['staff2'], again)
    assert (await checked(page, screen))['same'] == 4
    assert screen.props['run']['save'] == ''
    lists = Open(clients['staff'], await clients['staff'].open('/import'))
    assert [run['id'] for run in lists.of(ImportList)[0].props['runs']] == [again, run_id]


async def test_a_step_that_was_taken_but_not_begun_is_no_refusal(clients: dict[str, Any]) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    run_id = (await send(clients['staff'].http_client, workbook(*GOOD))).json()['id']
    page, screen = await opened(clients['staff'], run_id)
    await checked(page, screen)
    screen._engine = replace(screen._engine, begin=broken)
    assert (await page.answer(screen, 'order', 'commit'))['message'] == ''


async def test_what_is_no_workbook_is_refused_in_words_and_leaves_nothing(clients: dict[str, Any]) -> None:
    client = clients['staff'].http_client
    for content, name, status, reason in (
        (b'%PDF-1.7 x', 'a.xlsx', 422, 'זה אינו קובץ Excel'),
        (b'\xd0\xcf\x11\xe0' + b'\0' * 600, 'a.xls', 422, 'נעול בסיסמה'),
        (workbook(*GOOD), 'a.csv', 422, 'זה אינו קובץ CSV'),
        (b'\0' * (MAX_PACKED + 1), 'a.xlsx', 413, 'גדול מ-5'),
        (b'', 'a.csv', 422, 'הקובץ ריק'),
        (b'', 'a.xlsx', 422, 'הקובץ ריק'),
        (b'\n', 'a.csv', 422, 'אין שורות'),
    ):
        answer = await send(client, content, name)
        assert (answer.status_code, reason in answer.json()['error']) == (status, True), answer.text
    elsewhere = await send(client, workbook(*GOOD), **{'X-Maakav-Upload': ''})
    assert elsewhere.status_code == 422
    with open_session(SYSTEM, reading=True) as session:
        assert fetch_one(session, import_runs.runs()) is None


async def test_nobody_outside_the_bureau_finds_an_import(clients: dict[str, Any]) -> None:
    run_id = (await send(clients['staff'].http_client, workbook(*GOOD))).json()['id']
    dana = clients['dana'].http_client
    for address in ('/import', '/import/{}', '/files/imports/{}/refused'):
        there, nowhere = [await dana.get(address.format(number)) for number in (run_id, 999)]
        assert there.status_code == nowhere.status_code == 404
        assert 'רשימה' not in there.text
    assert (await send(dana, workbook(*GOOD))).status_code == 422
    for number in ('0', '999', 'x', '1e3'):
        assert (await clients['staff'].http_client.get(f'/import/{number}')).status_code == 404


async def test_a_page_may_be_lied_to(clients: dict[str, Any]) -> None:
    run_id = (await send(clients['staff'].http_client, workbook(*GOOD))).json()['id']
    page, screen = await opened(clients['staff'], run_id)
    for kind, args in (
        ('place', {'sheet': 9, 'heading': -1}),
        ('show', ['new']),
        ('teach', {'kind': 'status'}),
        ('order', 'resume'),
        ('order', {'commit': 1}),
    ):
        page.send(screen, kind, args)
    for sent in (None, {'mode': 'both', 'columns': {'0': 'password'}}, {'mode': 'x', 'columns': {'0': 'claim_no'}}):
        assert (await page.answer(screen, 'check', sent))['message']
    assert step(screen) == 'ready'
    page.send(screen, 'order', 'drop')
    await soon(lambda: step(screen) == 'dropped')


async def test_an_import_whose_process_died_says_so_and_goes_on(clients: dict[str, Any], people: People) -> None:
    run_id = (await send(clients['staff'].http_client, workbook(*GOOD))).json()['id']
    page, screen = await opened(clients['staff'], run_id)
    await checked(page, screen)
    with open_session(people.staff) as session:
        import_runs.take(session, run_id, COMMITTING, now())
    await soon(lambda: step(screen) == 'committing')
    page.send(screen, 'order', 'resume')
    await soon(lambda: 'כבר בעבודה' in refusal(screen))
    with open_session(SYSTEM) as session:
        run = session.get_one(ImportRun, run_id)
        run.beat = now() - STALE - timedelta(seconds=1)
    await soon(lambda: screen.props['run']['interrupted'])
    page.send(screen, 'order', 'resume')
    await soon(lambda: step(screen) == 'done')
    assert '3 שורות נשמרו' in screen.props['run']['came']


async def test_what_came_of_an_import_outlives_its_rows(clients: dict[str, Any], people: People) -> None:
    run_id = (await send(clients['staff'].http_client, workbook(*GOOD, UNKNOWN))).json()['id']
    page, screen = await opened(clients['staff'], run_id)
    await checked(page, screen)
    page.send(screen, 'order', 'commit')
    await soon(lambda: step(screen) == 'done')
    with open_session(SYSTEM) as session:
        session.get_one(ImportRun, run_id).at = now() - import_runs.KEPT_FOR - timedelta(days=1)
    assert import_work.forget_imports() == 5
    _, screen = await opened(clients['staff2'], run_id)
    assert (screen.props['run']['forgotten'], screen.props['run']['refusedHref'], screen.props['rows']) == (
        True,
        '',
        [],
    )
    assert [outcome['count'] for outcome in screen.props['outcomes']] == [3, 0, 0, 1, 0]
    assert (await clients['staff'].http_client.get(f'/files/imports/{run_id}/refused')).status_code == 404
