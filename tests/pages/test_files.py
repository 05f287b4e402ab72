"""Documents through the real app: up with every header and limit, down with every wall, for the right people only."""

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pypdfium2
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import select

from components import guard
from components.downloads import disposition
from db import documents, files, identity, money, values
from db import papers as taken
from db.base import now
from db.claims import Claim
from db.documents import Document
from db.messages import Letter, ThreadKey, conversation, write_message
from db.scope import Role
from db.session import fetch, open_session
from db.settings import load
from jobs import intake
from pages import files as file_routes
from pages import sign_in
from tests import papers
from tests.conftest import People, made_once
from tests.factories import PASSWORD, SYSTEM, make_claim, make_user
from tests.portal import signed_in, simulated_portal
from tests.stores import failing_store

Someone = Callable[[str], Any]


@pytest.fixture
def portal(database_url: str, people: People, tmp_path: Path) -> FastAPI:
    """The doors, the guard and our routes as in the real app; no pages, which take a second to build."""
    for actor in (people.manager, people.dana, people.rival, people.staff):
        with open_session(SYSTEM) as session:
            identity.set_password(session, actor.user_id or 0, PASSWORD, now())
    settings = load(None, database_url=database_url, data_dir=tmp_path)
    plain = FastAPI(openapi_url=None)
    sign_in.add_routes(plain, settings)
    file_routes.add_routes(plain, settings)
    guard.protect(plain, settings)
    file_routes._seen.clear()
    return plain


@pytest.fixture
async def someone(portal: FastAPI) -> AsyncIterator[Someone]:
    clients: dict[str, httpx.AsyncClient] = {}

    async def enter(email: str) -> httpx.AsyncClient:
        if email not in clients:
            clients[email] = (await signed_in(portal, email)).http_client
        return clients[email]

    yield enter
    for client in clients.values():
        await client.aclose()


@pytest.fixture
async def dana(someone: Someone) -> Any:
    return await someone('dana@levi.demo')


@pytest.fixture
async def rival(someone: Someone) -> Any:
    return await someone('agent@cohen.demo')


@pytest.fixture
async def staff(someone: Someone) -> Any:
    return await someone('staff@bureau.demo')


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff)


async def send(
    client: httpx.AsyncClient, claim: Claim, name: str, content: Any, kind: str = 'damage_photos', **headers: str
) -> httpx.Response:
    told = {'X-Maakav-Upload': '1', 'X-File-Name': quote(name), 'X-Document-Type': kind, **headers}
    return await client.post(f'/files/claims/{claim.claim_no}', content=content, headers=told)


def rows() -> list[Document]:
    with open_session(SYSTEM, reading=True) as session:
        return list(session.scalars(select(Document).order_by(Document.id)))


def stored() -> list[str]:
    root = files.store().root  # type: ignore[attr-defined]
    return [path.name for path in root.rglob('*') if path.is_file() and 'previews' not in path.parts]


def walls(answer: httpx.Response) -> None:
    assert answer.headers['x-content-type-options'] == 'nosniff'
    assert answer.headers['content-security-policy'].startswith("sandbox; default-src 'none'")
    assert answer.headers['cache-control'] == 'private, no-store'
    assert answer.headers['x-frame-options'] == 'DENY'


# ---- up ---------------------------------------------------------------------------------------------------------------------


async def test_every_kind_goes_up_and_comes_back_byte_for_byte(dana: httpx.AsyncClient, claim: Claim) -> None:
    for name, (make, media_type, pages) in papers.HONEST.items():
        content = make()
        answer = await send(dana, claim, name, content, 'other_required')
        assert answer.status_code in (200, 201), answer.text
        receipt = answer.json()
        assert (receipt['media_type'], receipt['pages'], receipt['size']) == (media_type, pages, len(content))
        back = await dana.get(f'/files/{receipt["uuid"]}?download=1')
        assert back.content == content
        assert back.headers['content-type'] == media_type
        assert back.headers['content-disposition'].startswith('attachment;')
        walls(back)


async def test_the_real_app_takes_a_document_and_shows_it(
    people: People, claim: Claim, portal: FastAPI, database_url: str
) -> None:
    async with simulated_portal(database_url) as real:
        client = (await signed_in(real, 'dana@levi.demo')).http_client
        content = papers.pdf()
        receipt = (await send(client, claim, 'a.pdf', content)).json()
        assert (await client.get(f'/files/{receipt["uuid"]}')).content == content
        assert (await client.get(f'/files/{receipt["uuid"]}/pages/1?w=320')).headers['content-type'] == 'image/webp'
        await client.aclose()


async def test_the_receipt_says_what_came_when_and_under_which_name(
    dana: httpx.AsyncClient, claim: Claim, people: People
) -> None:
    receipt = (await send(dana, claim, 'דו"ח שמאי.pdf', papers.pdf(), 'appraisal_report')).json()
    assert receipt['title'] == 'דו״ח שמאי.pdf'
    assert receipt['type'] == 'appraisal_report'
    assert receipt['received_at'].endswith('+00:00')
    [row] = rows()
    assert (row.uuid, row.by, row.uploaded_by) == (receipt['uuid'], people.dana.name, people.dana.user_id)


async def test_a_body_without_announced_length_is_cut_at_the_limit(
    dana: httpx.AsyncClient, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(100_000)

    monkeypatch.setattr(intake, 'MOST_BYTES', 2_000_000)
    answer = await send(dana, claim, 'a.pdf', endless())
    assert answer.status_code == 413
    assert 'error' in answer.json()
    announced = await send(dana, claim, 'a.pdf', bytes(2_000_001))
    assert announced.status_code == 413
    assert (rows(), stored()) == ([], [])


async def test_the_guard_stops_what_is_far_too_large(dana: httpx.AsyncClient, claim: Claim) -> None:
    answer = await dana.post(f'/files/claims/{claim.claim_no}', headers={'content-length': str(40_000_000)})
    assert answer.status_code == 413
    assert (await dana.post('/somewhere', headers={'content-length': '2000000'})).status_code == 413, (
        'only here so much'
    )


async def test_hostile_files_are_refused_in_the_persons_words(dana: httpx.AsyncClient, claim: Claim) -> None:
    for what in ('a web page as PDF', 'a letter with macros', 'nothing', 'a name that hides its ending'):
        name, make, why = papers.HOSTILE[what]
        answer = await send(dana, claim, name, make())
        assert answer.status_code == 422, what
        assert answer.json()['error'] == intake.Refused(why).told('he')
    assert (rows(), stored()) == ([], [])


@pytest.mark.parametrize('full', [False, True])
async def test_readers_of_a_message_are_told_of_a_file_that_was_refused(
    dana: httpx.AsyncClient, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    thread = ThreadKey(claim.office_id, claim.id)
    with open_session(people.dana) as session:
        message = write_message(session, thread, Letter('שליחת קבצים: מכתב.pdf, נזק.png'), now())
    with_it = {'X-Message': str(message.id)}
    for _ in 'twice':
        with monkeypatch.context() as patched:
            patched.setattr(documents, 'MOST_FILES', 0 if full else documents.MOST_FILES)
            content = papers.pdf() if full else b'<html><script>alert(1)</script>'
            answer = await send(dana, claim, 'מכתב.pdf', content, **with_it)
        assert answer.status_code == 422
    assert (await send(dana, claim, 'נזק.png', papers.png(), **with_it)).status_code == 201
    with open_session(people.staff, reading=True) as session:
        talk = conversation(session, thread)
        [told] = [one for one in talk.messages if one.id != message.id]
        assert (told.user_id, told.internal) == (people.dana.user_id, False)
        assert told.body == 'הקובץ מכתב.pdf לא התקבל, ולכן אינו מצורף.'


async def test_strangers_and_other_sites_send_nothing(portal: FastAPI, dana: httpx.AsyncClient, claim: Claim) -> None:
    without_header = await send(dana, claim, 'a.jpg', papers.jpeg(), **{'X-Maakav-Upload': ''})
    assert without_header.status_code == 403
    from_elsewhere = await send(dana, claim, 'a.jpg', papers.jpeg(), Origin='https://evil.example')
    assert from_elsewhere.status_code == 403
    async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url='http://test') as stranger:
        assert (await send(stranger, claim, 'a.jpg', papers.jpeg())).status_code == 401
        assert (await stranger.get('/files/00000000-0000-0000-0000-000000000000')).status_code == 401
    assert (rows(), stored()) == ([], [])


async def test_readers_read_and_send_nothing(
    portal: FastAPI, people: People, claim: Claim, dana: httpx.AsyncClient
) -> None:
    reader = make_user('עדי צופה', Role.READ_ONLY, people.levi, email='reader@levi.demo')
    with open_session(SYSTEM) as session:
        identity.set_password(session, reader.user_id or 0, PASSWORD, now())
    client = (await signed_in(portal, 'reader@levi.demo')).http_client
    receipt = (await send(dana, claim, 'a.jpg', papers.jpeg())).json()
    assert (await client.get(f'/files/{receipt["uuid"]}')).status_code == 200
    assert (await send(client, claim, 'b.png', papers.png())).status_code == 422
    assert len(rows()) == 1
    await client.aclose()


async def test_a_file_may_be_put_aside_for_a_form(dana: httpx.AsyncClient, claim: Claim) -> None:
    paper = papers.pdf()
    answer = await send(dana, claim, 'a.pdf', paper, **{'X-Aside': '1'})
    assert (answer.status_code, [row.is_aside for row in rows()]) == (201, [True])
    assert (await dana.get(f'/files/{answer.json()["uuid"]}')).content == paper
    assert (await dana.get(f'/files/claims/{claim.claim_no}/zip')).status_code == 404


async def test_another_office_finds_no_claim_and_no_document(
    dana: httpx.AsyncClient, rival: httpx.AsyncClient, claim: Claim
) -> None:
    receipt = (await send(dana, claim, 'a.pdf', papers.pdf())).json()
    foreign, nowhere = receipt['uuid'], '00000000-0000-0000-0000-000000000000'
    for address in (
        *('/files/{}', '/files/{}?download=1', '/files/{}?original=1', '/files/{}/pages/1', '/files/{}/pages/1?w=100'),
        f'/files/claims/{claim.claim_no}/zip?ids={{}}',
    ):
        theirs, none = [await rival.get(address.format(uuid)) for uuid in (foreign, nowhere)]
        assert theirs.status_code == none.status_code == 404
        assert theirs.content == none.content
    assert (await send(rival, claim, 'b.jpg', papers.jpeg())).status_code == 404
    assert (await rival.get(f'/files/claims/{claim.claim_no}/zip')).status_code == 404
    assert len(rows()) == 1


@pytest.mark.parametrize(
    'headers',
    [
        {'X-Document-Type': 'nonsense'},
        {'X-Document-Need': 'x'},
        {'X-Document-Need': '99999999'},
        {'X-Replaces': 'x'},
        {'X-Replaces': '00000000-0000-0000-0000-000000000000'},
        {'X-File-Name': '%ff%fe%00'},
        {'X-File-Name': ''},
    ],
)
async def test_odd_headers_are_answered_in_words(
    dana: httpx.AsyncClient, claim: Claim, headers: dict[str, str]
) -> None:
    answer = await send(dana, claim, 'a.jpg', papers.jpeg(), **headers)
    assert answer.status_code in (201, 404, 422)
    assert ('error' in answer.json()) is (answer.status_code != 201)


async def test_odd_addresses_lead_nowhere(dana: httpx.AsyncClient) -> None:
    for address in ('/files/x', '/files/%00', '/files/claims/%00/zip', '/files/x/pages/1', '/files/..%2f..%2fetc'):
        assert (await dana.get(address)).status_code == 404, address


async def test_the_same_file_again_is_named(dana: httpx.AsyncClient, claim: Claim, people: People) -> None:
    first = (await send(dana, claim, 'a.jpg', papers.jpeg(), 'vehicle_licence')).json()
    assert 'duplicate_of' not in first
    again = await send(dana, claim, 'b.jpg', papers.jpeg(), 'vehicle_licence')
    assert again.status_code == 200
    assert again.json()['added'] is False
    assert again.json()['duplicate_of']['uuid'] == first['uuid'] == again.json()['uuid']
    assert 'רישיון רכב' in again.json()['told']
    other = make_claim(people.levi, people.staff, plate='1234567')
    elsewhere = await send(dana, other, 'a.jpg', papers.jpeg(), 'vehicle_licence')
    assert elsewhere.status_code == 201
    assert claim.claim_no in elsewhere.json()['told']
    assert len(stored()) == 1, 'one file, however often it is filed'


async def test_a_new_version_goes_where_the_old_one_stands(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim
) -> None:
    first = (await send(dana, claim, 'a.pdf', papers.pdf(1), 'appraisal_report')).json()
    second = (await send(staff, claim, 'b.pdf', papers.pdf(3), 'x', **{'X-Replaces': first['uuid']})).json()
    assert (second['version'], second['type']) == (2, 'appraisal_report')
    name = (await dana.get(f'/files/{second["uuid"]}')).headers['content-disposition']
    assert name == (
        f'attachment; filename="{claim.claim_no}_-_v2.pdf"; '
        + f"filename*=UTF-8''{quote(f'{claim.claim_no}_ברקוביץ_דוח-שמאי_v2.pdf')}"
    )


async def test_only_so_many_files_at_once(dana: httpx.AsyncClient, claim: Claim, people: People) -> None:
    file_routes._under_way[people.dana.user_id] = file_routes.AT_ONCE
    try:
        assert (await send(dana, claim, 'a.jpg', papers.jpeg())).status_code == 422
    finally:
        file_routes._under_way.clear()
    assert (await send(dana, claim, 'a.jpg', papers.jpeg())).status_code == 201
    assert not +file_routes._under_way


# ---- down -------------------------------------------------------------------------------------------------------------------


async def test_the_office_gets_a_photo_without_its_place_and_the_bureau_the_original(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim
) -> None:
    content = papers.jpeg(place=True)
    address = f'/files/{(await send(dana, claim, "a.jpg", content)).json()["uuid"]}'
    served = await dana.get(address)
    assert served.headers['content-disposition'].startswith('inline;')
    walls(served)
    with Image.open(io.BytesIO(served.content)) as shown:
        assert not shown.getexif().get_ifd(0x8825)
    assert (await dana.get(f'{address}?original=1')).status_code == 403
    assert (await staff.get(f'{address}?original=1')).content == content
    assert (await staff.get(address)).content == served.content


async def test_pages_are_shown_as_pictures(dana: httpx.AsyncClient, claim: Claim) -> None:
    pdf = (await send(dana, claim, 'a.pdf', papers.pdf(3))).json()['uuid']
    sizes = {}
    for wanted in ('', '?w=100', '?w=320', '?w=5000', '?w=x'):
        answer = await dana.get(f'/files/{pdf}/pages/3{wanted}')
        assert answer.headers['content-type'] == 'image/webp'
        walls(answer)
        with Image.open(io.BytesIO(answer.content)) as shown:
            sizes[wanted] = shown.width
    assert sizes == {'': 1400, '?w=100': 320, '?w=320': 320, '?w=5000': 1400, '?w=x': 1400}
    for page in ('0', '4', '-1', 'x', '1e3', '99999'):
        assert (await dana.get(f'/files/{pdf}/pages/{page}')).status_code == 404
    table = (await send(dana, claim, 'a.xlsx', papers.xlsx())).json()['uuid']
    assert (await dana.get(f'/files/{table}/pages/1')).status_code == 404


async def test_who_saw_what_is_written_down_once(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim, people: People
) -> None:
    address = f'/files/{(await send(dana, claim, "a.pdf", papers.pdf(2))).json()["uuid"]}'
    for path in (address, address, f'{address}/pages/1', f'{address}/pages/2', f'{address}/pages/1?w=320'):
        assert (await dana.get(path)).status_code == 200
    await staff.get(f'{address}?original=1')
    await dana.get(f'/files/claims/{claim.claim_no}/zip')
    with open_session(people.staff, reading=True) as session:
        seen = fetch(session, documents.views_of(rows()[0].id))
    assert [(view.by, view.how) for view in reversed(seen)] == [
        (people.dana.name, 'downloaded'),
        (people.dana.name, 'previewed'),
        (people.staff.name, 'original'),
        (people.dana.name, 'packed'),
    ]


async def test_the_documents_of_several_claims_come_as_one_zip_with_a_folder_for_each(
    dana: httpx.AsyncClient, someone: Someone, people: People, claim: Claim
) -> None:
    other = make_claim(people.levi, people.staff, insured_name='אבי לוי')
    foreign = make_claim(people.cohen, people.staff, insured_name='של כהן')
    rival = await someone('agent@cohen.demo')
    for sender, where in ((dana, claim), (dana, other), (rival, foreign)):
        assert (
            await send(sender, where, f'{where.claim_no}.pdf', papers.pdf(where.id), 'appraisal_report')
        ).status_code == 201
    numbers = [claim.claim_no, other.claim_no, foreign.claim_no, 'nothing', '\0']
    answer = await dana.get('/files/claims.zip', params={'claim': numbers})
    walls(answer)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        folders = {name.split('/')[0]: name.split('/')[1] for name in archive.namelist()}
    assert folders == {
        f'{claim.claim_no}_ברקוביץ': f'{claim.claim_no}_ברקוביץ_דוח-שמאי.pdf',
        f'{other.claim_no}_לוי': f'{other.claim_no}_לוי_דוח-שמאי.pdf',
    }
    with open_session(people.staff, reading=True) as session:
        seen = [view.how for view in session.scalars(select(documents.DocumentView)) if view.by == people.dana.name]
    assert seen == ['packed', 'packed'], 'each as if it had been taken by itself'
    nothing = await dana.get('/files/claims.zip', params=[('claim', foreign.claim_no)])
    assert (nothing.status_code, nothing.json()['error']) == (422, 'אין מסמכים בתביעות האלה.')
    assert (await dana.get('/files/claims.zip')).status_code == 422
    too_many = await dana.get('/files/claims.zip', params=[('claim', f'{n}') for n in range(500)])
    assert too_many.status_code == 422


async def test_what_is_too_much_for_one_zip_is_refused_before_it_begins(
    dana: httpx.AsyncClient, people: People, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_claim(people.levi, people.staff)
    for where in (claim, other):
        await send(dana, where, 'a.pdf', papers.pdf(where.id), 'appraisal_report')
    both = {'claim': [claim.claim_no, other.claim_no]}
    for name, most in (('CLAIMS_AT_MOST', 1), ('FILES_AT_MOST', 1), ('BYTES_AT_MOST', 1)):
        with monkeypatch.context() as patch:
            patch.setattr(taken, name, most)
            assert (await dana.get('/files/claims.zip', params=both)).status_code == 422, name
    assert (await dana.get('/files/claims.zip', params=both)).status_code == 200


async def test_all_or_some_documents_come_as_one_zip_with_hebrew_names(dana: httpx.AsyncClient, claim: Claim) -> None:
    sent = [
        ('a.pdf', papers.pdf(), 'appraisal_report'),
        ('b.jpg', papers.jpeg(), 'damage_photos'),
        ('c.png', papers.png(), 'damage_photos'),
        ('d.jpg', papers.saved(papers.photo(colour='tan'), 'JPEG'), 'damage_photos'),
        ('אישור מסירה.pdf', papers.pdf(1), 'other_required'),
    ]
    ids = [(await send(dana, claim, *part)).json()['uuid'] for part in sent]
    answer = await dana.get(f'/files/claims/{claim.claim_no}/zip')
    walls(answer)
    start = f'{claim.claim_no}_ברקוביץ_'
    assert answer.headers['content-disposition'].endswith(quote(f'{start}מסמכים.zip'))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f'{start}דוח-שמאי.pdf',
            f'{start}תמונות-נזק.jpg',
            f'{start}תמונות-נזק.png',
            f'{start}תמונות-נזק_2.jpg',
            f'{start}אישור-מסירה.pdf',
        ]
        assert [archive.read(name) for name in archive.namelist()] == [content for _, content, _ in sent]
    some = await dana.get(f'/files/claims/{claim.claim_no}/zip?ids={ids[0]},{ids[4]}')
    with zipfile.ZipFile(io.BytesIO(some.content)) as archive:
        assert len(archive.namelist()) == 2
    for wrong in ('x', f'{ids[0]},00000000-0000-0000-0000-000000000000'):
        assert (await dana.get(f'/files/claims/{claim.claim_no}/zip?ids={wrong}')).status_code == 404


async def test_a_removed_document_is_for_those_who_may_bring_it_back(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, someone: Someone, claim: Claim, people: People
) -> None:
    uuid = (await send(dana, claim, 'a.jpg', papers.jpeg())).json()['uuid']
    with open_session(people.dana) as session:
        documents.remove(session, uuid, now())
    manager = await someone('manager@levi.demo')
    assert (await manager.get(f'/files/{uuid}')).status_code == 404
    assert (await dana.get(f'/files/{uuid}')).status_code == 200
    assert (await staff.get(f'/files/{uuid}')).status_code == 200
    assert (await dana.get(f'/files/claims/{claim.claim_no}/zip')).status_code == 404


async def test_a_lost_file_is_said_loudly(
    dana: httpx.AsyncClient, claim: Claim, caplog: pytest.LogCaptureFixture
) -> None:
    uuid = (await send(dana, claim, 'a.jpg', papers.jpeg())).json()['uuid']
    (files.store().root / files.key_of(rows()[0].served_sha256)).unlink()  # type: ignore[attr-defined]
    assert (await dana.get(f'/files/{uuid}')).status_code == 410
    assert (await dana.get(f'/files/claims/{claim.claim_no}/zip')).status_code == 410
    assert 'a document has no file' in caplog.text


async def test_while_the_store_fails_nothing_is_saved_and_nothing_half_is_sent(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim, tmp_path: Path
) -> None:
    with failing_store() as store:
        files.connect(store.url, tmp_path)
        uuid = (await send(dana, claim, 'a.jpg', papers.jpeg())).json()['uuid']
        for fault in ('error', 'full'):
            store.fault = fault
            answer = await send(dana, claim, 'b.png', papers.png())
            assert answer.status_code == 503
            assert answer.json()['error'].startswith('הקובץ לא נשמר: אחסון המסמכים אינו זמין כרגע.')
            assert [row.uuid for row in rows()] == [uuid], 'no document without its file'
        for fault in ('error', 'cut'):
            store.fault = fault
            for address in (f'/files/{uuid}', f'/files/{uuid}/pages/1'):
                answer = await dana.get(address)
                assert answer.status_code == 503, (fault, address)
                assert answer.json()['error'].startswith('אחסון המסמכים אינו זמין כרגע.')
        store.fault = 'error'
        assert (await dana.get(f'/files/claims/{claim.claim_no}/zip')).status_code == 503
        assert (await packed(staff, claim)).status_code == 503
        assert not any((tmp_path / 'incoming').iterdir())
        store.mend()
        assert (await send(dana, claim, 'b.png', papers.png())).status_code == 201
        assert (await dana.get(f'/files/{uuid}')).content == papers.jpeg()


def test_names_are_safe_in_headers() -> None:
    told = disposition('26-00042_כהן_דו"ח\r\nX: y;.pdf')
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]+"; filename\*=UTF-8\'\'[A-Za-z0-9._~%-]+', told)


# ---- submission packs -------------------------------------------------------------------------------------------------------

FROM_PAGE = {'X-Maakav-Upload': '1'}


async def packed(
    client: httpx.AsyncClient, claim: Claim, *ids: str, headers: dict[str, str] = FROM_PAGE
) -> httpx.Response:
    return await client.post(f'/files/claims/{claim.claim_no}/pack?ids={",".join(ids)}', headers=headers)


async def test_staff_make_a_pack_and_find_it_again_and_who_takes_it_has_seen_its_documents(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim, people: People
) -> None:
    photo = (await send(dana, claim, 'נזק.png', papers.png())).json()['uuid']
    letter = (await send(dana, claim, 'מכתב.docx', papers.docx(), 'demand_letter')).json()['uuid']
    answer = await packed(staff, claim)
    assert answer.status_code == 201
    assert answer.json()['told'] == (
        'תיק ההגשה מוכן: 2 עמ׳. לא הופק מכתב דרישה: הועלה מכתב. מסמך אחד יש לשלוח בנפרד: מכתב דרישה.'
    )
    back = await staff.get(f'/files/packs/{answer.json()["uuid"]}')
    assert (back.status_code, back.headers['content-type']) == (200, 'application/pdf')
    assert back.content.startswith(b'%PDF-')
    assert re.search(r"filename\*=UTF-8''26-\d+_.*\.pdf", back.headers['content-disposition'])
    walls(back)
    with open_session(people.staff, reading=True) as session:
        seen = [(view.document_id, view.how, view.by) for view in session.scalars(select(documents.DocumentView))]
        assert seen == [(fetch(session, documents.document_with(photo))[0].id, 'submitted', people.staff.name)]
        assert session.scalars(select(Document.uuid).where(Document.uuid == letter)).one()


async def test_what_is_not_in_a_pack_is_told_with_the_reason(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim
) -> None:
    await send(dana, claim, 'נזק.png', papers.png(), 'damage_photos')
    await send(staff, claim, 'המחאה.png', papers.saved(papers.photo(201), 'PNG'), 'cheque_image')
    lost = (await send(dana, claim, 'אישור.pdf', papers.pdf(), 'police_report')).json()
    assert lost['pages'] == 2
    with open_session(SYSTEM, reading=True) as session:
        key = files.key_of(fetch(session, documents.document_with(lost['uuid']))[0].served_sha256)
    assert files.store().delete(key, files.FOR_EVER)
    told = (await packed(staff, claim)).json()['told']
    assert told == (
        'תיק ההגשה מוכן: 2 עמ׳. לא הופק מכתב דרישה: בתביעה עדיין לא נדרש סכום.'
        ' חסרים במערכת ולא נכללו בתיק: אישור משטרה. נכללים רק אם בוחרים אותם: צילום המחאה.'
    )


async def test_of_those_selected_only_they_go(dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim) -> None:
    assert 'אין עדיין מסמכים' in (await packed(staff, claim)).json()['error']
    photos = [(await send(dana, claim, f'{n}.png', papers.saved(papers.photo(200 + n), 'PNG'))).json() for n in (1, 2)]
    none = 'לא הופק מכתב דרישה: בתביעה עדיין לא נדרש סכום.'
    assert (await packed(staff, claim, photos[1]['uuid'])).json()['told'] == f'תיק ההגשה מוכן: 2 עמ׳. {none}'
    assert (await packed(staff, claim)).json()['told'] == f'תיק ההגשה מוכן: 3 עמ׳. {none}'
    assert (await packed(staff, claim, 'x')).status_code == 422


async def test_a_pack_says_what_its_demand_letter_demands_or_why_there_is_none(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim, people: People
) -> None:
    photo = (await send(dana, claim, 'נזק.png', papers.png())).json()['uuid']
    with open_session(people.staff) as session:
        money.save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 11_800_00)}, now())
    told = 'תיק ההגשה מוכן: 3 עמ׳. מכתב הדרישה הופק מנתוני התביעה: ₪11,800.'
    assert (await packed(staff, claim)).json()['told'] == (await packed(staff, claim, photo)).json()['told'] == told
    address = f'/files/claims/{claim.claim_no}/pack?ids={photo}&letter=0'
    answer = await staff.post(address, headers=FROM_PAGE)
    assert answer.json()['told'] == 'תיק ההגשה מוכן: 2 עמ׳. לא הופק מכתב דרישה: כך נבחר.'


async def test_packs_are_made_and_taken_by_the_bureau_alone(
    dana: httpx.AsyncClient, rival: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim
) -> None:
    await send(dana, claim, 'נזק.png', papers.png())
    pack = (await packed(staff, claim)).json()['uuid']
    assert (await packed(dana, claim)).status_code == 403
    assert (await packed(rival, claim)).status_code == 404
    assert (await packed(staff, claim, headers={})).status_code == 403
    for client in (dana, rival):
        assert (await client.get(f'/files/packs/{pack}')).status_code == 404
    for address in ('x', str(uuid4()), pack.upper()):
        assert (await staff.get(f'/files/packs/{address}')).status_code == 404


async def test_one_document_of_a_pack_is_taken_by_the_page_it_begins_on(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, rival: httpx.AsyncClient, claim: Claim, people: People
) -> None:
    report = (await send(dana, claim, 'דוח.pdf', papers.pdf(), 'appraisal_report')).json()['uuid']
    await send(dana, claim, 'רישיון.png', papers.png(), 'vehicle_licence')
    with open_session(people.staff) as session:
        money.save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 11_800_00)}, now())
    address = f'/files/packs/{(await packed(staff, claim)).json()["uuid"]}'
    part = await staff.get(f'{address}/pages/3')
    assert (part.status_code, part.headers['content-type']) == (200, 'application/pdf')
    assert [len(pypdfium2.PdfDocument(part.content)), part.content[:5]] == [2, b'%PDF-']
    day = values.israel(now()).date().isoformat()
    name = f'26-00001_ברקוביץ_דוח-שמאי_תיק-הגשה_{day}_עמ-3.pdf'
    assert part.headers['content-disposition'].endswith(quote(name, safe='-_.'))
    walls(part)
    with open_session(people.staff, reading=True) as session:
        [seen] = session.scalars(select(documents.DocumentView))
        assert seen.document_id == fetch(session, documents.document_with(report))[0].id
        assert (seen.how, seen.by) == ('submitted', people.staff.name)
    letter = await staff.get(f'{address}/pages/2')
    assert (letter.status_code, len(pypdfium2.PdfDocument(letter.content))) == (200, 1)
    # the cover, the middle of a document, behind the last one, and what is no number
    for wrong in ('1', '4', '6', '0', '-1', '02', '3.0', 'x', '99999'):
        assert (await staff.get(f'{address}/pages/{wrong}')).status_code == 404, wrong
    for client in (dana, rival):
        assert (await client.get(f'{address}/pages/3')).status_code == 404
    assert (await staff.get(f'/files/packs/{uuid4()}/pages/3')).status_code == 404


async def test_two_packs_of_a_claim_are_not_made_at_once(
    dana: httpx.AsyncClient, staff: httpx.AsyncClient, claim: Claim
) -> None:
    await send(dana, claim, 'נזק.png', papers.png())
    first, second = await asyncio.gather(packed(staff, claim), packed(staff, claim))
    assert sorted((first.status_code, second.status_code)) == [201, 422]
    assert (await packed(staff, claim)).status_code == 201, 'and then again'
