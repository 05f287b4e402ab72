"""The repair: stages with their dates, days and why they moved, holds, and what is taken back in time."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from db.admin_rows import save_row, written
from db.admin_tables import TABLES
from db.base import now as present
from db.bureau import bureau_settings
from db.changes import Change, history_of
from db.claims import Claim, ClaimConflict, save_fields
from db.reference import RepairStage, reference
from db.repairs import (
    RepairEvent,
    advance_repair,
    days_at_garage,
    events_of,
    expect,
    expectations_among,
    hold,
    may_take_back,
    note_repair,
    resume,
    stays_among,
    take_back,
)
from db.scope import Unscoped
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim

SUNDAY = datetime.fromisoformat('2026-11-15T08:00:00+00:00')


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff)


def at(days: float) -> datetime:
    return SUNDAY + timedelta(days=days)


def move(actor: Any, claim: Claim, stage: str | None, when: datetime, note: str = '') -> Claim:
    with open_session(actor, at=when) as session:
        seen = session.get_one(Claim, claim.id).repair_stage
        return advance_repair(session, claim.id, stage, seen, when, note)


def events(actor: Any, claim: Claim) -> list[RepairEvent]:
    with open_session(actor, reading=True) as session:
        return fetch(session, events_of(claim.id))


def stays(actor: Any, claim: Claim) -> list[tuple[str, datetime, datetime | None]]:
    return [(stay.stage, stay.entered, stay.left) for stay in stays_among(events(actor, claim))]


def history(actor: Any, claim: Claim) -> list[Change]:
    with open_session(actor, reading=True) as session:
        return fetch(session, history_of(claim.id))


def test_a_car_goes_through_the_stages_and_each_is_dated(people, claim):
    move(people.staff, claim, 'vehicle_received', at(0))
    move(people.staff2, claim, 'bodywork', at(2))
    here = move(people.staff, claim, 'paint', at(5), note='הצבע הוזמן')
    assert (here.repair_stage, here.stage_since) == ('paint', at(5))
    assert stays(people.dana, claim) == [
        ('vehicle_received', at(0), at(2)),
        ('bodywork', at(2), at(5)),
        ('paint', at(5), None),
    ]
    told = stays_among(events(people.dana, claim))
    assert [(stay.by, stay.note, stay.days(at(7))) for stay in told] == [
        ('שירה לביא', '', 2),
        ('עומר גל', '', 3),
        ('שירה לביא', 'הצבע הוזמן', 2),
    ]
    assert days_at_garage(told, at(7)) == 7


def test_hidden_damage_sends_the_car_back_and_both_visits_stay(people, claim):
    for day, stage in enumerate(('bodywork', 'appraiser_inspection', 'bodywork')):
        move(people.staff, claim, stage, at(day))
    assert [stage for stage, *_ in stays(people.staff, claim)] == ['bodywork', 'appraiser_inspection', 'bodywork']


def test_the_days_at_the_garage_end_when_the_car_is_handed_over(people, claim):
    assert days_at_garage([], at(0)) is None
    for day, stage in ((0, 'not_arrived'), (1, 'vehicle_received'), (9, 'delivered')):
        move(people.staff, claim, stage, at(day))
    assert days_at_garage(stays_among(events(people.staff, claim)), at(40)) == 8


def test_saving_the_fields_leaves_the_same_events(people, claim):
    # imports and whoever saves fields without a word of the repair
    with open_session(people.staff) as session:
        fields: dict[str, Any] = {'repair_stage': (None, 'paint'), 'eta': (None, date(2026, 12, 1))}
        save_fields(session, claim.id, fields, at(3))
    opened = make_claim(people.levi, people.staff, insured_name='אחר', repair_stage='bodywork')
    assert [(event.kind, event.before, event.after) for event in events(people.dana, claim)] == [
        ('stage', '', 'paint'),
        ('eta', '', '2026-12-01'),
    ]
    assert stays(people.dana, claim) == [('paint', at(3), None)]
    assert [(event.kind, event.after) for event in events(people.dana, opened)] == [('stage', 'bodywork')]


def test_a_slip_is_taken_back_and_the_car_never_left(people, claim):
    move(people.staff, claim, 'bodywork', at(0))
    slip = present()
    move(people.staff, claim, 'delivered', slip)
    with open_session(people.staff) as session:
        assert may_take_back(session, claim.id, slip + timedelta(minutes=4)) == timedelta(minutes=6)
        back = take_back(session, claim.id, 'delivered', slip + timedelta(minutes=4))
    assert (back.repair_stage, back.stage_since) == ('bodywork', at(0))
    assert stays(people.dana, claim) == [('bodywork', at(0), None)]
    # yet nothing is hidden: both steps stand in the record
    told = [change.fields['repair_stage'] for change in history(people.dana, claim) if 'repair_stage' in change.fields]
    assert told == [['delivered', 'bodywork'], ['bodywork', 'delivered'], [None, 'bodywork']]
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        take_back(session, claim.id, 'bodywork', slip + timedelta(minutes=5))


@pytest.mark.parametrize(('before', 'after'), [('', 'paint'), ('paint', '')])
def test_the_first_and_the_last_step_are_taken_back_too(people, claim, before, after):
    for stage in filter(None, ('bodywork' if before else '', before)):
        move(people.staff, claim, stage, at(0))
    known = stays(people.staff, claim)
    slip = present()
    move(people.staff, claim, after or None, slip)
    with open_session(people.staff) as session:
        back = take_back(session, claim.id, after or None, slip)
    assert back.repair_stage == (before or None)
    assert stays(people.staff, claim) == known


def test_who_may_take_back_and_for_how_long(people, claim):
    move(people.staff, claim, 'bodywork', at(0))
    late = timedelta(minutes=10)
    for actor, when in ((people.staff2, timedelta(minutes=1)), (people.staff, late)):
        with pytest.raises(ClaimError), open_session(actor) as session:
            take_back(session, claim.id, 'bodywork', at(0) + when)
    with open_session(people.admin) as session:
        bureau_settings(session).stage_cool_off_minutes = 30
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        take_back(session, claim.id, 'paint', at(0) + late)  # not what he saw
    with open_session(people.staff) as session:
        assert take_back(session, claim.id, 'bodywork', at(0) + late).repair_stage is None


def test_two_who_move_the_car_at_once(people, claim):
    move(people.staff, claim, 'bodywork', at(0))
    with pytest.raises(ClaimConflict) as clash, open_session(people.staff2) as session:
        advance_repair(session, claim.id, 'paint', None, at(1))
    assert clash.value.current == 'bodywork'
    with open_session(people.staff2) as session:  # both meant the same: nothing happened twice
        advance_repair(session, claim.id, 'bodywork', None, at(1))
    assert len(events(people.staff, claim)) == 1


def test_a_stage_out_of_use_is_not_entered(people, claim):
    with open_session(people.admin) as session:
        session.get_one(RepairStage, 'paint').active = False
    for stage in ('paint', 'flying'):
        with pytest.raises(ClaimError):
            move(people.staff, claim, stage, at(0))


def test_the_expected_day_keeps_its_history_and_reasons(people, claim):
    promises = (
        (date(2026, 11, 29), ''),
        (date(2026, 12, 6), 'parts'),
        (date(2026, 12, 3), 'החלקים הגיעו מוקדם'),
    )
    for day, (when, reason) in enumerate(promises):
        with open_session(people.staff, at=at(day)) as session:
            expect(session, claim.id, when, reason, at(day))
    told = expectations_among(events(people.dana, claim))
    assert [(event.before, event.after, event.reason, event.note) for event in told] == [
        ('2026-12-06', '2026-12-03', '', 'החלקים הגיעו מוקדם'),
        ('2026-11-29', '2026-12-06', 'parts', ''),
        ('', '2026-11-29', '', ''),
    ]
    with pytest.raises(ClaimConflict), open_session(people.staff2) as session:
        expect(session, claim.id, date(2026, 12, 9), '', at(3), seen=date(2026, 12, 6))


def test_no_car_is_expected_in_another_age(people, claim):
    with pytest.raises(ClaimError) as refusal, open_session(people.staff) as session:
        expect(session, claim.id, date(2099, 1, 1), '', at(0))
    assert 'נא לבדוק את השנה' in refusal.value.told('he')
    with open_session(people.staff) as session:
        expect(session, claim.id, date(2027, 11, 1), '', at(0))


def test_a_hold_says_why_and_stops_the_road_until_it_goes_on(people, claim):
    move(people.staff, claim, 'bodywork', at(0))
    with open_session(people.staff, at=at(1)) as session:
        held = hold(session, claim.id, 'parts', at(1), 'פנס קדמי שמאל')
    assert (held.hold_reason, held.hold_since) == ('parts', at(1))
    with pytest.raises(ClaimError, match='on hold'):
        move(people.staff, claim, 'paint', at(2))
    with open_session(people.staff, at=at(2)) as session:
        hold(session, claim.id, 'appraiser', at(2))  # another reason, the same standstill
    with open_session(people.staff, at=at(3)) as session:
        gone_on = resume(session, claim.id, at(3))
        resume(session, claim.id, at(3))
    assert (gone_on.hold_reason, gone_on.hold_since) == (None, None)
    move(people.staff, claim, 'paint', at(3))
    assert [(event.kind, event.reason, event.note) for event in events(people.dana, claim)] == [
        ('stage', '', ''),
        ('hold', 'parts', 'פנס קדמי שמאל'),
        ('hold', 'appraiser', ''),
        ('resume', 'appraiser', ''),
        ('stage', '', ''),
    ]
    kinds = [change.kind for change in history(people.dana, claim) if not change.quiet]
    assert kinds == ['updated', 'repair.resumed', 'repair.held', 'repair.held', 'updated', 'opened']


def test_a_hold_takes_a_reason_of_the_list(people, claim):
    for reason in ('', 'עצלות'):
        with pytest.raises(ClaimError), open_session(people.staff) as session:
            hold(session, claim.id, reason, at(0))


def test_a_remark_is_news_and_a_remark_beside_a_step_is_told_once(people, claim):
    move(people.staff, claim, 'bodywork', at(0), note='נמצא נזק נוסף')
    with open_session(people.staff, at=at(1)) as session:
        note_repair(session, claim.id, 'הפגוש הגיע', at(1))
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        note_repair(session, claim.id, '  ', at(1))
    told = [(change.kind, change.quiet) for change in history(people.dana, claim)]
    assert told == [('repair.noted', False), ('repair.noted', True), ('updated', False), ('opened', False)]


def test_nobody_rewrites_what_happened(people, claim):
    move(people.staff, claim, 'bodywork', at(0))
    for actor in (people.staff, people.admin, SYSTEM):
        for change in ('rewrite', 'delete'):
            with pytest.raises(Unscoped), open_session(actor) as session:
                told = fetch(session, events_of(claim.id))[0]
                session.delete(told) if change == 'delete' else setattr(told, 'note', 'x')


def test_agents_only_look(people, claim):
    for order in (
        lambda s: advance_repair(s, claim.id, 'paint', None, at(0)),
        lambda s: expect(s, claim.id, date(2026, 12, 1), '', at(0)),
        lambda s: hold(s, claim.id, 'parts', at(0)),
        lambda s: resume(s, claim.id, at(0)),
        lambda s: note_repair(s, claim.id, 'x', at(0)),
        lambda s: take_back(s, claim.id, None, at(0)),
    ):
        for actor in (people.dana, people.manager):
            with pytest.raises(ClaimError), open_session(actor) as session:
                order(session)
    assert events(people.staff, claim) == []


def test_the_next_stage_and_the_one_before(people):
    with open_session(people.staff, reading=True) as session:
        words = reference(session)
    steps = [(stage, way) for stage in (None, 'not_arrived', 'disassembly', 'delivered') for way in (1, -1)]
    ids = [getattr(words.step_from(stage, way), 'id', None) for stage, way in steps]
    # a hidden stage lies between those that are shown
    assert ids == [
        *('not_arrived', None),
        'vehicle_received',
        None,
        *('bodywork', 'awaiting_parts'),
        None,
        'ready_for_pickup',
    ]


def test_each_stage_says_what_it_means_in_both_languages(people: People) -> None:
    with open_session(people.dana, reading=True) as session:
        stages = reference(session).stages
    assert stages['awaiting_parts'].explanation_in('he') == 'המוסך הזמין חלקים; העבודה תתחדש כשיגיעו.'
    for stage in stages.values():
        for language, letters in (('he', 'אבגדהוזחטיכלמנסעפצקרשת'), ('en', 'etaoin')):
            said = stage.explanation_in(language)
            assert said.endswith('.'), stage.id
            assert set(letters) & set(said), stage.id
    with open_session(people.admin) as session:
        table, key = TABLES['stages'], 'paint'
        stage = session.get_one(RepairStage, key)
        seen = {column.name: written(column, getattr(stage, column.name)) for column in table.columns}
        save_row(session, table, key, seen, seen | {'explanation': 'בתנור.', 'explanation_en': ''}, present())
    with open_session(people.dana, reading=True) as session:
        stage = reference(session).stages['paint']
        assert (stage.explanation_in('he'), stage.explanation_in('en')) == ('בתנור.', '')
