"""`/login/code`, `/account/two-factor`: the second step of signing in, and turning it on and off; plain forms."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import segno
import structlog
from fastapi import FastAPI, Form, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from components import guard, sessions
from components.door import CODE_PAGE, Door, code_page
from components.live import ask_as, work_as
from components.plain import plain_page
from components.proving import (
    WRONG_CODE,
    Entry,
    Typed,
    address_of,
    entry_of_half,
    minutes_to_wait,
    note_refused,
    prove,
    wait_text,
)
from components.sessions import tell_sign_in
from db import identity, two_factor, values
from db.base import now
from db.identity import SignedIn
from db.settings import Settings
from db.texts import N_, ClaimError, t, tn

Field = Annotated[str, Form()]
T = TypeVar('T')
log = structlog.get_logger(__name__)
_WRONG_APP_CODE = N_(
    'The code is not right, or was used before. Please wait for the next one; is the clock of the phone set by itself?'
)


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the forms on the parent app."""
    door = Door(settings)
    _add_second_step(portal, door)
    _add_turning_on(portal, door)
    _add_confirming(portal, door)
    _add_changes(portal, door)


def _add_second_step(portal: FastAPI, door: Door) -> None:
    @portal.get(CODE_PAGE)
    async def code_form(request: Request, next: str = '/', remember: str = '', recovery: str = '') -> Response:
        half = door.half_of(request)
        if await entry_of_half(request, half, door.known_browser(request)) is None:
            return _again(next, late=bool(half))
        return _code_page(next, remember=bool(remember), recovery=bool(recovery))

    @portal.post(CODE_PAGE)
    async def take_code(
        request: Request, code: Field = '', recovery_code: Field = '', remember: Field = '', next: Field = '/'
    ) -> Response:
        half, asked = door.half_of(request), {'remember': bool(remember), 'recovery': bool(recovery_code)}
        entry = await entry_of_half(request, half, door.known_browser(request))
        if entry is None:
            return _again(next, late=True)
        if wait := await minutes_to_wait(entry):
            _log_refusal('sign-in braked', request, entry)
            return _code_page(next, wait_text(wait), 429, **asked)
        if await tell_sign_in(two_factor.second_step, half, code or recovery_code, now()) is None:
            _log_refusal('sign-in code refused', request, entry)
            note_refused(request, entry)
            return _code_page(next, t(WRONG_CODE if recovery_code else _WRONG_APP_CODE), 401, **asked)
        return await door.let_in(request, entry, next, remember=bool(remember))


def _add_turning_on(portal: FastAPI, door: Door) -> None:
    @portal.get(guard.SET_UP)
    async def own_form(request: Request) -> Response:
        return await _own_page(request.state.session)

    @portal.post(f'{guard.SET_UP}/start')
    async def begin(request: Request, current_password: Field = '') -> Response:
        present: SignedIn = request.state.session
        if _must_prove(present):
            _, wrong = await _if_proved(request, door, Typed(current_password), _begin_two_factor)
            return await _own_page(present, wrong) if wrong else RedirectResponse(guard.SET_UP, 303)
        try:
            await work_as(present.actor, two_factor.begin_two_factor, now())
        except ClaimError as error:
            return await _own_page(present, {'': error.told(present.actor.language)})
        return RedirectResponse(guard.SET_UP, 303)


def _add_confirming(portal: FastAPI, door: Door) -> None:
    @portal.post(guard.SET_UP)
    async def confirm(request: Request, code: Field = '') -> Response:
        present: SignedIn = request.state.session
        if (await ask_as(present.actor, two_factor.own_standing, now())).since:
            return RedirectResponse(guard.SET_UP, 303)  # the page of the codes was loaded anew
        try:
            codes = await work_as(present.actor, two_factor.confirm_two_factor, code, now())
        except ClaimError as error:
            return await _own_page(present, {'': error.told(present.actor.language)})
        if codes is None:
            clock = t('The code is not right. Is the clock of the phone set by itself?', present.actor.language)
            return await _own_page(present, {'code': clock})
        log.info('two-step verification turned on', user=present.actor.user_id, address=address_of(request))
        answer = _codes_page(present, codes, '/' if present.must_set_up else '/account')
        await door.renew(answer, request, present)
        return answer


def _add_changes(portal: FastAPI, door: Door) -> None:
    @portal.post(f'{guard.SET_UP}/codes')
    async def renew_codes(request: Request, current_password: Field = '', code: Field = '') -> Response:
        present: SignedIn = request.state.session
        typed = Typed(current_password, code)
        codes, wrong = await _if_proved(request, door, typed, two_factor.renew_recovery_codes)
        return _codes_page(present, codes, '/account') if codes else await _own_page(present, wrong)

    @portal.post(f'{guard.SET_UP}/off')
    async def turn_off(request: Request, current_password: Field = '', code: Field = '') -> Response:
        typed = Typed(current_password, code)
        done, wrong = await _if_proved(request, door, typed, two_factor.turn_off_two_factor)
        return RedirectResponse('/account', 303) if done else await _own_page(request.state.session, wrong)


# ---- looking at what was typed ----------------------------------------------------------------------------------------------


async def _if_proved(
    request: Request, door: Door, typed: Typed, verb: Callable[[Any, str, datetime], T | None]
) -> tuple[T | None, dict[str, str]]:
    """Do what takes that one proves again who one is; the outcome, or what was wrong with which field."""
    present: SignedIn = request.state.session
    try:
        proved = await prove(request, present, typed, door.known_browser(request), verb)
    except ClaimError as error:
        return None, {'': error.told(present.actor.language)}
    if proved.outcome is None:
        return None, proved.errors(present.actor.language)
    log.info(verb.__name__.strip('_'), user=present.actor.user_id, address=address_of(request))
    return proved.outcome, {}


def _begin_two_factor(session: Any, _: str, moment: datetime) -> bool:
    two_factor.begin_two_factor(session, moment)
    return True


def _must_prove(present: SignedIn) -> bool:
    """Whether a person has to type his password: who is kept from everything else has just done so when he came in."""
    return not (present.must_set_up and now() - present.since <= identity.HALF_FOR)


def _log_refusal(event: str, request: Request, entry: Entry) -> None:
    sessions.refuse('code')
    log.warning(event, user=entry.user_id, address=address_of(request))


# ---- the pages --------------------------------------------------------------------------------------------------------------


def _again(target: str, *, late: bool) -> Response:
    """Back to the password: there was none, or it is too long ago."""
    asked = {'next': guard.same_site_path(target)} | ({'late': '1'} if late else {})
    return RedirectResponse(f'/login?{urlencode(asked)}', 303)


def _code_page(target: str, error: str | None = None, status: int = 200, *, remember: bool, recovery: bool) -> Response:
    target = guard.same_site_path(target)
    page = plain_page(
        'two_step.html',
        action=CODE_PAGE,
        other=code_page(target, remember=remember, recovery=not recovery),
        back=f'/login?{urlencode({"next": target})}',
        recovery=recovery,
        hidden={'next': target} | ({'remember': '1'} if remember else {}),
        error=error,
    )
    return HTMLResponse(page, status, {'Retry-After': '60'} if status == 429 else None)


async def _own_page(present: SignedIn, errors: Mapping[str, str] = MappingProxyType({})) -> Response:
    standing = await ask_as(present.actor, two_factor.own_standing, now())
    qr = ''
    if standing.secret:
        drawn = segno.make(two_factor.address_of(standing.secret, present.email), error='m')
        qr = drawn.svg_inline(scale=5, border=3, light='#fff', dark='#000', omitsize=True)
    page = plain_page(
        'two_factor.html',
        present.actor.language,
        action=guard.SET_UP,
        standing=standing,
        since=values.format_day(values.israel(standing.since).date()) if standing.since else '',
        left=tn(
            '{n} recovery code is left.', '{n} recovery codes are left.', standing.codes_left, present.actor.language
        ),
        qr=Markup(qr),  # noqa: S704 - drawn here, of squares alone
        must_set_up=present.must_set_up,
        must_prove=_must_prove(present),
        email=present.email,
        errors=errors,
    )
    return HTMLResponse(page, 400 if errors else 200)


def _codes_page(present: SignedIn, codes: list[str], address: str) -> Response:
    day = values.format_day(values.israel(now()).date())
    told = {'codes': codes, 'email': present.email, 'day': day, 'address': address, 'here': guard.SET_UP}
    return HTMLResponse(plain_page('recovery_codes.html', present.actor.language, **told))
