"""Letting somebody in: his cookies, the half of a sign-in that still waits for a code, and the session in the end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from components import accesses, guard, sessions
from components.accesses import Seen
from components.proving import Entry, address_of
from components.sessions import tell_sign_in
from db import identity, two_factor
from db.access_log import SIGN_IN
from db.base import now
from db.identity import Browser, SignedIn
from db.settings import Settings

log = structlog.get_logger(__name__)

CODE_PAGE = '/login/code'


@dataclass(frozen=True)
class _Admitted:
    """The tokens for the cookies of whoever is in, or of whoever still has to type a code."""

    session: str = ''
    known_browser: str = ''
    half: str = ''


class Door:
    """The way in of this installation, and what a browser carries to be known: its session, its half of one, its own mark."""

    def __init__(self, settings: Settings) -> None:
        """`settings` say how long a session lasts and whether cookies travel over TLS only."""
        self.longest = timedelta(days=settings.session_max_days)
        self.password_lasts = timedelta(days=settings.password_max_age_days)
        self.secure = settings.secure_cookies
        self.contact = settings.help_contact  # of who cannot get in
        self.session, self.browser, self.half = (
            guard.cookie_name(self.secure, name) for name in ('sid', 'browser', 'half')
        )

    def known_browser(self, request: Request) -> str:
        """By what we know the browser again."""
        return request.cookies.get(self.browser, '')[:100]

    async def has_run_out(self, request: Request) -> bool:
        """Whether the browser's session ended by itself: nobody signed out, and nobody shut the person out."""
        token = request.cookies.get(self.session, '')[:100]
        return bool(token) and await sessions.has_run_out(identity.hash_of(token))

    def half_of(self, request: Request) -> str:
        """The token of a password that was right a moment ago."""
        return request.cookies.get(self.half, '')[:100]

    async def let_in(self, request: Request, entry: Entry, target: str, *, remember: bool = False) -> Response:
        """Send somebody who has proved himself on to where he wanted; to the page for his code first, when that is still due."""
        moment, present = now(), request.state.session
        browser = _browser_of(request, remember=remember)
        ended = present.token_hash if present is not None else None
        admitted = await tell_sign_in(self._admit, entry, browser, ended, moment)
        if not (admitted.half or admitted.session):
            return RedirectResponse('/login', 303)
        if admitted.half:
            log.info('password right, code asked', user=entry.user_id, address=browser.address)
            answer = RedirectResponse(code_page(target, remember=remember), 303)
            self._set(answer, self.half, admitted.half, identity.HALF_FOR)
            return answer
        log.info('signed in', user=entry.user_id, address=browser.address)
        accesses.note(entry.user_id, Seen(SIGN_IN, address=browser.address))
        answer = RedirectResponse(guard.same_site_path(target), 303)
        self._hand_over(answer, admitted.session, remember=remember)
        self._know(answer, admitted.known_browser)
        if entry.both_steps:
            self._take_away(answer, self.half)
        return answer

    async def renew(self, answer: Response, request: Request, present: SignedIn) -> None:
        """Let somebody go on in a new session, when all of his have just ended."""
        entry = Entry(present.actor.user_id, None, both_steps=True)
        browser = _browser_of(request, remember=present.remembered)
        admitted = await tell_sign_in(self._admit, entry, browser, None, now())
        self._hand_over(answer, admitted.session, remember=present.remembered)
        self._know(answer, admitted.known_browser)

    def gone(self) -> Response:
        """The answer to signing out."""
        sessions.forget()
        answer = RedirectResponse('/login', 303)
        self._take_away(answer, self.session)
        return answer

    def _admit(self, session: Any, entry: Entry, browser: Browser, ended: str | None, moment: datetime) -> _Admitted:
        """Start a session and end the one this browser had, unless a second step is due: then half a sign-in is all there is.

        Nothing at all for somebody whose password was changed since it was looked at.
        """
        user_id = entry.user_id
        assert user_id is not None
        kept, fresh = entry.password_hash, entry.fresh_hash
        if not (entry.both_steps or identity.is_still_password(session, user_id, kept, fresh)):
            return _Admitted()
        if not entry.both_steps and two_factor.is_on(session, user_id):
            return _Admitted(half=identity.make_link(session, identity.HALF, user_id, moment, hours=1))
        for tries in (entry.tries, entry.earlier_tries):
            identity.forget_tries(session, tries)
        if ended is not None:
            identity.end_session(session, ended)
        identity.demand_another_if_old(session, user_id, self.password_lasts, moment)
        must_set_up = two_factor.must_set_up(session, user_id)
        token = identity.start_session(session, user_id, browser, moment, self.longest, must_set_up=must_set_up)
        if entry.browser_known:
            return _Admitted(token)
        hours = 24 * identity.KNOWN_BROWSER_DAYS
        return _Admitted(token, identity.make_link(session, identity.KNOWN_BROWSER, user_id, moment, hours))

    def _hand_over(self, answer: Response, token: str, *, remember: bool) -> None:
        self._set(answer, self.session, token, self.longest if remember else None)
        sessions.forget()

    def _know(self, answer: Response, token: str) -> None:
        if token:
            self._set(answer, self.browser, token, timedelta(days=identity.KNOWN_BROWSER_DAYS))

    def _set(self, answer: Response, name: str, value: str, lasts: timedelta | None) -> None:
        seconds = int(lasts.total_seconds()) if lasts is not None else None
        answer.set_cookie(name, value, seconds, path='/', secure=self.secure, httponly=True, samesite='lax')

    def _take_away(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path='/', secure=self.secure, httponly=True, samesite='lax')


def code_page(target: str, *, remember: bool, recovery: bool = False) -> str:
    """The address of the page for a code; what was wanted before goes along."""
    asked = {'next': guard.same_site_path(target)}
    asked |= {name: '1' for name, wanted in (('remember', remember), ('recovery', recovery)) if wanted}
    return f'{CODE_PAGE}?{urlencode(asked)}'


def _browser_of(request: Request, *, remember: bool) -> Browser:
    return Browser(address_of(request), request.headers.get('user-agent', ''), remember)
