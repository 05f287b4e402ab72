"""Programs of our own that open what people send, each in a process under limits: few at a time, and how one ended badly is logged."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db.log import clean
from db.texts import N_, ClaimError

log = logging.getLogger(__name__)

CHILDREN = 2
# so often one that waits for its place asks whether the portal ends, in seconds
_PAUSE = 0.2
_ROOT = Path(__file__).resolve().parent.parent
# what takes long has a place of its own, or an upload would wait for it
_places, _long_place = threading.BoundedSemaphore(CHILDREN), threading.BoundedSemaphore()
# one lock for signals too, which come wherever the main thread is
_lock, _ending = threading.RLock(), threading.Event()
_long: set[subprocess.Popen[bytes]] = set()


class PortalEndsError(ClaimError):
    """What takes long is not begun, or not finished, by a process that is about to end."""

    def __init__(self) -> None:
        """There is one thing to do about it."""
        super().__init__(N_('The portal is being restarted. Please try again in a minute.'))


@dataclass(frozen=True)
class Ended:
    """How a program ended: its return code, or None when its time was over, and what it had told."""

    code: int | None
    told: bytes


def run(arguments: Sequence[str], seconds: float, order: bytes = b'', *, long: bool = False) -> Ended:
    """Run Python with these arguments, once there is a place. What takes `long` gives way to the portal's end: `PortalEndsError`."""
    places = _long_place if long else _places
    while not places.acquire(timeout=_PAUSE):
        if long and _ending.is_set():
            raise PortalEndsError
    try:
        return _run(arguments, seconds, order, long=long)
    finally:
        places.release()


def _run(arguments: Sequence[str], seconds: float, order: bytes, *, long: bool) -> Ended:
    with _begun([sys.executable, *arguments], long=long) as child:
        try:
            told, wrong = child.communicate(order, timeout=seconds)
            code: int | None = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            told, wrong = child.communicate()
            code = None
    if long and _ending.is_set() and code != 0:
        raise PortalEndsError
    if code != 0:
        last = json.dumps(clean(wrong[-300:].decode('utf-8', 'replace'), foreign=True))
        log.warning('%s ended with %s: %s', Path(arguments[1]).name, 'no time left' if code is None else code, last)
    return Ended(code, told)


@contextmanager
def _begun(command: Sequence[str], *, long: bool) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with _lock:
        if long and _ending.is_set():
            raise PortalEndsError
        child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={'PYTHONPATH': str(_ROOT)})  # noqa: S603
        if long:
            _long.add(child)
    try:
        with child:
            yield child
    finally:
        with _lock:
            _long.discard(child)


def begin() -> None:
    """A server begins in this process, maybe after another one."""
    _ending.clear()


def end() -> None:
    """The process is about to end: what takes long ends now, and nothing such begins."""
    with _lock:
        _ending.set()
        for child in _long:
            child.kill()
