"""`/api/v1/…`: a program of an office, or of the bureau, reads claims with a key of one of its people; it writes nothing.

`Authorization: Bearer maakav_<id>.<secret>`; no cookie counts here. Whoever brings a key reads what its person may read now.
`GET /api/v1/claims`, `GET /api/v1/claims/{claim_no}`, `GET /api/v1/changes`; what they take and answer: `GET /api/v1/openapi.json`,
for which no key is needed. Everything else is `{"error": {"code", "message"}}`, with the message in Hebrew.
"""

import logging
import re
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Security
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.responses import JSONResponse, Response
from structlog.contextvars import bind_contextvars

from components import accesses, sessions
from components.accesses import Seen
from components.brakes import Brake
from components.live import ask_as
from components.proving import address_of
from components.sessions import ask_sign_in, refuse
from components.shared_words import people_known_to, reference
from components.words import headline_of, value_text
from db import list_state, values
from db.access_log import CLAIM, LIST, PAGE, SEARCH
from db.api_keys import Holder, holder_of
from db.base import now
from db.catch_up import Stretch, news_in, stretch_since
from db.changes import Change
from db.cheques import DIRECTIONS, STATES, Cheque, cheques_of
from db.claims import DOCUMENTS, FIELDS, Claim, claim_by_no
from db.engines import UNREACHABLE
from db.list_orders import SORTS
from db.list_rows import Row
from db.list_state import COLUMNS, DAYS, MANY, NO_WORD, NUMBERED, QUICK, SCOPES, VIEWS, ListState
from db.lists import first_rows
from db.offices import AgentOffice
from db.reference import Reference
from db.session import fetch, fetch_one
from db.settings import Settings
from db.texts import N_, t

log = logging.getLogger(__name__)

HEBREW = 'he'  # a program has no language; its person may change his
HERE = '/api/v1'
USUAL_LIMIT, LIMITS = 50, (10, 25, 50, 100, 200)
CHANGES_AT_ONCE = 200
# of one key a minute; and of one address with keys that open nothing, in ten minutes
READS, WRONG_KEYS = (120, 60.0), (20, 600.0)
NOTED_AGAIN_SECONDS = 600.0
_NO_STORE = {'Cache-Control': 'no-store'}
_LONGEST_VALUE, _LONGEST_NUMBER = 400, 40
# a page to go on with, and the claim behind which it begins
_CURSOR = re.compile(r'([1-9][0-9]{0,4})\.(-?[0-9]{1,15})')
_SEQ = re.compile(r'0|[1-9][0-9]{0,14}')

_reads, _wrong_keys = Brake(*READS), Brake(*WRONG_KEYS)
# what the log of access has said of a key lately
_noted = Brake(1, NOTED_AGAIN_SECONDS)


# ---- what is answered -------------------------------------------------------------------------------------------------------


class _Answer(BaseModel):
    model_config = ConfigDict(extra='forbid')


class ErrorTold(_Answer):
    """Why there is no answer."""

    code: str = Field(description='What programs go by.')
    message: str = Field(description='The same in Hebrew, for people.')


class Error(_Answer):
    """Instead of an answer."""

    error: ErrorTold


class Named(_Answer):
    """A value from a list: what programs go by, and what it is called in Hebrew."""

    key: str
    label: str


class ClaimRow(_Answer):
    """A line of the list. Sums are whole agorot."""

    claim_no: str
    insured_name: str
    plate: str
    make_model: str
    event_date: date
    status: Named
    repair_stage: Named | None
    waiting_on: Named
    waiting_since: datetime
    documents: Named
    missing_documents: int
    tp_insurer: str
    insurer_claim_no: str
    policy_no: str
    garage: str
    appraiser: str
    agent: str
    handler: str
    office: str | None = Field(description='Of the bureau’s keys only.')
    next_action: str
    next_action_due: date | None
    demand_amount: int | None
    approved_amount: int | None
    received_amount: int | None
    opened_at: date | None
    updated_at: datetime
    unread: bool = Field(description='Whether the key’s person has not seen the last update yet.')


class Claims(_Answer):
    """A page of the list."""

    claims: list[ClaimRow]
    next: str | None = Field(description='`after` of the next page; null on the last one.')


class ChequeTold(_Answer):
    """A cheque that has not come to its end."""

    direction: Named
    cheque_no: str
    amount: int
    due_date: date
    state: Named


class _ClaimTold(_Answer):
    """A claim as its page shows it. Sums are whole agorot; an identity number is masked for whom it is masked on screen."""

    office: str | None = Field(description='Of the bureau’s keys only.')
    is_open: bool
    updated_at: datetime
    cheques: list[ChequeTold] = Field(description='Those still to be cleared, the next one due first.')


_NAMED = frozenset({'status', 'stage', 'waiting', 'track', 'documents'})
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(_NAMED, Named | None),
    'day': date | None,
    **dict.fromkeys(('money', 'year'), int | None),
    'yes_no': bool | None,
}
_FIELD_TYPES: dict[str, Any] = {
    name: (_TYPES.get(one.kind, str), Field(description=one.label)) for name, one in FIELDS.items()
}
ClaimTold = create_model('Claim', __base__=_ClaimTold, **_FIELD_TYPES)


class ChangeTold(_Answer):
    """What somebody changed, as the list and the bell tell it."""

    seq: int
    claim_no: str
    at: datetime
    by: str
    kind: str
    label: str
    before: str
    after: str
    fields: list[str] = Field(description='The fields of the claim that changed; read the claim for their values.')


class Changes(_Answer):
    """What is new."""

    changes: list[ChangeTold]
    latest: int = Field(description='`after` of the next question.')
    more: bool = Field(description='Whether there are more already.')


# ---- what may be asked ------------------------------------------------------------------------------------------------------


def _parameter(name: str, told: str, **schema: Any) -> dict[str, Any]:
    schema = {'type': 'string', 'maxLength': _LONGEST_VALUE, **schema}
    return {'name': name, 'in': 'query', 'required': False, 'description': told, 'schema': schema}


def _many(name: str) -> dict[str, Any]:
    kind = 'Numbers, as in the address of the list; 0: those without one.' if name in NUMBERED else 'Keys.'
    known = {'documents': [*DOCUMENTS], 'quick': [*QUICK], 'sent_back': ['yes', 'no']}.get(name)
    return _parameter(name, f'{kind} Several with commas between them{": " + ", ".join(known) if known else ""}.')


_SORTS = [f'{sign}{name}' for name in SORTS for sign in ('', '-')]
_LIST_PARAMETERS = [
    _parameter('view', 'Which claims.', enum=[*VIEWS], default=VIEWS[0]),
    _parameter('q', 'What is searched for.', maxLength=values.QUERY_LENGTH),
    _parameter('scope', 'In what.', enum=[*SCOPES], default=SCOPES[0]),
    *(_many(name) for name in MANY),
    *(_parameter(name, 'A day.', format='date') for name in DAYS),
    _parameter('sort', 'In which order; - before the name: the greatest first.', enum=_SORTS, default='-updated_at'),
    _parameter('after', '`next` of the page before.', pattern=f'^{_CURSOR.pattern}$'),
    _parameter('limit', 'How many claims.', type='integer', enum=[*LIMITS], default=USUAL_LIMIT),
]
_AFTER_CHANGE = _parameter(
    'after',
    '`latest` of the answer before, or the word `latest` to begin with: nothing is told then but where to go on.',
)


def _asked(request: Request, known: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the address asks, each once; anything else is refused."""
    given = request.query_params.multi_items()
    names = {one['name'] for one in known}
    if strangers := [name for name, _ in given if name not in names]:
        raise _not_understood(strangers)
    asked = dict(given)
    wrong = [name for name, value in asked.items() if len(value) > _LONGEST_VALUE]
    if wrong or len(asked) < len(given):
        raise _not_understood(wrong or [name for name in asked if [one for one, _ in given].count(name) > 1])
    return asked


# ---- refusals ---------------------------------------------------------------------------------------------------------------


class _Refusal(Exception):  # noqa: N818 - said like a verdict
    """Why nothing is answered."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.answer = JSONResponse(
            {'error': {'code': code, 'message': message}}, status, {**_NO_STORE, **(headers or {})}
        )


def _not_understood(given: Sequence[str]) -> _Refusal:
    named = ', '.join(values.as_given(one) for one in given[:3])
    return _Refusal(422, 'not_understood', t(N_('Not understood: {given}'), HEBREW, given=named))


def _not_found() -> _Refusal:
    return _Refusal(404, 'not_found', t('The claim was not found or does not belong to your office.', HEBREW))


def _too_often(seconds: int) -> _Refusal:
    refuse('API braked')
    told = t(N_('Too many requests. Please try again in {seconds} seconds.'), HEBREW, seconds=seconds)
    return _Refusal(429, 'too_many_requests', told, {'Retry-After': str(seconds)})


def _no_key() -> _Refusal:
    told = t(N_('There is no API key here, or it opens nothing (any more).'), HEBREW)
    return _Refusal(401, 'unauthorized', told, {'WWW-Authenticate': 'Bearer realm="Maakav"'})


class _Told(APIRoute):
    """A route whose refusals are told in one shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As ever, and then the refusals."""
        answered = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await answered(request)
            except _Refusal as refusal:
                return refusal.answer
            except UNREACHABLE:
                log.exception('the database gives the API no answer')
                told = t('It takes too long at the moment. Your data is safe; please try again in a minute.', HEBREW)
                return _Refusal(503, 'unavailable', told, {'Retry-After': '60'}).answer
            response.headers.update(_NO_STORE)
            return response

        return handle


# ---- the door ---------------------------------------------------------------------------------------------------------------

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name='key',
    bearerFormat='maakav_<id>.<secret>',
    description='A key made under «החשבון שלי».',
)
Brought = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def _holder(request: Request, brought: Brought) -> Holder:
    """Whom the key makes of whoever asks."""
    address = address_of(request)
    held = await ask_sign_in(holder_of, brought.credentials, now()) if brought is not None else None
    if held is None:
        if left := _wrong_keys.seconds_left(address):
            raise _too_often(left)
        _wrong_keys.count(address)
        refuse('API key')
        accesses.note(None, Seen(PAGE, request.url.path, address=address, granted=False))
        raise _no_key()
    bind_contextvars(user=held.actor.user_id, office=held.actor.office_id)
    if left := _reads.seconds_left(held.key_id):
        raise _too_often(left)
    _reads.count(held.key_id)
    sessions.key_in_use(held.key_id)
    return held


Key = Annotated[Holder, Depends(_holder)]


def _note(held: Holder, seen: Seen) -> None:
    """Have the log of access say what was listed; a program that asks the same again and again is written down once in ten minutes."""
    asked = f'{held.key_id} {seen.what} {seen.told}'
    if not _noted.is_on(asked):
        _noted.count(asked)
        accesses.note(held.actor, seen)


# ---- the routes -------------------------------------------------------------------------------------------------------------

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {'model': Error, 'description': told}
    for status, told in (
        (401, 'No key, or one that opens nothing.'),
        (422, 'Something in the address is not understood.'),
        (429, 'Too often; `Retry-After` says in how many seconds.'),
        (503, 'The database gives no answer at the moment.'),
    )
}
_MISSING: dict[int | str, dict[str, Any]] = {404: {'model': Error, 'description': 'It is not there, or not yours.'}}
_GONE: dict[int | str, dict[str, Any]] = {410: {'model': Error, 'description': 'Too long ago: read the claims anew.'}}


_router = APIRouter(prefix=HERE, route_class=_Told)


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register them on the parent app, and the document that describes them."""
    portal.router.routes.extend(_router.routes)

    @portal.get(f'{HERE}/openapi.json')
    async def openapi() -> Response:
        return JSONResponse(_document() | {'servers': [{'url': settings.base_url}]})

    @portal.api_route(
        HERE + '/{path:path}', methods=['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
    )
    async def nothing(path: str, request: Request) -> Response:
        if request.method == 'GET':
            return _Refusal(404, 'not_found', t(N_('There is no such address.'), HEBREW)).answer
        told = t(N_('This address is only read, with GET.'), HEBREW)
        return _Refusal(405, 'method_not_allowed', told, {'Allow': 'GET'}).answer


@cache
def _document() -> dict[str, Any]:
    """Put together when somebody asks for it."""
    return get_openapi(
        title='Maakav',
        version='1',
        description='Claims, as the person of the key may read them. Nothing is written.',
        routes=_router.routes,
    )


@_router.get('/claims', responses=_REFUSED, operation_id='claims', openapi_extra={'parameters': _LIST_PARAMETERS})
async def claims(request: Request, held: Key) -> Claims:
    """The list of claims, newest update first, with the filters of the list on screen."""
    asked = _asked(request, _LIST_PARAMETERS)
    state = _state(held, asked)
    rows, words = await ask_as(held.actor, _rows, state)
    address = address_of(request)
    searched = state.q.strip()
    _note(held, Seen(SEARCH, searched, address=address) if searched else Seen(LIST, state.meant, address=address))
    following = f'{state.page + 1}.{rows[-1].seq}' if len(rows) == state.size else None
    return Claims(claims=[_row(row, words, is_bureau=held.actor.is_bureau) for row in rows], next=following)


@_router.get(
    '/claims/{claim_no:path}',
    responses={**_REFUSED, **_MISSING},
    operation_id='claim',
    response_model=ClaimTold,
)
async def claim(claim_no: str, request: Request, held: Key) -> Any:
    """One claim."""
    _asked(request, [])
    known = len(claim_no) <= _LONGEST_NUMBER and claim_no.isprintable()
    told = await ask_as(held.actor, _claim, claim_no) if known else None
    seen = Seen(CLAIM, claim_no=claim_no, address=address_of(request), granted=told is not None)
    accesses.note(held.actor, seen)
    if told is None:
        raise _not_found()
    return told


@_router.get(
    '/changes',
    responses={**_REFUSED, **_GONE},
    operation_id='changes',
    openapi_extra={'parameters': [_AFTER_CHANGE | {'required': True}]},
)
async def changes(request: Request, held: Key) -> Changes:
    """What was changed after an earlier question, oldest first: ask every minute, and read the claims that are named."""
    after = _asked(request, [_AFTER_CHANGE]).get('after', '')
    if after != 'latest' and not _SEQ.fullmatch(after):
        raise _not_understood([after or 'after'])
    stretch = await ask_sign_in(stretch_since, None if after == 'latest' else int(after))
    if stretch is None:
        told = t(N_('This is too long ago. Please read the claims anew, and go on from «latest».'), HEBREW)
        raise _Refusal(410, 'gone', told)
    _note(held, Seen(PAGE, request.url.path, address=address_of(request)))
    return await ask_as(held.actor, _changes, stretch)


# ---- reading ----------------------------------------------------------------------------------------------------------------


def _state(held: Holder, asked: Mapping[str, str]) -> ListState:
    """The list that is asked for; whatever the list on screen would pass over with a word is refused here."""
    query = {name: value for name, value in asked.items() if name not in ('after', 'limit')}
    state = list_state.read_by(held.actor, query)
    wrong = [*values.misread_days(query, DAYS), *list_state.misread(query, state)]
    wrong += [f'{pair[0]} – {pair[1]}' for pair in state.turned_round]
    if query.get('q', '') != state.q:
        wrong.append('q')
    if wrong:
        raise _not_understood(wrong)
    if state.is_wordless:
        raise _Refusal(422, 'not_understood', t(NO_WORD, HEBREW))
    columns = tuple(name for name in COLUMNS if name != 'office' or held.actor.is_bureau)
    return replace(state, columns=columns, size=_limit(asked), **_begun(asked))


def _limit(asked: Mapping[str, str]) -> int:
    given = asked.get('limit', str(USUAL_LIMIT))
    if given not in map(str, LIMITS):
        raise _not_understood([f'limit={given}'])
    return int(given)


def _begun(asked: Mapping[str, str]) -> dict[str, Any]:
    """Where the page begins."""
    given = asked.get('after', '')
    if not given:
        return {}
    cursor = _CURSOR.fullmatch(given)
    if cursor is None or cursor[1] == '1':
        raise _not_understood([f'after={given}'])
    return {'page': int(cursor[1]), 'after': int(cursor[2])}


def _rows(session: Any, state: ListState) -> tuple[list[Row], Reference]:
    words = reference(session)
    known: Mapping[str, Collection[str]] = {
        'status': words.statuses,
        'waiting_on': words.waiting,
        **dict.fromkeys(('repair_stage', 'left_stage'), words.stages),
    }
    if strangers := [key for name, keys in known.items() for key in getattr(state, name) if key not in keys]:
        raise _not_understood(strangers)
    return first_rows(session, state), words


def _row(row: Row, words: Reference, *, is_bureau: bool) -> ClaimRow:
    told = {name: getattr(row, name) for name in ClaimRow.model_fields}
    stage = row.repair_stage
    return ClaimRow(
        **{
            **told,
            'status': _labelled(words.statuses, row.status),
            'repair_stage': _labelled(words.stages, stage) if stage else None,
            'waiting_on': _labelled(words.waiting, row.waiting_on),
            'documents': Named(key=row.documents, label=t(DOCUMENTS[row.documents], HEBREW)),
            'office': row.office if is_bureau else None,
        }
    )


def _labelled(rows: Mapping[str, Any], key: str) -> Named:
    return Named(key=key, label=rows[key].label_in(HEBREW) if key in rows else key)


def _claim(session: Any, claim_no: str) -> dict[str, Any] | None:
    claim = fetch_one(session, claim_by_no(claim_no))
    if claim is None:
        return None
    words, people = reference(session), people_known_to(session)
    office = session.get(AgentOffice, claim.office_id) if session.info['actor'].is_bureau else None
    return {
        **{name: _field(claim, name, words, people) for name in FIELDS},
        'office': office.name if office is not None else None,
        'is_open': claim.is_open,
        'updated_at': claim.updated_at,
        'cheques': [_cheque(cheque) for cheque in fetch(session, cheques_of(claim.id)) if cheque.live],
    }


def _field(claim: Claim, name: str, words: Reference, people: Mapping[int, str]) -> Any:
    """A field as its type has it: as it is stored, by its name where it is somebody or a firm, and with its label where it is chosen."""
    kind, value = FIELDS[name].kind, getattr(claim, name)
    if kind in _NAMED:
        label = value_text(name, value, words, people, HEBREW)
        return Named(key=value, label=label or value) if value else None
    if kind in ('reason', 'agent', 'handler', 'insurer', 'garage', 'appraiser'):
        return value_text(name, value, words, people, HEBREW)
    return value


def _cheque(cheque: Cheque) -> ChequeTold:
    return ChequeTold(
        direction=Named(key=cheque.direction, label=t(DIRECTIONS[cheque.direction], HEBREW)),
        cheque_no=cheque.cheque_no,
        amount=cheque.amount,
        due_date=cheque.due_date,
        state=Named(key=cheque.state, label=t(STATES[cheque.state], HEBREW)),
    )


def _changes(session: Any, stretch: Stretch) -> Changes:
    found = news_in(session, stretch, CHANGES_AT_ONCE + 1)
    told, more = found[:CHANGES_AT_ONCE], len(found) > CHANGES_AT_ONCE
    words, people = reference(session), people_known_to(session)
    return Changes(
        changes=[_change(change, claim_no, words, people) for change, claim_no in told],
        latest=told[-1][0].id if more else stretch.latest,
        more=more,
    )


def _change(change: Change, claim_no: str, words: Reference, people: Mapping[int, str]) -> ChangeTold:
    label, before, after, _ = headline_of(change, words, people, HEBREW)
    return ChangeTold(
        seq=change.id,
        claim_no=claim_no,
        at=change.at,
        by=change.by,
        kind=change.kind,
        label=label,
        before=before,
        after=after,
        fields=[name for name in change.fields if name in FIELDS],
    )
