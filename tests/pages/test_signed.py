"""The pages by link: the garage does its work from a phone, the insured follows, and nobody else sees anything."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from components import guard, streams
from db import documents, files, repairs, requirements
from db.base import now
from db.claims import Claim
from db.documents import Arrived, Document, Slot
from db.links import create_link, links_of, revoke_link
from db.reference import Garage
from db.session import fetch, open_session
from db.settings import load
from jobs import intake
from pages import signed
from tests import papers
from tests.conftest import People
from tests.factories import make_claim
from tests.stores import failing_store

SCAN = Arrived('סריקה.pdf', 'scan.pdf', 'application/pdf', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)


@pytest.fixture
async def phone(database_url: str, people: People, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """A browser without a cookie, before the routes and the guard."""
    settings = load(None, database_url=database_url, data_dir=tmp_path)
    files.connect(settings.documents_url, settings.data_dir)
    plain = FastAPI(openapi_url=None)
    signed.add_routes(plain, settings)
    guard.protect(plain, settings)
    signed._knocks.moments.clear()
    signed._wrong_knocks.moments.clear()
    signed._sent.moments.clear()
    async with AsyncClient(transport=ASGITransport(plain), base_url='http://test') as client:
        yield client


@pytest.fixture
def claim(people: People) -> Claim:
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך גלבוע', phone='045550178', address='ההסתדרות 211, חיפה')
        session.add(garage)
        session.flush()
    fields = {
        'garage': garage.id,
        'repair_stage': 'bodywork',
        'tp_policy_holder': 'גיא רוזנטל',
        'demand_amount': 3120000,
    }
    return make_claim(people.levi, people.staff, fields, make_model='טויוטה קורולה')


def link(people: People, claim: Claim, purpose: str, phone: str = '') -> str:
    with open_session(people.staff) as session:
        return '/t/' + create_link(session, claim.id, purpose, now(), phone)


def stored(people: People, claim: Claim) -> Claim:
    with open_session(people.staff, reading=True) as session:
        return session.get_one(Claim, claim.id)


async def press(phone: AsyncClient, address: str, **form: str) -> httpx.Response:
    return await phone.post(address, data=form, follow_redirects=True)


async def test_a_garage_moves_the_car_on_and_takes_a_slip_back(phone, people, claim):
    address = link(people, claim, 'garage')
    page = await phone.get(address)
    assert 'פחחות' in page.text
    for closed in ('רונית', '052', 'רוזנטל', '31,200', claim.claim_no):
        assert closed not in page.text
    done = await press(phone, address, do='stage', stage='paint', seen='bodywork')
    assert 'data-testid="undo"' in done.text
    assert stored(people, claim).repair_stage == 'paint'
    await press(phone, address, do='taken_back', seen='paint')
    assert stored(people, claim).repair_stage == 'bodywork'


async def test_a_garage_promises_a_day_holds_goes_on_and_remarks(phone, people, claim):
    address, day = link(people, claim, 'garage'), (now() + timedelta(days=5)).date()
    await press(phone, address, do='expect', day=f'{day:%d/%m/%Y}')
    wrong = await press(phone, address, do='expect', day='31/02/2098')
    assert (wrong.status_code, 'value="31/02/2098"' in wrong.text) == (422, True)
    far = await press(phone, address, do='expect', day='01/01/2099')
    assert (far.status_code, 'נא לבדוק את השנה' in far.text) == (422, True)
    assert re.search(r'<input type="date"[^>]* max="20\d\d-\d\d-\d\d"', far.text), 'said before it is sent'
    await press(phone, address, do='note', note='הפגוש הגיע')
    held = await press(phone, address, do='hold', reason='parts')
    assert 'ממתין לחלקים' in held.text
    assert (stored(people, claim).eta, stored(people, claim).hold_reason) == (day, 'parts')
    refused = await press(phone, address, do='stage', stage='paint', seen='bodywork')
    assert (refused.status_code, 'data-testid="refused"' in refused.text) == (422, True)
    await press(phone, address, do='resume')
    with open_session(people.dana, reading=True) as session:
        told = [(event.kind, event.by) for event in fetch(session, repairs.events_of(claim.id))[1:]]
    assert told == [(kind, 'מוסך גלבוע, בקישור') for kind in ('eta', 'note', 'hold', 'resume')]


async def test_a_photo_is_filed_under_the_stage_and_a_document_is_refused(phone, people, claim):
    address = link(people, claim, 'garage')
    documents = (('b.pdf', papers.pdf(), 422), ('c.jpg', b'MZ' + bytes(100), 422))
    for name, content, status in (('a.jpg', papers.jpeg(), 201), *documents):
        answer = await phone.post(f'{address}/photo', content=content, headers={'X-File-Name': name})
        assert answer.status_code == status, answer.text
        assert status == 201 or answer.json() == {'error': 'נא לשלוח תמונה.'}
    with open_session(people.dana, reading=True) as session:
        [photo] = session.query(Document).all()
    assert (photo.type, photo.repair_stage, photo.by) == ('repair_photos', 'bodywork', 'מוסך גלבוע, בקישור')


async def test_a_photo_that_the_store_does_not_take_is_told_of_and_comes_again(phone, people, claim, tmp_path):
    address = f'{link(people, claim, "garage")}/photo'
    with failing_store() as store:
        files.connect(store.url, tmp_path)
        store.fault = 'full'
        answer = await phone.post(address, content=papers.jpeg(), headers={'X-File-Name': 'a.jpg'})
        assert (answer.status_code, answer.json()['error'][:13]) == (503, 'הקובץ לא נשמר')
        with open_session(people.dana, reading=True) as session:
            assert session.query(Document).count() == 0
        store.mend()
        assert (await phone.post(address, content=papers.jpeg(), headers={'X-File-Name': 'a.jpg'})).status_code == 201


async def test_the_insured_follows_and_sees_neither_sums_nor_the_other_side(phone, people, claim):
    address = link(people, claim, 'insured', '0505550101')
    page = await phone.get(address)
    for shown in ('שלום רונית', '217-34-801', 'פחחות', 'מוסך גלבוע', 'wa.me/972505550101', 'סוכנות לוי'):
        assert shown in page.text, shown
    for closed in ('ברקוביץ', 'רוזנטל', '31,200', claim.claim_no):
        assert closed not in page.text
    for order in ({'do': 'stage', 'stage': 'paint', 'seen': 'bodywork'}, {'do': 'note', 'note': 'x'}):
        assert (await press(phone, address, **order)).status_code == 404
    assert (await phone.post(f'{address}/photo', content=papers.jpeg())).status_code == 404


async def test_every_answer_keeps_the_link_to_itself(phone, people, claim):
    for address in (link(people, claim, 'garage'), link(people, claim, 'insured'), '/t/' + 'x' * 43):
        headers = (await phone.get(address)).headers
        assert (headers['referrer-policy'], headers['x-robots-tag']) == ('no-referrer', 'noindex, nofollow')
        assert headers['cache-control'] == 'no-store'
        # the browser's reports name the address, and would carry it into the log
        assert "script-src 'self' 'nonce-" in headers['content-security-policy']
        assert 'report-uri' not in headers['content-security-policy']


async def test_wrong_expired_and_revoked_links_look_alike(phone, people, claim):
    address = link(people, claim, 'garage')
    with open_session(people.staff) as session:
        revoke_link(session, fetch(session, links_of(claim.id))[0].id, now())
    answers = [await phone.get(path) for path in (address, '/t/' + 'x' * 43, '/t/short')]
    bodies = {
        answer.text.replace(answer.headers['content-security-policy'].split('nonce-')[1][:22], '') for answer in answers
    }
    assert {answer.status_code for answer in answers} == {404}
    assert len(bodies) == 1
    assert (await phone.get(f'{address}/live')).status_code == 404


async def test_who_tries_many_doors_stands_before_all_of_them(phone, people, claim):
    address = link(people, claim, 'garage')
    for _ in range(signed.WRONG_KNOCKS[0]):
        await phone.get('/t/' + 'x' * 43)
    assert (await phone.get(address)).status_code == 404


async def test_the_stream_rings_when_it_changes_and_ends_with_the_link(people, claim):
    told: list[int | None] = [7, 8, None]

    async def newest() -> int | None:
        return told.pop(0)

    streams_open = streams.streamed(claim.id, 7, newest)
    heard = [await anext(streams_open), await anext(streams_open)]
    with open_session(people.staff) as session:
        repairs.note_repair(session, claim.id, 'x', now())
    heard.append(await anext(streams_open))
    with open_session(people.staff) as session:
        repairs.note_repair(session, claim.id, 'y', now())
    heard += [piece async for piece in streams_open]
    assert [piece.split(b'\n')[0] for piece in heard] == [b'retry: 5000', b': here', b'event: changed', b'event: over']
    assert streams._open[claim.id] == 0


def needed(people: People, claim: Claim) -> dict[str, str]:
    """What the claim asks of the insured, by kind, and how it stands."""
    with open_session(people.dana, reading=True) as session:
        items = requirements.checklist(session, session.get_one(Claim, claim.id))
        return {item.type.id: item.state for item in requirements.asked_of_insured(items)}


async def send(
    phone: AsyncClient, address: str, content: bytes, name: str = 'רישיון.pdf', kind: str = 'driving_licence'
):
    headers = {'X-File-Name': quote(name), 'X-Document-Type': kind, 'X-Document-Need': ''}
    return await phone.post(f'{address}/document', content=content, headers=headers)


async def test_the_insured_sends_what_is_needed_and_reads_that_it_arrived(phone, people, claim):
    address = link(people, claim, 'insured')
    page = await phone.get(address)
    assert 'data-type="driving_licence"' in page.text
    assert 'data-testid="receipt"' not in page.text
    for shown in ('data-testid="privacy"', 'חובה חוקית'):
        assert shown in page.text
    for name, content in (('צילום.jpg', papers.jpeg()), ('IMG_1.heic', papers.heic()), ('עוד.pdf', papers.pdf())):
        answer = await send(phone, address, content, name)
        assert answer.status_code == 201, answer.text
    assert needed(people, claim)['driving_licence'] == 'received', 'the bureau looks at it first'
    page = await phone.get(address)
    assert 'data-type="driving_licence"' not in page.text
    assert page.text.count('data-testid="receipt"') == 3
    assert 'התקבל בלשכה' in page.text
    assert 'IMG_1' not in page.text
    with open_session(people.dana, reading=True) as session:
        assert {kept.by for kept in session.query(Document).all()} == {'מבוטח, בקישור'}


async def test_what_others_sent_is_not_listed_and_what_was_rejected_is_asked_for_again(phone, people, claim):
    address = link(people, claim, 'insured')
    await send(phone, address, papers.pdf())
    with open_session(people.staff) as session:
        [sent] = session.query(Document).all()
        documents.reject(session, sent.uuid, 'unreadable_scan', now())
    arrived = replace(SCAN, title='סודי.pdf')
    with open_session(people.dana) as session:
        documents.attach(session, claim.id, arrived, Slot('vehicle_licence'), now())
    page = await phone.get(address)
    assert 'המסמך שהתקבל לא התאים: לא קריא' in page.text
    assert page.text.count('data-testid="receipt"') == 1
    assert 'סודי' not in page.text


@pytest.mark.parametrize(
    ('content', 'name', 'said'),
    [
        (b'', 'ריק.pdf', 'נא לצלם את הדף שוב'),
        (b'MZ' + bytes(400), 'virus.exe', 'PDF'),
        (b'<html><script>x</script></html>', 'דף.pdf', 'נא'),
        (papers.locked_pdf(), 'נעול.pdf', 'סיסמה'),
    ],
)
async def test_a_file_that_is_not_taken_says_what_to_do(phone, people, claim, content, name, said):
    address = link(people, claim, 'insured')
    answer = await send(phone, address, content, name)
    assert (answer.status_code, said in answer.json()['error']) == (422, True), answer.text
    assert needed(people, claim)['driving_licence'] == 'required'


async def test_what_is_not_asked_for_and_what_is_too_big_is_refused(phone, people, claim, monkeypatch):
    address = link(people, claim, 'insured')
    for kind in ('demand_letter', 'repair_photos', 'x' * 300, ''):
        assert (await send(phone, address, papers.pdf(), kind=kind)).status_code == 422
    monkeypatch.setattr(intake, 'MOST_BYTES', 1000)
    big = await send(phone, address, papers.jpeg())
    assert (big.status_code, 'נא לצלם את הדף במקום זאת' in big.json()['error']) == (413, True)


async def test_only_a_living_link_of_the_insured_takes_a_document(phone, people, claim):
    for address in (link(people, claim, 'garage'), '/t/' + 'x' * 43):
        assert (await send(phone, address, papers.pdf())).status_code == 404
    address = link(people, claim, 'insured')
    with open_session(people.staff) as session:
        revoke_link(session, fetch(session, links_of(claim.id))[0].id, now())
    over = await send(phone, address, papers.pdf())
    assert (over.status_code, 'הקישור' in over.json()['error']) == (404, True)
    with open_session(people.dana, reading=True) as session:
        assert session.query(Document).count() == 0


async def test_of_one_link_come_only_so_many_files_an_hour(phone, people, claim, monkeypatch):
    monkeypatch.setattr(signed._sent, 'most', 2)
    address, other = link(people, claim, 'insured'), link(people, claim, 'insured')
    for content in (papers.pdf(), b''):
        await send(phone, address, content)
    many = await send(phone, address, papers.pdf())
    assert (many.status_code, 'מעט מאוחר יותר' in many.json()['error']) == (429, True)
    assert (await send(phone, other, papers.pdf(3))).status_code == 201


async def test_the_garage_reads_what_its_photos_are_for(phone, people, claim):
    assert 'data-testid="privacy"' in (await phone.get(link(people, claim, 'garage'))).text
