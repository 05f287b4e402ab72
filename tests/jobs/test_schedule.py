"""The timetable: one process of many runs it, another takes over, and every run leaves a heartbeat."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from db import values
from db.base import now
from db.session import connect, fetch, open_session
from db.settings import load
from db.timetable import JobRun, heartbeats, set_timetable
from jobs import backup, schedule, turns
from jobs.turns import LAPSE, Turn
from tests.factories import SYSTEM
from tests.processes import PROCESSES
from tests.waiting import until

MINUTE = timedelta(minutes=1)


class Clock:
    """A clock of one process: it stands anywhere, and only runs forward."""

    def __init__(self, start: float) -> None:
        self.shows = start

    def __call__(self) -> float:
        return self.shows


def beats() -> dict[str, JobRun]:
    with open_session(SYSTEM, reading=True) as session:
        return {run.name: run for run in fetch(session, heartbeats())}


# ---- whose turn it is -------------------------------------------------------------------------------------------------------


def test_one_of_two_has_the_turn_and_the_other_takes_over_once_it_is_silent(database):
    clocks = Clock(5_000_000.0), Clock(3.0)  # weeks apart
    first, second = (Turn('x', clock) for clock in clocks)
    assert (first.look(), second.look()) == (True, False)
    for _ in range(20):
        for clock in clocks:
            clock.shows += 5
        assert (first.look(), second.look()) == (True, False)
    waited = 0
    while not second.look():  # the first is dead
        assert waited <= LAPSE
        for clock in clocks:
            clock.shows += 1
        waited += 1
    assert not first.is_mine(), 'and never did both work at once'
    assert waited >= LAPSE
    assert (first.look(), second.look()) == (False, True)


def test_who_was_asleep_has_lost_his_turn_before_another_can_have_it(database):
    clock = Clock(0.0)
    first = Turn('x', clock)
    first.look()
    clock.shows += LAPSE
    assert not first.is_mine()
    assert first.look(), 'nobody else wanted it'


def test_an_orderly_end_lets_the_next_begin_at_once(database):
    first, second = Turn('x', Clock(0.0)), Turn('x', Clock(0.0))
    first.look()
    first.give_back()
    assert not first.is_mine()
    assert second.look()


def test_a_wall_clock_that_jumps_changes_nothing(database):
    first, second = Turn('x', Clock(0.0)), Turn('x', Clock(0.0))
    first.look()
    for moment in (datetime(2031, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)):
        with time_machine.travel(moment):
            assert (first.look(), second.look()) == (True, False)


# ---- how a job goes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ran(database, monkeypatch) -> list[str]:
    """The runs of a job called `tick`; it fails when the list says so."""
    ran: list[str] = []

    def tick() -> None:
        if ran and ran[-1] == 'fail next':
            raise RuntimeError('as wanted')
        ran.append('ran')

    monkeypatch.setattr(schedule, 'TIMETABLE', ((tick, 'interval', {'minutes': 1}),))
    with open_session(SYSTEM) as session:
        set_timetable(session, {'tick': (MINUTE, False)}, now())
    return ran


def tick() -> Callable[[], object]:
    return schedule.TIMETABLE[0][0]


@time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=values.ISRAEL), tick=False)
def test_a_job_that_fails_leaves_a_number_and_runs_again(ran, caplog):
    schedule.perform(tick())
    assert (beats()['tick'].ended_at, beats()['tick'].error) == (now(), '')
    ran.append('fail next')
    schedule.perform(tick())
    failed = beats()['tick']
    assert len(failed.error) == 8
    assert (failed.fails, failed.failed_at) == (1, now())
    assert f'error {failed.error}' in caplog.text
    assert 'as wanted' in caplog.text
    ran.append('go on')
    schedule.perform(tick())
    assert (beats()['tick'].error, beats()['tick'].fails) == ('', 0)


@pytest.mark.parametrize(
    ('moment', 'runs'),
    [
        ('2026-10-24T20:59:00+00:00', True),
        ('2026-10-24T22:30:00+00:00', False),  # 01:30, and an hour later 01:30 once more
        ('2026-10-24T23:30:00+00:00', False),
        ('2026-10-25T02:00:00+00:00', True),
        ('2026-03-27T00:00:00+00:00', False),  # what would be two is three
        ('2026-03-27T00:59:00+00:00', False),
        ('2026-03-27T01:00:00+00:00', True),
    ],
)
def test_nothing_of_the_calendar_runs_while_clocks_change(ran, monkeypatch, moment, runs):
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        schedule.perform(tick())
        assert ran == ['ran'] * runs
        monkeypatch.setattr(schedule, 'AT_NIGHT', frozenset({tick()}))
        schedule.perform(tick())
    assert ran == ['ran'] * (1 + runs), 'what follows a click runs at any hour'


def test_what_was_due_while_nothing_ran_comes_at_once_and_the_rest_in_its_time():
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert schedule._next_time(noon, noon - 3 * hour, hour) == noon
    assert schedule._next_time(noon, noon - hour / 2, hour) == noon + hour / 2
    assert schedule._next_time(noon, noon + 90 * hour, hour) == noon + hour, 'the clock was set back'


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, 'LAPSE', 1.0)
    monkeypatch.setattr(schedule, 'PAUSE', 0.1)


def test_the_timetable_runs_what_is_due_and_stops(ran, quick, monkeypatch):
    monkeypatch.setattr(schedule, 'AT_ONCE', frozenset({tick()}))
    monkeypatch.setattr(schedule, 'AT_NIGHT', frozenset({tick()}))
    stop = schedule.start()
    until(lambda: beats()['tick'].ended_at)
    assert schedule.is_on_time()
    stop()
    assert ran == ['ran']
    with open_session(SYSTEM) as session:
        session.get_one(JobRun, 'tick').ended_at = now() - timedelta(days=1)
    assert not schedule.is_on_time(), 'it works at night too'


@pytest.mark.parametrize('seconds', [0.5, 30], ids=['a job', 'one that takes long'])
def test_who_ends_waits_for_the_job_under_way_but_not_for_ever(ran, quick, monkeypatch, seconds):
    go_on, begun = threading.Event(), threading.Event()

    def tick() -> None:
        begun.set()
        go_on.wait(seconds)
        ran.append('done')

    monkeypatch.setattr(schedule, 'TIMETABLE', ((tick, 'interval', {'minutes': 1}),))
    for name in ('AT_ONCE', 'AT_NIGHT'):
        monkeypatch.setattr(schedule, name, frozenset({tick}))
    stop = schedule.start()
    assert begun.wait(10)
    asked = time.monotonic()
    stop()
    assert time.monotonic() - asked < 3
    assert ran == ['done'] * (seconds < schedule.PATIENCE_SECONDS)
    go_on.set()
    until(lambda: beats()['tick'].ended_at)


def test_when_the_clock_is_set_back_the_jobs_go_on(ran, quick, monkeypatch):
    monkeypatch.setattr(schedule, 'AT_NIGHT', frozenset({tick()}))
    monkeypatch.setattr(schedule, 'TIMETABLE', ((tick(), 'interval', {'seconds': 1}),))
    today = now()
    with ExitStack() as stack:
        with time_machine.travel(today + timedelta(days=3)):  # it was wrong
            stack.callback(schedule.start())
            until(lambda: beats()['tick'].ended_at)
        until(lambda: (ended := beats()['tick'].ended_at) and ended < today + timedelta(days=1), 20)


# ---- the backup of the night ------------------------------------------------------------------------------------------------


def on_screen(moment: datetime) -> str:
    return f'{values.israel(moment):%d %H:%M}'


@pytest.mark.parametrize(
    ('looked', 'last', 'due'),
    [
        ('23 10:00', None, '24 02:00'),  # a new installation
        ('23 01:30', None, '23 02:00'),
        ('23 09:00', '23 02:05', '24 02:00'),
        ('23 02:06', '23 02:05', '24 02:00'),
        ('23 23:10', '23 23:00', '25 02:00'),  # it was late once, and comes back to the night
        ('23 09:00', '22 10:00', '23 09:00'),  # nothing ran at night: as soon as something does
        ('23 12:00', '23 10:00', '24 02:00'),
        ('23 09:00', '10 02:00', '23 09:00'),
        ('23 09:00', '27 02:00', '24 02:00'),  # the clock was set back
    ],
)
def test_a_backup_a_day_comes_at_night(tmp_path, monkeypatch, looked, last, due):
    monkeypatch.setattr(backup, '_settings', load(None, data_dir=tmp_path))
    assert backup.hours() == 24, 'without anybody asking for it'
    assert schedule.timetable()[-2:] == (
        (backup.back_up_changes, 'interval', {'minutes': 15}),
        (backup.back_up, 'interval', {'hours': 24}),
    )
    assert backup.back_up_changes in schedule.AT_NIGHT
    moment, ended = (
        told and datetime.strptime(f'2026-11-{told}', '%Y-%m-%d %H:%M').replace(tzinfo=values.ISRAEL)
        for told in (looked, last)
    )
    run = JobRun(name='back_up', known_since=moment, ended_at=ended)
    assert on_screen(schedule._next_backup(moment, run, 24)) == due


def test_backups_that_come_more_often_keep_their_pause():
    moment = now()
    run = JobRun(name='back_up', known_since=moment, ended_at=moment - timedelta(hours=1))
    assert schedule._next_backup(moment, run, 6) == moment + timedelta(hours=5)


def test_after_a_backup_the_next_is_planned_for_the_night(database, tmp_path, monkeypatch):
    made = []

    def back_up() -> None:
        made.append(now())

    monkeypatch.setattr(backup, '_settings', load(None, data_dir=tmp_path))
    monkeypatch.setattr(schedule, 'back_up', back_up)
    monkeypatch.setattr(schedule, 'TIMETABLE', ())
    monkeypatch.setattr(schedule, 'AT_NIGHT', frozenset({back_up}))
    timetable = schedule.Timetable()
    timetable.look()
    planned = timetable._scheduler.get_job('back_up')
    assert values.israel(planned.next_run_time).time() == schedule.QUIET
    planned.modify(next_run_time=now())
    until(
        lambda: made and values.israel(timetable._scheduler.get_job('back_up').next_run_time).time() == schedule.QUIET
    )
    timetable.end()


# ---- real processes ---------------------------------------------------------------------------------------------------------


def process(url: str, wall: str, diary: str) -> None:
    """A process whose wall clock stands at `wall`, and whose only job writes its name into a diary."""
    connect(url)
    turns.LAPSE, schedule.PAUSE = 2.0, 0.2

    def mark() -> None:  # NOTE: a file says when to leave: what a killed process held of a semaphore stays held
        with Path(diary).open('a') as file:
            file.write(f'{wall}\n')

    schedule.TIMETABLE, schedule.AT_NIGHT = ((mark, 'interval', {'seconds': 1}),), frozenset({mark})
    schedule.AT_ONCE = schedule.AT_NIGHT
    with time_machine.travel(datetime.fromisoformat(wall)):
        stop = schedule.start()
        until(lambda: 'leave' in Path(diary).read_text(), 60)
        stop()


@pytest.mark.slow
def test_of_several_processes_with_clocks_years_apart_one_runs_the_jobs_and_a_dead_one_is_followed(
    database, database_url, tmp_path
):
    diary = tmp_path / 'diary'
    diary.touch()
    walls = ['2026-11-23T10:00:00+00:00', '2031-05-05T10:00:00+00:00', '2020-02-02T10:00:00+00:00']
    running = {
        wall: PROCESSES.Process(target=process, args=(database_url, wall, str(diary)), daemon=True) for wall in walls
    }
    for one in running.values():
        one.start()
    until(lambda: len(diary.read_text().split()) >= 3)
    holder = diary.read_text().split()[0]
    assert set(diary.read_text().split()) == {holder}
    running[holder].kill()
    running[holder].join()
    until(lambda: len(set(diary.read_text().split())) == 2)
    second = diary.read_text().split()[-1]
    until(lambda: diary.read_text().split().count(second) >= 3)
    diary.write_text('leave')
    for one in running.values():
        one.join(timeout=20)
    assert [one.exitcode for wall, one in running.items() if wall != holder] == [0, 0]
