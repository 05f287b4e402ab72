"""The sweep of the cheques: a million of them, who is to be told of which, and how long anybody else has to wait for it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from unittest.mock import patch

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.figures import Report, Size, seconds_of
from bench.grounds import postgres_ground, sqlite_ground
from components import live
from db import bulk, values
from db.alert_news import raise_alert
from db.alerts import Alert
from db.base import Base, now
from db.calendar import Calendar, calendar_of
from db.cheque_alerts import KINDS, WARNED
from db.cheques import DIRECTIONS, WARN_DAYS, Cheque, warning_day
from db.claims import Claim
from db.scope import Actor
from db.session import Database, connect, open_session
from jobs import cheques as sweeping

SYSTEM = Actor.system('bench')
# of so many cheques each one claim's: the sweep asks for the people of a claim, and the claims are no measure of its own here
CLAIMS = 20_000
# their days lie from 24 days ago to 151 days ahead: 15 of 176 days call for an alert today
EARLIEST, DAYS = -24, 176
PIECE = 50_000
SAMPLE, LOOP_SAMPLE, ROUNDS = 2_000, 200, 5
_alerts, _cheques = (Base.metadata.tables[model.__tablename__] for model in (Alert, Cheque))


def measure(size: Size) -> Report:
    """Sweep on both databases. There are as many cheques as the size has claims."""
    report = Report('sweeps', size)
    random.seed(14)
    live.settle()  # as a server does before it begins
    ground = replace(size, claims=min(size.claims, CLAIMS), offices=min(size.offices, 100))
    with sqlite_ground(ground) as url:
        _measure_on(report, 'SQLite', url)
    with postgres_ground(ground) as address:
        if address is None:
            print('No PostgreSQL server answers: not measured on it.')
        else:
            _measure_on(report, 'PostgreSQL', address)
    report.save()
    return report


def _measure_on(report: Report, kind: str, url: str) -> None:
    count, moment = report.size.claims, now()
    database = connect(url)
    _empty(database)
    report.add(f'{kind}: loading {count:,} cheques', _load(database, url, count, moment) / 1000, 's')
    database = connect(url)
    sweeping.sweep_cheques(moment)  # the plans are made, the pages are warm
    firsts, reruns, writings, cores, loops = [], [], [], [], []
    for _ in range(ROUNDS):
        _empty_alerts(database)
        cores.append(_by_core(moment))
        loops.append(_by_loop(moment))
        with _writes_timed() as writes:
            firsts.append(_timed(lambda: sweeping.sweep_cheques(moment)))
        writings.append(writes)
        reruns.append(_again(database, moment))
    made, works, locks = _told(database), list(map(sum, writings)), list(map(max, writings))
    first, work, core, loop = map(median, (firsts, works, cores, loops))
    each = work * 1000 / made  # between its transactions it rests, and others have their turn
    name = f'{kind}: {count:,} cheques, {made:,} alerts'
    report.add(f'{name}: all of them', first / 1000, 's', at_most=60)
    for way, limit, times in (('Core and executemany', core, 1 / 3), ('a loop over rows', loop, 1 / 15)):
        report.add(f'{name}: one alert, beside {way}', each, 'us', limit=limit, times=times)
    report.add(f'{name}: again, nothing to do', median(reruns), 'ms', limit=work, times=1 / 3)
    # on PostgreSQL only who enters a cheque that is due already waits for it
    report.add(f'{name}: the longest transaction', median(locks), 'ms', at_most=25 if kind == 'SQLite' else None)
    report.raw[kind] = {'first': firsts, 'again': reruns, 'writes': locks, 'work': works, 'core': cores, 'loop': loops}
    _empty(database)
    database.close()


def _again(database: Database, moment: datetime) -> float:
    """How long it takes to find that there is nothing to do, in ms."""
    told = _told(database)
    took = _timed(lambda: sweeping.sweep_cheques(moment))
    if _told(database) != told:
        raise RuntimeError('a sweep that was done again told of cheques that were told of')
    return took


# ---- the cheques ------------------------------------------------------------------------------------------------------------


def _load(database: Database, url: str, count: int, moment: datetime) -> float:
    with open_session(SYSTEM, reading=True) as session:
        calendar = calendar_of(session)
        claims = list(session.execute(select(Claim.id, Claim.office_id)).tuples())
    today = values.israel(moment).date()
    database.close()  # a large load wants the database to itself

    def load() -> None:
        with bulk.loading(url, many=(Cheque,)) as loaded:
            for start in range(0, count, PIECE):
                numbers = range(start, min(start + PIECE, count))
                loaded.put(Cheque, _rows(numbers, claims, calendar, today, moment))
            loaded.count_on(Cheque)

    return _timed(load)


def _rows(
    numbers: range, claims: list[tuple[int, int]], calendar: Calendar, today: date, moment: datetime
) -> Iterator[dict[str, Any]]:
    days = [today + timedelta(days=EARLIEST + n) for n in range(DAYS)]
    warned = {day: warning_day(calendar, day) for day in days}
    directions = list(DIRECTIONS)
    for number in numbers:
        (claim_id, office_id), due = claims[number % len(claims)], days[number * 7919 % DAYS]
        live = due >= today
        yield {
            'id': number + 1,
            'version': 1,
            'claim_id': claim_id,
            'office_id': office_id,
            'direction': directions[number % len(directions)],
            'amount': 100_00 + number % 9_000_00,
            'due_date': due,
            'warn_on': warned[due],
            'closed_note': calendar.why_closed(due) or '',
            'state': 'received' if live else 'cleared',
            'state_since': moment,
            'live': live,
            'entered_at': moment,
            'by': 'bench',
        }


def _empty(database: Database) -> None:
    """Nobody's cheques but ours, and none of them when we are done: the ground belongs to others too."""
    _empty_alerts(database)
    with database.writer.begin() as connection:
        for table in ('cheque_steps', 'cheques'):
            connection.execute(Base.metadata.tables[table].delete())


def _empty_alerts(database: Database) -> None:
    with database.writer.begin() as connection:
        connection.execute(_alerts.delete().where(_alerts.c.kind.in_(KINDS)))
        connection.execute(Base.metadata.tables['rings'].delete())


def _told(database: Database) -> int:
    with database.reader.connect() as connection:
        return connection.scalar(select(func.count()).select_from(_alerts).where(_alerts.c.kind.in_(KINDS))) or 0


# ---- the other ways ---------------------------------------------------------------------------------------------------------


class _TakenBack(Exception):  # noqa: N818
    """The other ways leave nothing behind."""


def _by_core(moment: datetime) -> float:
    """µs an alert: the rows of a sample as the sweep would write them, given back and inserted by executemany."""
    rows: list[dict[str, Any]] = []

    def insert(session: Session) -> None:
        nonlocal rows
        chosen = _sample(session, moment, SAMPLE)
        rows = [
            {
                'user_id': user_id,
                'claim_id': claim_id,
                'office_id': office_id,
                'kind': WARNED,
                'event': 'cheques',
                'key': f'bench:{cheque_id}',
                'values': {'amount': amount, 'due': due.isoformat(), 'days': WARN_DAYS},
                'at': moment,
                'hidden': False,
            }
            for cheque_id, claim_id, office_id, amount, due, user_id in _beside_followers(session, chosen)
        ]
        session.connection().execute(_alerts.insert(), rows)

    return _taken_back(insert) * 1000 / len(rows)


def _by_loop(moment: datetime) -> float:
    """µs an alert: cheque by cheque, each person looked up, each alert looked for and added."""
    made = 0

    def loop(session: Session) -> None:
        nonlocal made
        for cheque in session.scalars(select(Cheque).where(Cheque.id.in_(_sample(session, moment, LOOP_SAMPLE)))).all():
            claim = session.get_one(Claim, cheque.claim_id)
            told = {
                'amount': cheque.amount,
                'due': cheque.due_date.isoformat(),
                'days': WARN_DAYS,
                'late': 0,
                'closed': '',
            }
            made += raise_alert(session, claim, WARNED, f'bench:{cheque.id}', told, moment)
            session.flush()

    return _taken_back(loop) * 1000 / max(made, 1)


def _sample(session: Session, moment: datetime, most: int) -> list[int]:
    today = values.israel(moment).date()
    at_a_stage = (Cheque.live.is_(True), Cheque.warn_on <= today)
    return list(session.scalars(select(Cheque.id).where(*at_a_stage).order_by(Cheque.id).limit(most)))


def _beside_followers(session: Session, chosen: list[int]) -> list[Any]:
    users = Base.metadata.tables['users']
    lines = select(
        _cheques.c.id, _cheques.c.claim_id, _cheques.c.office_id, _cheques.c.amount, _cheques.c.due_date, users.c.id
    )
    return list(
        session.connection().execute(
            lines.join(users, users.c.office_id == _cheques.c.office_id).where(
                _cheques.c.id.in_(chosen), users.c.active
            )
        )
    )


def _taken_back(work: Callable[[Session], None]) -> float:
    took = 0.0
    try:
        with open_session(SYSTEM) as session:
            took = _timed(lambda: work(session))
            raise _TakenBack
    except _TakenBack:
        return took


# ---- time -------------------------------------------------------------------------------------------------------------------


@contextmanager
def _writes_timed() -> Iterator[list[float]]:
    """How long each writing transaction of the sweep took, in ms: so long others wait."""
    took: list[float] = []

    @contextmanager
    def timed(actor: Actor, **more: Any) -> Iterator[Session]:
        before = time.perf_counter()
        with open_session(actor, **more) as session:
            yield session
        if not more.get('reading'):
            took.append((time.perf_counter() - before) * 1000)

    with patch.object(sweeping, 'open_session', timed):
        yield took


def _timed(work: Callable[[], Any]) -> float:
    return seconds_of(work) * 1000
