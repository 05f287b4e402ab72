"""`/t/{token}`: pages for holders of a signed link, without an account: the garage's update page and the insured's tracking page.

Plain HTML that a cheap phone shows; the token in the address is the only authority, no cookie counts here. Wrong, expired and
revoked links get one and the same answer.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from components import accesses, streams
from components.accesses import Seen
from components.brakes import Brake
from components.downloads import NOT_KEPT
from components.files_taken import EMPTY_FILE, MOST_MEGABYTES, TOO_BIG_FILE
from components.live import ask_as, work_as
from components.plain import plain_page
from components.repair_words import Repair, days_reached, eta_of, hold_of, read_repair, stages_of
from components.sessions import refuse
from components.words import first_name, isolated, weekday_of
from db import documents, links, repairs, requirements, values
from db.access_log import LINK
from db.base import now
from db.claims import Claim
from db.documents import STAGE_PHOTOS, Document, Slot
from db.links import GARAGE, INSURED, LinkVisit
from db.offices import AgentOffice
from db.reference import Reference, reference
from db.scope import Actor
from db.session import fetch
from db.settings import Settings
from db.texts import N_, ClaimError, t, tn
from jobs import previews, receiving
from jobs.intake import Refused

log = logging.getLogger(__name__)

HEBREW = 'he'  # a link has no person whose language we know
_DOORKEEPER = Actor.system('links')
_HEADERS = {'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex, nofollow', 'Cache-Control': 'no-store'}
_A_PHOTO = N_('Please send a photo.')
# of one address: knocks at any door a minute, and at doors that do not exist in ten
KNOCKS, WRONG_KNOCKS = (120, 60.0), (20, 600.0)
# of one link: files an hour, also those that are refused, and how many at once
SENT, AT_ONCE = (60, 3600.0), 3
# said after something was done: the browser only brings the key back
SAID: Mapping[str, str] = {
    'stage': N_('The stage was updated.'),
    'taken_back': N_('The last update was taken back.'),
    'expect': N_('The expected date was updated.'),
    'hold': N_('It is noted that the repair stands still.'),
    'resume': N_('It is noted that the repair goes on.'),
    'note': N_('The note was sent.'),
    'photo': N_('The photos arrived.'),
}

_OVER = N_('This link is not open any more.')
_TOO_MANY = N_(
    'Many files came through this link within an hour. Please send the rest a little later, or to your agent.'
)
# what is told of a file that is not taken, where the usual words leave one alone
_SAID_OF = {'empty': EMPTY_FILE, 'too_big': TOO_BIG_FILE}


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the pages on the parent app."""
    _add_pages(portal)
    _add_photo(portal, settings)
    _add_document(portal, settings)
    _add_stream(portal)


def _add_pages(portal: FastAPI) -> None:
    @portal.get('/t/{token}')
    async def show(token: str, request: Request) -> Response:
        visit = await _visit(token, request)
        if visit is None:
            return _closed_page()
        if visit.is_new(now()):
            await work_as(_DOORKEEPER, links.note_use, links.hash_of(token), now())
        return await _page(token, visit, said=request.query_params.get('said', ''))

    @portal.post('/t/{token}')
    async def order(token: str, request: Request) -> Response:
        visit = await _visit(token, request)
        if visit is None or visit.purpose != GARAGE:
            return _closed_page()
        return await _obey(token, visit, _Sent.read(await request.form(max_files=0, max_fields=20)))


def _add_photo(portal: FastAPI, settings: Settings) -> None:
    @portal.post('/t/{token}/photo')
    async def photo(token: str, request: Request) -> Response:
        visit = await _visit(token, request)
        if visit is None or visit.purpose != GARAGE:
            return _json({'error': t(_OVER, HEBREW)}, 404)
        return await _take_photo(visit, request, settings.clamd_url)


def _add_document(portal: FastAPI, settings: Settings) -> None:
    @portal.post('/t/{token}/document')
    async def document(token: str, request: Request) -> Response:
        visit = await _visit(token, request)
        if visit is None or visit.purpose != INSURED:
            return _json({'error': t(_OVER, HEBREW)}, 404)
        key = links.hash_of(token)
        if _sent.is_on(key) or _sending[key] >= AT_ONCE:
            return _json({'error': t(_TOO_MANY, HEBREW)}, 429)
        _sent.count(key)
        _sending[key] += 1
        try:
            return await _take_document(visit, request, settings.clamd_url)
        finally:
            _sending[key] -= 1
            if not _sending[key]:
                del _sending[key]


def _add_stream(portal: FastAPI) -> None:
    @portal.get('/t/{token}/live')
    async def follow(token: str, request: Request, seen: int = 0) -> Response:
        visit = await _visit(token, request)
        if visit is None or not streams.has_room(visit.claim_id):
            return Response(status_code=404 if visit is None else 503, headers={**_HEADERS, 'Retry-After': '30'})
        return StreamingResponse(
            streams.streamed(visit.claim_id, seen, lambda: ask_as(_DOORKEEPER, _newest, links.hash_of(token))),
            media_type='text/event-stream',
            headers={**_HEADERS, 'X-Accel-Buffering': 'no'},
        )


# ---- the door ---------------------------------------------------------------------------------------------------------------


_knocks, _wrong_knocks, _sent = Brake(*KNOCKS), Brake(*WRONG_KNOCKS), Brake(*SENT)
_sending: Counter[str] = Counter()


async def _visit(token: str, request: Request) -> LinkVisit | None:
    """Whom this token makes of who knocks; None also when he knocks too often."""
    address = request.client.host if request.client is not None else ''
    if _knocks.is_on(address) or _wrong_knocks.is_on(address):
        refuse('link braked')
        return None
    _knocks.count(address)
    visit = None
    if 40 <= len(token) <= 60 and token.isascii():
        visit = await ask_as(_DOORKEEPER, links.visit_by, links.hash_of(token), now())
    if visit is None:
        refuse('link')
        accesses.note(None, Seen(LINK, address=address, granted=False))
        _wrong_knocks.count(address)
    return visit


def _newest(session: Any, token_hash: str) -> int | None:
    """What tells whether the page of a link shows its claim as it is; None when the link is over."""
    visit = links.visit_by(session, token_hash, now())
    return None if visit is None else session.get_one(Claim, visit.claim_id).seq


def _closed_page() -> Response:
    page = plain_page(
        'message.html',
        title=t('This link is not open any more', HEBREW),
        text=t('It may have ended or been replaced. Please ask whoever sent it for a new one.', HEBREW),
    )
    return HTMLResponse(page, 404, _HEADERS)


def _json(answer: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(answer, status, _HEADERS)


# ---- what the pages show ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shown:
    """What is read for a page, under the scope of its link."""

    claim: Claim
    words: Reference
    repair: Repair
    office: str
    needed: list[requirements.ChecklistItem]
    arrived: list[Document]
    may_take_back: int


def _read(session: Any, visit: LinkVisit) -> _Shown:
    claim = session.get_one(Claim, visit.claim_id)
    is_garage = visit.purpose == GARAGE
    left = repairs.may_take_back(session, claim.id, now()) if is_garage else None
    asked = [] if is_garage else requirements.asked_of_insured(requirements.checklist(session, claim))
    return _Shown(
        claim,
        reference(session),
        read_repair(session, claim.id),
        session.get_one(AgentOffice, claim.office_id).name,
        [item for item in asked if item.missing],
        [] if is_garage else fetch(session, requirements.sent_by_link(claim.id, visit.actor.name)),
        0 if left is None else max(1, round(left.total_seconds() / 60)),
    )


async def _page(token: str, visit: LinkVisit, *, said: str = '', error: str = '', day: str = '') -> Response:
    shown = await ask_as(visit.actor, _read, visit)
    told = _common(token, visit, shown)
    if visit.purpose == GARAGE:
        told |= _for_garage(shown, said) | {'error': error, 'typed_day': day}
    else:
        told |= _for_insured(visit, shown)
    page = plain_page(f'signed_{visit.purpose}.html', **told)
    return HTMLResponse(page, 422 if error else 200, _HEADERS)


def _common(token: str, visit: LinkVisit, shown: _Shown) -> dict[str, Any]:
    moment, claim = now(), shown.claim
    today = values.israel(moment).date()
    stages = stages_of(claim, shown.words, HEBREW, days_reached(shown.repair.stays), today)
    place, total = shown.words.stage_place(claim.repair_stage)
    stage = shown.words.stages.get(claim.repair_stage or '')
    return {
        'action': f'/t/{quote(token, safe="")}',
        'seen': claim.seq,
        'plate_digits': claim.plate,
        'model': claim.make_model,
        'stages': stages,
        'place': place,
        'total': total,
        'stage': stage.label_in(HEBREW) if stage else t('The stage is not known yet', HEBREW),
        'since': values.format_moment(claim.stage_since, moment, HEBREW) if claim.stage_since else '',
        'eta': eta_of(claim.eta, today, HEBREW) if place < total else None,
        'hold': hold_of(claim, shown.words, moment, HEBREW),
        'ends': values.format_day(values.israel(visit.expires_at).date()),
        'updated': values.format_moment(claim.updated_at, moment, HEBREW),
        'garage': shown.words.garages.get(claim.garage or 0),
        'address': f'/t/{quote(token, safe="")}',
    }


def _for_garage(shown: _Shown, said: str) -> dict[str, Any]:
    claim, words = shown.claim, shown.words
    forward, back = (words.step_from(claim.repair_stage, way) for way in (1, -1))
    today = values.israel(now()).date()
    photos = sum(photo.repair_stage == claim.repair_stage for photo in shown.repair.photos)
    return {
        'stage_id': claim.repair_stage or '',
        'forward': forward,
        'back': back if claim.repair_stage else None,
        'choices': [row for row in words.stages.values() if row.active],
        'reasons': [row for row in words.hold_reasons.values() if row.active],
        'is_held': bool(claim.hold_reason),
        'eta_day': values.format_day(claim.eta) if claim.eta else '',
        'today': today.isoformat(),
        'furthest': repairs.furthest(today).isoformat(),
        'photos': tn('{n} photo of this stage', '{n} photos of this stage', photos, HEBREW) if photos else '',
        'said': t(SAID[said], HEBREW) if said in SAID else '',
        'undo': shown.may_take_back if said == 'stage' else 0,
    }


def _for_insured(visit: LinkVisit, shown: _Shown) -> dict[str, Any]:
    claim, garage = shown.claim, shown.words.garages.get(shown.claim.garage or 0)
    number = values.whatsapp_number(visit.contact_phone) if visit.contact_phone else None
    question = t('Hello, a question about my car {plate}', HEBREW, plate=values.format_plate(claim.plate))
    return {
        'first_name': first_name(claim.insured_name),
        'office': shown.office,
        'needed': [_needed(item) for item in shown.needed],
        'arrived': _receipts(shown),
        'eta_weekday': weekday_of(claim.eta, HEBREW) if claim.eta else '',
        'garage_tel': values.tel_uri(garage.phone) if garage and garage.phone else '',
        'garage_map': values.way_to(garage.address) if garage and garage.address else '',
        'ask': f'https://wa.me/{number}?text={quote(question, safe="")}' if number else '',
        'ask_tel': values.tel_uri(visit.contact_phone) if visit.contact_phone and not number else '',
    }


def _needed(item: requirements.ChecklistItem) -> dict[str, str]:
    """A document that the insured is asked for; of one that was rejected, why."""
    reason = documents.REJECT_REASONS.get(item.reason)
    return {
        'type': item.type.id,
        'need': str(item.need_id or ''),
        'label': item.label_in(HEBREW),
        'reason': (t(reason, HEBREW) if reason else item.reason) if item.state == 'rejected' else '',
    }


def _receipts(shown: _Shown) -> list[dict[str, str]]:
    """What he sent himself, by its kind and the moment it came; of what others sent he reads nothing."""
    kinds = shown.words.document_types
    return [
        {'label': kinds[sent.type].label_in(HEBREW), 'at': isolated(values.format_exact(sent.at))}
        for sent in shown.arrived[-12:]
    ]


# ---- what a garage does -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sent:
    """What a form of the garage's page brings."""

    do: str = ''
    seen: str = ''
    stage: str = ''
    day: str = ''
    reason: str = ''
    note: str = ''

    @classmethod
    def read(cls, form: Any) -> '_Sent':
        """From whatever was sent; no page of ours sends long ones."""
        told = {name: form.get(name, '') for name in cls.__dataclass_fields__}
        return cls(**{name: value[:1000] if isinstance(value, str) else '' for name, value in told.items()})

    @property
    def wanted(self) -> date | None:
        """The day, if one was chosen."""
        return values.day(self.day) if self.day.strip() else None


_Order = Callable[[Any, int, _Sent, datetime], object]
_ORDERS: Mapping[str, _Order] = {
    'stage': lambda s, claim_id, sent, at: repairs.advance_repair(
        s, claim_id, sent.stage, sent.seen or None, at, sent.note
    ),
    'taken_back': lambda s, claim_id, sent, at: repairs.take_back(s, claim_id, sent.seen or None, at),
    'expect': lambda s, claim_id, sent, at: repairs.expect(s, claim_id, sent.wanted, sent.reason or sent.note, at),
    'hold': lambda s, claim_id, sent, at: repairs.hold(s, claim_id, sent.reason, at, sent.note),
    'resume': lambda s, claim_id, sent, at: repairs.resume(s, claim_id, at),
    'note': lambda s, claim_id, sent, at: repairs.note_repair(s, claim_id, sent.note, at),
}


async def _obey(token: str, visit: LinkVisit, sent: _Sent) -> Response:
    """Do what a button asks, and show the page anew; what is refused is said on it."""
    order = _ORDERS.get(sent.do)
    if order is None:
        return await _page(token, visit)
    try:
        await work_as(visit.actor, order, visit.claim_id, sent, now())
    except (ClaimError, values.Malformed) as refusal:
        return await _page(token, visit, error=refusal.told(HEBREW), day=sent.day)
    return RedirectResponse(f'/t/{quote(token, safe="")}?said={sent.do}', 303, _HEADERS)


# ---- what comes in ----------------------------------------------------------------------------------------------------------


async def _take_photo(visit: LinkVisit, request: Request, clamd_url: str) -> Response:
    """A photo of the present stage."""
    return await _take(visit, request, clamd_url, _slot_for_photo, only_photos=True)


async def _take_document(visit: LinkVisit, request: Request, clamd_url: str) -> Response:
    """What is asked of the insured."""
    kind, need = (request.headers.get(name, '')[:40] for name in ('x-document-type', 'x-document-need'))

    def slot_for(session: Any, claim_id: int, size: int) -> Slot:
        slot = requirements.slot_of_insured(session, claim_id, kind, values.whole(need) if need else None)
        documents.check_room(session, session.get_one(Claim, claim_id).claim_no, size, slot)
        return slot

    return await _take(visit, request, clamd_url, slot_for)


def _told(refusal: Refused, *, only_photos: bool) -> str:
    """Why a file was not taken, as far as its sender can do something about it."""
    if only_photos and refusal.why == 'kind':  # of what is taken elsewhere nothing is taken here but photos
        return t(_A_PHOTO, HEBREW)
    return t(_SAID_OF[refusal.why], HEBREW, most=MOST_MEGABYTES) if refusal.why in _SAID_OF else refusal.told(HEBREW)


async def _take(
    visit: LinkVisit,
    request: Request,
    clamd_url: str,
    slot_for: Callable[[Any, int, int], Slot],
    *,
    only_photos: bool = False,
) -> Response:
    """A file, through the same eyes as every document."""
    try:
        name = unquote(request.headers.get('x-file-name', ''), errors='replace')
        size = receiving.announced_size(request.headers.get('content-length', ''))
        slot = await ask_as(visit.actor, slot_for, visit.claim_id, size)
        async with receiving.received(request.stream(), name) as uploaded:
            arrived = await receiving.inspected(uploaded, clamd_url)
            if only_photos and not arrived.media_type.startswith('image/'):
                raise ClaimError(_A_PHOTO)
            filed = await work_as(visit.actor, documents.attach, visit.claim_id, arrived, slot, now())
    except Refused as refusal:
        said = _told(refusal, only_photos=only_photos)
        return _json({'error': said}, 413 if refusal.why == 'too_big' else 422)
    except (ClaimError, values.Malformed) as refusal:
        return _json({'error': refusal.told(HEBREW)}, 422)
    except (ClientDisconnect, TimeoutError):
        return Response(status_code=408)
    except OSError:
        log.exception('the store of documents fails')
        return _json({'error': t(NOT_KEPT, HEBREW)}, 503)
    previews.draw_soon()
    return _json({'arrived': True, 'at': values.format_exact(filed.document.at)}, 201)


def _slot_for_photo(session: Any, claim_id: int, size: int) -> Slot:
    claim = session.get_one(Claim, claim_id)
    stage = claim.repair_stage or next(iter(reference(session).shown_stages)).id
    slot = Slot(STAGE_PHOTOS, repair_stage=stage)
    documents.check_room(session, claim.claim_no, size, slot)
    return slot
