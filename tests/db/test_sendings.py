"""Where a submission pack went: who may say it and of which days, and that it stays as it was said."""

from datetime import date, timedelta

import pytest

from db import values
from db.base import now
from db.changes import history_of
from db.claims import Claim
from db.history import OTHER, HistoryChoice, chosen_history
from db.packs import SubmissionPack
from db.scope import Actor, Unscoped
from db.sendings import PackSending, SendingNote, note_sending, sendings_of
from db.session import fetch, open_session
from db.texts import ClaimError
from db.values import Malformed
from tests.conftest import People
from tests.db.test_packs import kept, planned, sent
from tests.factories import SYSTEM, make_claim


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff)


@pytest.fixture
def pack(people: People, claim: Claim) -> SubmissionPack:
    for name in ('01', '02'):
        sent(people.dana, claim, 'vehicle_licence', name, name)
    return kept(people.staff, planned(people.staff, claim))


def today() -> date:
    return values.israel(now()).date()


def said(actor: Actor, pack: SubmissionPack, to: str = 'הראל', on: date | None = None, way: str = 'email') -> int:
    with open_session(actor) as session:
        return note_sending(session, pack.uuid, SendingNote(to, on or today(), way), now()).id


def test_each_sending_is_a_line_and_the_same_said_twice_is_one(
    people: People, claim: Claim, pack: SubmissionPack
) -> None:
    first = said(people.staff, pack)
    assert said(people.staff2, pack, ' הראל ') == first
    assert said(people.staff2, pack, way='fax') != first
    with open_session(people.staff, reading=True) as session:
        found = fetch(session, sendings_of(claim.id))
        told = [change for change in fetch(session, history_of(claim.id)) if change.kind == 'pack.sent']
    assert [(one.pack_id, one.sent_to, one.sent_on, one.way, one.by) for one in found] == [
        (pack.id, 'הראל', today(), 'email', people.staff.name),
        (pack.id, 'הראל', today(), 'fax', people.staff2.name),
    ]
    assert [(change.internal, change.quiet, change.fields['way']) for change in told] == [
        (True, True, [None, way]) for way in ('fax', 'email')
    ]


def test_a_sending_stands_among_the_documents_of_the_history(
    people: People, claim: Claim, pack: SubmissionPack
) -> None:
    said(people.staff, pack)
    with open_session(people.staff, reading=True) as session:
        kinds = {change.kind for change in fetch(session, chosen_history(claim.id, HistoryChoice('documents')))}
        others = {change.kind for change in fetch(session, chosen_history(claim.id, HistoryChoice(OTHER)))}
    assert {'pack', 'pack.sent'} <= kinds
    assert not {'pack', 'pack.sent'} & others


def test_what_was_said_stays(people: People, pack: SubmissionPack) -> None:
    one = said(people.staff, pack)
    for actor in (people.staff, people.admin, SYSTEM):
        for name, value in (('sent_to', 'כלל'), ('sent_on', today() - timedelta(1)), ('way', 'fax')):
            with pytest.raises(Unscoped), open_session(actor) as session:
                setattr(session.get_one(PackSending, one), name, value)
        with pytest.raises(Unscoped), open_session(actor) as session:
            session.delete(session.get_one(PackSending, one))


def test_only_what_can_be_is_written_down(people: People, claim: Claim, pack: SubmissionPack) -> None:
    for wrong in (
        {'to': ' '},
        {'way': 'owl'},
        {'on': today() + timedelta(1)},
        {'on': today() - timedelta(1)},
    ):
        with pytest.raises(ClaimError):
            said(people.staff, pack, **wrong)
    with pytest.raises(Malformed):
        said(people.staff, pack, 'x' * 121)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, sendings_of(claim.id)) == []


def test_an_office_says_and_hears_nothing_of_it(people: People, claim: Claim, pack: SubmissionPack) -> None:
    said(people.staff, pack)
    for actor in (people.dana, people.manager, people.rival):
        with pytest.raises(ClaimError):
            said(actor, pack)
        with open_session(actor, reading=True) as session:
            assert fetch(session, sendings_of(claim.id)) == []
            assert 'pack.sent' not in [change.kind for change in fetch(session, history_of(claim.id))]
