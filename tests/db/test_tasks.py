"""Tasks: made once by the rules, with a day that explains itself, closed when what was awaited comes, and named as the next action."""

from datetime import UTC, date, datetime, timedelta

import pytest

from db import repairs, requirements
from db.admin_rows import save_row
from db.admin_tables import TABLES
from db.alerts import Alert
from db.calendar import calendar_of
from db.calls import CallNote, log_call
from db.changes import history_of
from db.claims import Claim, ClaimConflict, change_status, save_fields
from db.scope import Actor
from db.session import fetch, open_session
from db.tasks import (
    CAME,
    DONE,
    DROPPED,
    Task,
    TaskNote,
    TaskRule,
    add_task,
    alert_of_tasks,
    assign,
    complete,
    postpone,
    settle_tasks,
    tasks_of,
)
from db.texts import ClaimError, FieldsRefused, Told
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday
TODAY = AT.date()
DAY = timedelta(days=1)


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def settle(claim: Claim, at: datetime = AT) -> list[Task]:
    """What stands on the claim once it is settled, and once more: the second time finds nothing to do."""
    for _ in range(2):
        with open_session(SYSTEM) as session:
            settle_tasks(session, [claim.id], at)
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, tasks_of(claim.id))


def enter(claim: Claim, status: str, staff: Actor, at: datetime = AT, reason: str = '') -> None:
    with open_session(staff) as session:
        change_status(session, claim.id, status, reason, session.get_one(Claim, claim.id).status, at)


def now_of(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


def open_ones(tasks: list[Task]) -> list[str | None]:
    return [task.rule for task in tasks if task.is_open]


def test_a_claim_that_comes_into_a_state_gets_its_task_once(claim, people):
    enter(claim, 'submitted', people.staff)
    tasks = settle(claim)
    assert open_ones(tasks) == ['insurer']
    task = tasks[0]
    assert (task.due, task.user_id) == (date(2026, 12, 13), people.staff.user_id)  # 14 business days: C8 of the domain
    assert (now_of(claim).next_action, now_of(claim).next_action_due) == (task.title, task.due)


def test_the_day_of_a_task_explains_itself(claim, people):
    enter(claim, 'submitted', people.staff, datetime(2026, 9, 10, 8, 0, tzinfo=UTC))
    task = settle(claim, datetime(2026, 9, 10, 9, 0, tzinfo=UTC))[0]
    with open_session(people.staff, reading=True) as session:
        deadline = task.deadline(calendar_of(session))
    assert deadline is not None
    assert deadline.day == task.due == date(2026, 10, 12)
    assert 'Yom Kippur' in [skipped.reason for skipped in deadline.skipped]
    with open_session(people.staff) as session:
        moved = postpone(session, task.id, date(2026, 10, 20), datetime(2026, 9, 11, tzinfo=UTC))
    with open_session(people.staff, reading=True) as session:
        assert moved.deadline(calendar_of(session)) is None  # somebody named this one


def test_a_day_that_is_over_already_is_today(claim, people):
    enter(claim, 'ready_to_submit', people.staff, AT - 30 * DAY)
    assert settle(claim)[0].due == TODAY


def test_what_was_awaited_closes_the_task_and_clears_the_next_action(claim, people):
    enter(claim, 'awaiting_documents', people.staff)
    assert open_ones(settle(claim)) == ['documents']
    with open_session(people.staff) as session:
        for item in requirements.checklist(session, session.get_one(Claim, claim.id)):
            requirements.waive(session, claim.id, item.type.id, '', AT)
    assert now_of(claim).documents == 'complete'
    tasks = settle(claim, AT + DAY)
    assert [(task.is_open, task.outcome) for task in tasks] == [(False, CAME)]
    assert now_of(claim).next_action == ''
    assert now_of(claim).next_action_due is None


def test_another_state_brings_another_task(claim, people):
    settle(claim)
    enter(claim, 'in_repair', people.staff)
    tasks = settle(claim)
    assert [(task.rule, task.is_open) for task in tasks] == [('garage', True), ('first_check', False)]
    with open_session(people.staff) as session:
        repairs.advance_repair(session, claim.id, 'awaiting_repair_approval', None, AT + DAY)
    again = settle(claim, AT + DAY)
    assert sorted(filter(None, open_ones(again))) == ['approval', 'garage']
    # the stage moved: one asks the garage so many days after that
    assert next(task for task in again if task.is_open and task.rule == 'garage').counted_from == TODAY + DAY


def test_a_task_done_by_hand_comes_again_where_its_rule_says_so(claim, people):
    enter(claim, 'submitted', people.staff)
    first = settle(claim)[0]
    with open_session(people.staff) as session:
        complete(session, first.id, AT + DAY)
    tasks = settle(claim, AT + DAY)
    assert [(task.is_open, task.counted_from) for task in tasks] == [(True, TODAY + DAY), (False, TODAY)]
    enter(claim, 'ready_to_submit', people.staff)
    once = next(task for task in settle(claim) if task.is_open)
    with open_session(people.staff) as session:
        complete(session, once.id, AT)
    assert open_ones(settle(claim)) == []


def test_a_closed_claim_has_nothing_to_do(claim, people):
    settle(claim)
    with open_session(people.staff) as session:
        add_task(session, claim.id, TaskNote('לחזור ללקוח', TODAY), AT)
    enter(claim, 'closed', people.staff, reason='closed_cancelled')
    assert {task.outcome for task in settle(claim)} == {DROPPED}
    assert now_of(claim).next_action == ''


def test_what_staff_wrote_as_the_next_action_stays(claim, people):
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'next_action': ('', 'פגישה עם הלקוח'), 'next_action_due': (None, TODAY)}, AT)
    assert open_ones(settle(claim)) == ['first_check']
    assert now_of(claim).next_action == 'פגישה עם הלקוח'
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'next_action': ('פגישה עם הלקוח', ''), 'next_action_due': (TODAY, None)}, AT)
    tasks = settle(claim)
    assert now_of(claim).next_action == tasks[0].title


def test_another_day_for_the_next_action_is_another_day_for_its_task(claim, people):
    task = settle(claim)[0]
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'next_action_due': (task.due, task.due + 7 * DAY)}, AT)
    assert settle(claim)[0].due == task.due + 7 * DAY
    with open_session(people.staff) as session:
        postpone(session, task.id, task.due + 9 * DAY, AT)
    settle(claim)
    assert now_of(claim).next_action_due == task.due + 9 * DAY


def test_reminders_are_no_news_to_the_office(claim, people):
    before = now_of(claim).seq
    settle(claim)
    assert now_of(claim).next_action
    assert now_of(claim).seq == before
    with open_session(people.staff) as session:
        add_task(session, claim.id, TaskNote('פנימי', TODAY), AT)
    assert now_of(claim).seq == before
    for reader, known in ((people.dana, 0), (people.staff, 2)):
        with open_session(reader, reading=True) as session:
            assert len(fetch(session, tasks_of(claim.id))) == known
            told = list(session.scalars(history_of(claim.id)))
            assert ('task' in {change.kind for change in told}) is bool(known)
            assert any('next_action' in change.fields for change in told) is bool(known)


def test_a_promised_call_is_a_task_until_somebody_was_reached(claim, people):
    note = CallNote('garage', 'outbound', 'spoke', person='סמיר', summary='יתקשר', follow_up=TODAY + 2 * DAY, at=AT)
    with open_session(people.staff2) as session:
        log_call(session, claim.id, note, AT)
    task = next(task for task in settle(claim) if task.rule is None)
    assert (task.title, task.due, task.user_id) == ('לחזור אל: מוסך, סמיר', TODAY + 2 * DAY, people.staff2.user_id)
    with open_session(people.staff) as session:
        log_call(session, claim.id, CallNote('garage', 'inbound', 'spoke', summary='חזר', at=AT + DAY), AT + DAY)
    assert next(task for task in settle(claim, AT + DAY) if task.rule is None).outcome == CAME


def test_a_call_an_agent_promised_is_his_own_matter(claim, people):
    note = CallNote('insured', 'outbound', 'spoke', summary='יחזור', follow_up=TODAY + DAY, at=AT)
    with open_session(people.dana) as session:
        log_call(session, claim.id, note, AT)
    assert open_ones(settle(claim)) == ['first_check']


def test_tasks_go_with_the_claim_to_another_handler(claim, people):
    settle(claim)
    with open_session(people.staff) as session:
        mine = add_task(session, claim.id, TaskNote('שלי', TODAY, people.staff2.user_id), AT)
        save_fields(session, claim.id, {'handler': (people.staff.user_id, people.admin.user_id)}, AT)
    whose = {task.id: task.user_id for task in settle(claim)}
    assert whose.pop(mine.id) == people.staff2.user_id
    assert set(whose.values()) == {people.admin.user_id}


def test_who_is_slower_takes_no_task_from_who_took_it_over(claim, people):
    me, other = people.staff.user_id, people.staff2.user_id
    with open_session(people.staff) as session:
        task = add_task(session, claim.id, TaskNote('להזמין שמאי', TODAY), AT)
    for wanted in (other, other):  # the same once more is no conflict
        with open_session(people.staff2) as session:
            assign(session, task.id, None, wanted, AT)
    with pytest.raises(ClaimConflict) as refused, open_session(people.staff) as session:
        assign(session, task.id, None, me, AT)
    assert refused.value.current == other
    with open_session(people.staff) as session:
        assert assign(session, task.id, other, me, AT).user_id == me


def test_a_task_is_taken_over_postponed_and_done_once(claim, people):
    with open_session(people.staff) as session:
        task = add_task(session, claim.id, TaskNote('להזמין שמאי', TODAY), AT)
    with open_session(people.staff2) as session:
        assign(session, task.id, None, people.staff2.user_id, AT)
        postpone(session, task.id, TODAY + DAY, AT)
        complete(session, task.id, AT)
    with pytest.raises(ClaimError, match='done meanwhile'), open_session(people.staff) as session:
        complete(session, task.id, AT)
    with open_session(people.staff, reading=True) as session:
        kept = session.get_one(Task, task.id)
        kinds = [change.kind for change in session.scalars(history_of(claim.id).limit(3))]
    assert (kept.user_id, kept.due, kept.outcome, kept.done_by) == (
        people.staff2.user_id,
        TODAY + DAY,
        DONE,
        people.staff2.name,
    )
    assert 'task_done' in kinds


def test_what_is_open_comes_first_and_what_was_done_last_before_the_others(claim, people):
    with open_session(people.staff) as session:
        days = {'מאוחר': 3, 'קרוב': 1, 'בוצע ראשון': 0, 'בוצע אחרון': 2}
        tasks = [add_task(session, claim.id, TaskNote(title, TODAY + n * DAY), AT) for title, n in days.items()]
        session.flush()
        late, soon, first, last = (task.id for task in tasks)
    for task_id, moment in ((first, AT), (last, AT + timedelta(hours=1))):
        with open_session(people.staff) as session:
            complete(session, task_id, moment)
    with open_session(people.staff, reading=True) as session:
        assert [task.id for task in fetch(session, tasks_of(claim.id))] == [soon, late, last, first]


@pytest.mark.parametrize(
    ('note', 'told'),
    [
        (TaskNote('  ', TODAY), 'what is to be done'),
        (TaskNote('x' * 201, TODAY), 'Please shorten'),
        (TaskNote('x', TODAY - DAY), 'This day is over'),
        (TaskNote('x', TODAY, user_id=2), 'somebody of the bureau'),
        (TaskNote('x', TODAY, user_id=999), 'somebody of the bureau'),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(claim, people, note, told):
    assert people.dana.user_id == 2
    with pytest.raises(Told, match=told), open_session(people.staff) as session:
        add_task(session, claim.id, note, AT)


def test_a_task_sent_twice_is_one_and_stands_in_the_record(claim, people):
    note = TaskNote('לחזור', TODAY)
    for actor in (people.staff, people.staff, people.staff2):
        with open_session(actor) as session:
            add_task(session, claim.id, note, AT, key='a-b')
    with open_session(people.staff, reading=True) as session:
        assert {task.by for task in fetch(session, tasks_of(claim.id))} == {people.staff.name, people.staff2.name}
        assert [change.kind for change in fetch(session, history_of(claim.id))].count('task') == 2


def test_whoever_is_due_is_alerted_once_for_each_day(claim, people):
    with open_session(people.staff) as session:
        task = add_task(session, claim.id, TaskNote('לחזור', TODAY, people.staff2.user_id), AT)
        add_task(session, claim.id, TaskNote('מחר', TODAY + DAY, people.staff2.user_id), AT)
    for expected in (1, 0):
        with open_session(SYSTEM) as session:
            assert alert_of_tasks(session, AT) == expected
    with open_session(people.staff) as session:
        postpone(session, task.id, TODAY + 2 * DAY, AT)
    with open_session(SYSTEM) as session:
        assert alert_of_tasks(session, AT + 2 * DAY) == 2
    with open_session(people.staff2, reading=True) as session:
        assert sorted(alert.values['title'] for alert in session.query(Alert)) == ['לחזור', 'לחזור', 'מחר']


def test_whoever_gets_a_task_that_is_due_is_alerted_and_who_takes_it_over_knows(claim, people):
    def told(person: Actor) -> list[str]:
        with open_session(SYSTEM) as session:
            alert_of_tasks(session, AT)
        with open_session(person, reading=True) as session:
            return [alert.values['title'] for alert in session.query(Alert)]

    with open_session(people.staff) as session:
        mine = add_task(session, claim.id, TaskNote('לחזור', TODAY, people.staff.user_id), AT)
    assert told(people.staff) == ['לחזור']
    with open_session(people.staff2) as session:
        assign(session, mine.id, people.staff.user_id, people.staff2.user_id, AT)
    assert told(people.staff2) == [], 'he took it over himself'
    with open_session(people.staff2) as session:
        assign(session, mine.id, people.staff2.user_id, people.admin.user_id, AT)
    assert told(people.admin) == ['לחזור']


def test_the_next_handler_of_a_claim_is_alerted_of_its_tasks_that_are_due(claim, people):
    with open_session(people.staff) as session:
        add_task(session, claim.id, TaskNote('לחזור', TODAY, people.staff.user_id), AT)
    for _ in range(2):
        with open_session(SYSTEM) as session:
            alert_of_tasks(session, AT)
        with open_session(people.staff) as session:
            held = session.get_one(Claim, claim.id).handler
            save_fields(session, claim.id, {'handler': (held, people.staff2.user_id)}, AT)
    with open_session(people.staff2, reading=True) as session:
        assert [alert.kind for alert in session.query(Alert)] == ['task.due']


def test_an_admin_changes_the_rules(claim, people):
    table = TABLES['task_rules']
    wanted = {'label': 'לבדוק', 'label_en': 'Check', 'status': 'new', 'days': '4', 'repeats': 'no'}
    with open_session(people.admin) as session:
        rule = save_row(session, table, '', {}, wanted, AT)
        session.get_one(TaskRule, 'first_check').active = False
    assert open_ones(settle(claim)) == [rule.id]
    with pytest.raises(FieldsRefused) as refused, open_session(people.admin) as session:
        save_row(session, table, '', {}, {**wanted, 'status': ''}, AT)
    assert set(refused.value.fields) == {'status'}
    with pytest.raises(FieldsRefused), open_session(people.admin) as session:
        save_row(session, table, '', {}, {**wanted, 'days': '999'}, AT)
