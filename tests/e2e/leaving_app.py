"""The portal, with a job and programs that take for ever: to see it leave all the same."""

import threading
from collections.abc import Sequence
from typing import Any

import app
from jobs import children, schedule

run = children.run


def dawdle() -> None:
    """A job that does not come to its end."""
    threading.Event().wait(600)


def doze(_: Sequence[str], *rest: Any, **how: Any) -> children.Ended:
    """A program that does not come to its end."""
    return run(['-c', 'import time; print("{}", flush=True); time.sleep(600)'], *rest, **how)


if __name__ == '__main__':
    schedule.TIMETABLE = ((dawdle, 'interval', {'minutes': 1}),)
    schedule.AT_ONCE = schedule.AT_NIGHT = frozenset({dawdle})
    children.run = doze  # type: ignore[assignment]
    app.main()
