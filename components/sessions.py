"""Who is signed in: the sessions behind the cookies, looked up off the loop and believed for one second at most."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from db import api_keys, identity, looking
from db.base import now
from db.identity import SignedIn
from db.scope import Actor
from db.session import open_session

P = ParamSpec('P')
T = TypeVar('T')
log = logging.getLogger(__name__)

BELIEVED_SECONDS = 1.0
REMEMBERED_AT_MOST = 20_000  # tokens of strangers count too; beyond it we just look again

refused: Counter[str] = Counter()  # by reason, for the metrics

_SIGN_IN = Actor.system('sign-in')
# apart from each other and from the pages' threads: looking up waits for no writer, and nobody's click waits for a sign-in
_reads = ThreadPoolExecutor(4, thread_name_prefix='session-read')
_writes = ThreadPoolExecutor(2, thread_name_prefix='session-write')

_known: dict[str, tuple[float, asyncio.Future[SignedIn | None]]] = {}
_in_use: set[str] = set()
_keys_in_use: set[str] = set()
_idle = identity.IDLE


def refuse(why: str) -> None:
    """Count something that was turned away."""
    refused[why] += 1


def idle() -> timedelta:
    """How long a session may lie idle here."""
    return _idle


def configure(idle: timedelta) -> None:
    """Start anew with these terms."""
    global _idle  # noqa: PLW0603 - one installation, one rule
    _idle = idle
    forget()
    _in_use.clear()
    _keys_in_use.clear()


async def ask_sign_in(question: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the sign-in's books a question, as the product."""
    return await _run(_reads, True, partial(question, **kwargs), *args)


async def tell_sign_in(verb: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Write in the sign-in's books, as the product, in one transaction."""
    return await _run(_writes, False, partial(verb, **kwargs), *args)


async def _run(pool: ThreadPoolExecutor, reading: bool, call: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, _in_session, reading, call, *args)


def _in_session(reading: bool, call: Callable[..., T], *args: Any) -> T:
    with open_session(_SIGN_IN, reading=reading) as session:
        return call(session, *args)


async def find(token_hash: str) -> SignedIn | None:
    """The session of a token as it was at most a second ago. Many who ask at once cost one look."""
    moment, looking = _known.get(token_hash, (0.0, None))
    if looking is None or time.monotonic() - moment > BELIEVED_SECONDS:
        if len(_known) >= REMEMBERED_AT_MOST:
            _known.clear()
        looking = asyncio.ensure_future(ask_sign_in(identity.session_of, token_hash, now(), _idle))
        _known[token_hash] = (time.monotonic(), looking)
    return await asyncio.shield(looking)  # who asked may leave; others wait for the same answer


async def find_afresh(token_hashes: Collection[str]) -> dict[str, SignedIn]:
    """Those of the sessions that are valid at this moment."""
    return await ask_sign_in(identity.signed_in, token_hashes, now(), _idle) if token_hashes else {}


async def has_run_out(token_hash: str) -> bool:
    """Whether this token's session ended by itself."""
    return await ask_sign_in(identity.has_run_out, token_hash, now(), _idle)


def forget() -> None:
    """Somebody's standing changed: believe nothing that was looked up before."""
    _known.clear()


def in_use(token_hash: str) -> None:
    """Its person just did something; written down once in a while for all together."""
    _in_use.add(token_hash)


def key_in_use(key_id: str) -> None:
    """Somebody just read something by this API key; written down with the sessions."""
    _keys_in_use.add(key_id)


async def write_down_use() -> None:
    """Keep the sessions that were in use since the last time from going idle, and when each API key was used last."""
    used, keys, moment = sorted(_in_use), sorted(_keys_in_use), now()
    _in_use.clear()
    _keys_in_use.clear()
    if used:
        await tell_sign_in(identity.touch_sessions, used, moment)
    if keys:
        await tell_sign_in(api_keys.note_key_use, keys, moment)


async def end_looks() -> None:
    """Whoever looked as an agent for as long as he may looks no longer, and the log of access says so."""
    if await ask_sign_in(looking.anybody_looks):
        await tell_sign_in(looking.end_looks_run_out, now())


async def tidy_up() -> None:
    """Throw away what no longer counts."""
    await tell_sign_in(identity.sweep_identity, now(), _idle)
