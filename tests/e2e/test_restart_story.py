"""A restart while people work: the server leaves in order and in time, and nobody types anything twice."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from db import documents, identity, links
from db.base import now
from db.claims import Claim
from db.documents import Arrived, Slot
from db.session import connect, open_session
from db.timetable import JobRun
from tests import factories
from tests.e2e.browsing import DESK, PATIENCE, ready
from tests.e2e.conftest import Server, Socket, Visitor, free_port, serving
from tests.factories import PASSWORD, SYSTEM, make_claim
from tests.waiting import until

pytestmark = pytest.mark.e2e


def leave(server: Server) -> float:
    """Ask the server to end; returns how many seconds it took."""
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(20)
    return time.monotonic() - begun


# ---- in order, and in time --------------------------------------------------------------------------------------------------


def test_it_leaves_in_five_seconds_with_pages_streams_a_job_and_a_pack_under_way(
    sqlite_url: str, tmp_path: Path
) -> None:
    connected = connect(sqlite_url)
    people = factories.make_people()
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.staff.user_id or 0, PASSWORD, now())
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        token = links.create_link(session, claim.id, 'insured', now())
        arrived = Arrived('a', 'a', 'application/pdf', 7, '01' * 32, 7, '01' * 32, pages=1)
        documents.attach(session, claim.id, arrived, Slot('vehicle_licence'), now())
    with ThreadPoolExecutor(1) as pool, serving('tests.e2e.leaving_app', tmp_path, DATABASE_URL=sqlite_url) as server:
        staff = Visitor(server).sign_in('staff@bureau.demo', PASSWORD)
        pages = [staff.open(f'/claims/{claim.claim_no}') for _ in range(3)]
        sockets = [Socket(server, page.query, staff.cookie, server.url) for page in pages]
        assert all(socket.admitted for socket in sockets)

        def job_runs() -> bool:
            with open_session(SYSTEM, reading=True) as session:
                return session.scalars(select(JobRun.started_at)).first() is not None

        until(job_runs, 15)
        post = partial(staff.http.post, f'/files/claims/{claim.claim_no}/pack', headers={'X-Maakav-Upload': '1'})
        pack = pool.submit(post)
        with pytest.raises(TimeoutError):
            pack.result(1.5)
        with httpx.stream('GET', f'{server.url}/t/{token}/live', timeout=10) as stream:
            assert b'retry' in next(stream.iter_raw())
            assert httpx.get(f'{server.url}/readyz').status_code == 200
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            until(lambda: httpx.get(f'{server.url}/readyz').status_code == 503, 1)
            assert httpx.get(f'{server.url}/login').status_code == 200, 'red first, and only then it closes'
            server.process.wait(20)
            assert time.monotonic() - begun < 5
        answer = pack.result(1)
        assert (answer.status_code, 'מופעלת מחדש' in answer.json()['error']) == (422, True)
    connected.close()


# ---- nothing is typed twice -------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(chromium: Browser) -> Iterator[list[Page]]:
    """Somebody's browser, empty."""
    context = chromium.new_context(locale='he-IL', timezone_id='Asia/Jerusalem', viewport=DESK)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    yield [context.new_page() for _ in range(5)]
    context.close()


def test_what_is_being_typed_when_the_server_restarts_is_there_afterwards(
    desk: list[Page], sqlite_url: str, tmp_path: Path
) -> None:
    connected = connect(sqlite_url)
    people = factories.make_people()
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.staff.user_id or 0, PASSWORD, now())
    claim = make_claim(people.levi, people.staff)
    port = free_port()
    field, call, messages, new, money = desk
    with serving('app', tmp_path, port=port, DATABASE_URL=sqlite_url) as server:
        field.goto(f'{server.url}/login')
        field.fill('[name=email]', 'staff@bureau.demo')
        field.fill('[name=password]', PASSWORD)
        field.click('button[type=submit]')
        field.wait_for_url('**/')
        here = f'{server.url}/claims/{claim.claim_no}'
        for page, address in zip(
            desk,
            (here, f'{here}?tab=calls', f'{here}?tab=messages', f'{server.url}/claims/new', f'{here}?tab=money'),
            strict=True,
        ):
            page.goto(address)
            ready(page)
        field.get_by_test_id('field-insured_phone').click()
        field.get_by_test_id('edit-insured_phone').press_sequentially('0541112222')
        call.get_by_test_id('call-summary').press_sequentially('המוסך יחזיר תשובה מחר')
        call.get_by_test_id('call-person').press_sequentially('משה')
        person = call.get_by_test_id('call-person').input_value()  # the form had somebody's name already
        messages.get_by_test_id('message-box').press_sequentially('שלום, התקבל האישור')
        new.get_by_test_id('edit-insured_name').press_sequentially('יעל שקד')
        new.get_by_test_id('edit-plate').press_sequentially('12345678')
        money.get_by_test_id('add-offer').click()
        money.get_by_test_id('offer-sum').press_sequentially('7770')
        pauses = [page.evaluate('socket.io.reconnectionDelayMax()') for page in desk]
        assert pauses == [2000] * 5, 'they try often'
        assert leave(server) < 5
    with serving('app', tmp_path, port=port, DATABASE_URL=sqlite_url):
        for page in desk:  # they come back by themselves
            page.wait_for_function(
                'window.did_handshake && !document.body.classList.contains("mk-offline")', timeout=60_000
            )
        expect(field.get_by_test_id('edit-insured_phone')).to_have_value('0541112222')
        expect(call.get_by_test_id('call-summary')).to_have_value('המוסך יחזיר תשובה מחר')
        expect(call.get_by_test_id('call-person')).to_have_value(person)
        expect(messages.get_by_test_id('message-box')).to_have_value('שלום, התקבל האישור')
        expect(new.get_by_test_id('edit-insured_name')).to_have_value('יעל שקד')
        expect(new.get_by_test_id('edit-plate')).to_have_value('12345678')
        expect(money.get_by_test_id('offer-sum')).to_have_value('7770')
        # and it is no picture: it is sent as if nothing had been
        call.get_by_test_id('call-save').click()
        expect(call.get_by_test_id('call').first).to_contain_text('המוסך יחזיר תשובה מחר')
        call.reload()
        ready(call)
        expect(call.get_by_test_id('call-summary')).to_have_value('')
        with open_session(SYSTEM, reading=True) as session:
            assert len(session.scalars(select(Claim)).all()) == 1
    connected.close()
