"""The timetable: what happens without a click, each a plain function that may run twice."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as clock

from apscheduler.schedulers.background import BackgroundScheduler

from db import values
from db.base import now
from db.calendar import DAY
from db.session import fetch, open_session
from db.timetable import JobRun, has_late_jobs, heartbeats, is_night, note_end, note_start, set_timetable
from jobs import backup
from jobs.access_seals import seal_access_log
from jobs.aftermath import follow_edits
from jobs.backup import back_up, back_up_changes
from jobs.bulk_orders import carry_out_orders, clear_orders
from jobs.changes import alert_all, clear_accesses, clear_alerts, clear_rings
from jobs.cheques import sweep_cheques
from jobs.desk import follow_claims, remind_of_tasks, sweep_desk
from jobs.exports import clear_exports, make_exports, release_exports
from jobs.import_work import forget_imports, release_imports
from jobs.mail import clear_mails, send_mails
from jobs.orphans import sweep_files
from jobs.previews import draw_waiting
from jobs.record_seals import seal_changes
from jobs.trash import empty_trash
from jobs.turns import ACTOR, Turn

log = logging.getLogger(__name__)
Job = Callable[[], object]
# backups that come once a day or more seldom come at this hour, when nobody works, and up to so many hours sooner than their pause
QUIET, DAILY, SOONER = clock(2), 24, 12
# so often a process asks whose turn it is, in seconds
PAUSE = 5.0
# so long a process that ends waits for jobs under way, in seconds: SIGTERM gives it five for everything
PATIENCE_SECONDS = 1.0


# (job, trigger, its arguments); nothing between 00:00 and 03:59 local time, when clocks change
TIMETABLE: tuple[tuple[Job, str, dict[str, int]], ...] = (
    (alert_all, 'interval', {'minutes': 1}),
    (follow_edits, 'interval', {'minutes': 1}),
    (sweep_cheques, 'interval', {'minutes': 1}),
    (release_imports, 'interval', {'minutes': 1}),
    (release_exports, 'interval', {'minutes': 1}),
    (make_exports, 'interval', {'minutes': 1}),
    (send_mails, 'interval', {'minutes': 1}),
    (carry_out_orders, 'interval', {'minutes': 1}),
    (follow_claims, 'interval', {'minutes': 1}),
    (seal_changes, 'interval', {'minutes': 1}),
    (seal_access_log, 'interval', {'minutes': 1}),
    (remind_of_tasks, 'interval', {'minutes': 10}),
    (draw_waiting, 'interval', {'minutes': 10}),
    (sweep_files, 'interval', {'hours': 1}),
    (forget_imports, 'interval', {'hours': 1}),
    (clear_exports, 'interval', {'hours': 1}),
    (clear_rings, 'interval', {'hours': 1}),
    (clear_mails, 'interval', {'hours': 6}),
    (clear_alerts, 'interval', {'hours': 6}),
    (clear_accesses, 'interval', {'hours': 6}),
    (clear_orders, 'interval', {'hours': 6}),
    (empty_trash, 'interval', {'hours': 6}),
    (sweep_desk, 'interval', {'hours': 12}),
)
# what became due while nobody looked is caught up with as soon as the app runs
AT_ONCE: frozenset[Job] = frozenset({sweep_cheques, remind_of_tasks, release_exports, clear_exports})
# what follows what people did just now, and asks no calendar, also runs at night; and the backups, of which the whole one is best made then
AT_NIGHT: frozenset[Job] = frozenset(
    {
        *(alert_all, follow_edits, release_imports, release_exports, make_exports, carry_out_orders, follow_claims),
        *(seal_changes, seal_access_log, send_mails, draw_waiting, back_up, back_up_changes),
    }
)


def timetable() -> tuple[tuple[Job, str, dict[str, int]], ...]:
    """The jobs of this installation: backups are one when it wishes for them."""
    own = ((back_up_changes, {'minutes': backup.minutes()}), (back_up, {'hours': backup.hours()}))
    return (*TIMETABLE, *((job, 'interval', pause) for job, pause in own if any(pause.values())))


def perform(job: Job) -> None:
    """Run a job and write down how it went; what fails is logged under a number and tried again at its next turn."""
    name, moment, begun = job.__name__, now(), time.monotonic()
    if is_night(moment) and job not in AT_NIGHT:
        return
    with open_session(ACTOR) as session:
        note_start(session, name, moment)
    error = ''
    try:
        job()
    except Exception:  # the thread runs the other jobs too, and the number stands in the administration
        error = secrets.token_hex(4)
        log.exception('error %s: the job %s failed; it is tried again at its next turn', error, name)
    with open_session(ACTOR) as session:
        note_end(session, name, now(), round(1000 * (time.monotonic() - begun)), error)


class Timetable:
    """The jobs of one process. They rest until it is its turn, and while it is another's."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._turn, self._running, self._looked_at = Turn('timetable'), False, now()
        self._at_work, self._changed, self._ended = 0, threading.Condition(), False
        self._scheduler = BackgroundScheduler(
            timezone='Asia/Jerusalem', job_defaults={'misfire_grace_time': None, 'coalesce': True, 'max_instances': 1}
        )
        for job, trigger, arguments in timetable():
            self._scheduler.add_job(self._perform, trigger, [job], id=job.__name__, **arguments)
        self._scheduler.start(paused=True)

    def look(self) -> None:
        """Begin when it has become this process's turn, and rest when it no longer is, or nobody knows."""
        try:
            mine = self._turn.look()
            # whatever was planned by a clock that has been set back would rest until it shows that time again
            set_back, self._looked_at = now() < self._looked_at, now()
            if mine and (set_back or not self._running):
                self._catch_up()
                self._scheduler.resume()
        except Exception:  # a thread that ended here would end every job until the next start
            log.exception('could not ask whose turn the timetable is; trying again')
            mine = False
        if self._running and not mine:
            self._scheduler.pause()
        self._running = mine

    def end(self) -> None:
        """Stop for good, give what is under way a moment to come to its end, and let another process begin at once."""
        self._scheduler.shutdown(wait=False)
        with self._changed:
            self._ended = True
            if not self._changed.wait_for(lambda: not self._at_work, PATIENCE_SECONDS):
                log.warning('%s jobs are still under way', self._at_work)
        if self._turn.is_mine():
            self._turn.give_back()

    def _perform(self, job: Job) -> None:
        with self._changed:
            if self._ended or not self._turn.is_mine() or _resting.is_set():
                return
            self._at_work += 1
        try:
            self._do(job)
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _do(self, job: Job) -> None:
        perform(job)
        if job is back_up and backup.hours() >= DAILY and not self._ended:
            self._scheduler.modify_job(job.__name__, next_run_time=next_night(now(), backup.hours()))

    def _catch_up(self) -> None:
        """What was due while no process ran it comes now, everything else after its pause."""
        moment, pauses = now(), {job: timedelta(**arguments) for job, _, arguments in timetable()}
        jobs = {job.__name__: (every, job in AT_NIGHT) for job, every in pauses.items()}
        with open_session(ACTOR) as session:
            set_timetable(session, jobs, moment)
            runs = {run.name: run for run in fetch(session, heartbeats())}
        for job, every in pauses.items():
            run = runs[job.__name__]
            soon = moment if job in AT_ONCE else _next_time(moment, run.ended_at or run.known_since, every)
            if job is back_up:
                soon = _next_backup(moment, run, backup.hours())
            self._scheduler.modify_job(job.__name__, next_run_time=soon)


def _next_time(moment: datetime, last: datetime, every: timedelta) -> datetime:
    # also when a clock was set back nothing waits longer than its pause
    return max(moment, min(last, moment) + every)


def _next_backup(moment: datetime, run: JobRun, hours: int) -> datetime:
    """Once a day and more seldom: at night, or at once when a night was missed; the first one of all in the first night."""
    last = min(run.ended_at or run.known_since, moment)
    if hours < DAILY:
        return _next_time(moment, last, timedelta(hours=hours))
    return max(moment, next_night(last, hours if run.ended_at else SOONER))


def next_night(last: datetime, hours: int) -> datetime:
    """The hour of the night that is about so many hours after the last time."""
    earliest = last + timedelta(hours=hours - SOONER)
    day = values.israel(earliest).date()
    nights = (datetime.combine(day + n * DAY, QUIET, tzinfo=values.ISRAEL) for n in (0, 1))
    return next(night for night in nights if night >= earliest)


def is_on_time() -> bool:
    """Whether every job has done its work, in this process or another."""
    with open_session(ACTOR, reading=True) as session:
        return not has_late_jobs(session, now())


_resting = threading.Event()


def rest() -> None:
    """Begin no job any more: the process is about to end."""
    _resting.set()


def start() -> Callable[[], None]:
    """Run the timetable in the background for as long as the app does; returns the way out."""
    _resting.clear()
    timetable, leaving = Timetable(), threading.Event()

    def follow() -> None:
        timetable.look()
        while not leaving.wait(PAUSE):
            timetable.look()

    thread = threading.Thread(target=follow, name='timetable', daemon=True)
    thread.start()

    def stop() -> None:
        leaving.set()
        thread.join(timeout=PAUSE)
        timetable.end()

    return stop
