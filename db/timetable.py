"""The timetable's books: which process runs it, and when each job last did its work.

No wall clock decides whose turn it is: the holder of a lease counts it on, and whoever sees the same count for long enough, by
a clock of his own that only runs forward, takes it over. So clocks may stand hours apart, or be set while the product runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.base import Base, BigKey, take_turns
from db.scope import Books, Can, open_books

# clocks change in these hours of Israel's night: an hour is missing in spring and comes twice in autumn
NIGHT_ENDS = time(4)
# so much later than its pause a job may be before anybody is called
PATIENCE = timedelta(minutes=10)


class Lease(Books, Base):
    """A piece of work for one process at a time: who has it, and how often it was taken or renewed."""

    __tablename__ = 'leases'

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(default='')
    beat: Mapped[int] = mapped_column(BigKey, default=0)


class JobRun(Books, Base):
    """The heartbeat of a job: its pause, its last start, its last good end, and how it failed since then."""

    __tablename__ = 'job_runs'

    name: Mapped[str] = mapped_column(primary_key=True)
    every_seconds: Mapped[int]
    at_night: Mapped[bool]
    known_since: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    took_ms: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    # the number of its last error in the log
    error: Mapped[str] = mapped_column(default='')
    fails: Mapped[int] = mapped_column(default=0)

    @property
    def every(self) -> timedelta:
        """The pause between two runs."""
        return timedelta(seconds=self.every_seconds)

    def is_late(self, moment: datetime) -> bool:
        """Whether it has done no good work for much longer than its pause; a night in which it rests does not count."""
        begun = self.ended_at or self.known_since
        if not self.at_night:
            if is_night(moment):
                return False
            begun = max(begun, _morning_of(moment))
        return moment - begun > 2 * self.every + PATIENCE


@dataclass(frozen=True)
class Beat:
    """How a lease stands: it is alive as long as this changes."""

    holder: str
    number: int


FREE = Beat('', 0)


def is_night(moment: datetime) -> bool:
    """Whether clocks may change at this moment: from midnight to four in Israel nothing runs of itself."""
    return values.israel(moment).time() < NIGHT_ENDS


def _morning_of(moment: datetime) -> datetime:
    return datetime.combine(values.israel(moment).date(), NIGHT_ENDS, tzinfo=values.ISRAEL)


# ---- questions --------------------------------------------------------------------------------------------------------------


def beat_of(session: Session, name: str) -> Beat:
    """How a lease stands now."""
    lease = session.get(Lease, name)
    return Beat(lease.holder, lease.beat) if lease else FREE


def heartbeats() -> Select[JobRun]:
    """Every job, those that run most often first; for the product itself."""
    return select(JobRun).order_by(JobRun.every_seconds, JobRun.name)


def jobs_for_admin(session: Session) -> list[JobRun]:
    """Every job, for those who administer."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        return list(session.scalars(heartbeats()))


def has_late_jobs(session: Session, moment: datetime) -> bool:
    """Whether any job is late; for the product itself."""
    return any(run.is_late(moment) for run in session.scalars(heartbeats()))


# ---- orders -----------------------------------------------------------------------------------------------------------------


def take(session: Session, name: str, me: str, seen: Beat) -> Beat:
    """Take a lease, or renew it, if it still stands as it was seen; returns how it stands then."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, f'lease {name}')
    lease = session.get(Lease, name)
    if lease is None:
        lease = Lease(name=name, holder='', beat=0)
        session.add(lease)
    if Beat(lease.holder, lease.beat) == seen:
        lease.holder, lease.beat = me, lease.beat + 1
    return Beat(lease.holder, lease.beat)


def give_back(session: Session, name: str, me: str) -> None:
    """Let the next process have a lease at once."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, f'lease {name}')
    lease = session.get(Lease, name)
    if lease is not None and lease.holder == me:
        lease.holder, lease.beat = '', lease.beat + 1


def set_timetable(session: Session, jobs: Mapping[str, tuple[timedelta, bool]], moment: datetime) -> None:
    """Write down which jobs there are, their pauses and whether they run at night; what is no job any more is forgotten."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    kept = {run.name: run for run in session.scalars(heartbeats())}
    for name in kept.keys() - jobs.keys():
        session.delete(kept[name])
    for name, (every, at_night) in jobs.items():
        run = kept.get(name)
        if run is None:
            run = JobRun(name=name, known_since=moment)
            session.add(run)
        run.every_seconds, run.at_night = int(every.total_seconds()), at_night


def note_start(session: Session, name: str, moment: datetime) -> None:
    """A job begins."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    session.get_one(JobRun, name).started_at = moment


def note_end(session: Session, name: str, moment: datetime, took_ms: int, error: str = '') -> None:
    """A job has ended: well, or with the error of this number."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    run = session.get_one(JobRun, name)
    run.took_ms = took_ms
    if error:
        run.failed_at, run.error, run.fails = moment, error, run.fails + 1
    else:
        run.ended_at, run.error, run.fails = moment, '', 0
