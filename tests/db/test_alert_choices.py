"""Alerts that people choose: nobody hears of a slip, and everybody of what he wants, when he wants it; of money and dates always."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import alert_choices, alert_news, alerts
from db.alert_choices import my_choices, wants
from db.alert_kinds import APP, EVENTS, GROUPS, KINDS, MAIL
from db.alerts import Alert, Cursor
from db.base import now
from db.bureau import bureau_settings
from db.calendar import Calendar
from db.changes import Change
from db.cheques import Slip, enter_cheque
from db.claims import Claim, change_status, save_fields
from db.messages import Letter, ThreadKey, write_message
from db.offices import AgentOffice
from db.reference import RepairStage
from db.repairs import advance_repair, hold, take_back
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError
from db.values import ISRAEL
from tests.conftest import made_once
from tests.factories import SYSTEM, alert_everybody, make_claim

# a Monday morning; the Thursday after it is followed by a week-end
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ISRAEL)
MINUTE = timedelta(minutes=1)
COOL = timedelta(minutes=10)


@made_once
def claim(people) -> Claim:
    """A claim of Dana's office, at the bodywork; nobody has an alert."""
    made = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.staff) as session:
        advance_repair(session, made.id, 'bodywork', None, MONDAY - timedelta(days=1))
    with open_session(SYSTEM) as session:
        alert_news.follow_from_here(session)
    return made


def move(actor: Actor, claim: Claim, stage: str, at: datetime) -> None:
    with open_session(actor, at=at) as session:
        advance_repair(session, claim.id, stage, session.get_one(Claim, claim.id).repair_stage, at)


def edit(actor: Actor, claim: Claim, at: datetime = MONDAY, **wanted: object) -> None:
    with open_session(actor, at=at) as session:
        before = session.get_one(Claim, claim.id)
        save_fields(session, claim.id, {name: (getattr(before, name), value) for name, value in wanted.items()}, at)


def sweep(at: datetime) -> None:
    """What the job does: first the changes, then what has waited until now."""
    alert_everybody()
    with open_session(SYSTEM) as session:
        alerts.show_waiting(session, at)


def told(actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """The unread groups of a person's bell: what each tells."""
    with open_session(actor, reading=True) as session:
        groups = alerts.alert_groups(session, wanted=alerts.AlertFilter(only_unread=True))
    return [(group.kind, dict(group.change.fields) if group.change else dict(group.values)) for group in groups]


def bell(actor: Actor) -> int:
    with open_session(actor, reading=True) as session:
        return alerts.unread_groups(session)


def mailed(actor: Actor) -> list[str]:
    with open_session(SYSTEM, reading=True) as session:
        return [alert.event for alert in fetch(session, alerts.alerts_to_mail()) if alert.user_id == actor.user_id]


STAGE = [('claim.updated', {'repair_stage': ['bodywork', 'paint']})]


# ---- the cool-off -----------------------------------------------------------------------------------------------------------


def test_a_stage_is_alerted_after_the_minutes_in_which_it_may_be_taken_back(people, claim):
    move(people.staff, claim, 'paint', MONDAY)
    sweep(MONDAY + COOL - MINUTE)
    assert told(people.dana) == []
    with open_session(SYSTEM, reading=True) as session:
        assert alerts.next_due(session) == MONDAY + COOL
    for _ in range(3):
        sweep(MONDAY + COOL)
        assert told(people.dana) == told(people.manager) == STAGE
    assert bell(people.dana) == 1
    with open_session(SYSTEM, reading=True) as session:
        assert alerts.next_due(session) is None


def test_the_bureau_hears_of_a_stage_at_once(people):
    claim = make_claim(people.levi, people.staff, handler=people.staff2.user_id)
    alert_everybody()
    with open_session(people.staff2) as session:
        alerts.visit(session, claim.id, now())
    move(people.staff, claim, 'paint', now())
    alert_everybody()
    assert told(people.staff2) == [('claim.updated', {'repair_stage': [None, 'paint']})]


def test_there_and_back_is_nothing_at_all(people, claim):
    move(people.staff, claim, 'paint', MONDAY)
    alert_everybody()
    with open_session(people.staff, at=MONDAY + MINUTE) as session:
        take_back(session, claim.id, 'paint', MONDAY + MINUTE)
    sweep(MONDAY + timedelta(days=1))
    assert told(people.dana) == told(people.manager) == []
    assert mailed(people.dana) == []


def test_there_and_back_is_nothing_also_when_nobody_looked_for_hours(people, claim):
    move(people.staff, claim, 'paint', MONDAY)
    move(people.staff, claim, 'bodywork', MONDAY + 5 * MINUTE)
    sweep(MONDAY + timedelta(hours=3))
    assert told(people.dana) == []


def test_several_stages_within_the_minutes_are_told_as_one(people, claim):
    for minutes, stage in enumerate(('paint', 'reassembly', 'quality_control')):
        move(people.staff, claim, stage, MONDAY + 4 * minutes * MINUTE)
        alert_everybody()
    sweep(MONDAY + 17 * MINUTE)
    assert told(people.dana) == [], 'the last one may still be taken back'
    sweep(MONDAY + 18 * MINUTE)
    assert told(people.dana) == [('claim.updated', {'repair_stage': ['bodywork', 'quality_control']})]


def test_what_was_told_is_not_taken_back_after_its_minutes(people, claim):
    move(people.staff, claim, 'paint', MONDAY)
    sweep(MONDAY + COOL)
    move(people.staff, claim, 'bodywork', MONDAY + COOL + 20 * MINUTE)
    sweep(MONDAY + COOL + 20 * MINUTE)
    assert told(people.dana) == STAGE, 'the way back is still cooling, and what is on the screen stays there'
    sweep(MONDAY + timedelta(hours=1))
    assert told(people.dana) == [('claim.updated', {'repair_stage': ['paint', 'bodywork']})]


def test_who_saw_the_slip_is_told_of_the_way_back(people, claim):
    move(people.staff, claim, 'paint', MONDAY)
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, MONDAY + MINUTE)
    move(people.staff, claim, 'bodywork', MONDAY + 2 * MINUTE)
    sweep(MONDAY + timedelta(hours=1))
    assert told(people.dana) == [('claim.updated', {'repair_stage': ['paint', 'bodywork']})]
    assert told(people.manager) == []


def test_a_status_that_was_a_slip_leaves_nothing_on_the_bell(people, claim):
    for at, before, status in ((MONDAY, 'new', 'in_repair'), (MONDAY + MINUTE, 'in_repair', 'new')):
        with open_session(people.staff, at=at) as session:
            change_status(session, claim.id, status, '', before, at)
        sweep(at)
        assert bell(people.dana) == (1 if status == 'in_repair' else 0)


def test_changes_within_minutes_are_told_as_one_and_later_ones_apart(people, claim):
    edit(people.staff, claim, MONDAY, make_model='מאזדה')
    edit(people.staff2, claim, MONDAY + MINUTE, make_model='מאזדה 3', model_year=2019)
    alert_everybody()
    assert told(people.dana) == [('claim.updated', {'make_model': ['', 'מאזדה 3'], 'model_year': [None, 2019]})]
    edit(people.staff, claim, MONDAY + timedelta(hours=1), model_year=2020)
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        (group,) = alerts.alert_groups(session)
    assert group.unread == 2
    assert group.change is not None
    assert group.change.fields == {'model_year': [2019, 2020]}


def test_alerting_anew_from_the_beginning_changes_nothing(people, claim):
    with open_session(SYSTEM, reading=True) as session:
        cursor = session.get_one(alerts.Cursor, 'alerts')
        place = cursor.xid, cursor.change_id
    move(people.staff, claim, 'paint', MONDAY)
    edit(people.staff, claim, MONDAY, make_model='מאזדה')
    edit(people.staff, claim, MONDAY + MINUTE, make_model='מאזדה 3')
    sweep(MONDAY + COOL)
    once = told(people.dana)
    with open_session(SYSTEM) as session:  # somebody lost his place
        cursor = session.get_one(alerts.Cursor, 'alerts')
        cursor.xid, cursor.change_id = place
    sweep(MONDAY + COOL)
    assert told(people.dana) == once


def test_a_change_that_is_read_late_is_told_together_with_the_next_one(people, claim):
    # as on PostgreSQL, where a transaction that began earlier may commit, and be read, later
    edit(people.staff, claim, MONDAY, make_model='מאזדה')
    edit(people.staff, claim, MONDAY + MINUTE, make_model='מאזדה 3')
    alert_everybody()
    with open_session(SYSTEM) as session:
        first, last = session.scalars(
            select(Alert).where(Alert.user_id == people.dana.user_id, Alert.at >= MONDAY).order_by(Alert.change_id)
        ).all()
        change = session.get_one(Change, first.change_id)
        session.delete(first)
        last.values = {}
        cursor = session.get_one(Cursor, 'alerts')
        cursor.xid, cursor.change_id = change.xid or 0, change.id - 1
    alert_everybody()
    assert told(people.dana) == [('claim.updated', {'make_model': ['', 'מאזדה 3']})]


def test_without_a_cool_off_a_stage_is_alerted_at_once(people, claim):
    with open_session(people.admin) as session:
        bureau_settings(session).stage_cool_off_minutes = 0
    move(people.staff, claim, 'paint', MONDAY)
    alert_everybody()
    assert told(people.dana) == STAGE


def test_a_stage_that_is_to_alert_nobody_alerts_nobody(people, claim):
    with open_session(people.admin) as session:
        session.get_one(RepairStage, 'paint').alerts = False
    move(people.staff, claim, 'paint', MONDAY)
    sweep(MONDAY + timedelta(hours=1))
    assert told(people.dana) == []
    move(people.staff, claim, 'reassembly', MONDAY + timedelta(hours=2))
    sweep(MONDAY + timedelta(hours=3))
    assert told(people.dana) == [('claim.updated', {'repair_stage': ['paint', 'reassembly']})]


def test_a_slip_from_a_stage_that_alerts_nobody_is_nothing_either(people, claim):
    with open_session(people.admin) as session:
        session.get_one(RepairStage, 'bodywork').alerts = False
    move(people.staff, claim, 'paint', MONDAY)
    alert_everybody()
    move(people.staff, claim, 'bodywork', MONDAY + MINUTE)
    sweep(MONDAY + timedelta(hours=1))
    assert told(people.dana) == []


def test_standing_still_is_told_at_once(people, claim):
    with open_session(people.staff, at=MONDAY) as session:
        hold(session, claim.id, 'parts', MONDAY)
    alert_everybody()
    assert [kind for kind, _ in told(people.dana)] == ['claim.repair.held']


# ---- choices ----------------------------------------------------------------------------------------------------------------


def choose(actor: Actor, event: str, channel: str, wanted: bool) -> None:
    with open_session(actor) as session:
        alert_choices.choose(session, event, channel, wanted)


def test_every_kind_of_alert_is_an_event_of_a_group():
    assert {event.group for event in EVENTS.values()} == set(GROUPS)
    assert {kind.event for kind in KINDS.values()} <= set(EVENTS)


def test_one_hears_as_people_usually_do_until_one_says_otherwise(people):
    with open_session(people.dana, reading=True) as session:
        chosen = {choice.event: choice.on for choices in my_choices(session).values() for choice in choices}
    assert chosen == {event: {APP: True, MAIL: about.mail} for event, about in EVENTS.items()}


def test_what_is_switched_off_comes_no_more_and_comes_back_when_switched_on(people, claim):
    choose(people.dana, 'details', APP, False)
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    assert (bell(people.dana), bell(people.manager)) == (0, 1), 'it is her choice, and nobody else’s'
    choose(people.dana, 'details', APP, True)
    edit(people.staff, claim, make_model='סובארו')
    alert_everybody()
    assert bell(people.dana) == 1


@pytest.mark.parametrize('event', [event for event, about in EVENTS.items() if about.always])
def test_money_and_cheques_cannot_be_switched_off_on_the_screen(people, event):
    with pytest.raises(ClaimError):
        choose(people.dana, event, APP, False)
    choose(people.dana, event, MAIL, False)
    with open_session(SYSTEM) as session:  # whatever stands in the table
        session.add(alert_choices.AlertChoice(user_id=people.dana.user_id, event=event, channel=APP, wanted=False))
    with open_session(people.dana, reading=True) as session:
        assert wants(session, people.dana.user_id or 0, event, APP)
        assert not wants(session, people.dana.user_id or 0, event, MAIL)


def test_a_choice_that_is_not_in_the_catalogue_is_refused(people):
    for event, channel in (('nonsense', APP), ('calls', 'fax')):
        with pytest.raises(LookupError):
            choose(people.dana, event, channel, False)


def test_what_is_wanted_by_mail_alone_stays_off_the_bell(people, claim):
    choose(people.dana, 'details', APP, False)
    choose(people.dana, 'details', MAIL, True)
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    assert (bell(people.dana), mailed(people.dana), mailed(people.manager)) == (0, ['details'], [])
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    assert mailed(people.dana) == [], 'what was seen is no mail'


def test_a_stage_by_mail_alone_waits_too(people, claim):
    choose(people.dana, 'repair', APP, False)
    choose(people.dana, 'repair', MAIL, True)
    move(people.staff, claim, 'paint', MONDAY)
    sweep(MONDAY + MINUTE)
    assert mailed(people.dana) == []
    sweep(MONDAY + COOL)
    assert (bell(people.dana), mailed(people.dana)) == (0, ['repair'])


def test_who_does_not_want_the_status_still_hears_of_the_money_that_came_with_it(people, claim):
    choose(people.dana, 'status', APP, False)
    with open_session(people.staff, at=MONDAY) as session:
        session.get_one(Claim, claim.id).offered_amount = 500_000
        change_status(session, claim.id, 'offer_received', '', 'new', MONDAY)
    alert_everybody()
    assert bell(people.dana) == 1
    with open_session(people.staff, at=MONDAY) as session:
        change_status(session, claim.id, 'in_negotiation', '', 'offer_received', MONDAY)
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        assert alerts.alert_groups(session)[0].unread == 1


def test_unread_claims_are_counted_by_theme(people, claim):
    edit(people.staff, claim, make_model='מאזדה')
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(people.levi, claim.id), Letter('שלום'), now())
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        assert alerts.unread_by_group(session) == {**dict.fromkeys(GROUPS, 0), 'changes': 1, 'messages': 1}
        wanted = alerts.AlertFilter(events=['messages'])
        assert [group.kind for group in alerts.alert_groups(session, wanted=wanted)] == ['claim.message']
        assert alerts.alert_groups(session, wanted=alerts.AlertFilter(claim_no='99-99999')) == []


# ---- claim by claim ---------------------------------------------------------------------------------------------------------

SLIP = Slip('insurer_to_insured', 100, date(2026, 11, 25))


def test_a_muted_claim_is_silent_except_for_money_and_cheques(people, claim):
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.mute(session, claim.id, now())
    assert bell(people.dana) == 0, 'what was there already falls silent too'
    edit(people.staff, claim, MONDAY + timedelta(hours=1), make_model='סובארו')
    alert_everybody()
    assert (bell(people.dana), bell(people.manager)) == (0, 1)
    edit(people.staff, claim, MONDAY + timedelta(hours=1), offered_amount=100)
    with open_session(people.staff, at=MONDAY) as session:
        enter_cheque(session, claim.id, SLIP, 'expected', MONDAY)
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        (group,) = alerts.alert_groups(session, wanted=alerts.AlertFilter(only_unread=True))
    assert group.unread >= 2
    with open_session(people.dana) as session:
        alerts.mute(session, claim.id, now(), muted=False)
    edit(people.staff, claim, MONDAY + timedelta(hours=2), make_model='מאזדה')
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        assert alerts.alert_groups(session)[0].kind == 'claim.updated'


def test_who_asked_for_his_own_claims_hears_of_others_only_what_he_follows(people, claim):
    other = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.yossi) as session:
        alert_choices.choose_claims(session, only_own=True)
        alert_choices.follow(session, claim.id)
        alerts.mark_all_read(session, now())
    for one in (claim, other):
        edit(people.staff, one, make_model='מאזדה')
    alert_everybody()
    with open_session(people.yossi, reading=True) as session:
        assert [group.claim_id for group in alerts.alert_groups(session, wanted=UNREAD)] == [claim.id]
    edit(people.staff, other, MONDAY + timedelta(hours=1), offered_amount=100)
    alert_everybody()
    with open_session(people.yossi, reading=True) as session:
        found = [group.claim_id for group in alerts.alert_groups(session, wanted=UNREAD)]
    assert found == [other.id, claim.id], 'money comes anyway'


UNREAD = alerts.AlertFilter(only_unread=True)


def test_the_bureau_follows_claims_of_other_handlers(people, claim):
    with open_session(people.staff2) as session:
        alert_choices.follow(session, claim.id)
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    assert (bell(people.staff2), bell(people.admin)) == (1, 0)
    with open_session(people.staff2) as session:
        alerts.mute(session, claim.id, now())
    assert bell(people.staff2) == 0
    with open_session(people.staff2) as session:
        assert not alert_choices.follow(session, claim.id).muted, 'who follows wants to hear'


def test_following_opens_no_claim_that_one_may_not_see(people, claim):
    with open_session(people.yossi) as session:
        alert_choices.follow(session, claim.id)
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    with open_session(SYSTEM, reading=True) as session:
        unread = session.scalars(select(Alert.user_id).where(Alert.read_at.is_(None))).all()
    assert people.yossi.user_id not in unread


@pytest.mark.parametrize(
    ('pause', 'back'),
    [
        ('day', datetime(2026, 11, 24, 7, 30, tzinfo=ISRAEL)),
        ('days3', datetime(2026, 11, 26, 7, 30, tzinfo=ISRAEL)),
        ('week', datetime(2026, 11, 30, 7, 30, tzinfo=ISRAEL)),
        ('2026-11-27', datetime(2026, 11, 29, 7, 30, tzinfo=ISRAEL)),
    ],
)
def test_a_claim_put_aside_comes_back_on_a_working_morning(pause, back):
    assert alert_choices.back_on(Calendar(), pause, MONDAY) == back


@pytest.mark.parametrize('pause', ['2026-11-23', '2026-11-01', '2028-01-01', 'מחר', ''])
def test_a_day_that_is_over_or_far_away_is_refused(pause):
    with pytest.raises(ClaimError):
        alert_choices.back_on(Calendar(), pause, MONDAY)


def snooze(actor: Actor, claim: Claim, pause: str = 'day', at: datetime = MONDAY) -> None:
    with open_session(actor, at=at) as session:
        alerts.snooze(session, claim.id, pause, at)


def test_what_was_put_aside_comes_back_by_itself_with_what_came_meanwhile(people, claim):
    edit(people.staff, claim, MONDAY - MINUTE, make_model='מאזדה')
    alert_everybody()
    snooze(people.dana, claim)
    assert (bell(people.dana), bell(people.manager)) == (0, 1)
    edit(people.staff, claim, MONDAY + timedelta(hours=1), insured_address='הרצל 1, חיפה')
    sweep(MONDAY + timedelta(hours=2))
    assert (bell(people.dana), mailed(people.dana)) == (0, [])
    morning = datetime(2026, 11, 24, 7, 30, tzinfo=ISRAEL)
    sweep(morning - MINUTE)
    assert bell(people.dana) == 0
    for _ in range(2):
        sweep(morning)
        with open_session(people.dana, reading=True) as session:
            (group,) = alerts.alert_groups(session)
        assert (group.unread, group.at) == (2, morning)
    edit(people.staff, claim, morning + timedelta(hours=1), plate='8346127')
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        assert alerts.alert_groups(session)[0].unread == 3, 'the pause is over'


def test_money_does_not_wait_for_the_end_of_a_pause(people, claim):
    snooze(people.dana, claim)
    edit(people.staff, claim, MONDAY + MINUTE, offered_amount=100)
    alert_everybody()
    assert bell(people.dana) == 1


def test_with_nothing_unread_a_reminder_comes_even_if_one_looks_at_the_claim_meanwhile(people, claim):
    snooze(people.dana, claim)
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, MONDAY + MINUTE)
    sweep(MONDAY + timedelta(days=1))
    assert told(people.dana) == [('reminder', {'day': '2026-11-23'})]


def test_opening_the_claim_clears_what_was_put_aside(people, claim):
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    snooze(people.dana, claim)
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, MONDAY + MINUTE)
    sweep(MONDAY + timedelta(days=2))
    assert bell(people.dana) == 0


def test_a_pause_that_is_ended_brings_everything_back_at_once(people, claim):
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    snooze(people.dana, claim)
    with open_session(people.dana) as session:
        assert alerts.end_snooze(session, claim.id, MONDAY + MINUTE).snoozed_until is None
    assert bell(people.dana) == 1
    snooze(people.dana, claim, 'week')
    snooze(people.dana, claim, 'day')
    sweep(MONDAY + timedelta(days=1))
    assert bell(people.dana) == 1, 'the last word counts'


def test_marking_all_read_leaves_what_waits_waiting(people, claim):
    edit(people.staff, claim, make_model='מאזדה')
    alert_everybody()
    snooze(people.dana, claim)
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, MONDAY)
    sweep(MONDAY + timedelta(days=1))
    assert bell(people.dana) == 1


def test_a_mention_is_an_event_of_its_own(people, claim):
    choose(people.staff2, 'mentions', APP, False)
    choose(people.staff2, 'mentions', MAIL, False)
    for actor in (people.staff2, people.admin):
        with open_session(people.staff) as session:
            letter = Letter('נא לבדוק', mentions=(actor.user_id or 0,), internal=True)
            write_message(session, ThreadKey(people.levi, claim.id), letter, now())
    alert_everybody()
    assert (bell(people.staff2), bell(people.admin)) == (0, 1)
