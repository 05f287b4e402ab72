"""Looking at a password somebody typed: braked before it is looked at, in a thread of its own, and never many at once."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from fastapi import Request

from components import sessions
from components.sessions import ask_sign_in, tell_sign_in
from db import identity, meters
from db.base import now
from db.identity import SignedIn
from db.offices import User
from db.texts import tn

P = ParamSpec('P')
T = TypeVar('T')

# each hash takes 46 MiB and a twelfth of a second: two at a time, and a queue that ends
_hashing = ThreadPoolExecutor(2, thread_name_prefix='hash')
_HASHES_WAITING_LIMIT = 20
_hashes_waiting = 0


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
class Proved:
    """What came of a password typed again: a token that says so for one thing, or how long to wait, or neither: it was wrong."""

    token: str = ''
    minutes: int = 0


async def prove(request: Request, present: SignedIn, password: str, browser_token: str) -> Proved:
    """Somebody who is signed in types his password again; it counts as a try like any other."""
    entry = await entry_of(request, present.email, browser_token)
    if minutes := await minutes_to_wait(entry):
        sessions.refuse('sign-in braked')
        return Proved(minutes=minutes)
    right, _ = await slowly(identity.verify_password, password, entry.password_hash)
    if not right or entry.user_id is None or entry.user_id != present.actor.user_id:
        sessions.refuse('sign-in')
        return Proved()
    return Proved(token=await tell_sign_in(_proved, entry, now()))


def _proved(session: Any, entry: Entry, moment: datetime) -> str:
    assert entry.user_id is not None
    identity.forget_tries(session, entry.tries)
    return identity.make_proof(session, entry.user_id, moment)


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client is not None else ''
