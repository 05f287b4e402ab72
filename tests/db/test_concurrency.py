"""Many people at once, in processes of their own: nothing is lost, skipped, done twice or left half done."""

import os
import random
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from db import accounts, alert_news, alerts, catch_up, doorbell, identity
from db.alerts import Alert
from db.base import now
from db.changes import Change
from db.claims import Claim, ClaimConflict, change_status, claim_by_no, lock_claims, open_claim, save_fields
from db.offices import actor_of
from db.scope import Actor
from db.seen_marks import SeenMark
from db.session import ScopedSession, connect, fetch, fetch_one, open_session
from jobs import desk
from jobs.changes import hear_others
from tests.conftest import People, wait_until_somebody_waits
from tests.factories import SYSTEM, alert_everybody, make_claim, make_people
from tests.processes import PROCESSES

MANY = 8


# ---- what the other processes do --------------------------------------------------------------------------------------------


def raise_demand(claim_id: int, times: int) -> None:
    """Read, add one, write: the update that gets lost when two do it at once."""
    for _ in range(times):
        with open_session(SYSTEM) as session:
            claim = session.scalars(select(Claim).where(Claim.id == claim_id).with_for_update()).one()
            claim.demand_amount = (claim.demand_amount or 0) + 1


def write_on(claim_ids: list[int], transactions: int, seed: int) -> int:
    """Six changes a transaction, one of twenty rolled back; returns how many were committed."""
    rng, written = random.Random(seed), 0
    for _ in range(transactions):
        chosen = sorted(rng.sample(claim_ids, 6))  # in one order, so that nobody waits in a ring
        try:
            with open_session(SYSTEM) as session:
                lock = select(Claim).where(Claim.id.in_(chosen)).order_by(Claim.id).with_for_update()
                for claim in fetch(session, lock):
                    claim.demand_amount = (claim.demand_amount or 0) + 1
                session.flush()
                if rng.random() < 0.05:
                    raise InterruptedError
            written += len(chosen)
        except InterruptedError:
            pass
    return written


def open_many(staff: Actor, office_id: int, times: int) -> list[str]:
    numbers = []
    for _ in range(times):
        with open_session(staff) as session:
            fields = {'insured_name': 'רונית', 'event_date': date(2026, 10, 28)}
            numbers.append(open_claim(session, office_id, fields, now()).claim_no)
    return numbers


def alert(times: int) -> int:
    read = 0
    for _ in range(times):
        with open_session(SYSTEM) as session:
            read += alert_news.alert_followers(session, batch=7)
    return read


def follow(times: int) -> int:
    return sum(desk.follow_claims() for _ in range(times))


def visit_together(actor: Actor, claim_id: int, times: int) -> None:
    for _ in range(times):
        with open_session(actor) as session:
            alerts.visit(session, claim_id, now())


def die_before_the_commit(_: Session) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_alerting() -> None:
    event.listen(ScopedSession, 'before_commit', die_before_the_commit)
    alert(1)


def be_killed_saving(staff: Actor, claim_id: int) -> None:
    with open_session(staff) as session:
        save_fields(session, claim_id, {'insured_phone': ('0525550134', '0521111111')}, now())
        session.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def be_killed_after_saving(staff: Actor, claim_id: int) -> None:
    doorbell.on_notice(
        lambda _: os.kill(os.getpid(), signal.SIGKILL)
    )  # the first to hear of it, right after the commit
    with open_session(staff) as session:
        save_fields(session, claim_id, {'insured_phone': ('0525550134', '0521111111')}, now())


JOBS = {job.__name__: job for job in (raise_demand, write_on, open_many, alert, follow, visit_together)} | {
    job.__name__: job for job in (be_killed_alerting, be_killed_saving, be_killed_after_saving)
}


def serve(pipe: Connection) -> None:
    """A process of its own that does one job after the other."""
    while job := pipe.recv():
        name, url, arguments = job
        try:
            connected = connect(url)
            pipe.send((JOBS[name](*arguments), ''))
            connected.close()
        except Exception:  # noqa: BLE001 - told to the test
            pipe.send((None, traceback.format_exc()))


@dataclass
class Workers:
    """Processes that wait for jobs; starting them takes longer than most jobs."""

    members: list[tuple[BaseProcess, Any]]

    def start(self, name: str, url: str, jobs: list[tuple[Any, ...]]) -> list[Connection]:
        pipes = [pipe for _, pipe in self.members[: len(jobs)]]
        for pipe, arguments in zip(pipes, jobs, strict=True):
            pipe.send((name, url, arguments))
        return pipes

    def run(self, name: str, url: str, jobs: list[tuple[Any, ...]]) -> list[Any]:
        """Do the jobs at the same time, each in a process; returns their answers."""
        return [self.answer(pipe) for pipe in self.start(name, url, jobs)]

    @staticmethod
    def answer(pipe: Connection) -> Any:
        assert pipe.poll(120), 'a process does not answer'
        found, trouble = pipe.recv()
        assert not trouble, trouble
        return found


@pytest.fixture(scope='module')
def workers() -> Iterator[Workers]:
    members: list[tuple[BaseProcess, Any]] = []
    for _ in range(MANY):
        ours, theirs = PROCESSES.Pipe()
        member: BaseProcess = PROCESSES.Process(target=serve, args=(theirs,), daemon=True)
        member.start()
        members.append((member, ours))
    yield Workers(members)
    for member, pipe in members:
        pipe.send(None)
        member.join(10)
        pipe.close()


def killed(name: str, url: str, *arguments: Any) -> None:
    """Have a process of its own do a job in which it is killed."""
    ours, theirs = PROCESSES.Pipe()
    victim = PROCESSES.Process(target=serve, args=(theirs,), daemon=True)
    victim.start()
    ours.send((name, url, arguments))
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    ours.close()


def read(question: Any) -> list[Any]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, question)


# ---- nothing is lost --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_update_is_lost(people, database_url, workers):
    claim, times = make_claim(people.levi, people.staff), 125
    workers.run('raise_demand', database_url, [(claim.id, times)] * MANY)
    (after,) = read(select(Claim))
    assert after.demand_amount == MANY * times
    assert after.version == claim.version + MANY * times
    record = read(select(Change).order_by(Change.id))
    assert [change.fields['demand_amount'][1] for change in record[1:]] == [*range(1, MANY * times + 1)]
    assert after.seq == record[-1].id


@dataclass
class Reader:
    """Somebody who catches up with the changes every few moments."""

    seen: list[tuple[int, int, int]]
    xid: int = 0
    change_id: int = 0

    def catch_up(self) -> int:
        with open_session(SYSTEM, reading=True) as session:
            found = catch_up.changes_after(session, self.xid, self.change_id, 10_000)
        if found:
            self.xid, self.change_id = found[-1].xid or 0, found[-1].id
        for change in sorted(found, key=lambda change: change.id):
            self.seen.append((change.id, change.claim_id, change.fields.get('demand_amount', [0, 0])[1]))
        return len(found)


@pytest.mark.slow
def test_no_change_is_skipped_while_eight_write(people, database_url, workers):
    postgres = database_url.startswith('postgresql')
    claims = [make_claim(people.levi, people.staff).id for _ in range(40)]
    pipes = workers.start('write_on', database_url, [(claims, 118 if postgres else 15, seed) for seed in range(MANY)])
    reader = Reader([])
    while not all(pipe.poll() for pipe in pipes):
        if not reader.catch_up():
            time.sleep(0.003)
    committed = sum(Workers.answer(pipe) for pipe in pipes)
    kept = read(select(Change.id))
    assert len(kept) == committed + len(claims)
    deadline = time.monotonic() + 60  # a writer in another database holds them back too
    while len(reader.seen) < len(kept) and time.monotonic() < deadline:
        reader.catch_up()
    assert sorted(change_id for change_id, _, _ in reader.seen) == sorted(kept), 'each exactly once'
    assert len(kept) >= 5000 or not postgres
    for claim_id in claims:
        raised = [value for _, of, value in sorted(reader.seen) if of == claim_id]
        assert raised == [*range(len(raised))], 'numbered in the order in which they happened'


def cut_one(admin: psycopg.Connection[Any]) -> None:
    """End a connection of this process, whichever and whatever it is doing."""
    mine = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cut at random' ORDER BY random() LIMIT 1"
    admin.execute(f'SELECT pg_terminate_backend(pid) FROM ({mine}) AS one')


@pytest.mark.postgres
def test_nobody_misses_a_ring_whose_connections_are_cut_at_random(postgres_url, workers, monkeypatch):
    monkeypatch.setenv('PGAPPNAME', 'cut at random')  # the writers have started already
    database, rng, heard = connect(postgres_url), random.Random(5), list[int | None]()
    people = make_people()
    claims = [make_claim(people.levi, people.staff).id for _ in range(40)]
    with ExitStack() as stack:
        stack.callback(doorbell.on_notice(lambda notice: heard.append(notice.change_id)))
        stack.callback(hear_others(0.05))
        pipes = workers.start('write_on', postgres_url, [(claims, 40, seed) for seed in range(MANY)])
        told = make_url(postgres_url).set(drivername='postgresql').render_as_string(hide_password=False)
        with psycopg.connect(told, autocommit=True, application_name='cutter') as admin:
            while not all(pipe.poll() for pipe in pipes):
                cut_one(admin)
                time.sleep(rng.uniform(0.05, 0.3))  # long enough to begin anew, also on a busy machine
        committed = sum(Workers.answer(pipe) for pipe in pipes)
        deadline = time.monotonic() + 60  # a writer in another database holds them back too
        while len(heard) < committed and time.monotonic() < deadline:
            time.sleep(0.02)
    kept = read(select(Change.id).where(Change.kind == 'updated'))
    assert len(kept) == committed > 1000
    assert sorted(change_id or 0 for change_id in heard) == sorted(kept), 'each exactly once'
    database.close()


def test_claims_opened_at_once_get_a_number_each(people, database_url, workers):
    numbers = workers.run('open_many', database_url, [(people.staff, people.levi, 8)] * MANY)
    drawn = sorted(number for some in numbers for number in some)
    year = drawn[0][:3]
    assert drawn == [f'{year}{n:05d}' for n in range(1, MANY * 8 + 1)]


def test_two_windows_of_one_person_open_a_claim_at_once(people, database_url, workers):
    for _ in range(3):
        claim = make_claim(people.levi, people.staff)
        workers.run('visit_together', database_url, [(people.dana, claim.id, 5)] * MANY)
        (mark,) = read(select(SeenMark).where(SeenMark.user_id == people.dana.user_id, SeenMark.claim_id == claim.id))
        assert mark.seq == claim.seq


# ---- two people at once -----------------------------------------------------------------------------------------------------


def at_once(first: Any, second: Any) -> list[Any]:
    """`first` has saved but not committed when `second` comes; returns what each ended with."""
    saved, may_commit = threading.Event(), threading.Event()

    def one() -> Any:
        with open_session(first[0]) as session:
            found = first[1](session)
            session.flush()
            saved.set()
            may_commit.wait(10)
        return found

    def other() -> Any:
        saved.wait(10)
        threading.Timer(0.2, may_commit.set).start()
        with open_session(second[0]) as session:
            return second[1](session)

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(one), pool.submit(other)]
        return [end.exception(20) or end.result() for end in ends]


def test_two_people_save_different_fields_of_one_claim(people):
    claim = make_claim(people.levi, people.staff)
    ends = at_once(
        (people.staff, lambda s: save_fields(s, claim.id, {'insured_phone': ('0525550134', '0521111111')}, now())),
        (people.staff2, lambda s: save_fields(s, claim.id, {'make_model': ('', 'מאזדה 3')}, now())),
    )
    assert not [end for end in ends if isinstance(end, BaseException)]
    (after,) = read(select(Claim))
    assert (after.insured_phone, after.make_model) == ('0521111111', 'מאזדה 3')


def test_the_second_to_save_a_field_is_shown_the_first_ones_value(people):
    claim = make_claim(people.levi, people.staff)
    ends = at_once(
        (people.staff, lambda s: save_fields(s, claim.id, {'insured_phone': ('0525550134', '0521111111')}, now())),
        (people.staff2, lambda s: save_fields(s, claim.id, {'insured_phone': ('0525550134', '0522222222')}, now())),
    )
    assert isinstance(ends[1], ClaimConflict)
    assert (ends[1].name, ends[1].current) == ('insured_phone', '0521111111')
    assert read(select(Claim.insured_phone)) == ['0521111111']
    assert len(read(select(Change))) == 2


def test_two_people_want_the_same_value(people):
    claim = make_claim(people.levi, people.staff)
    save = {'insured_phone': ('0525550134', '0521111111')}
    ends = at_once(
        (people.staff, lambda s: save_fields(s, claim.id, save, now())),
        (people.staff2, lambda s: save_fields(s, claim.id, save, now())),
    )
    assert not [end for end in ends if isinstance(end, BaseException)]
    assert len(read(select(Change))) == 2


def test_the_second_to_move_a_claim_is_shown_where_it_is(people):
    claim = make_claim(people.levi, people.staff)
    ends = at_once(
        (people.staff, lambda s: change_status(s, claim.id, 'submitted', '', 'new', now())),
        (people.staff2, lambda s: change_status(s, claim.id, 'in_repair', '', 'new', now())),
    )
    assert isinstance(ends[1], ClaimConflict)
    assert ends[1].current == 'submitted'


def test_what_one_read_before_the_lock_is_read_again(people):
    # a verb that looked the claim up first must not save on top of what it saw then
    claim = make_claim(people.levi, people.staff)

    def look_then_save(session: Session) -> Any:
        found = fetch_one(session, claim_by_no(claim.claim_no))
        assert found is not None
        return save_fields(session, found.id, {'make_model': ('', 'מאזדה 3')}, now())

    ends = at_once(
        (people.staff, lambda s: save_fields(s, claim.id, {'insured_phone': ('0525550134', '0521111111')}, now())),
        (people.staff2, look_then_save),
    )
    assert not [end for end in ends if isinstance(end, BaseException)]
    (after,) = read(select(Claim))
    assert (after.insured_phone, after.make_model) == ('0521111111', 'מאזדה 3')


# ---- alerts, once -----------------------------------------------------------------------------------------------------------


def news(people: People, many: int) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(many // 3)]
    for claim in claims:
        for before, after in (('', 'מאזדה 3'), ('מאזדה 3', 'מאזדה 2')):
            with open_session(people.staff) as session:
                save_fields(session, claim.id, {'make_model': (before, after)}, now())


def alerted() -> list[tuple[int, int | None]]:
    with open_session(SYSTEM, reading=True) as session:
        return [(row.user_id, row.change_id) for row in session.execute(select(Alert.user_id, Alert.change_id))]


def test_four_processes_alert_each_person_of_each_change_once(people, database_url, workers):
    news(people, 24)
    workers.run('alert', database_url, [(8,)] * 4)  # for the first time: the cursor is not there yet either
    alert_everybody()
    readers = [person.user_id for person in (people.manager, people.dana, people.yossi)]
    assert sorted(alerted()) == sorted((reader, change) for reader in readers for change in read(select(Change.id)))


@pytest.fixture
def two_claims_with_news(postgres_url: str) -> Iterator[tuple[Actor, int, int]]:
    """A member of the bureau's staff and the ids of two claims; the younger one changed before the older."""
    database, people = connect(postgres_url), make_people()
    older, younger = (make_claim(people.levi, people.staff).id for _ in range(2))
    alert_everybody()
    for claim_id in (younger, older):
        save_phone(people.staff, claim_id, '0521111111')
    yield people.staff, older, younger
    database.close()


def save_phone(staff: Actor, claim_id: int, phone: str) -> None:
    with open_session(staff) as session:
        save_fields(session, claim_id, {'insured_phone': ('0525550134', phone)}, now())


@pytest.mark.postgres
def test_alerts_need_not_wait_for_whoever_has_a_claim(two_claims_with_news: tuple[Actor, int, int]):
    _, older, younger = two_claims_with_news
    with ThreadPoolExecutor(1) as pool, open_session(SYSTEM) as session:
        lock_claims(session, [older, younger])
        pool.submit(alert_everybody).result(5)


@pytest.mark.postgres
def test_alerts_take_the_claims_in_the_order_in_which_everybody_does(
    postgres_url: str, two_claims_with_news: tuple[Actor, int, int]
):
    staff, older, younger = two_claims_with_news
    with ThreadPoolExecutor(1) as pool:
        with open_session(staff) as session:
            save_fields(session, older, {'make_model': ('', 'מאזדה 3')}, now())
            session.flush()
            alerting = pool.submit(alert, 1)
            wait_until_somebody_waits(postgres_url)
            # a ring, if the alerts had the younger one already
            save_fields(session, younger, {'make_model': ('', 'מאזדה 3')}, now())
        assert alerting.result(10) == 2


@pytest.mark.postgres
def test_who_takes_his_link_as_his_account_is_closed_holds_nobody_up_and_is_out(postgres_url: str):
    database = connect(postgres_url)
    people = make_people()
    dana = people.dana.user_id or 0

    def close_the_account() -> None:
        with open_session(people.admin) as session:
            accounts.disable(session, dana)

    with open_session(people.admin) as session:
        token = accounts.new_link(session, dana, now())
    with ThreadPoolExecutor(1) as pool:
        with open_session(SYSTEM) as session:
            assert identity.link_of(session, token, now()) is not None
            closing = pool.submit(close_the_account)
            wait_until_somebody_waits(postgres_url)
            # a ring, if whoever closes it had the person already and waited for the link
            assert identity.use_link(session, token, identity.hash_password('שלוש מילים ארוכות'), now()) == dana
        closing.result(10)
    with open_session(SYSTEM) as session:
        assert actor_of(session, dana) is None
    database.close()


def test_four_processes_follow_each_change_to_the_desk_once(people, database_url, workers):
    desk.follow_claims()
    before = len(read(select(Change.id)))
    news(people, 24)
    followed = sum(workers.run('follow', database_url, [(8,)] * 4))

    def made() -> int:  # with what following them made itself
        return len(read(select(Change.id))) - before

    deadline = time.monotonic() + 60  # a writer in another database holds them back
    while followed < made() and time.monotonic() < deadline:
        followed += desk.follow_claims()
    assert followed == made()
    assert desk.follow_claims() == 0


def test_killed_while_alerting_loses_and_doubles_nothing(people, database_url):
    news(people, 12)
    killed('be_killed_alerting', database_url)
    assert alerted() == []
    alert_everybody()
    killed('be_killed_alerting', database_url)
    alert_everybody()
    assert len(alerted()) == len(set(alerted())) == 3 * len(read(select(Change.id)))


def test_killed_between_the_commit_and_the_bell_loses_no_alert(people, database_url):
    claim = make_claim(people.levi, people.staff)
    killed('be_killed_after_saving', database_url, people.staff, claim.id)
    assert read(select(Claim.insured_phone)) == ['0521111111']
    alert_everybody()
    assert len(alerted()) == 3 * 2


def test_killed_in_the_middle_leaves_nothing(people, database_url):
    claim = make_claim(people.levi, people.staff)
    killed('be_killed_saving', database_url, people.staff, claim.id)
    assert read(select(Claim.insured_phone)) == ['0525550134']
    assert read(select(func.count(Change.id))) == [1]
    with open_session(people.staff2) as session:  # nor a lock
        save_fields(session, claim.id, {'insured_phone': ('0525550134', '0521111111')}, now())
