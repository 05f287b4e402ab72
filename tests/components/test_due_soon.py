"""The two lines of the bell about cheques: right sums under the reader's scope, and little read for them."""

from datetime import date

from sqlalchemy import event

from components.due_soon import next_due_cheques
from db.base import now
from db.cheques import Cheque, Slip, enter_cheque
from db.claims import Claim
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import make_claim

TODAY = date(2026, 11, 23)


def enter(staff: Actor, claim: Claim, day: int) -> None:
    with open_session(staff) as session:
        enter_cheque(session, claim.id, Slip('insurer_to_insured', 1_000_00, date(2026, 11, day)), 'received', now())


def test_the_nearest_day_is_counted_and_not_read(people: People) -> None:
    ours, theirs = make_claim(people.levi, people.staff), make_claim(people.cohen, people.staff)
    for day in (30, 26, 26, 26, 26):
        enter(people.staff, ours, day)
    enter(people.staff, theirs, 24)
    read: list[Cheque] = []

    def note(cheque: Cheque, _: object) -> None:
        read.append(cheque)

    event.listen(Cheque, 'load', note)
    try:
        with open_session(people.dana, reading=True) as session:
            told = next_due_cheques(session, TODAY, 'he')
    finally:
        event.remove(Cheque, 'load', note)
    assert told is not None
    assert (told['days'], told['detail'][:6]) == ('3', '₪4,000')
    assert told['title'].startswith('4 ')
    assert told['detail'].endswith('…')
    assert len({cheque.id for cheque in read}) <= 2, 'the bell stands on every page'
    with open_session(people.rival, reading=True) as session:
        nearest = next_due_cheques(session, TODAY, 'he')
    assert nearest is not None
    assert nearest['detail'].startswith('₪1,000')
