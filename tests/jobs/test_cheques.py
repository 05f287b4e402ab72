"""The sweep of the cheques: each stage is alerted once per person, whatever the clocks say and however long nobody looked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from db import alert_choices, alerts, cheque_alerts
from db.accounts import disable, enable
from db.alert_kinds import KINDS
from db.alerts import Alert
from db.base import now, take_turns
from db.calendar import Calendar, set_calendar_day
from db.cheque_board import take_back_cheque
from db.cheques import Cheque, Slip, advance_cheque, change_cheque, enter_cheque, warning_day
from db.claims import Claim, save_fields
from db.doorbell import Notice
from db.scope import Actor, Role
from db.session import connect, fetch, open_session
from jobs import cheques as jobs_cheques
from jobs import schedule
from jobs.cheques import sweep_cheques
from tests.conftest import People, made_once, wait_until_somebody_waits
from tests.factories import SYSTEM, make_claim, make_office, make_people, make_user
from tests.processes import PROCESSES
from tests.waiting import until

LONG_BEFORE = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
DUE = date(2026, 12, 7)  # warned of on Monday, 23 November
SLIP = Slip('insurer_to_insured', 18_500_00, DUE)


def at(day: date | str, hour: int = 8) -> datetime:
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def enter(claim: Claim, staff: Actor, slip: Slip = SLIP, moment: datetime = LONG_BEFORE) -> Cheque:
    with open_session(staff, at=moment) as session:
        return enter_cheque(session, claim.id, slip, 'received', moment)


def raised(person: Actor | None = None) -> list[Alert]:
    with open_session(SYSTEM, reading=True) as session:
        question = select(Alert).where(Alert.kind.in_(cheque_alerts.KINDS)).order_by(Alert.id)
        return fetch(session, question if person is None else question.where(Alert.user_id == person.user_id))


def kinds(person: Actor | None = None) -> list[str]:
    return [alert.kind for alert in raised(person)]


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def test_whoever_follows_the_claim_is_alerted_at_each_stage_once(people, claim):
    enter(claim, people.staff)
    assert sweep_cheques(at('2026-11-22')) == 0
    stages = ('2026-11-23', '2026-11-30', '2026-12-04', '2026-12-07', '2026-12-08', '2026-12-20')
    assert [(sweep_cheques(at(day)), sweep_cheques(at(day))) for day in stages] == [
        *((4, 0), (0, 0), (4, 0), (4, 0), (4, 0), (0, 0)),
    ]
    for person in (people.manager, people.dana, people.yossi, people.staff):
        assert kinds(person) == ['cheque.due14', 'cheque.due3', 'cheque.due0', 'cheque.overdue']
    assert kinds(people.rival) == kinds(people.staff2) == []


def test_who_of_the_bureau_follows_a_claim_is_alerted_once_as_its_handler_is(people, claim):
    for follower in (people.staff2, people.staff):
        with open_session(follower) as session:
            alert_choices.follow(session, claim.id)
    enter(claim, people.staff)
    assert sweep_cheques(at('2026-11-23')) == 5
    assert kinds(people.staff2) == kinds(people.staff) == ['cheque.due14']
    with open_session(people.staff2) as session:
        alert_choices.follow(session, claim.id, follows=False)
    assert sweep_cheques(at('2026-12-07')) == 4


def test_an_alert_carries_its_words(people, claim):
    enter(claim, people.staff, replace(SLIP, due_date=date(2027, 4, 26)))
    sweep_cheques(at('2027-04-12'))
    given = raised(people.dana)[0].values
    assert given == {'amount': 18_500_00, 'due': '2027-04-26', 'days': 14, 'late': 0, 'closed': 'Hol HaMoed Passover'}
    assert raised(people.dana)[0].event == 'cheques'
    told = ' '.join(KINDS['cheque.due14'].told(given, 'he'))
    assert all(part in told for part in ('₪18,500', '26/04/2027', 'נותרו 14 יום', 'חול המועד'))


def test_a_cheque_written_down_late_is_alerted_of_at_once(people, claim, notices):
    notices.clear()
    enter(claim, people.staff, moment=at('2026-11-28'))
    assert kinds(people.dana) == ['cheque.due14']
    assert (raised(people.dana)[0].values['days'], raised(people.dana)[0].values['late']) == (9, 1)
    assert Notice('person', claim.office_id, claim.id, user_id=people.dana.user_id) in notices
    assert sweep_cheques(at('2026-11-28')) == 0


def test_a_new_date_arms_it_again_and_takes_back_what_nobody_read(people, claim):
    cheque = enter(claim, people.staff)
    sweep_cheques(at('2026-11-23'))
    with open_session(people.dana) as session:
        alerts.mark_read(session, now(), claim.id)
    with open_session(people.staff, at=at('2026-11-24')) as session:
        change_cheque(session, cheque.id, replace(SLIP, due_date=date(2027, 1, 4)), cheque.version, at('2026-11-24'))
    assert (kinds(people.dana), kinds(people.yossi)) == (['cheque.due14'], [])
    assert sweep_cheques(at('2026-12-20')) == 0
    assert sweep_cheques(at('2026-12-21')) == 4
    assert kinds(people.dana) == ['cheque.due14'] * 2


def move(staff: Actor, cheque: Cheque, due: date, moment: datetime) -> Cheque:
    with open_session(staff, at=moment) as session:
        return change_cheque(session, cheque.id, replace(SLIP, due_date=due), cheque.version, moment)


def test_a_date_that_moves_and_comes_back_is_alerted_of_again(people, claim):
    cheque = enter(claim, people.staff)
    sweep_cheques(at('2026-11-23'))
    with open_session(people.dana) as session:
        alerts.mark_read(session, now(), claim.id)
    cheque = move(people.staff, cheque, date(2027, 2, 1), at('2026-11-24'))
    for _ in range(2):
        cheque = move(people.staff, cheque, DUE, at('2026-11-25'))
        with open_session(people.dana) as session:
            alerts.mark_read(session, now(), claim.id)
        cheque = move(people.staff, cheque, date(2027, 2, 1), at('2026-11-25'))
    assert sweep_cheques(at('2026-11-26')) == 0
    cheque = move(people.staff, cheque, DUE, at('2026-11-27'))
    assert sweep_cheques(at('2026-11-27')) == 0
    assert [alert.values['days'] for alert in raised(people.dana)] == [14, 12, 12, 10]
    assert [alert.values['days'] for alert in raised(people.yossi)] == [10]


def test_a_cheque_that_ended_by_a_slip_goes_on_warning(people, claim):
    cheque = enter(claim, people.staff)
    sweep_cheques(at('2026-11-23'))
    moment = at('2026-11-24')
    with open_session(people.dana) as session:
        alerts.mark_read(session, now(), claim.id)
    for state in ('handed_over', 'cleared'):
        with open_session(people.staff, at=moment) as session:
            advance_cheque(session, cheque.id, state, moment)
    assert (kinds(people.dana), kinds(people.yossi)) == (['cheque.due14'], [])
    with open_session(people.staff, at=moment) as session:
        take_back_cheque(session, cheque.id, 'cleared', moment)
    assert kinds(people.dana) == kinds(people.yossi) == ['cheque.due14']
    assert sweep_cheques(at('2026-12-04')) == 4


def stage_on(due: date, day: date) -> str | None:
    """The rule in the words of the brief, beside the SQL."""
    if day < warning_day(Calendar(), due):
        return None
    left = (due - day).days
    return 'cheque.overdue' if left < 0 else 'cheque.due0' if left == 0 else f'cheque.due{3 if left <= 3 else 14}'


MOVES = st.tuples(st.just('move'), st.sampled_from([-5, 0, 2, 3, 9, 13, 14, 15, 17, 40]))
SWEEPS = st.tuples(st.just('sweep'), st.integers(-3, 9))  # a clock may be behind, and nobody looks for days
READS = st.tuples(st.just('read'), st.just(0))
BACK = st.tuples(st.just('back'), st.just(0))  # to the day before the last move


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.dates(date(2026, 1, 10), date(2027, 11, 20)),
    ahead=st.integers(-3, 40),
    story=st.lists(SWEEPS | MOVES | READS | BACK, max_size=9),
)
@example(first=date(2026, 11, 20), ahead=10, story=[('read', 0), ('move', 40), ('back', 0)])
def test_whatever_happens_each_stage_of_each_date_is_alerted_of_once(people, claim, first, ahead, story):
    day, due = first, first + timedelta(days=ahead)
    before = due
    cheque = enter(claim, people.staff, replace(SLIP, due_date=due), at(first))
    standing: dict[tuple[str, date], int] = {}  # what is to be on the list: (stage, date) → days left when it was told
    read: set[tuple[str, date]] = set()
    past: list[tuple[str, int]] = []

    def tell() -> None:
        if stage := stage_on(due, day):
            standing.setdefault((stage, due), (due - day).days)

    tell()
    for what, days in story:
        if what == 'sweep':
            day += timedelta(days=days)
            sweep_cheques(at(day))
            tell()
        elif what == 'read':
            with open_session(people.dana) as session:
                alerts.mark_read(session, now(), claim.id)
            read |= standing.keys()
        elif due != (wanted := before if what == 'back' else day + timedelta(days=days)):
            before, due, cheque = due, wanted, move(people.staff, cheque, wanted, at(day))
            past += [(stage, left) for (stage, of), left in standing.items() if (stage, of) in read]
            standing, read = {}, set()
            tell()
    told = [(alert.kind, alert.values['days']) for alert in raised(people.dana) if f'cheque:{cheque.id}:' in alert.key]
    assert sorted(told) == sorted([*past, *((stage, left) for (stage, _), left in standing.items())])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(due=st.dates(date(2026, 1, 20), date(2028, 12, 20)), early=st.integers(0, 25))
def test_entered_in_time_and_swept_every_day_it_is_never_told_later_than_14_days(people, claim, due, early):
    warned = warning_day(Calendar(), due)
    cheque = enter(claim, people.staff, replace(SLIP, due_date=due), at(warned - timedelta(days=early + 1)))
    for ahead in range(-1, 2):
        sweep_cheques(at(warned + timedelta(days=ahead)))
    mine = [alert for alert in raised(people.dana) if alert.key.startswith(f'cheque:{cheque.id}:')]
    assert [(alert.kind, alert.at.date()) for alert in mine] == [('cheque.due14', warned)]
    assert mine[0].values['days'] >= 14
    assert not mine[0].values['late']


def test_a_cheque_that_ended_is_quiet(people, claim):
    cheque = enter(claim, people.staff)
    sweep_cheques(at('2026-11-23'))
    with open_session(people.staff, at=at('2026-11-24')) as session:
        advance_cheque(session, cheque.id, 'cancelled', at('2026-11-24'), reason='mistake')
    assert raised() == []
    assert sweep_cheques(at('2026-12-08')) == 0


def test_nobody_waits_for_the_day_of_a_cheque_that_bounced_until_it_is_deposited_again(people, claim):
    cheque = enter(claim, people.staff)
    for state, reason in (('handed_over', ''), ('bounced', 'no_cover')):
        sweep_cheques(at(DUE))
        with open_session(people.staff, at=at(DUE, 12)) as session:
            advance_cheque(session, cheque.id, state, at(DUE, 12), reason=reason)
    assert raised() == []
    assert sweep_cheques(at('2026-12-08')) == 0
    with open_session(people.staff, at=at('2026-12-09')) as session:
        advance_cheque(session, cheque.id, 'deposited', at('2026-12-09'))
    assert kinds(people.dana) == ['cheque.overdue']


def test_agents_who_see_their_own_only_hear_of_their_own_only(people):
    office = make_office('סוכנות מור', agents_see_own_only=True)
    gal, tal = make_user('גל', Role.AGENT, office), make_user('טל', Role.AGENT, office)
    enter(make_claim(office, people.staff, agent=gal.user_id), people.staff)
    sweep_cheques(at('2026-11-23'))
    assert (len(kinds(gal)), len(kinds(tal))) == (1, 0)


def test_whoever_comes_to_a_claim_later_is_alerted_of_where_its_cheques_stand(people, claim):
    enter(claim, people.staff)
    with open_session(people.admin) as session:
        disable(session, people.dana.user_id)
    sweep_cheques(at('2026-11-23'))
    assert kinds(people.dana) == []
    with open_session(people.admin) as session:
        enable(session, people.dana.user_id)
    newcomer = make_user('רינה', Role.AGENT, people.levi)
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'handler': (people.staff.user_id, people.staff2.user_id)}, at('2026-12-04'))
    sweep_cheques(at('2026-12-04'))
    for person in (people.dana, newcomer, people.staff2):
        assert kinds(person) == ['cheque.due3']
    assert kinds(people.yossi) == ['cheque.due14', 'cheque.due3']
    assert kinds(people.staff) == ['cheque.due14'], 'it is no longer his'


def test_a_closed_day_of_the_bureau_moves_the_warning_forward(people, claim):
    enter(claim, people.staff)
    with open_session(people.admin) as session:
        set_calendar_day(session, date(2026, 11, 23), False, 'יום עיון')
    assert sweep_cheques(at('2026-11-22')) == 4
    assert sweep_cheques(at('2026-11-23')) == 0


@pytest.mark.parametrize('restart', ['2026-03-28', '2026-10-26'])
def test_after_three_days_of_downtime_over_a_change_of_clocks_everything_due_is_alerted_once(people, claim, restart):
    back = date.fromisoformat(restart)
    moment = at(back - timedelta(days=60))
    for ahead in range(8, 20):
        enter(claim, people.staff, replace(SLIP, due_date=back + timedelta(days=ahead)), moment)
    sweep_cheques(at(back - timedelta(days=3)))
    sweep_cheques(at(back, hour=1))
    sweep_cheques(at(back, hour=2))
    with open_session(SYSTEM, reading=True) as session:
        due = {cheque.id for cheque in fetch(session, select(Cheque)) if cheque.warn_on <= back}
    each = Counter(alert.key for alert in raised(people.dana))
    assert {int(key.split(':')[1]) for key in each} == due
    assert set(each.values()) == {1}


def test_a_transaction_is_as_large_as_the_time_of_the_last_one_allows_and_none_is_left_out(
    people, claim, database, monkeypatch
):
    monkeypatch.setattr(jobs_cheques, 'FIRST', 8)
    monkeypatch.setattr(jobs_cheques, 'LEAST', 2)
    monkeypatch.setattr(jobs_cheques, 'MOST', 20)
    with open_session(people.staff, at=LONG_BEFORE) as session:
        for number in range(60):
            enter_cheque(session, claim.id, replace(SLIP, cheque_no=str(number)), 'received', LONG_BEFORE)
    batches: list[int] = []
    seconds = {size: share * jobs_cheques.LONG_SECONDS for size, share in {8: 1.1, 4: 30, 2: 0.6, 3: 0.8}.items()}
    at_second, starts = 0.0, False

    def write(session: Session, moment: datetime, ids: Sequence[int]) -> int:
        batches.append(len(ids))
        return cheque_alerts.alert_of_cheques(session, moment, ids)

    def clock() -> float:
        """A transaction takes as long as its size says; later ones hardly any time."""
        nonlocal at_second, starts
        starts = not starts
        if not starts:
            at_second += seconds[batches[-1]] if len(batches) < 6 else 0.0
        return at_second

    monkeypatch.setattr(jobs_cheques, 'alert_of_cheques', write)
    rests: list[float] = []
    assert sweep_cheques(at('2026-11-23'), clock, rests.append) == 240
    assert batches[:6] == [8, 4, 2, 3, 3, 3], (
        'halved twice, grown once, and kept while it takes neither long nor little'
    )
    assert batches[6:] == [4, 6, 9, 13, 5]
    assert rests == pytest.approx([*(min(seconds[size], 0.1) for size in batches[:5]), *[0.0] * 5]), (
        'others have their turn, and nobody waits at the end'
    )
    assert sweep_cheques(at('2026-11-23'), clock) == 0
    assert set(Counter(kinds(people.dana)).values()) == {60}


@pytest.mark.postgres
def test_a_turn_is_asked_for_once_a_transaction(postgres_url: str) -> None:
    database, asked = connect(postgres_url), list[str]()
    people = make_people()
    enter(make_claim(people.levi, people.staff), people.staff)

    def note(_: Any, __: Any, statement: str, *more: Any) -> None:
        asked.append(statement)

    event.listen(database.writer, 'before_cursor_execute', note)
    assert sweep_cheques(at('2026-11-23')) > 0
    assert sum('pg_advisory_xact_lock' in statement for statement in asked) == 1
    with open_session(SYSTEM) as session:
        take_turns(session, cheque_alerts.TURN)
    assert sum('pg_advisory_xact_lock' in statement for statement in asked) == 2
    database.close()


def test_waiting_for_ones_turn_makes_no_transaction_smaller(people, claim, monkeypatch):
    monkeypatch.setattr(jobs_cheques, 'FIRST', 2)
    with open_session(people.staff, at=LONG_BEFORE) as session:
        for number in range(10):
            enter_cheque(session, claim.id, replace(SLIP, cheque_no=str(number)), 'received', LONG_BEFORE)
    at_second, batches, rests = [0.0], list[int](), list[float]()

    def wait(session: Session, what: str) -> None:
        take_turns(session, what)
        at_second[0] += 5.0

    def write(session: Session, moment: datetime, ids: Sequence[int]) -> int:
        batches.append(len(ids))
        at_second[0] += 0.001
        return cheque_alerts.alert_of_cheques(session, moment, ids)

    monkeypatch.setattr(jobs_cheques, 'take_turns', wait)
    monkeypatch.setattr(jobs_cheques, 'alert_of_cheques', write)
    assert sweep_cheques(at('2026-11-23'), lambda: at_second[0], rests.append) == 40
    assert batches == [2, 3, 4, 1]
    assert rests == pytest.approx([0.001] * 3)


def test_the_people_of_an_office_get_their_alerts_together(people, claim):
    others = make_claim(people.cohen, people.staff)
    mine = [enter(one, people.staff, replace(SLIP, cheque_no=str(n))) for n in range(3) for one in (claim, others)]
    of_office = {office: [one.id for one in mine if one.office_id == office] for office in (people.levi, people.cohen)}
    with open_session(SYSTEM, reading=True) as session:
        waiting = cheque_alerts.untold_cheques(session, date(2026, 11, 23))
    assert waiting == of_office[people.levi] + of_office[people.cohen]


@pytest.fixture
def people_and_claim(postgres_url: str) -> Iterator[tuple[People, Claim]]:
    """On PostgreSQL, where several write at once."""
    database, people = connect(postgres_url), make_people()
    yield people, make_claim(people.levi, people.staff)
    database.close()


@pytest.mark.postgres
def test_nobody_is_alerted_of_a_cheque_that_ends_at_the_same_moment(postgres_url: str, people_and_claim):
    people, claim = people_and_claim
    cheque, moment = enter(claim, people.staff), at('2026-11-23')
    with ThreadPoolExecutor(1) as pool:
        with open_session(people.staff, at=moment) as session:
            advance_cheque(session, cheque.id, 'cancelled', moment, reason='mistake')
            session.flush()
            sweeping = pool.submit(sweep_cheques, moment)
            wait_until_somebody_waits(postgres_url)
        assert sweeping.result(10) == 0
    assert raised() == []


@pytest.mark.postgres
def test_who_enters_a_late_cheque_and_the_sweep_do_not_wait_for_each_other(postgres_url: str, people_and_claim):
    people, claim = people_and_claim
    cheque, moment = enter(claim, people.staff), at('2026-11-28')
    with ThreadPoolExecutor(1) as pool:
        with open_session(SYSTEM, at=moment) as session:
            take_turns(session, cheque_alerts.TURN)
            entering = pool.submit(enter, claim, people.staff, SLIP, moment)
            wait_until_somebody_waits(postgres_url)
            assert cheque_alerts.alert_of_cheques(session, moment, [cheque.id]) == 3
        entering.result(10)
    assert kinds(people.dana) == ['cheque.due14'] * 2


@pytest.mark.postgres
def test_who_reads_an_alert_at_the_moment_it_is_taken_back_gets_no_error(postgres_url: str, people_and_claim):
    people, claim = people_and_claim
    cheque, moment = enter(claim, people.staff), at('2026-11-23')
    sweep_cheques(moment)

    def cancel() -> None:
        with open_session(people.staff, at=moment) as session:
            advance_cheque(session, cheque.id, 'cancelled', moment, reason='mistake')

    with ThreadPoolExecutor(1) as pool:
        with open_session(people.dana) as session:
            alerts.mark_read(session, moment, claim.id)
            ending = pool.submit(cancel)
            wait([ending], 5)
        ending.result(10)
    assert kinds(people.dana) == ['cheque.due14']
    assert kinds(people.manager) == []


def scheduler(url: str, days: list[int]) -> None:
    connect(url)
    for ahead in days:
        sweep_cheques(at('2026-11-23') + timedelta(days=ahead))


def test_four_schedulers_with_clocks_days_apart_make_each_alert_once(people, claim, database_url):
    with open_session(people.staff, at=LONG_BEFORE) as session:
        for number in range(200):
            enter_cheque(session, claim.id, replace(SLIP, cheque_no=str(number)), 'received', LONG_BEFORE)
    # two of them are killed on the way and start again, one with its clock jumped back
    running = [PROCESSES.Process(target=scheduler, args=(database_url, [ahead] * 3)) for ahead in (0, 2, 5, 9)]
    for process in running:
        process.start()
    until(lambda: bool(raised()), 60)
    for process in running[:2]:
        process.kill()
    again = [PROCESSES.Process(target=scheduler, args=(database_url, days)) for days in ([0, 3], [6, 1])]
    for process in again:
        process.start()
    for process in [*running, *again]:
        process.join(timeout=60)
    assert [process.exitcode for process in [*running[2:], *again]] == [0] * 4
    for person in (people.manager, people.dana, people.yossi, people.staff):
        assert Counter(kinds(person)) == {'cheque.due14': 200}
    assert len({(alert.user_id, alert.key) for alert in raised()}) == 800


def test_the_sweep_runs_every_minute_and_as_soon_as_the_app_does():
    timetable = {job: (trigger, arguments) for job, trigger, arguments in schedule.TIMETABLE}
    assert timetable[sweep_cheques] == ('interval', {'minutes': 1})
    assert sweep_cheques in schedule.AT_ONCE
