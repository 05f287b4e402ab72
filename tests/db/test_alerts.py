"""Alerts: to those whom a change concerns, once, in one group a claim, and gone when the claim is opened."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from db import alert_news, alert_rows, alerts, catch_up, changes, list_counts, seen_marks
from db.accounts import disable
from db.alert_kinds import UPDATED
from db.alerts import Alert, AlertGroup
from db.base import now
from db.claims import Claim, change_status, mark_checked, open_claim, save_fields
from db.list_state import ListState
from db.messages import Letter, ThreadKey, note_internally, write_message
from db.offices import AgentOffice, User
from db.repairs import note_repair
from db.scope import Actor, Role
from db.seen_marks import SeenMark
from db.session import fetch, open_session
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim, make_user


def groups(actor: Actor, *, only_unread: bool = False, limit: int = 30, offset: int = 0) -> list[AlertGroup]:
    with open_session(actor, reading=True) as session:
        wanted = alerts.AlertFilter(only_unread=only_unread)
        return alerts.alert_groups(session, limit=limit, offset=offset, wanted=wanted)


def bell(actor: Actor) -> int:
    with open_session(actor, reading=True) as session:
        found = alerts.unread_groups(session)
    with open_session(SYSTEM, reading=True) as session:
        of_several = alerts.unread_groups_of(session, [actor.user_id or 0])
    assert actor.sees_own_only or of_several.get(actor.user_id or 0, 0) == found
    return found


def alerted() -> dict[int, int]:
    """How many alerts each person has."""
    with open_session(SYSTEM, reading=True) as session:
        owners = fetch(session, select(Alert.user_id))
    return {user_id: owners.count(user_id) for user_id in owners}


def edit(actor: Actor, claim: Claim, make_model: str) -> None:
    with open_session(actor) as session:
        before = session.get_one(Claim, claim.id).make_model
        save_fields(session, claim.id, {'make_model': (before, make_model)}, now())


# ---- whom -------------------------------------------------------------------------------------------------------------------


def test_the_office_and_the_handler_are_alerted_and_not_the_author(people):
    viewer = make_user('צפי', Role.READ_ONLY, people.levi)
    make_claim(people.levi, people.staff, handler=people.staff2.user_id)
    alert_everybody()
    concerned = (people.manager, people.dana, people.yossi, viewer, people.staff2)
    assert alerted() == {actor.user_id: 1 for actor in concerned}


def test_the_author_is_not_told_what_he_did_himself(people):
    claim = make_claim(people.levi, people.staff, handler=people.staff.user_id)
    edit(people.staff, claim, 'מאזדה')
    alert_everybody()
    assert people.staff.user_id not in alerted()
    edit(people.staff2, claim, 'סובארו')
    alert_everybody()
    assert [group.change.by for group in groups(people.staff) if group.change] == [people.staff2.name]


def test_of_a_claim_an_office_opens_that_nobody_handles_the_whole_bureau_is_told(people):
    given = {'insured_name': 'רונית', 'event_date': now().date()}
    teams = {make_user(f'מ{role}', role).user_id for role in (Role.REPAIR_TEAM, Role.SUBMISSION_TEAM)}
    bureau = {people.staff.user_id, people.staff2.user_id, people.admin.user_id, *teams}
    with open_session(people.admin) as session:
        session.get_one(User, people.staff2.user_id).active = False
    with open_session(people.dana) as session:
        claim = open_claim(session, people.levi, given, now())
    alert_everybody()
    assert bureau & set(alerted()) == bureau - {people.staff2.user_id}
    assert people.dana.user_id not in alerted()
    with open_session(people.dana) as session:
        write_message(session, ThreadKey(people.levi, claim.id), Letter('עוד פרט'), now())
    edit(people.admin, claim, 'מאזדה')
    alert_everybody()
    assert {alerted()[user_id] for user_id in bureau & set(alerted())} == {1}, 'what comes after it is for who takes it'


def test_of_a_claim_somebody_handles_or_the_bureau_opens_the_others_in_the_bureau_are_not_told(people):
    make_claim(people.levi, people.staff)
    make_claim(people.levi, people.staff, handler=people.staff2.user_id)
    with open_session(people.dana) as session:
        open_claim(session, people.levi, {'insured_name': 'רונית', 'event_date': now().date()}, now())
    alert_everybody()
    assert {people.staff.user_id, people.admin.user_id}.isdisjoint(alerted())
    assert alerted()[people.staff2.user_id] == 2


def test_where_agents_see_their_own_only_the_others_are_not_told(people):
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    make_claim(people.levi, people.staff, agent=people.dana.user_id)
    alert_everybody()
    assert set(alerted()) == {people.dana.user_id, people.manager.user_id}


def test_who_is_gone_is_not_told(people):
    with open_session(people.admin) as session:
        disable(session, people.dana.user_id or 0)
    make_claim(people.levi, people.staff)
    alert_everybody()
    assert set(alerted()) == {people.manager.user_id, people.yossi.user_id}


def test_who_has_seen_it_already_is_not_told(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    alert_everybody()
    assert set(alerted()) == {people.manager.user_id, people.yossi.user_id}


def test_a_newcomer_is_not_told_what_was_before_him(people):
    make_claim(people.levi, people.staff)
    with open_session(SYSTEM, reading=True) as session:
        newest = changes.latest_seq(session)
    newcomer = make_user('חדשה', Role.AGENT, people.levi, baseline_seq=newest)
    alert_everybody()
    assert newcomer.user_id not in alerted()


def test_quiet_and_internal_changes_alert_nobody(people):
    claim = make_claim(people.levi, people.staff, handler=people.staff2.user_id)
    alert_everybody()
    before = alerted()
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, now())
    with open_session(people.staff) as session:
        note_internally(session, claim.id, 'הלקוח כועס', now())
    alert_everybody()
    assert alerted() == before


# ---- once -------------------------------------------------------------------------------------------------------------------


def test_alerting_again_makes_nothing_twice(people):
    claim = make_claim(people.levi, people.staff)
    edit(people.staff, claim, 'מאזדה')
    alert_everybody()
    once = alerted()
    for _ in range(3):
        alert_everybody()
    with open_session(SYSTEM) as session:  # somebody lost his place
        cursor = session.get_one(alerts.Cursor, 'alerts')
        cursor.xid = cursor.change_id = 0
    alert_everybody()
    assert alerted() == once == {actor.user_id: 2 for actor in (people.manager, people.dana, people.yossi)}


def test_what_was_loaded_before_rings_nobody(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(SYSTEM) as session:
        alert_news.follow_from_here(session)
    alert_everybody()
    assert alerted() == {}
    edit(people.staff, claim, 'מאזדה')
    alert_everybody()
    assert set(alerted().values()) == {1}


def test_following_an_empty_database_starts_at_the_beginning(people):
    with open_session(SYSTEM) as session:
        alert_news.follow_from_here(session)
    make_claim(people.levi, people.staff)
    alert_everybody()
    assert set(alerted().values()) == {1}


def test_a_sweep_takes_one_batch_at_a_time(people):
    for _ in range(5):
        make_claim(people.levi, people.staff)
    read: list[int] = []
    while sum(read) < 5:  # on PostgreSQL it may wait for older transactions of other databases
        with open_session(SYSTEM) as session:
            read.append(alert_news.alert_followers(session, batch=2))
    assert max(read) == 2
    assert set(alerted().values()) == {5}


def test_a_sweep_that_fails_is_taken_up_again(people):
    make_claim(people.levi, people.staff)
    with pytest.raises(ZeroDivisionError), open_session(SYSTEM) as session:
        alert_news.alert_followers(session)
        session.flush()
        raise ZeroDivisionError
    assert alerted() == {}
    alert_everybody()
    assert set(alerted().values()) == {1}


def test_a_long_past_does_not_slow_a_sweep(people, database):
    # looking whether an alert is there must go by the person, or it reads all alerts there ever were
    make_claim(people.levi, people.staff)
    asked: list[str] = []
    event.listen(database.writer, 'before_cursor_execute', lambda _, __, statement, *___: asked.append(statement))
    alert_everybody()
    (looks,) = {statement for statement in asked if statement.startswith('SELECT alerts.user_id')}
    assert 'alerts.user_id IN' in looks


def test_many_people_and_many_changes_are_asked_for_together(people, database):
    asked: list[str] = []
    event.listen(database.writer, 'before_cursor_execute', lambda _, __, statement, *___: asked.append(statement))

    def asked_for(claims: list[Claim]) -> int:
        for claim in claims:
            edit(people.staff, claim, f'מאזדה {len(asked)}')
        while held_back(len(claims)):
            time.sleep(0.01)
        asked.clear()
        alert_everybody()
        # what one asks for to know whether there is anything at all
        always = ('pg_advisory', 'FROM cursors', 'ORDER BY changes.')
        return len([look for look in asked if look.startswith('SELECT') and not any(part in look for part in always)])

    def held_back(made: int) -> bool:
        """On PostgreSQL, while any older transaction runs."""
        with open_session(SYSTEM, reading=True) as session:
            cursor = session.get_one(alerts.Cursor, 'alerts')
            return len(catch_up.changes_after(session, cursor.xid, cursor.change_id)) < made

    one, *others = claims = [make_claim(people.levi, people.staff) for _ in range(4)]
    alert_everybody()
    asked_for(claims)  # what they are told next is one story with this
    of_one = asked_for([one])
    for number in range(10):
        make_user(f'קוראת {number}', Role.READ_ONLY, people.levi)
    assert asked_for([one, *others, one]) <= of_one


def test_what_very_many_are_told_is_written_in_parts(people, monkeypatch):
    claim = make_claim(people.levi, people.staff)
    for number in range(9):
        make_user(f'קוראת {number}', Role.READ_ONLY, people.levi)
    for model in ('מאזדה 2', 'מאזדה 3'):
        edit(people.staff, claim, model)
        monkeypatch.setattr(alert_rows, '_AT_ONCE', 3)
        alert_everybody()
    with open_session(SYSTEM, reading=True) as session:
        told = fetch(session, select(Alert).where(Alert.kind == UPDATED))
    first, second = ({alert.hidden for alert in told if bool(alert.values) is newer} for newer in (False, True))
    assert (len(told), first, second) == (2 * len({alert.user_id for alert in told}), {True}, {False})


def test_what_somebody_reads_while_it_is_decided_about_stays_read(people):
    make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(SYSTEM, reading=True) as session:
        columns = (getattr(Alert, name) for name in alert_rows.COLUMNS)
        row = session.execute(select(*columns).where(Alert.user_id == people.dana.user_id)).one()
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    with open_session(SYSTEM) as session:
        alert_rows.write_told(
            session, [replace(alert_rows.Told(*row), values={'fields': {'plate': [None, '1234567']}})]
        )
    assert bell(people.dana) == 0
    assert groups(people.dana)[0].unread == 0


def test_what_somebody_puts_aside_while_it_is_decided_about_stays_so(people):
    claim = make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(SYSTEM, reading=True) as session:
        columns = (getattr(Alert, name) for name in alert_rows.COLUMNS)
        row = session.execute(select(*columns).where(Alert.user_id == people.dana.user_id)).one()
    with open_session(people.dana) as session:
        alerts.snooze(session, claim.id, 'week', now())
    with open_session(SYSTEM) as session:
        alert_rows.write_told(session, [alert_rows.Told(*row)])
    assert bell(people.dana) == 0


def test_a_claim_that_concerns_nobody_holds_nobody_up(people):
    with open_session(SYSTEM) as session:
        nobodys = AgentOffice(name='בלי אנשים', created_at=now())
        session.add(nobodys)
        session.flush()
        office_id = nobodys.id
    make_claim(office_id, people.staff)
    make_claim(people.levi, people.staff)
    alert_everybody()
    assert set(alerted().values()) == {1}


# ---- shown ------------------------------------------------------------------------------------------------------------------


def test_one_group_a_claim_with_the_newest_first(people):
    first, second = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff)
    make_claim(people.cohen, people.staff)
    edit(people.staff, first, 'מאזדה')
    with open_session(people.staff) as session:
        note_repair(session, first.id, 'הגיעו החלקים', now())
    edit(people.staff, first, 'סובארו')
    alert_everybody()
    shown = groups(people.dana)
    assert [(group.claim_id, group.unread, group.kind) for group in shown] == [
        (first.id, 3, 'claim.updated'),
        (second.id, 1, 'claim.opened'),
    ]
    assert shown[0].change is not None
    assert shown[0].change.fields == {'make_model': ['', 'סובארו']}
    assert (shown[0].claim_no, shown[0].insured_name, shown[0].plate) == (
        first.claim_no,
        first.insured_name,
        first.plate,
    )
    assert bell(people.dana) == 2
    assert bell(people.rival) == 1
    assert bell(people.staff) == 0


def test_groups_come_in_pages(people):
    claims = [make_claim(people.levi, people.staff).id for _ in range(5)]
    alert_everybody()
    pages = [[group.claim_id for group in groups(people.dana, limit=2, offset=offset)] for offset in (0, 2, 4, 6)]
    assert pages == [[claims[4], claims[3]], [claims[2], claims[1]], [claims[0]], []]


def test_opening_the_claim_clears_its_alerts_for_me_only(people):
    first, second = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.visit(session, first.id, now())
    assert [(group.claim_id, group.unread) for group in groups(people.dana)] == [(second.id, 1), (first.id, 0)]
    assert [group.claim_id for group in groups(people.dana, only_unread=True)] == [second.id]
    assert (bell(people.dana), bell(people.yossi)) == (1, 2)


def test_reading_alerts_leaves_the_claims_bold(people):
    claim = make_claim(people.levi, people.staff)
    make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.mark_read(session, now(), claim.id)
    assert bell(people.dana) == 1
    with open_session(people.dana) as session:
        alerts.mark_read(session, now())
    assert bell(people.dana) == 0
    with open_session(people.dana, reading=True) as session:
        assert list_counts.counts_of(session, ListState())['unread'] == 2


def test_marking_all_read_leaves_nothing_unread(people):
    claims = [make_claim(people.levi, people.staff) for _ in range(3)]
    with open_session(people.dana) as session:
        alerts.visit(session, claims[0].id, now())
    edit(people.staff, claims[0], 'מאזדה')
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    with open_session(people.dana, reading=True) as session:
        assert list_counts.counts_of(session, ListState())['unread'] == 0
        assert alerts.unread_groups(session) == 0
    assert bell(people.yossi) == 3
    edit(people.staff, claims[1], 'מאזדה')
    with open_session(people.dana, reading=True) as session:
        assert list_counts.counts_of(session, ListState())['unread'] == 1


# ---- what one has seen ------------------------------------------------------------------------------------------------------


def test_a_visit_says_up_to_where_one_had_seen_the_claim(people):
    claim, later = make_claim(people.levi, people.staff), now() + timedelta(minutes=5)
    with open_session(people.dana) as session:
        assert alerts.visit(session, claim.id, now()) == 0
    with open_session(people.dana) as session:
        assert alerts.visit(session, claim.id, later, arriving=False) == claim.seq
    with open_session(people.dana, reading=True) as session:
        seq, at = seen_marks.seen_seq(session, claim.id)
        assert seq == claim.seq
        assert at is not None
        assert at < later, 'watching on is no new visit'
        assert seen_marks.seen_seq(session, 999_999) == (0, None)


def test_ones_own_change_does_not_hide_what_waited_unseen(people):
    claim = make_claim(people.levi, people.staff)
    edit(people.staff2, claim, 'מאזדה')
    with open_session(people.staff) as session:  # without having opened the claim since
        change_status(session, claim.id, 'submitted', '', 'new', now())
    with open_session(people.staff, reading=True) as session:
        seen, _ = seen_marks.seen_seq(session, claim.id)
        news = fetch(session, changes.news_since(claim.id, seen, people.staff.user_id))
        assert [change.by for change in news] == [people.staff2.name]
        assert list_counts.counts_of(session, ListState())['unread'] == 1


def test_what_is_made_bold_again_shows_its_last_news(people):
    claim = make_claim(people.levi, people.staff)
    edit(people.staff, claim, 'מאזדה')
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    with open_session(people.dana) as session:
        seen_marks.mark_unseen(session, claim.id, now())
    with open_session(people.dana, reading=True) as session:
        seen, _ = seen_marks.seen_seq(session, claim.id)
        (news,) = fetch(session, changes.news_since(claim.id, seen, people.dana.user_id))
    assert news.fields == {'make_model': ['', 'מאזדה']}


def test_the_product_itself_sees_nothing_and_marks_nothing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(SYSTEM) as session:
        alerts.mark_all_read(session, now())
        alerts.mark_read(session, now())
        assert alerts.visit(session, claim.id, now()) == 0
        seen_marks.mark_unseen(session, claim.id, now())
    with open_session(SYSTEM, reading=True) as session:
        assert fetch(session, select(SeenMark.user_id)) == [people.staff.user_id]
    assert bell(people.dana) == 1, "everybody's alerts are not its own"
