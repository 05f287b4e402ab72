"""`/login`, `/forgot`, `/logout`, `/setup/…`, `/account/password`: signing in and out, as plain forms that cost strangers no page."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse, RedirectResponse, Response

from components import guard, sessions
from components.door import Door
from components.live import ask_as
from components.plain import plain_page
from components.proving import (
    Busy,
    Entry,
    Typed,
    address_of,
    entry_of,
    minutes_to_wait,
    note_refused,
    prove,
    slowly,
    wait_text,
)
from components.sessions import ask_sign_in, tell_sign_in
from db import identity, two_factor, values
from db import mail as letters
from db.base import now
from db.identity import NewAdmin, SignedIn
from db.offices import User
from db.scope import Actor
from db.session import open_session
from db.settings import Settings
from db.texts import N_, ClaimError, Told, t
from jobs import mail

Field = Annotated[str, Form()]
log = structlog.get_logger(__name__)


def print_first_link(settings: Settings) -> None:
    """Without an admin: print the link that makes one."""
    with open_session(Actor.system('sign-in')) as session:
        token = identity.first_admin_link(session, now())
    if token is not None:
        sys.stdout.write('\nNobody can sign in yet. Open this link once to become the admin:\n')
        sys.stdout.write(f'  {settings.base_url}/setup/{token}\n\n')
        sys.stdout.flush()


def add_routes(portal: FastAPI, settings: Settings) -> None:
    """Register the forms on the parent app."""
    door = Door(settings)
    portal.add_exception_handler(Busy, _busy)
    _add_sign_in(portal, door)
    _add_forgotten(portal, door)
    _add_sign_out(portal, door)
    _add_setup(portal, door)
    _add_change_of_password(portal, door)


def _add_sign_in(portal: FastAPI, door: Door) -> None:
    page = partial(_sign_in_page, contact=door.contact)

    @portal.get('/login')
    async def sign_in_form(request: Request, next: str = '/', late: str = '') -> Response:
        if request.state.session is not None:
            return RedirectResponse(guard.same_site_path(next), 303)
        notice = None
        if late:
            notice = t('The time for the code has passed. Please sign in again.')
        elif await door.has_run_out(request):
            notice = t('Your sign-in has expired. Please sign in again.')
        return page(next, notice=notice)

    @portal.post('/login')
    async def sign_in(
        request: Request,
        email: Field = '',
        password: Field = '',
        remember: Field = '',
        next: Field = '/',
    ) -> Response:
        entry = await entry_of(request, email, door.known_browser(request))
        typed = {'email': email[:254], 'remember': bool(remember)}
        if wait := await minutes_to_wait(entry):
            sessions.refuse('sign-in braked')
            return page(next, wait_text(wait), 429, **typed)
        right, fresh = await slowly(identity.verify_password, password, entry.password_hash)
        if not right or entry.user_id is None:
            sessions.refuse('sign-in')
            log.warning('sign-in refused', user=entry.user_id, address=address_of(request))
            note_refused(request, entry, email)
            return page(next, t('The e-mail or the password is not right. Please check both.'), 401, **typed)
        return await door.let_in(request, replace(entry, fresh_hash=fresh), next, remember=bool(remember))


def _add_forgotten(portal: FastAPI, door: Door) -> None:
    """Whoever forgot his password asks for a mail; nobody learns from the answer whether an address is known here."""

    @portal.get('/forgot')
    async def forgotten_form() -> Response:
        return _forgotten_page(door)

    @portal.post('/forgot')
    async def forgotten(request: Request, email: Field = '') -> Response:
        moment, email = now(), email[:254]
        if not mail.is_on():
            return _forgotten_page(door)
        tries = identity.forgotten_tries_of(address_of(request), email)
        if wait := await tell_sign_in(identity.take_try, tries, moment):
            sessions.refuse('forgotten braked')
            return _forgotten_page(door, wait_text(wait), 429, email)
        log.info('another password asked for', address=address_of(request))
        page = plain_page(
            'message.html',
            kind='done',
            title=t('Please look at your mail'),
            text=t('If this address is known here, a link to choose another password is on its way to it.'),
            address='/login',
        )
        # after the answer: how long it takes says whether the address is known
        return HTMLResponse(page, background=BackgroundTask(tell_sign_in, letters.queue_reset, email, moment))


def _add_sign_out(portal: FastAPI, door: Door) -> None:
    @portal.post('/logout')
    async def sign_out(request: Request) -> Response:
        present: SignedIn | None = request.state.session
        if present is not None:
            await tell_sign_in(identity.end_session, present.token_hash)
        return door.gone()

    @portal.post('/logout-everywhere')
    async def sign_out_everywhere(request: Request) -> Response:
        present: SignedIn = request.state.session
        await tell_sign_in(identity.end_all_sessions, present.actor.user_id or 0)
        return door.gone()


def _add_setup(portal: FastAPI, door: Door) -> None:
    @portal.get('/setup/{token}')
    async def setup_form(token: str) -> Response:
        invited = await ask_sign_in(_invited, token, now())
        return _no_such_link() if invited is None else _setup_page(token, invited, {})

    @portal.post('/setup/{token}')
    async def setup(
        request: Request,
        token: str,
        name: Field = '',
        email: Field = '',
        password: Field = '',
        password_again: Field = '',
    ) -> Response:
        invited = await ask_sign_in(_invited, token, now())
        if invited is None:
            return _no_such_link()
        if invited.is_first_admin:
            invited = _Invited(is_first_admin=True, name=name, email=email)
        wrong = _wrong_fields(invited, password, password_again)
        if wrong:
            return _setup_page(token, invited, wrong)
        password_hash = await slowly(identity.hash_password, password)
        admin = NewAdmin(name, values.email(email)) if invited.is_first_admin else None
        try:
            user_id = await tell_sign_in(identity.use_link, token, password_hash, now(), admin)
        except ClaimError:
            return _no_such_link()
        log.info('password set by link', user=user_id, address=address_of(request))
        return await door.let_in(request, Entry(user_id, password_hash), '/')


def _add_change_of_password(portal: FastAPI, door: Door) -> None:
    @portal.get('/account/password')
    async def change_form(request: Request) -> Response:
        return await _change_page(request.state.session, {})

    @portal.post('/account/password')
    async def change(
        request: Request,
        current_password: Field = '',
        code: Field = '',
        password: Field = '',
        password_again: Field = '',
    ) -> Response:
        present: SignedIn = request.state.session
        language, user_id = present.actor.language, present.actor.user_id or 0
        wrong = _wrong_fields(_Invited(email=present.email), password, password_again, language)
        if present.must_change and password == current_password:
            wrong.setdefault('password', t('This is your present password. Please choose another one.', language))
        if wrong:
            return await _change_page(present, wrong)
        typed, known = Typed(current_password, code), door.known_browser(request)
        proved = await prove(request, present, typed, known, two_factor.spend_code)
        if proved.outcome is None:
            return await _change_page(present, proved.errors(language), 400 if proved.wrong else 429)
        password_hash = await slowly(identity.hash_password, password)
        await tell_sign_in(_change_password, user_id, password_hash, now())
        log.info('password changed', user=user_id, address=address_of(request))
        answer = RedirectResponse('/account', 303)
        await door.renew(answer, request, present)
        return answer


# ---- what the forms ask the books -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Invited:
    """Who may set a password by a link."""

    is_first_admin: bool = False
    name: str = ''
    email: str = ''


def _invited(session: Any, token: str, moment: datetime) -> _Invited | None:
    link = identity.link_of(session, token, moment)
    if link is None:
        return None
    if link.user_id is None:
        return _Invited(is_first_admin=True)
    user = session.get_one(User, link.user_id)
    return _Invited(name=user.name, email=user.email or '')


def _change_password(session: Any, user_id: int, password_hash: str, moment: datetime) -> None:
    identity.keep_password(session, user_id, password_hash, moment)
    identity.end_all_sessions(session, user_id)


# ---- the pages --------------------------------------------------------------------------------------------------------------


def _sign_in_page(target: str, error: str | None = None, status: int = 200, **typed: Any) -> Response:
    hidden = {'next': guard.same_site_path(target)}
    headers = {'Retry-After': '60'} if status == 429 else None
    return HTMLResponse(
        plain_page('sign_in.html', hidden=hidden, error=error, mails=mail.is_on(), **typed), status, headers
    )


def _forgotten_page(door: Door, error: str | None = None, status: int = 200, email: str = '') -> Response:
    page = plain_page('forgotten.html', error=error, email=email, mails=mail.is_on(), contact=door.contact)
    return HTMLResponse(page, status)


def _wrong_fields(invited: _Invited, password: str, again: str, language: str = 'he') -> dict[str, str]:
    wrong: dict[str, str] = {}
    checks: dict[str, Callable[[], object]] = {'password': lambda: identity.check_password(password, invited.email)}
    if invited.is_first_admin:
        checks |= {'name': lambda: _check_name(invited.name), 'email': lambda: values.email(invited.email)}
    for name, check in checks.items():
        try:
            check()
        except (Told, values.Malformed) as error:
            wrong[name] = error.told(language)
    if password != again and 'password' not in wrong:
        wrong['password_again'] = t('The two passwords are not the same.', language)
    return wrong


def _check_name(name: str) -> None:
    if not values.text(name, limit=80):
        raise ClaimError(N_('Please fill in the name.'))


def _setup_page(token: str, invited: _Invited, errors: dict[str, str]) -> Response:
    first = invited.is_first_admin
    page = plain_page(
        'set_password.html',
        title=t('Set up Maakav') if first else t('Choose a password'),
        lead=t('You become the first administrator.') if first else t('Hello, {name}', name=invited.name),
        action=f'/setup/{token}',
        min_length=identity.MIN_LENGTH,
        asks_name=first,
        asks_email=first,
        name=invited.name,
        email=invited.email,
        errors=errors,
    )
    return HTMLResponse(page, 400 if errors else 200)


async def _change_page(present: SignedIn, errors: dict[str, str], status: int = 400) -> Response:
    language = present.actor.language
    page = plain_page(
        'set_password.html',
        language,
        title=t('Change password', language),
        lead=(
            t('The bureau asks you to choose a new password before you go on.', language)
            if present.must_change
            else t('You will be signed out on your other devices.', language)
        ),
        action='/account/password',
        min_length=identity.MIN_LENGTH,
        asks_current=True,
        asks_code=await ask_as(present.actor, two_factor.takes_code),
        email=present.email,
        errors=errors,
    )
    return HTMLResponse(page, status if errors else 200)


async def _busy(_: Request, __: Exception) -> Response:
    page = plain_page(
        'message.html',
        title=t('Many people are signing in right now'),
        text=t('Please try again in a minute.'),
        address='/login',
    )
    return HTMLResponse(page, 503, {'Retry-After': '30'})


def _no_such_link() -> Response:
    page = plain_page(
        'message.html',
        title=t('This link is no longer valid'),
        text=t('It has been used or its time has passed. Please ask for a new one.'),
        kind='error',
        address='/login',
    )
    return HTMLResponse(page, 410)
