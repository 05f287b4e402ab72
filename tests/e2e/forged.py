"""Server processes that begin with the portal imported: from `forge.py`, which each worker of the tests starts once."""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from select import POLLIN, poll


class Forged:
    """A process that came from the forge, to be asked like a `Popen`. It is not our child: a file of the kernel's stands for it."""

    def __init__(self, pid: int) -> None:
        """`pid` runs."""
        self.pid = pid
        self.file = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None as long as it runs."""
        return 0 if self._ends_within(0) else None

    def wait(self, timeout: float) -> None:
        """Until it has ended."""
        if not self._ends_within(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)

    def _ends_within(self, seconds: float) -> bool:
        waiting = poll()
        waiting.register(self.file, POLLIN)
        return bool(waiting.poll(seconds * 1000))

    def send_signal(self, number: int) -> None:
        """To this very process, if it is still there."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.file, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def forged(environment: dict[str, str], log: Path) -> Iterator[Forged]:
    """The portal with these settings, writing into this log."""
    forge = _forge()
    assert forge.stdin
    assert forge.stdout
    forge.stdin.write(json.dumps({'environment': environment, 'log': str(log)}) + '\n')
    forge.stdin.flush()
    child = Forged(int(forge.stdout.readline()))
    try:
        yield child
    finally:
        child.kill()  # to leave in order takes seconds, and is a story of its own
        child.wait(10)
        os.close(child.file)


@cache
def _forge() -> subprocess.Popen[str]:
    forge = subprocess.Popen(
        [sys.executable, '-m', 'tests.e2e.forge'],
        env={**untested_environment(), 'OPENBLAS_NUM_THREADS': '1'},  # what has one thread is forked without harm
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(forge.communicate)
    return forge


def untested_environment() -> dict[str, str]:
    """Ours, without what makes NiceGUI behave as in a test."""
    return {key: value for key, value in os.environ.items() if not key.startswith(('PYTEST_', 'NICEGUI_'))}
