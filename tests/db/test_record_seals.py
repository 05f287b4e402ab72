"""The record chained by hash: whatever is changed, removed or put in past the product is found and named, and nothing is passed over."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Table, func, select

from db import record_seals
from db.alerts import Cursor
from db.base import Base, now
from db.calls import CallNote, log_call
from db.catch_up import waiting_after
from db.changes import Change
from db.claims import Claim, save_fields
from db.messages import note_internally
from db.record_seals import (
    ADDED,
    CHANGED,
    CURSOR,
    GONE,
    LATE,
    TORN,
    UNSEALED,
    Chain,
    ChangeSeal,
    Fault,
    SealHead,
    chains,
    claim_to_verify,
    due_head,
    heads,
    seal_next,
    standing_of_seals,
    write_head,
    wrong_heads,
)
from db.scope import Actor, Can
from db.session import Database, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

CHANGES: Table = Base.metadata.tables['changes']
SEALS: Table = Base.metadata.tables['change_seals']
MORNING = datetime(2026, 12, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seal(at: datetime = MORNING, limit: int = 200) -> None:
    """Seal until nothing is left. PostgreSQL holds changes back while any older transaction runs."""
    for _ in range(3000):
        with open_session(SYSTEM) as session:
            seal_next(session, at, limit)
            cursor = session.get_one(Cursor, CURSOR)
            if not waiting_after(session, (cursor.xid, cursor.change_id)):
                return
        time.sleep(0.01)
    raise TimeoutError('changes are held back')


def chain_of(claim: Claim, at: datetime = MORNING) -> Chain:
    with open_session(SYSTEM, reading=True) as session:
        return chains(session, [claim.id], at)[claim.id]


def tamper(database: Database, deed: Callable[[Connection], Any]) -> None:
    """Past the product, as the owner of the database may."""
    with database.writer.begin() as connection:
        deed(connection)


def sealed_up_to(people: People) -> datetime | None:
    with open_session(people.admin, reading=True) as session:
        return standing_of_seals(session).up_to


def talked_about(people: People) -> Claim:
    """A claim with four lines: opened, two saves, an internal note."""
    claim = make_claim(people.levi, people.staff)
    for before, after in (('', 'נבדק'), ('נבדק', 'נשלח')):
        with open_session(people.staff) as session:
            save_fields(session, claim.id, {'daily_note': (before, after)}, now())
    with open_session(people.staff) as session:
        note_internally(session, claim.id, 'לברר מול השמאי', now())
    return claim


@pytest.fixture
def claim(people: People) -> Claim:
    """Sealed in the morning."""
    claim = talked_about(people)
    seal()
    return claim


def entries(claim: Claim) -> list[int]:
    return [seal.change_id for seal in chain_of(claim).seals]


def test_each_claim_has_a_chain_of_its_own_and_all_of_it_holds(people: People, claim: Claim) -> None:
    other = talked_about(people)
    seal(MORNING + HOUR)
    with open_session(people.staff) as session:
        log_call(session, claim.id, CallNote('insured', 'outbound', 'no_answer', summary='לא ענה'), now())
    assert (len(chain_of(claim).seals), chain_of(claim).waiting) == (4, 1)
    seal(MORNING + 2 * HOUR)
    for one, lines in ((claim, 5), (other, 4)):
        chain = chain_of(one, MORNING + 9 * HOUR)
        assert ([seal.number for seal in chain.seals], chain.faults, chain.waiting) == ([*range(1, lines + 1)], [], 0)
    assert len({seal.hash for seal in (*chain_of(claim).seals, *chain_of(other).seals)}) == 9


@pytest.mark.parametrize(
    'forged',
    [
        {'fields': {'daily_note': ['', 'נדחה']}},
        {'by': 'אחר'},
        {'user_id': 1},
        {'at': MORNING},
        {'kind': 'noted'},
        {'internal': True},
        {'quiet': True},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_whatever_is_changed_of_a_line_is_found(database: Database, claim: Claim, forged: dict[str, Any]) -> None:
    entry = entries(claim)[1]
    tamper(database, lambda c: c.execute(CHANGES.update().where(CHANGES.c.id == entry).values(forged)))
    assert chain_of(claim).faults == [Fault(CHANGED, entry, 2)]


def test_a_line_that_is_changed_and_sealed_anew_breaks_the_next(database: Database, claim: Claim) -> None:
    entry, following = entries(claim)[1:3]
    tamper(database, lambda c: c.execute(CHANGES.update().where(CHANGES.c.id == entry).values(by='אחר')))
    with open_session(SYSTEM, reading=True) as session:
        first, second = session.scalars(select(ChangeSeal).order_by(ChangeSeal.id).limit(2)).all()
        forged = record_seals._hash_of(second, first, session.get_one(Change, entry))
    tamper(database, lambda c: c.execute(SEALS.update().where(SEALS.c.change_id == entry).values(hash=forged)))
    assert chain_of(claim).faults == [Fault(CHANGED, following, 3)]


@pytest.mark.parametrize('place', [0, 2, 3])
def test_a_removed_line_is_missing(database: Database, claim: Claim, place: int) -> None:
    entry = entries(claim)[place]
    tamper(database, lambda c: c.execute(CHANGES.delete().where(CHANGES.c.id == entry)))
    assert chain_of(claim).faults == [Fault(GONE, entry, place + 1)]


def test_a_line_that_is_removed_with_its_seal_tears_the_chain(database: Database, claim: Claim) -> None:
    entry = entries(claim)[1]
    tamper(database, lambda c: c.execute(CHANGES.delete().where(CHANGES.c.id == entry)))
    tamper(database, lambda c: c.execute(SEALS.delete().where(SEALS.c.change_id == entry)))
    assert chain_of(claim).faults == [Fault(UNSEALED, 2, 2)]


def test_several_that_are_removed_with_their_seals_are_told_of_together(database: Database, claim: Claim) -> None:
    gone = entries(claim)[1:3]
    tamper(database, lambda c: c.execute(CHANGES.delete().where(CHANGES.c.id.in_(gone))))
    tamper(database, lambda c: c.execute(SEALS.delete().where(SEALS.c.change_id.in_(gone))))
    assert chain_of(claim).faults == [Fault(TORN, 3, 2)]


def test_swapped_lines_are_both_found(database: Database, claim: Claim) -> None:
    first, second = entries(claim)[1:3]

    def swap(connection: Connection) -> None:
        for old, new in ((first, -1), (second, first), (-1, second)):
            connection.execute(CHANGES.update().where(CHANGES.c.id == old).values(id=new))

    tamper(database, swap)
    assert chain_of(claim).faults == [Fault(CHANGED, first, 2), Fault(CHANGED, second, 3)]


def put_in(database: Database, claim: Claim, entry: int, **columns: Any) -> None:
    """A line in the past, that nobody wrote."""
    with open_session(SYSTEM, reading=True) as session:
        like = session.get_one(Change, entries(claim)[1])
        row = {name: getattr(like, name) for name in CHANGES.c.keys() if name != 'xid'}  # noqa: SIM118
    tamper(database, lambda c: c.execute(CHANGES.insert().values({**row, 'id': entry, **columns})))


def test_a_line_put_into_the_past_without_a_seal_is_found_once_all_that_was_under_way_has_ended(
    database: Database, claim: Claim
) -> None:
    before_all = 0 if database.writer.dialect.name == 'postgresql' else None
    put_in(database, claim, -5, xid=before_all)
    seal(MORNING + HOUR)
    soon = chain_of(claim, MORNING + HOUR / 2)
    assert (soon.faults, soon.waiting) == ([], 1), 'it could still be one that commits late'
    chain = chain_of(claim, MORNING + 2 * HOUR)
    assert (chain.faults, chain.waiting) == ([Fault(ADDED, -5)], 0)


def test_a_line_put_into_the_past_and_sealed_like_all_is_found_too(database: Database, claim: Claim) -> None:
    if database.writer.dialect.name != 'postgresql':
        pytest.skip('on SQLite it is passed over, and found for having no seal')
    put_in(database, claim, -5)
    seal(MORNING + 2 * HOUR)
    assert chain_of(claim, MORNING + 9 * HOUR).faults == [Fault(LATE, -5, 5)]


def test_what_comes_a_little_out_of_order_is_nobodys_fault(people: People, database: Database) -> None:
    if database.writer.dialect.name != 'postgresql':
        pytest.skip('on SQLite ids are in order')
    with database.writer.begin() as connection:
        drawn = int(connection.scalar(select(func.nextval('changes_id_seq'))) or 0)
    claim = talked_about(people)
    seal()
    put_in(database, claim, drawn)
    seal(MORNING + HOUR / 2)
    assert (chain_of(claim, MORNING + 9 * HOUR).faults, entries(claim)[4]) == ([], drawn)


def test_a_row_that_commits_late_is_sealed(people: People, database: Database, database_url: str) -> None:
    """Its id and its transaction come before those of what was sealed meanwhile elsewhere."""
    if not database_url.startswith('postgresql'):
        pytest.skip('on SQLite writers take turns: nothing commits late')
    slow, quick = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff)
    seal()
    with psycopg.connect(database_url.replace('+psycopg', '', 1)) as other:
        row = other.execute(
            'INSERT INTO changes (id, claim_id, office_id, at, by, kind, quiet, internal, fields)'
            " VALUES (nextval('changes_id_seq'), %s, %s, now(), 'x', 'noted', true, true, '{}') RETURNING id",
            [slow.id, slow.office_id],
        ).fetchone()
        with open_session(people.staff) as session:
            note_internally(session, quick.id, 'אחרי', now())
        with open_session(SYSTEM) as session:
            assert seal_next(session, MORNING, 200) == 0, 'what stands behind it waits for it'
        other.commit()
    seal()
    assert row is not None
    assert entries(slow)[-1] == row[0]
    assert [len(chain_of(one).seals) for one in (slow, quick)] == [2, 2]
    assert not chain_of(slow).faults


def test_a_crash_between_batches_neither_passes_over_nor_doubles(people: People, claim: Claim) -> None:
    other = talked_about(people)

    class Crash(Exception):  # noqa: N818
        pass

    with open_session(SYSTEM) as session:
        assert seal_next(session, MORNING, 1) <= 1
    with pytest.raises(Crash), open_session(SYSTEM) as session:
        seal_next(session, MORNING, 1)
        session.flush()
        raise Crash
    seal(limit=1)
    with open_session(SYSTEM) as session:  # the place is lost, as in a restore of a part: all is read again
        session.delete(session.get_one(Cursor, CURSOR))
    seal(limit=3)
    for one in (claim, other):
        chain = chain_of(one, MORNING + 9 * HOUR)
        assert ([seal.number for seal in chain.seals], chain.faults, chain.waiting) == ([1, 2, 3, 4], [], 0)
        assert len({*entries(one)}) == 4


# ---- the heads of the days ---------------------------------------------------------------------------------------------------


def headed(day: datetime) -> SealHead | None:
    with open_session(SYSTEM, reading=True) as session:
        head = due_head(session, day.date())
    if head is not None:
        with open_session(SYSTEM) as session:
            write_head(session, head)
    return head


def wrong() -> list[int]:
    with open_session(SYSTEM, reading=True) as session:
        return [head.day.day for head in wrong_heads(session)]


def test_a_day_has_one_head_over_what_was_sealed_since_the_last(people: People, claim: Claim) -> None:
    assert headed(MORNING) is None, 'the day is not over'
    first = headed(MORNING + timedelta(days=1))
    assert first is not None
    assert (first.day, first.claims) == (MORNING.date(), 1)
    assert headed(MORNING + timedelta(days=1)) is None
    assert headed(MORNING + timedelta(days=2)) is None, 'nothing was sealed'
    talked_about(people)
    seal(MORNING + HOUR)
    assert headed(MORNING + timedelta(days=1)) is None, 'that day has one: the clock was set back'
    talked_about(people)
    seal(MORNING + timedelta(days=2))
    second = headed(MORNING + timedelta(days=3))
    assert second is not None
    assert second.claims == 2
    assert wrong() == []
    with open_session(people.admin, reading=True) as session:
        assert [head.line for head in heads(session)] == [second.line, first.line]
        standing = standing_of_seals(session)
        assert (standing.waits, len(standing.heads)) == (False, 2)
        assert standing.up_to is not None
    assert first.line == f'2026-12-02 {first.up_to} 1 {first.hash}'


def test_whoever_cuts_off_the_end_of_a_chain_breaks_its_head(database: Database, claim: Claim, people: People) -> None:
    headed(MORNING + timedelta(days=1))
    entry = entries(claim)[-1]
    tamper(database, lambda c: c.execute(CHANGES.delete().where(CHANGES.c.id == entry)))
    assert sealed_up_to(people), 'of the line before it'
    tamper(database, lambda c: c.execute(SEALS.delete().where(SEALS.c.change_id == entry)))
    assert chain_of(claim).faults == [], 'nothing is left that would tell'
    assert wrong() == [2]


def test_a_head_that_is_rewritten_breaks_the_next(people: People, database: Database, claim: Claim) -> None:
    headed(MORNING + timedelta(days=1))
    talked_about(people)
    seal(MORNING + timedelta(days=1))
    headed(MORNING + timedelta(days=2))
    table = Base.metadata.tables['seal_heads']
    tamper(database, lambda c: c.execute(table.update().where(table.c.day == MORNING.date()).values(hash='00' * 32)))
    assert wrong() == [2, 3]


# ---- rights -----------------------------------------------------------------------------------------------------------------


def test_the_bureau_and_the_manager_of_the_office_verify_and_nobody_else(people: People, claim: Claim) -> None:
    def may(actor: Actor) -> bool:
        try:
            with open_session(actor, reading=True) as session:
                return claim_to_verify(session, claim.claim_no).id == claim.id
        except ClaimError:
            return False

    others = make_claim(people.cohen, people.staff)
    assert [may(actor) for actor in (people.staff, people.admin, people.manager)] == [True] * 3
    assert [may(actor) for actor in (people.dana, people.yossi, people.rival)] == [False] * 3
    with open_session(people.manager, reading=True) as session, pytest.raises(ClaimError):
        claim_to_verify(session, others.claim_no)


def test_what_all_seals_say_only_the_product_and_the_admin_ask(people: People, claim: Claim) -> None:
    for question in (
        lambda session: chains(session, [claim.id], now()),
        wrong_heads,
        lambda session: due_head(session, now().date()),
        lambda session: seal_next(session, now(), 1),
    ):
        with open_session(people.admin) as session, pytest.raises(ClaimError):
            question(session)
    with open_session(people.staff, reading=True) as session, pytest.raises(ClaimError):
        heads(session)
    with open_session(people.staff, reading=True) as session, pytest.raises(ClaimError):
        standing_of_seals(session)
    assert not people.staff.may(Can.KEEP_BOOKS)


def test_what_is_sealed_is_as_the_docs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed by hand, as an auditor would: a change of the form would break every chain there is."""
    change = Change(
        id=7,
        claim_id=3,
        office_id=2,
        at=datetime(2026, 12, 2, 10, 0, tzinfo=UTC),
        user_id=None,
        by='דנה',
        kind='updated',
        internal=False,
        quiet=True,
        fields={'b': [None, 1.5], 'a': ['x', 'y']},
    )
    salts = iter(['0f', '1e'])
    monkeypatch.setattr(record_seals, 'token_hex', lambda _: next(salts))
    before = ChangeSeal(number=4, hash='ab')
    sealed = record_seals._sealed(change, before, MORNING)
    assert (sealed.number, sealed.hash) == (5, '955a1fb9fe95ba9e0dbf089c99f7349cf78a196ae80e2e127e3f319584b09f03')
    assert record_seals._sealed(change, before, MORNING).hash != sealed.hash, 'who guesses a line cannot try it'
