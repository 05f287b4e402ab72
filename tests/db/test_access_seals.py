"""The log of access chained by hash: whatever is changed, removed or put in past the product is found, and nothing goes before its time."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from db import access_log, access_seals
from db.access_log import CLAIM, KEPT, SEARCH, Access, Asked, keep_accesses
from db.access_seals import (
    ADDED,
    CHANGED,
    MISSING,
    STOPPED,
    UNSEALED,
    AccessSeal,
    Tampered,
    access_heads,
    access_standing,
    compare,
    forget_accesses,
    seal_accesses,
    seals_after,
    stood_here,
)
from db.base import Base, now
from db.session import Database, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM
from tests.waiting import until

LINES, SEALS = Base.metadata.tables['accesses'], Base.metadata.tables['access_seals']


def keep(people: People, *told: str, at: datetime | None = None) -> None:
    with open_session(SYSTEM) as session:
        seen = {'at': at or now(), 'user_id': people.dana.user_id, 'what': SEARCH, 'claim_no': '26-1'}
        keep_accesses(session, [{**seen, 'told': words} for words in told])


def seal(at: datetime | None = None, limit: int = 100) -> None:
    """Until nothing waits: PostgreSQL holds lines back while any older transaction runs."""

    def sealed() -> bool:
        with open_session(SYSTEM) as session:
            while seal_accesses(session, at or now(), limit):
                session.flush()
        with open_session(SYSTEM, reading=True) as session:
            return access_standing(session, now()).waits_since is None

    until(sealed)


def faults(at: datetime | None = None) -> list[Tampered]:
    with open_session(SYSTEM, reading=True) as session:
        return list(compare(session, list(session.scalars(seals_after(0, 100))), None, at or now()))


def found(at: datetime | None = None) -> list[tuple[str, int, int]]:
    return [(fault.kind, fault.number, fault.present) for fault in faults(at)]


def tamper(database: Database, how: Callable[[Connection], Any]) -> None:
    with database.writer.begin() as connection:
        how(connection)


@pytest.fixture
def log(people: People) -> Iterator[list[int]]:
    """Three seals, of two lines each."""
    for first, second in (('א', 'ב'), ('ג', 'ד'), ('ה', 'ו')):
        keep(people, first, second)
        seal()
    with open_session(people.admin, reading=True) as session:
        yield [line.id for line in access_log.accesses(session, Asked(), 100)][::-1]


def test_each_line_is_under_one_seal_and_all_of_them_hold(people: People, log: list[int]) -> None:
    with open_session(SYSTEM, reading=True) as session:
        seals = list(session.scalars(seals_after(0, 100)))
    assert [(one.number, one.lines, one.last_id) for one in seals] == [(1, 2, log[1]), (2, 2, log[3]), (3, 2, log[5])]
    assert [one.first_id for one in seals[1:]] == [log[1] + 1, log[3] + 1], 'no number lies between'
    assert faults() == []
    keep(people, 'ז')
    assert faults() == []
    with open_session(people.admin, reading=True) as session:
        standing = access_standing(session, now())
    assert standing.newest is not None
    assert (standing.newest.number, standing.waits_since is not None, standing.stopped) == (3, True, False)


@pytest.mark.parametrize(
    'forged',
    [
        {'told': 'אחר'},
        {'by': 'אחר'},
        {'user_id': None},
        {'at': now() - timedelta(days=3)},
        {'what': CLAIM},
        {'claim_no': '26-2'},
        {'granted': False},
        {'address': '10.0.0.9'},
        {'as_user_id': 1},
        {'as_name': 'אחר'},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_whatever_is_changed_of_a_line_is_found(database: Database, log: list[int], forged: dict[str, Any]) -> None:
    tamper(database, lambda c: c.execute(LINES.update().where(LINES.c.id == log[2]).values(forged)))
    assert found() == [(CHANGED, 2, 2)]


def test_a_line_that_is_removed_or_put_in_is_found(database: Database, people: People, log: list[int]) -> None:
    tamper(database, lambda c: c.execute(LINES.delete().where(LINES.c.id == log[2])))
    assert found() == [(MISSING, 2, 1)]
    line = {'id': log[2], 'at': now(), 'by': 'x', 'what': SEARCH, 'claim_no': '', 'told': '', 'granted': True}
    put = {**line, 'as_name': '', 'address': ''}
    tamper(database, lambda c: c.execute(LINES.insert(), put))
    assert found() == [(CHANGED, 2, 2)]
    tamper(database, lambda c: c.execute(LINES.update().where(LINES.c.id == log[5]).values(id=log[5] + 50)))
    assert found() == [(CHANGED, 2, 2), (MISSING, 3, 1)]


def test_a_line_put_into_a_number_that_was_never_given_out_is_found(database: Database, people: People) -> None:
    keep(people, 'א')
    tamper(database, lambda c: c.execute(LINES.update().values(id=LINES.c.id + 5)))
    seal()
    line = {'id': 2, 'at': now(), 'by': 'x', 'what': SEARCH, 'claim_no': '', 'told': '', 'granted': True}
    tamper(database, lambda c: c.execute(LINES.insert(), {**line, 'as_name': '', 'address': ''}))
    assert found() == [(ADDED, 1, 2)]


def test_lines_that_go_with_their_seal_tear_the_chain_and_a_mended_seal_breaks_the_next(
    database: Database, log: list[int]
) -> None:
    tamper(database, lambda c: c.execute(LINES.delete().where(LINES.c.id.in_(log[2:4]))))
    with open_session(SYSTEM, reading=True) as session:
        first, second = session.scalars(seals_after(0, 2)).all()
        forged = access_seals._hash_of(second, first, [])
    tamper(database, lambda c: c.execute(SEALS.update().where(SEALS.c.number == 2).values(hash=forged)))
    assert found() == [(CHANGED, 3, 2)]
    tamper(database, lambda c: c.execute(SEALS.delete().where(SEALS.c.number == 2)))
    assert [(fault.kind, fault.number, fault.seal.number) for fault in faults()] == [(UNSEALED, 2, 3)]


def test_a_seal_that_was_kept_elsewhere_tells_of_a_log_that_was_sealed_anew(
    database: Database, people: People, log: list[int]
) -> None:
    with open_session(people.admin, reading=True) as session:
        (kept,) = [one.line for one in access_heads(session)]
        assert stood_here(session, kept)
        assert not stood_here(session, 'access 9999 ab')
        assert not stood_here(session, 'access x')
        assert not stood_here(session, '2026-12-01 1 1 ab')
    tamper(database, lambda c: c.execute(SEALS.delete()))
    tamper(database, lambda c: c.execute(LINES.delete().where(LINES.c.id == log[0])))
    seal()
    assert faults() == []
    with open_session(people.admin, reading=True) as session:
        assert not stood_here(session, kept)


def test_nothing_is_forgotten_before_two_years_or_unsealed_and_what_was_is_no_fault(people: People) -> None:
    begun = now() - timedelta(days=800)
    keep(people, 'א', at=begun)
    seal(begun)
    keep(people, 'ב', 'ג', at=begun + timedelta(days=1))
    keep(people, 'ד', at=begun + timedelta(days=2))
    seal(begun + timedelta(days=2))
    keep(people, 'ה', at=begun)

    def forget(at: datetime) -> list[str]:
        with open_session(SYSTEM) as session:
            forget_accesses(session, at)
        with open_session(people.admin, reading=True) as session:
            return [line.told for line in access_log.accesses(session, Asked(), 100)][::-1]

    assert forget(begun + timedelta(days=731)) == ['א', 'ב', 'ג', 'ד', 'ה']
    assert forget(begun + KEPT + timedelta(days=1, hours=1)) == ['ב', 'ג', 'ד', 'ה'], 'one of a seal is too young'
    assert forget(begun + KEPT + timedelta(days=2, hours=1)) == ['ה'], 'it has no seal yet'
    assert faults() == []
    assert found(begun + timedelta(days=30)) == [(MISSING, 1, 0), (MISSING, 2, 0)], 'it was too early then'


def test_lines_that_nobody_seals_stop_the_clock(people: People) -> None:
    def stopped(later: timedelta) -> bool:
        with open_session(people.admin, reading=True) as session:
            return access_standing(session, now() + later).stopped

    keep(people, 'א')
    assert not stopped(STOPPED * 2), 'before the first seal the job itself is late'
    seal()
    assert not stopped(STOPPED * 2), 'nothing waits'
    keep(people, 'ב')
    assert [stopped(STOPPED / 2), stopped(STOPPED * 1.1)] == [False, True]


def test_a_long_past_is_sealed_in_pieces(people: People) -> None:
    keep(people, *'אבגדה')
    seal(limit=2)
    with open_session(SYSTEM, reading=True) as session:
        assert [one.lines for one in session.scalars(seals_after(0, 10))] == [2, 2, 1]
    assert faults() == []


@pytest.mark.postgres
def test_a_line_whose_number_was_given_out_before_is_waited_for(people: People, database: Database) -> None:
    if database.writer.dialect.name != 'postgresql':
        pytest.skip('on SQLite writers take turns')
    with open_session(SYSTEM) as late:
        late.add(Access(at=now(), what=SEARCH, told='קודם'))
        late.flush()
        keep(people, 'אחריו')
        for _ in range(3):
            with open_session(SYSTEM) as session:
                assert seal_accesses(session, now(), 100) is None
    seal()
    with open_session(SYSTEM, reading=True) as session:
        (one,) = session.scalars(seals_after(0, 10)).all()
    assert one.lines == 2


def test_only_admins_read_how_it_stands_and_nobody_seals_by_hand(people: People) -> None:
    for ask in (lambda s: access_standing(s, now()), access_heads, lambda s: stood_here(s, 'access 1 x')):
        with pytest.raises(ClaimError, match='not allowed'), open_session(people.staff, reading=True) as session:
            ask(session)
    for order in (lambda s: seal_accesses(s, now(), 1), lambda s: forget_accesses(s, now())):
        with pytest.raises(ClaimError, match='not allowed'), open_session(people.admin) as session:
            order(session)
    with open_session(people.admin, reading=True) as session:
        assert session.get(AccessSeal, 1) is None
