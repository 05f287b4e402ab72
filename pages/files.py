"""`/files/…`: documents come in and go out by plain routes; nothing that was uploaded is ever opened as a page of ours.

`POST /files/claims/{claim_no}`: one file as the raw body, with `X-Maakav-Upload: 1`, `X-File-Name` (percent-encoded UTF-8),
`X-Document-Type`, and optionally `X-Document-Need` (id), `X-Replaces` (uuid), `X-Message` (id of a message of one's own)
or `X-Repair-Stage` (of a photo from the garage); `X-Aside: 1` puts it aside for a form that is not saved yet. Answers `{uuid, title, type, version, size,
media_type, pages, received_at, added, duplicate_of?, told?}`, or `{error}` in the person's language.
`POST /files/claims/{claim_no}/pack[?ids=…&letter=0]` makes a submission pack (`letter=0`: without a demand letter of ours), also with
`X-Maakav-Upload: 1`; answers `{uuid, told}`.
`GET /files/packs/{uuid}[/pages/{n}]` (of the document that begins on page n just its pages), `GET /files/{uuid}[?download=1|original=1]`, `GET /files/{uuid}/pages/{n}?w=…`, `GET /files/claims/{claim_no}/zip[?ids=…]`
and `GET /files/claims.zip?claim=…&claim=…`.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, Request
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse

from components import accesses
from components.accesses import Seen
from components.downloads import LOCKED, NOT_FETCHED, NOT_KEPT, disposition
from components.live import ask_as, work_as
from db import documents, files, packs, papers, values
from db.access_log import FILE
from db.base import now
from db.claims import Claim, claim_by_no
from db.documents import FREE_TYPE, Document, Filed, Slot
from db.files import FileMissing, FileStore
from db.messages import check_attachable, tell_not_attached
from db.packs import SubmissionPack
from db.reference import DocumentType
from db.scope import Actor, Can
from db.session import fetch, fetch_one
from db.settings import Settings
from db.texts import N_, ClaimError, t, tn
from jobs import children, packing, previews, receiving
from jobs.intake import Refused
from jobs.packs import make_pack, pages_of
from jobs.receiving import disk, in_thread

log = logging.getLogger(__name__)

# a person sends only so many files at once
AT_ONCE = 12
SEEN_AGAIN_SECONDS = 600
_INLINE = frozenset({'image/jpeg', 'image/png', 'image/webp'})
_UUID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')

# apart from the others: drawing holds up no reading
_drawing = ThreadPoolExecutor(children.CHILDREN, thread_name_prefix='draw')
# one after the other: it takes a processor and much memory
_binding = ThreadPoolExecutor(1, thread_name_prefix='bind')
_under_way: Counter[int | None] = Counter()
_made_now: set[int] = set()


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Open the store the settings name, and register the routes on the parent app."""
    files.connect(settings.documents_url, settings.data_dir)

    _add_pack_routes(portal)

    @portal.post('/files/claims/{claim_no:path}')
    async def upload(claim_no: str, request: Request) -> Response:
        return await _told(_upload(claim_no, request, settings.clamd_url), request)

    @portal.get('/files/claims/{claim_no:path}/zip')
    async def pack(claim_no: str, request: Request, ids: str = '') -> Response:
        return await _told(_pack(claim_no, ids.split(',') if ids else [], _actor(request)), request)

    @portal.get('/files/claims.zip')
    async def pack_several(request: Request) -> Response:
        numbers = request.query_params.getlist('claim')[: papers.CLAIMS_AT_MOST + 1]
        return await _told(_pack_several(numbers, _actor(request)), request)

    @portal.get('/files/{address}')
    async def download(address: str, request: Request) -> Response:
        return await _told(_download(address, request), request)

    @portal.get('/files/{address}/pages/{page}')
    async def show_page(address: str, page: str, request: Request) -> Response:
        return await _told(_show_page(address, page, request), request)


def _add_pack_routes(portal: FastAPI) -> None:
    """Before the others: a claim's number may hold anything."""

    @portal.post('/files/claims/{claim_no:path}/pack')
    async def submit(claim_no: str, request: Request, ids: str = '', letter: str = '1') -> Response:
        making = _submit(claim_no, ids.split(',') if ids else [], request, letter=letter != '0')
        return await _told(making, request)

    @portal.get('/files/packs/{address}')
    async def download_pack(address: str, request: Request) -> Response:
        return await _told(_download_pack(address, _actor(request)), request)

    @portal.get('/files/packs/{address}/pages/{first}')
    async def download_part(address: str, first: str, request: Request) -> Response:
        return await _told(_download_part(address, first, _actor(request)), request)


class _NotFound(ClaimError):  # noqa: N818 - said like a verdict
    def __init__(self) -> None:
        super().__init__(N_('The document was not found.'))


class _Forbidden(ClaimError):  # noqa: N818 - said like a verdict
    pass


async def _told(answer: Any, request: Request) -> Response:
    """The answer, or the reason there is none, in the person's words."""
    try:
        response: Response = await answer
    except (ClaimError, values.Malformed) as error:
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 422)
        if status in _STATUS.values():
            accesses.note(_actor(request), Seen(FILE, request.url.path, granted=False))
        if isinstance(error, Refused):
            log.info('refused an upload: %s', error.why)
            status = 413 if error.why == 'too_big' else status
        return JSONResponse({'error': error.told(_actor(request).language)}, status)
    except FileMissing:
        log.exception('a document has no file')
        return JSONResponse({'error': t('The document was not found.', _actor(request).language)}, 410)
    except (ClientDisconnect, TimeoutError):
        return Response(status_code=408)
    except OSError:
        log.exception('the store of documents fails')
        said = NOT_KEPT if request.method == 'POST' else NOT_FETCHED
        return JSONResponse({'error': t(said, _actor(request).language)}, 503)
    return response


_STATUS = {_NotFound: 404, _Forbidden: 403}


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.session.actor
    return actor


# ---- in ---------------------------------------------------------------------------------------------------------------------


async def _upload(claim_no: str, request: Request, clamd_url: str) -> Response:
    actor, headers = _actor(request), request.headers
    _check_page(request)
    slot = Slot(
        headers.get('x-document-type', FREE_TYPE)[:40],
        need_id=values.whole(headers['x-document-need']) if headers.get('x-document-need') else None,
        replaces=_address(headers['x-replaces']) if headers.get('x-replaces') else None,
        message_id=values.whole(headers['x-message']) if headers.get('x-message') else None,
        repair_stage=headers['x-repair-stage'][:40] if headers.get('x-repair-stage') else None,
        aside=headers.get('x-aside') == '1',
    )
    announced = receiving.announced_size(headers.get('content-length', ''))
    name = unquote(headers.get('x-file-name', ''), errors='replace')
    claim = await ask_as(actor, _claim_to_send_to, claim_no, slot)
    try:
        await ask_as(actor, documents.check_room, claim_no, announced, slot)
        async with _place_for(actor), receiving.received(request.stream(), name) as uploaded:
            arrived = await receiving.inspected(uploaded, clamd_url)
            filed = await work_as(actor, documents.attach, claim.id, arrived, slot, now())
    except (ClaimError, values.Malformed):
        if slot.message_id is not None:
            await work_as(actor, tell_not_attached, slot.message_id, name, now())
        raise
    previews.draw_soon()
    return JSONResponse(await ask_as(actor, _receipt, filed), 201 if filed.added else 200)


def _check_page(request: Request) -> None:
    if request.headers.get('x-maakav-upload') != '1':
        raise _Forbidden(N_('Please send files from a page of the portal.'))


def _claim_to_send_to(session: Any, claim_no: str, slot: Slot) -> Claim:
    claim = fetch_one(session, claim_by_no(claim_no)) if claim_no.isprintable() else None
    if claim is None:
        raise _NotFound
    if slot.message_id is not None:
        check_attachable(session, slot.message_id, claim)
    return claim


@asynccontextmanager
async def _place_for(actor: Actor) -> AsyncIterator[None]:
    if _under_way[actor.user_id] >= AT_ONCE:
        raise ClaimError(N_('Too many files at once. Please send them one after the other.'))
    _under_way[actor.user_id] += 1
    try:
        yield
    finally:
        _under_way[actor.user_id] -= 1


def _receipt(session: Any, filed: Filed) -> dict[str, Any]:
    document, twin = filed.document, filed.duplicate_of
    answer = {
        **_described(document),
        'version': document.version,
        'size': document.size,
        'media_type': document.media_type,
        'pages': document.pages,
        'added': filed.added,
    }
    return (
        answer
        if twin is None
        else {**answer, 'duplicate_of': _described(twin), 'told': _told_twin(session, document, twin)}
    )


def _described(document: Document) -> dict[str, Any]:
    return {
        'uuid': document.uuid,
        'title': document.title,
        'type': document.type,
        'received_at': document.at.isoformat(),
    }


def _told_twin(session: Any, document: Document, twin: Document) -> str:
    language = session.info['actor'].language
    kind = session.get_one(DocumentType, twin.type).label_in(language)
    day = values.format_day(values.israel(twin.at).date())
    if twin.claim_id == document.claim_id:
        return t('This file is already in the claim ({type}, {day}).', language, type=kind, day=day)
    claim_no = session.get_one(Claim, twin.claim_id).claim_no
    return t('The same file is in claim {claim_no} ({type}, {day}).', language, claim_no=claim_no, type=kind, day=day)


# ---- out --------------------------------------------------------------------------------------------------------------------


def _address(written: str) -> str:
    if not _UUID.fullmatch(written):
        raise _NotFound
    return written


async def _document(address: str, actor: Actor) -> Document:
    document = await ask_as(actor, fetch_one, documents.document_with(_address(address)))
    if document is None or (document.deleted_at is not None and not document.may_remove(actor)):
        raise _NotFound
    return document


async def _download(address: str, request: Request) -> Response:
    actor, query = _actor(request), request.query_params
    document = await _document(address, actor)
    original = query.get('original') == '1'
    if original and not actor.may(Can.EDIT_CLAIM):
        raise _Forbidden(N_('Only the bureau opens the original; everybody else gets the copy without its place.'))
    digest = document.sha256 if original else document.served_sha256
    pieces = await in_thread(disk, files.store().read, files.key_of(digest))
    name = await ask_as(actor, _name_of, document)
    await _note_views(actor, [document], 'original' if original else 'downloaded')
    shown = document.media_type in _INLINE and query.get('download') != '1'
    return StreamingResponse(
        iterate_in_threadpool(pieces),
        media_type=document.media_type,
        headers={
            **LOCKED,
            'Content-Disposition': disposition(name, inline=shown),
            'Content-Length': str(document.size if original else document.served_size),
        },
    )


async def _show_page(address: str, page: str, request: Request) -> Response:
    actor = _actor(request)
    document = await _document(address, actor)
    number = int(page) if re.fullmatch(r'[1-9][0-9]{0,3}', page) else 0
    if not 1 <= number <= (document.pages or 0):
        raise _NotFound
    wanted = request.query_params.get('w', '')
    width = previews.width_for(int(wanted) if re.fullmatch(r'[0-9]{1,4}', wanted) else previews.WIDTHS[-1])
    keeper = files.store()
    key = files.preview_key(document.served_sha256, f'{number}-{width}.webp')
    try:
        pieces = await in_thread(disk, keeper.read, key)
    except FileMissing:
        pieces = await in_thread(_drawing, _drawn, document, number, width, keeper)
    if width > previews.WIDTHS[0]:
        await _note_views(actor, [document], 'previewed')
    return StreamingResponse(iterate_in_threadpool(pieces), media_type=previews.MEDIA_TYPE, headers=LOCKED)


def _drawn(document: Document, page: int, width: int, keeper: FileStore) -> Iterator[bytes]:
    return keeper.read(previews.picture(document, page, width, keeper))


# ---- who saw what -----------------------------------------------------------------------------------------------------------

_seen: dict[tuple[int | None, int | None, int, str], float] = {}


async def _note_views(actor: Actor, seen: Sequence[Document], how: str) -> None:
    """Write it down, unless the same person saw the same a moment ago: leafing through is one look."""
    moment, who = time.monotonic(), (actor.really.user_id, actor.user_id)
    if len(_seen) > 5000:
        _seen.clear()
    fresh = [row for row in seen if moment - _seen.get((*who, row.id, how), -SEEN_AGAIN_SECONDS) >= SEEN_AGAIN_SECONDS]
    if fresh:
        await work_as(actor.really, documents.note_views, fresh, how, now(), actor)
        _seen.update({(*who, row.id, how): moment for row in fresh})


# ---- names ------------------------------------------------------------------------------------------------------------------


def _name_of(session: Any, document: Document) -> str:
    claim = session.get_one(Claim, document.claim_id)
    kinds = {row.id: row for row in fetch(session, documents.document_types())}
    return packing.named(claim, document, kinds, session.info['actor'].language)


# ---- several at once --------------------------------------------------------------------------------------------------------


async def _pack(claim_no: str, ids: Sequence[str], actor: Actor) -> Response:
    claim, wanted, names = await ask_as(actor, _to_pack, claim_no, frozenset(ids))
    name = f'{packing.beginning(claim)}_{packing.word(t("Documents", actor.language))}.zip'
    return await _sent(name, wanted, names, actor)


async def _pack_several(numbers: Sequence[str], actor: Actor) -> Response:
    """A folder for each claim."""
    printable = frozenset(number for number in numbers if number.isprintable())
    wanted, names = await ask_as(actor, _to_pack_several, printable)
    day = values.israel(now()).date().isoformat()
    return await _sent(f'{packing.word(t("Documents", actor.language))}_{day}.zip', wanted, names, actor)


async def _sent(name: str, wanted: Sequence[Document], names: Sequence[str], actor: Actor) -> Response:
    actor.refuse_looking()
    keeper = files.store()
    await in_thread(disk, _check_all_there, keeper, wanted)
    await _note_views(actor, wanted, 'packed')
    moments = [values.israel(document.at) for document in wanted]
    keys = [files.key_of(document.served_sha256) for document in wanted]
    return StreamingResponse(
        iterate_in_threadpool(packing.packed(keeper, list(zip(names, keys, moments, strict=True)))),
        media_type='application/zip',
        headers={**LOCKED, 'Content-Disposition': disposition(name)},
    )


def _to_pack(session: Any, claim_no: str, ids: frozenset[str]) -> tuple[Claim, list[Document], list[str]]:
    claim = fetch_one(session, claim_by_no(claim_no)) if claim_no.isprintable() else None
    if claim is None:
        raise _NotFound
    found = fetch(session, documents.documents_of(claim.id))
    wanted = [document for document in reversed(found) if not ids or document.uuid in ids]
    if not wanted or len(wanted) < len(ids):
        raise _NotFound
    kinds = {row.id: row for row in fetch(session, documents.document_types())}
    names = [packing.named(claim, document, kinds, session.info['actor'].language) for document in wanted]
    return claim, wanted, packing.all_different(names)


def _to_pack_several(session: Any, numbers: frozenset[str]) -> tuple[list[Document], list[str]]:
    found = papers.papers_of(session, numbers)
    kinds = {row.id: row for row in fetch(session, documents.document_types())}
    wanted, names = [], []
    for claim in found.claims:
        for document in found.documents[claim.id]:
            wanted.append(document)
            name = packing.named(claim, document, kinds, session.info['actor'].language)
            names.append(f'{packing.beginning(claim)}/{name}')
    return wanted, packing.all_different(names)


def _check_all_there(keeper: FileStore, wanted: Sequence[Document]) -> None:
    for document in wanted:
        if keeper.size(files.key_of(document.served_sha256)) is None:
            raise FileMissing(document.uuid)


# ---- submission packs -------------------------------------------------------------------------------------------------------


async def _submit(claim_no: str, ids: Sequence[str], request: Request, *, letter: bool) -> Response:
    actor = _actor(request)
    _check_page(request)
    claim = await ask_as(actor, fetch_one, claim_by_no(claim_no)) if claim_no.isprintable() else None
    if claim is None:
        raise _NotFound
    if not actor.may(Can.EDIT_CLAIM):
        raise _Forbidden(N_('You are not allowed to do this. Ask the bureau if you need it.'))
    if claim.id in _made_now:
        raise ClaimError(N_('A submission pack of this claim is being made already.'))
    _made_now.add(claim.id)
    try:
        pack, left_out = await in_thread(_binding, make_pack, actor, claim_no, ids, now(), letter=letter)
    finally:
        _made_now.discard(claim.id)
    return JSONResponse({'uuid': pack.uuid, 'told': _told_pack(pack, left_out, actor.language)}, 201)


def _told_pack(pack: SubmissionPack, left_out: Sequence[str], language: str) -> str:
    pages = tn('{n} page', '{n} pages', pack.pages, language)
    told = [t('The submission pack is ready: {pages}.', language, pages=pages), _told_letter(pack, language)]
    if apart := pack.sent_apart:
        told.append(
            tn(
                '{n} document has to be sent apart: {titles}.',
                '{n} documents have to be sent apart: {titles}.',
                len(apart),
                language,
                titles=', '.join(apart),
            )
        )
    if pack.lost:
        told.append(t('Missing in the system, and not in the pack: {titles}.', language, titles=', '.join(pack.lost)))
    if left_out:
        told.append(t('These go to the insurer only when selected: {titles}.', language, titles=', '.join(left_out)))
    return ' '.join(told)


def _told_letter(pack: SubmissionPack, language: str) -> str:
    if letter := pack.drawn_letter:
        total = values.format_money(letter['total'], language)
        return t('The demand letter was drawn from the claim: {total}.', language, total=total)
    why = (pack.letter or {}).get('why', 'nothing')
    return t('No demand letter was drawn: {why}.', language, why=t(packs.NO_LETTER[why], language))


async def _found_pack(address: str, actor: Actor) -> SubmissionPack:
    pack = await ask_as(actor, fetch_one, packs.pack_with(_address(address)))
    if pack is None:
        raise _NotFound
    return pack


async def _download_pack(address: str, actor: Actor) -> Response:
    pack = await _found_pack(address, actor)
    pieces = await in_thread(disk, files.store().read, files.key_of(pack.sha256))
    claim, held = await ask_as(actor, _held_by, pack)
    await _note_views(actor, held, 'submitted')
    name = f'{packing.beginning(claim)}_{_pack_name(pack)}.pdf'
    return StreamingResponse(
        iterate_in_threadpool(pieces),
        media_type='application/pdf',
        headers={**LOCKED, 'Content-Disposition': disposition(name), 'Content-Length': str(pack.size)},
    )


def _pack_name(pack: SubmissionPack) -> str:
    return f'{packing.word(t("Submission pack", packs.LANGUAGE))}_{values.israel(pack.at).date().isoformat()}'


async def _download_part(address: str, first: str, actor: Actor) -> Response:
    """«Page 14 of the pack of 3 November»: one document as it was submitted, whatever became of it since."""
    pack = await _found_pack(address, actor)
    part = pack.part_at(int(first)) if re.fullmatch(r'[1-9][0-9]{0,3}', first) else None
    if part is None:
        raise _NotFound
    content = await in_thread(_drawing, pages_of, pack, part['first'], part['pages'])
    claim, held = await ask_as(actor, _held_by, pack)
    await _note_views(actor, [document for document in held if document.uuid == part.get('uuid')], 'submitted')
    title, page = packing.word(part['title']), packing.word(t('p. {page}', packs.LANGUAGE, page=first))
    name = f'{packing.beginning(claim)}_{title}_{_pack_name(pack)}_{page}.pdf'
    headers = {**LOCKED, 'Content-Disposition': disposition(name)}
    return Response(content, media_type='application/pdf', headers=headers)


def _held_by(session: Any, pack: SubmissionPack) -> tuple[Claim, Sequence[Document]]:
    return session.get_one(Claim, pack.claim_id), fetch(session, packs.documents_in(pack))
