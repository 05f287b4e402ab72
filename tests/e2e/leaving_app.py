"""The portal, with a job that takes for ever: to see it leave all the same."""

import threading

import app
from jobs import schedule


def dawdle() -> None:
    """A job that does not come to its end."""
    threading.Event().wait(600)


if __name__ == '__main__':
    schedule.TIMETABLE = ((dawdle, 'interval', {'minutes': 1}),)
    schedule.AT_ONCE = schedule.AT_NIGHT = frozenset({dawdle})
    app.main()
