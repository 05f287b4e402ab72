"""The timetable's books: a lease that one holds at a time, and heartbeats that tell when a job is late."""

from datetime import UTC, datetime, timedelta

import pytest

from db import values
from db.session import fetch, open_session
from db.texts import ClaimError
from db.timetable import (
    FREE,
    Beat,
    JobRun,
    beat_of,
    give_back,
    has_late_jobs,
    heartbeats,
    is_night,
    jobs_for_admin,
    note_end,
    note_start,
    set_timetable,
    take,
)
from tests.factories import SYSTEM

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=values.ISRAEL, fold=fold).astimezone(UTC)


NOON = at('2026-11-23 12:00')


def taken(me: str, seen: Beat) -> Beat:
    with open_session(SYSTEM) as session:
        return take(session, 'x', me, seen)


def test_a_lease_goes_to_whoever_saw_it_last(database):
    first = taken('a', FREE)
    assert first == Beat('a', 1)
    assert taken('b', FREE) == first, 'somebody was quicker'
    assert taken('a', first) == Beat('a', 2)
    assert taken('b', first) == Beat('a', 2), 'it was renewed meanwhile'
    assert taken('b', Beat('a', 2)) == Beat('b', 3)
    assert taken('a', Beat('a', 2)) == Beat('b', 3), 'who was silent too long has lost it'


def test_only_its_holder_gives_a_lease_back(database):
    held = taken('a', FREE)
    with open_session(SYSTEM) as session:
        give_back(session, 'x', 'b')
        assert beat_of(session, 'x') == held
        give_back(session, 'x', 'a')
        give_back(session, 'y', 'a')
        assert beat_of(session, 'x') == Beat('', 2)
        assert beat_of(session, 'y') == FREE


@pytest.mark.parametrize(
    ('moment', 'night'),
    [
        (at('2026-11-23 23:59'), False),
        (at('2026-11-23 00:00'), True),
        (at('2026-11-23 03:59'), True),
        (at('2026-11-23 04:00'), False),
        (at('2026-03-27 01:59') + timedelta(minutes=1), True),  # spring: the clock shows three
        (at('2026-10-25 01:30'), True),
        (at('2026-10-25 01:30', fold=1), True),  # autumn: the same hour once more
    ],
)
def test_night_is_when_clocks_change(moment, night):
    assert is_night(moment) is night


def run(every: timedelta, moment: datetime, *, at_night: bool = False) -> JobRun:
    return JobRun(name='x', every_seconds=int(every.total_seconds()), at_night=at_night, known_since=moment)


def test_a_job_is_late_after_twice_its_pause_and_some_patience():
    assert not run(MINUTE, NOON).is_late(NOON + 12 * MINUTE)
    assert run(MINUTE, NOON).is_late(NOON + 13 * MINUTE)
    assert not run(HOUR, NOON).is_late(NOON + 2 * HOUR)
    assert run(HOUR, NOON).is_late(NOON + 131 * MINUTE)


def test_a_night_of_rest_makes_nothing_late():
    evening = at('2026-11-22 23:58')
    resting, awake = run(MINUTE, evening), run(MINUTE, evening, at_night=True)
    for moment, late in (('00:30', False), ('03:59', False), ('04:11', False), ('04:13', True)):
        assert resting.is_late(at(f'2026-11-23 {moment}')) is late
    assert awake.is_late(at('2026-11-23 00:30'))
    # and where an hour comes twice, the night is not longer for whoever works in it
    assert run(MINUTE, at('2026-10-25 01:00'), at_night=True).is_late(at('2026-10-25 01:00', fold=1))


def test_heartbeats_tell_how_each_job_went(database, people):
    with open_session(SYSTEM) as session:
        set_timetable(session, {'a': (MINUTE, False), 'b': (HOUR, True)}, NOON)
    with open_session(SYSTEM) as session:
        note_start(session, 'a', NOON)
        note_end(session, 'a', NOON + MINUTE, 1234)
        note_end(session, 'b', NOON, 500, 'abcd1234')
        note_end(session, 'b', NOON + MINUTE, 500, 'abcd5678')
    with open_session(SYSTEM, reading=True) as session:
        a, b = fetch(session, heartbeats())
        assert not has_late_jobs(session, NOON + MINUTE)
        assert has_late_jobs(session, NOON + 3 * HOUR)
    assert (a.started_at, a.ended_at, a.took_ms, a.error, a.fails) == (NOON, NOON + MINUTE, 1234, '', 0)
    assert (b.ended_at, b.failed_at, b.error, b.fails) == (None, NOON + MINUTE, 'abcd5678', 2)
    with open_session(SYSTEM) as session:
        note_end(session, 'b', NOON + HOUR, 500)
        set_timetable(session, {'b': (MINUTE, False)}, NOON + HOUR)
        only = session.scalars(heartbeats()).one()
        assert (only.name, only.every, only.at_night, only.known_since) == ('b', MINUTE, False, NOON)
        assert (only.error, only.fails) == ('', 0)


def test_admins_alone_see_the_jobs(database, people):
    with open_session(SYSTEM) as session:
        set_timetable(session, {'a': (MINUTE, False)}, NOON)
    with open_session(people.admin, reading=True) as session:
        assert [job.name for job in jobs_for_admin(session)] == ['a']
        assert fetch(session, heartbeats()) == []
    for actor in (people.staff, people.dana, people.manager):
        with open_session(actor, reading=True) as session, pytest.raises(ClaimError):
            jobs_for_admin(session)
    with open_session(people.admin) as session, pytest.raises(ClaimError):
        take(session, 'x', 'a', FREE)
