"""Looking at a password or code somebody typed: braked before it is looked at, in a thread of its own, and never many at once."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, ParamSpec, TypeVar

import structlog
from fastapi import Request

from components import accesses, sessions
from components.accesses import Seen
from components.live import ask_as, work_as
from components.sessions import ask_sign_in, tell_sign_in
from db import identity, meters, two_factor, values
from db.access_log import SIGN_IN
from db.base import now
from db.identity import SignedIn
from db.offices import User
from db.texts import N_, t, tn

P = ParamSpec('P')
T = TypeVar('T')
log = structlog.get_logger(__name__)

# each hash takes 46 MiB and a twelfth of a second: two at a time, and a queue that ends
_hashing = ThreadPoolExecutor(2, thread_name_prefix='hash')
_HASHES_WAITING_LIMIT = 20
_hashes_waiting = 0
WRONG_CODE = N_('The code is not right, or was used before. Please try another one.')


class Busy(Exception):  # noqa: N818 - said like a verdict
    """Too many passwords wait to be looked at."""


@dataclass(frozen=True)
class Entry:
    """Somebody at the door: whose account he names, whether he may try now, and whether the code of the second step was right.

    `earlier_tries` are those of the steps before; they are forgotten with these when he gets in. `fresh_hash` is a hash of today's
    making of the password that was right, when the one that is kept is of an older.
    """

    user_id: int | None
    password_hash: str | None
    tries: Mapping[str, tuple[int, timedelta]] = field(default_factory=dict)
    minutes_to_wait: int = 0
    browser_known: bool = False
    both_steps: bool = False
    earlier_tries: Mapping[str, tuple[int, timedelta]] = field(default_factory=dict)
    fresh_hash: str | None = None


async def entry_of(request: Request, email: str, browser_token: str) -> Entry:
    """Who is at the door; `browser_token` is by what we know his browser again."""
    return await ask_sign_in(_entry, address_of(request), email, browser_token, now())


def _entry(session: Any, address: str, email: str, browser_token: str, moment: datetime) -> Entry:
    user_id, password_hash = identity.account_of(session, email)
    known = bool(browser_token) and identity.knows_browser(session, browser_token, user_id, moment)
    tries = identity.tries_of(address, email, identity.hash_of(browser_token) if known else None)
    wait = identity.minutes_to_wait(session, tries, moment)
    return Entry(user_id, password_hash, tries, wait, known)


async def entry_of_code(request: Request, present: SignedIn, browser_token: str) -> Entry:
    """Somebody who is signed in and types a code once more."""
    return await ask_sign_in(_entry_of_code, address_of(request), present.actor.user_id or 0, browser_token, now())


async def entry_of_half(request: Request, half_token: str, browser_token: str) -> Entry | None:
    """Who has typed his password and is about to type a code; None when that was too long ago."""
    if not half_token:
        return None
    return await ask_sign_in(_entry_of_half, address_of(request), half_token, browser_token, now())


def _entry_of_half(session: Any, address: str, half_token: str, browser_token: str, moment: datetime) -> Entry | None:
    half = identity.half_of(session, half_token, moment)
    return _entry_of_code(session, address, half.user_id or 0, browser_token, moment) if half is not None else None


def _entry_of_code(session: Any, address: str, user_id: int, browser_token: str, moment: datetime) -> Entry:
    email = session.get_one(User, user_id).email or ''
    known = bool(browser_token) and identity.knows_browser(session, browser_token, user_id, moment)
    browser = identity.hash_of(browser_token) if known else None
    tries = identity.code_tries_of(address, user_id, browser)
    earlier = identity.tries_of(address, email, browser)
    wait = identity.minutes_to_wait(session, tries, moment)
    return Entry(user_id, None, tries, wait, known, both_steps=True, earlier_tries=earlier)


async def minutes_to_wait(entry: Entry) -> int:
    """How many minutes the one at the door has to wait; 0 when he may try now, and then it is counted already."""
    return entry.minutes_to_wait or await tell_sign_in(identity.take_try, entry.tries, now())


def wait_text(minutes: int, language: str = 'he') -> str:
    """What to tell whoever has to wait."""
    return tn(
        'There were too many tries. Please try again in a minute.',
        'There were too many tries. Please try again in {n} minutes.',
        max(minutes, 1),
        language,
    )


async def slowly(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make or check a hash off the loop; raises `Busy` when too many wait."""
    global _hashes_waiting  # noqa: PLW0603 - one queue for the process
    if _hashes_waiting >= _HASHES_WAITING_LIMIT:
        sessions.refuse('too many hashes')
        raise Busy
    _hashes_waiting += 1
    meters.hashes_waiting.set(_hashes_waiting)
    try:
        return await asyncio.get_running_loop().run_in_executor(_hashing, lambda: call(*args, **kwargs))
    finally:
        _hashes_waiting -= 1
        meters.hashes_waiting.set(_hashes_waiting)


@dataclass(frozen=True)
class Typed:
    """With what somebody who is signed in proves again who he is; a code only where he signs in in two steps."""

    password: str
    code: str = ''


class Wrong(StrEnum):
    """What was not right."""

    PASSWORD = 'password'  # noqa: S105 - the name of a field
    CODE = 'code'


@dataclass(frozen=True)
class Proved(Generic[T]):
    """What came of it: the outcome of what was to be done, or how many minutes to wait, or what was wrong."""

    outcome: T | None = None
    minutes: int = 0
    wrong: Wrong | None = None

    def told(self, language: str) -> str:
        """Why nothing was done, in words."""
        if self.minutes:
            return wait_text(self.minutes, language)
        if self.wrong is Wrong.PASSWORD:
            return t('This is not your present password.', language)
        return t(WRONG_CODE, language)

    def errors(self, language: str) -> dict[str, str]:
        """The same beside the field of a plain form that was not right; '' is the whole form."""
        field = {Wrong.PASSWORD: 'current_password', Wrong.CODE: 'code', None: ''}[self.wrong]
        return {field: self.told(language)}


async def prove(
    request: Request,
    present: SignedIn,
    typed: Typed,
    browser_token: str,
    verb: Callable[[Any, str, datetime], T | None],
) -> Proved[T]:
    """Somebody who is signed in proves again who he is, by all that a sign-in takes, and as such tries; then `verb` is done.

    `verb` takes the code and does nothing (returns nothing) when that is wrong. A browser we know is braked by itself, and excused from nothing.
    A right password takes its tries back whatever comes after; those of the code stay when `verb` refuses, for it may not have looked at the code.
    """
    takes_code = await ask_as(present.actor, two_factor.takes_code)
    of_code = await entry_of_code(request, present, browser_token) if takes_code else None
    if of_code is not None and of_code.minutes_to_wait:
        return _refused('code braked', request, of_code, minutes=of_code.minutes_to_wait)
    entry = await entry_of(request, present.email, browser_token)
    if minutes := await minutes_to_wait(entry):
        return _refused('sign-in braked', request, entry, minutes=minutes)
    right, _ = await slowly(identity.verify_password, typed.password, entry.password_hash)
    if not right or entry.user_id is None or entry.user_id != present.actor.user_id:
        return _refused('sign-in', request, entry, wrong=Wrong.PASSWORD)
    await tell_sign_in(identity.forget_tries, entry.tries)
    return await _then(request, present, typed, of_code, verb)


async def _then(
    request: Request,
    present: SignedIn,
    typed: Typed,
    of_code: Entry | None,
    verb: Callable[[Any, str, datetime], T | None],
) -> Proved[T]:
    """The password was right: the code's turn, where one is due, and what was to be done."""
    if of_code is not None and (minutes := await minutes_to_wait(of_code)):
        return _refused('code braked', request, of_code, minutes=minutes)
    outcome = await work_as(present.actor, verb, typed.code, now())
    if not outcome:
        return _refused('code', request, of_code, wrong=Wrong.CODE)
    if of_code is not None:
        await tell_sign_in(identity.forget_tries, of_code.tries)
    return Proved(outcome)


def _refused(
    why: str, request: Request, entry: Entry | None, *, minutes: int = 0, wrong: Wrong | None = None
) -> Proved[Any]:
    sessions.refuse(why)
    log.warning('proof refused', why=why, user=entry and entry.user_id, address=address_of(request))
    return Proved(minutes=minutes, wrong=wrong)


def note_refused(request: Request, entry: Entry, typed: str = '') -> None:
    """Have the log of access say that somebody was not let in. Of what was `typed` it keeps a mail address only: some type a password there."""
    try:
        told = '' if entry.user_id else values.email(typed) or ''
    except values.Malformed:
        told = ''
    accesses.note(entry.user_id, Seen(SIGN_IN, told, address=address_of(request), granted=False))


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client is not None else ''
