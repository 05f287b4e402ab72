"""The record: what changed is written with the change itself, read per person, and rings after the commit only."""

import pytest
from sqlalchemy import select

from db import alerts, changes, doorbell, list_rows, list_state, lists, seen_marks
from db.alerts import Alert
from db.base import now
from db.claims import Claim, change_status, lock_claim, mark_checked, save_fields
from db.messages import note_internally
from db.repairs import NOTE, RepairEvent
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim


def row_for(actor: Actor) -> list_rows.Row:
    with open_session(actor, reading=True) as session:
        return lists.page_of(session, list_state.ListState(view='all')).rows[0]


def test_a_change_by_staff_is_bold_for_the_office_until_each_opens_it(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'approved_for_payment', '', 'new', now())
    row = row_for(people.dana)
    assert row.unread
    assert row.change is not None
    assert row.change.fields['status'] == ['new', 'approved_for_payment']
    assert not row_for(people.staff).unread, "one's own change is no news"
    with open_session(people.dana) as session:
        assert alerts.visit(session, claim.id, now()) == claim.seq
    assert not row_for(people.dana).unread
    assert row_for(people.manager).unread, 'opening by a colleague leaves mine bold'


def test_what_one_does_to_a_claim_one_never_opened_is_no_news_to_oneself(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    row = row_for(people.staff2)
    with open_session(people.staff2) as session:
        save_fields(session, claim.id, {'insured_phone': (claim.insured_phone, '0527654321')}, now())
    assert row.unread, 'he had not seen it'
    assert row_for(people.staff2).unread, 'and still has not'
    with open_session(people.staff2) as session:
        alerts.mark_all_read(session, now())
        assert seen_marks.seen_seq(session, claim.id)[1] is None, 'never opened'
    with open_session(people.staff2) as session:
        save_fields(session, claim.id, {'insured_phone': ('0527654321', '0527654322')}, now())
    assert not row_for(people.staff2).unread


@pytest.mark.parametrize('holds_mark', [True, False])
def test_ones_own_change_is_seen_with_the_news_before_it_or_not_at_all(people: People, holds_mark: bool) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff2) as session:
        seen_marks.mark_seen(session, claim.id, now())
    with open_session(people.staff2) as session:
        mark = session.get(seen_marks.SeenMark, (people.staff2.user_id, claim.id)) if holds_mark else None
        latest = save_fields(session, claim.id, {'daily_note': ('', 'שלי')}, now())
        session.flush()
        assert seen_marks.seen_seq(session, claim.id)[0] == latest.seq
        assert mark is None or mark.seq == latest.seq
    with open_session(people.staff2, reading=True) as session:
        assert seen_marks.seen_seq(session, claim.id)[0] == latest.seq
    with open_session(people.staff) as session:
        theirs = save_fields(session, claim.id, {'daily_note': ('שלי', 'שלהם')}, now())
    with open_session(people.staff2) as session:
        save_fields(session, claim.id, {'daily_note': ('שלהם', 'שלי')}, now())
        save_fields(session, claim.id, {'driver': ('', 'אני')}, now())
    with open_session(people.staff2, reading=True) as session:
        seen, _ = seen_marks.seen_seq(session, claim.id)
        assert [change.id for change in fetch(session, changes.news_since(claim.id, seen, people.staff2.user_id))] == [
            theirs.seq
        ]


def test_one_click_that_is_two_changes_of_a_claim_one_never_opened_is_no_news_to_oneself(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff2) as session:
        alerts.mark_all_read(session, now())
    with open_session(people.staff2) as session:
        claim = lock_claim(session, claim.id)
        claim.daily_note = 'דיברנו'
        told = {'claim_id': claim.id, 'office_id': claim.office_id, 'user_id': people.staff2.user_id, 'by': 'x'}
        session.add(RepairEvent(**told, kind=NOTE, at=now(), note='החלק הגיע'))
    with open_session(people.staff2, reading=True) as session:
        kinds = [change.kind for change in fetch(session, changes.history_of(claim.id))]
    assert sorted(kinds) == ['opened', 'repair.noted', 'updated']
    assert not row_for(people.staff2).unread


def test_what_came_after_what_was_shown_stays_unseen(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    seqs = []
    for phone in ('0527654321', '0527654322'):
        with open_session(people.staff) as session:
            before = session.get_one(Claim, claim.id).insured_phone
            seqs.append(save_fields(session, claim.id, {'insured_phone': (before, phone)}, now()))
    shown, newest = (row.seq for row in seqs)
    with open_session(SYSTEM) as session:
        whose = {'user_id': people.dana.user_id, 'claim_id': claim.id, 'office_id': claim.office_id, 'at': now()}
        for seq in (shown, newest):
            session.add(Alert(kind='claim.updated', key=f'change:{seq}', change_id=seq, **whose))

    def visited(up_to: int | None) -> tuple[bool, int]:
        with open_session(people.dana) as session:
            alerts.visit(session, claim.id, now(), arriving=False, up_to=up_to)
        with open_session(people.dana, reading=True) as session:
            unread = [alert.change_id for alert in fetch(session, select(Alert)) if alert.read_at is None]
            return alerts.is_unseen(session, session.get_one(Claim, claim.id)), len(unread)

    assert visited(shown) == (True, 1)
    assert row_for(people.dana).unread
    assert visited(newest + 99) == (False, 0)
    assert visited(shown) == (False, 0), 'a late sign takes nothing back'
    assert not row_for(people.dana).unread
    with open_session(people.dana, reading=True) as session:
        assert changes.newest_change(session, claim.id) == newest


def test_a_rollback_leaves_no_record_and_rings_nothing(people: People, notices: list[doorbell.Notice]) -> None:
    claim = make_claim(people.levi, people.staff)
    notices.clear()
    with pytest.raises(ClaimError, match='reason'), open_session(people.staff) as session:
        save_fields(session, claim.id, {'insured_phone': ('0525550134', '0527654321')}, now())
        session.flush()
        change_status(session, claim.id, 'rejected', '', 'new', now())
    assert notices == []
    with open_session(SYSTEM, reading=True) as session:
        assert [change.kind for change in fetch(session, changes.history_of(claim.id))] == ['opened']


def test_two_flushes_of_one_click_are_one_change(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'insured_phone': ('0525550134', '0527654321')}, now())
        session.flush()
        save_fields(
            session, claim.id, {'insured_phone': ('0527654321', '0521111111'), 'tp_driver': ('', 'עידו')}, now()
        )
    with open_session(SYSTEM, reading=True) as session:
        newest, _ = fetch(session, changes.history_of(claim.id))
    assert newest.fields == {'insured_phone': ['0525550134', '0521111111'], 'tp_driver': ['', 'עידו']}


def test_what_failed_is_told_however_many_changes_it_had(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(4)]
    monkeypatch.setattr(doorbell, '_MOST_RUNG', 2)
    with pytest.raises(ClaimError, match='בדיקה'), open_session(people.staff) as session:
        for claim in claims:
            save_fields(session, claim.id, {'tp_driver': ('', 'עידו')}, now())
            session.flush()
        raise ClaimError('בדיקה')


def test_checked_without_change_moves_no_row_and_rings_no_bell(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    before = row_for(people.dana)
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, now())
    alert_everybody()
    after = row_for(people.dana)
    assert (after.seq, after.updated_at, after.unread) == (before.seq, before.updated_at, False)


def test_an_internal_note_reaches_no_agent(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        note_internally(session, claim.id, 'הלקוח כועס', now())
    for actor, kinds in ((people.staff2, ['noted', 'opened']), (people.manager, ['opened'])):
        with open_session(actor, reading=True) as session:
            assert [change.kind for change in fetch(session, changes.history_of(claim.id))] == kinds
