"""`/account/keys`: a person makes an API key, which is shown this once, and revokes his own; plain forms."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from components import guard
from components.frame import not_found
from components.live import ask_as, work_as
from components.plain import plain_page
from components.proving import Typed, address_of, prove
from db import api_keys, two_factor, values
from db.api_keys import DAYS, NAME_LENGTH, USUAL_DAYS, Wish
from db.base import now
from db.identity import SignedIn
from db.scope import Can
from db.settings import Settings
from db.texts import N_, ClaimError, FieldsRefused, t

HERE = '/account/keys'
Field = Annotated[str, Form()]
_TERMS: Mapping[int, str] = {30: N_('30 days'), 90: N_('90 days'), 365: N_('A year')}
log = structlog.get_logger(__name__)


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the forms on the parent app."""
    browser_cookie = guard.cookie_name(settings.secure_cookies, 'browser')

    @portal.get(HERE)
    async def form(request: Request) -> Response:
        return await _form(request.state.session, Wish('', USUAL_DAYS))

    @portal.post(HERE)
    async def make(
        request: Request, name: Field = '', days: Field = '', current_password: Field = '', code: Field = ''
    ) -> Response:
        wish = Wish(name, int(days) if days in map(str, DAYS) else 0)
        known, present = request.cookies.get(browser_cookie, '')[:100], request.state.session
        token, errors = await _made(request, known, wish, Typed(current_password, code))
        return _made_page(present, wish, token) if token else await _form(present, wish, errors)

    @portal.post(f'{HERE}/{{key_id}}/revoke')
    async def revoke(key_id: str, request: Request) -> Response:
        present: SignedIn = request.state.session
        try:
            await work_as(present.actor, api_keys.revoke_key, key_id[:40].replace('\0', ''), now())
        except ClaimError:
            return not_found(present.actor.language)
        log.info('API key revoked', user=present.actor.user_id, address=address_of(request))
        return RedirectResponse('/account', 303)


async def _made(request: Request, known_browser: str, wish: Wish, typed: Typed) -> tuple[str | None, dict[str, str]]:
    """The new key; or what was wrong with which field."""
    present: SignedIn = request.state.session
    reader = present.actor.language

    def verb(session: Any, code: str, moment: Any) -> str | None:
        return api_keys.make_key(session, wish, code, moment)

    try:
        api_keys.check(wish)
        proved = await prove(request, present, typed, known_browser, verb)
    except FieldsRefused as refused:
        return None, {name: error.told(reader) for name, error in refused.fields.items()}
    except ClaimError as error:
        return None, {'': error.told(reader)}
    if proved.outcome is None:
        return None, proved.errors(reader)
    log.info('API key made', user=present.actor.user_id, address=address_of(request))
    return proved.outcome, {}


async def _form(present: SignedIn, wish: Wish, errors: Mapping[str, str] = MappingProxyType({})) -> Response:
    actor = present.actor
    if not actor.may(Can.USE_API):
        return not_found(actor.language)
    page = plain_page(
        'api_key.html',
        actor.language,
        action=HERE,
        name=values.visible(wish.name)[:NAME_LENGTH],
        name_length=NAME_LENGTH,
        terms=[(days, t(_TERMS[days], actor.language), days == (wish.days or USUAL_DAYS)) for days in DAYS],
        asks_code=await ask_as(actor, two_factor.takes_code),
        email=present.email,
        errors=errors,
    )
    return HTMLResponse(page, 400 if errors else 200)


def _made_page(present: SignedIn, wish: Wish, token: str) -> Response:
    page = plain_page(
        'api_key_made.html',
        present.actor.language,
        token=token,
        name=values.text(wish.name, limit=NAME_LENGTH),
        here='/account',
    )
    return HTMLResponse(page, headers={'Cache-Control': 'no-store'})
