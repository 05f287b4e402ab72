"""What every page of the portal has around it: it comes lean, keeps nothing of how it was answered, and is told when it takes too long."""

import asyncio
import re
import threading
import time
from typing import Any

import pytest
from fastapi import FastAPI
from nicegui import app

from components import claim_page, frame, guard, live
from db.texts import N_, ClaimError
from pages import reports
from tests.conftest import People
from tests.factories import make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in


async def test_a_page_comes_without_quasar_and_keeps_nothing_of_its_answer(portal: FastAPI) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    served = (await dana.http_client.get('/help')).text
    assert 'matchMedia' in served
    assert 'quasar.' not in served
    page = await dana.open('/help')
    assert 'fastapi_inner_astack' not in page.request.scope
    assert page.request.state.session.actor.user_id


async def test_the_line_for_a_lost_connection_writes_the_prefix_and_the_time_as_one_word(portal: FastAPI) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    served = (await dana.http_client.get('/help')).text
    assert re.search(r'מוצגים הנתונים מ-(<|&lt;|\\u003c)bdi', served)


async def test_an_address_that_asks_for_what_a_page_has_not_says_so(portal: FastAPI, people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    staff = await signed_in(portal, EMAILS['staff'])
    for path in (
        f'/claims/{claim.claim_no}?tab=',
        '/alerts?theme=',
        '/work?view=',
        '/work?whose=',
        '/work?waiting_on=',
    ):
        page = Open(staff, await staff.open(f'{path}z%00<b>')).html()
        assert 'לא הובן בכתובת: \u2068z\ufffd&lt;b&gt;\u2069. העמוד מוצג בלעדיו.' in page, path
    # well-formed, and yet nobody has heard of it
    for path in ('/work?waiting_on=nobody', '/work?page=nobody', '/alerts?claim=nobody'):
        page = Open(staff, await staff.open(path)).html()
        assert 'לא הובן בכתובת: \u2068nobody\u2069. העמוד מוצג בלעדיו.' in page, path
    for path in (
        f'/claims/{claim.claim_no}?tab=money',
        f'/alerts?claim={claim.claim_no}',
        '/alerts?theme=messages',
        '/work?view=late&whose=team',
        '/work',
    ):
        assert 'לא הובן' not in Open(staff, await staff.open(path)).html(), path


async def test_who_opens_too_many_pages_at_once_is_told_so_in_words(
    portal: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    monkeypatch.setattr(guard, 'PAGES_WAITING_LIMIT', 1)
    assert (await dana.http_client.get('/help')).status_code == 200
    refused = await dana.http_client.get('/help')
    assert (refused.status_code, refused.headers['retry-after']) == (429, '60')
    assert 'נפתחו יותר מדי דפים בבת אחת' in refused.text


async def test_a_page_that_takes_too_long_says_so(portal: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(*_: Any) -> None:
        await asyncio.sleep(60)

    dana = await signed_in(portal, EMAILS['dana'])
    monkeypatch.setattr(frame, 'SLOWEST', 0.1)
    monkeypatch.setattr(frame, 'ask', slowly)
    answer = await dana.http_client.get('/help')
    assert answer.status_code == 503
    assert 'נסו שוב בעוד דקה' in answer.text
    assert 'href="/help"' in answer.text


async def test_what_is_refused_is_told_and_no_error_in_the_log(
    portal: FastAPI, caplog: pytest.LogCaptureFixture, toasts: list[str]
) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    with await dana.open('/help'):
        app.handle_exception(ClaimError(N_('Please write what is needed.')))
        assert (len(toasts), caplog.records) == (1, [])
        app.handle_exception(ValueError('ours'))
    assert len(toasts) == 2
    assert {record.levelname for record in caplog.records} == {'ERROR'}


async def test_while_nothing_can_be_written_people_go_on_reading(
    portal: FastAPI, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That somebody was there is noted beside the page: a full disk, or whoever else writes, is no reason to show nothing."""
    claim = make_claim(people.levi, people.staff)
    written = threading.Event()

    def full(*_: Any, **__: Any) -> None:
        raise OSError('database or disk is full')

    def held_up(*_: Any, **__: Any) -> None:
        written.wait(10)

    staff = await signed_in(portal, EMAILS['staff'])
    monkeypatch.setattr(claim_page, 'visit', full)
    assert claim.claim_no in Open(staff, await staff.open(f'/claims/{claim.claim_no}')).html()
    assert 'what somebody saw was not kept' in caplog.text
    caplog.clear()
    monkeypatch.setattr(live, 'JOT_SECONDS', 0.1)
    monkeypatch.setattr(claim_page, 'visit', held_up)
    began = time.monotonic()
    assert claim.claim_no in Open(staff, await staff.open(f'/claims/{claim.claim_no}')).html()
    assert time.monotonic() - began < 9
    written.set()


@pytest.mark.parametrize(('accept', 'kind'), [('text/html,*/*', 'text/html'), ('*/*', 'text/plain')])
async def test_an_answer_that_breaks_is_told_in_the_readers_words_and_leads_back(
    portal: FastAPI, monkeypatch: pytest.MonkeyPatch, accept: str, kind: str
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError('a bug')

    manager = await signed_in(portal, EMAILS['manager'])
    monkeypatch.setattr(reports, 'month_book', broken)
    answer = await manager.http_client.get('/reports/month.xlsx?month=2026-11', headers={'Accept': accept})
    assert (answer.status_code, answer.headers['content-type'].partition(';')[0]) == (500, kind)
    assert answer.headers['x-request-id'] in answer.text
    assert 'bug' not in answer.text
    if kind == 'text/html':
        assert 'dir="rtl"' in answer.text
        assert 'href="/reports/month.xlsx?month=2026-11"' in answer.text
    else:
        assert answer.text.startswith('אירעה תקלה אצלנו')
