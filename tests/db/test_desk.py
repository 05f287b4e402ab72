"""The desk: each list holds what it says and nothing else, for oneself and for the team, and no agent ever sees it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from db.base import now
from db.claims import Claim, change_status, mark_checked, save_fields
from db.desk import PAGE, VIEWS, Desk, DeskState, counts_of_desk, desk_of
from db.scope import Actor, Role
from db.session import open_session
from db.silence import settle_silences
from db.tasks import TaskNote, add_task, assign, complete, settle_tasks
from db.texts import ClaimError
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_user

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday
TODAY = AT.date()
DAY = timedelta(days=1)


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, handler=people.staff.user_id, insured_name='שלי')


@pytest.fixture
def other(people: People) -> Claim:
    return make_claim(people.cohen, people.staff, handler=people.staff2.user_id, insured_name='של עומר')


def ask(who: Actor, at: datetime = AT, **state: object) -> Desk:
    with open_session(who, reading=True) as session:
        return desk_of(session, DeskState(**state), at)  # type: ignore[arg-type]


def named(who: Actor, at: datetime = AT, **state: object) -> list[str]:
    """Whose claims stand in a list; the number beside the list says the same."""
    desk = ask(who, at, **state)
    assert desk.counts[desk.state.view] == len(desk.lines)
    return [line.claim.insured_name for line in desk.lines]


def test_tasks_stand_under_their_day_and_leave_when_they_are_done(claim, other, people):
    with open_session(people.staff) as session:
        task = add_task(session, claim.id, TaskNote('היום', TODAY, people.staff.user_id), AT)
        add_task(session, other.id, TaskNote('לצוות', TODAY), AT)
        add_task(session, claim.id, TaskNote('מחר', TODAY + DAY, people.staff.user_id), AT)
    assert [line.task.title for line in ask(people.staff).lines if line.task] == ['היום']
    assert [line.task.title for line in ask(people.staff, view='coming').lines if line.task] == ['מחר']
    assert named(people.staff, whose='team') == ['שלי', 'של עומר']
    assert named(people.staff, view='overdue') == []
    assert named(people.staff, AT + DAY, view='overdue') == ['שלי']
    with open_session(people.staff) as session:
        complete(session, task.id, AT)
    assert named(people.staff) == []
    assert named(people.staff2, whose='team') == ['של עומר']


def test_a_claim_without_a_next_action_is_a_defect_the_desk_shows(claim, other, people):
    assert named(people.staff, view='no_next', whose='team') == ['שלי', 'של עומר']
    with open_session(SYSTEM) as session:
        settle_tasks(session, [claim.id], AT)
    assert named(people.staff, view='no_next') == []
    assert named(people.staff, view='no_next', whose='team') == ['של עומר']
    with open_session(people.staff) as session:
        change_status(session, other.id, 'closed', 'closed_cancelled', 'new', AT)
    assert named(people.staff, view='no_next', whose='team') == []


def test_a_next_action_is_late_from_the_day_after(claim, people):
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'next_action': ('', 'לחזור'), 'next_action_due': (None, TODAY)}, AT)
    assert named(people.staff, view='late') == []
    assert named(people.staff, AT + DAY, view='late') == ['שלי']
    assert named(people.staff2, AT + DAY, view='late') == []


def test_what_was_checked_or_updated_today_leaves_the_list_of_the_day(claim, people):
    tomorrow = now() + DAY
    assert named(people.staff, now(), view='not_updated') == []  # opened just now
    assert named(people.staff, tomorrow, view='not_updated') == ['שלי']
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, tomorrow)
    assert named(people.staff, tomorrow, view='not_updated') == []
    assert named(people.staff, tomorrow + DAY, view='not_updated') == ['שלי']


def test_stuck_is_what_stands_longer_than_its_status_is_given(claim, people):
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'new', datetime(2026, 11, 1, 8, 0, tzinfo=UTC))
    # 14 business days from 1.11 are over on 19.11
    assert named(people.staff, datetime(2026, 11, 19, 8, 0, tzinfo=UTC), view='stuck') == []
    assert named(people.staff, datetime(2026, 11, 22, 8, 0, tzinfo=UTC), view='stuck') == ['שלי']


def test_the_call_list_begins_with_the_longest_silence(claim, other, people):
    for made, since in ((claim, date(2026, 11, 8)), (other, date(2026, 11, 1))):
        with open_session(people.staff) as session:
            opened = datetime(since.year, since.month, since.day, 8, 0, tzinfo=UTC)
            change_status(session, made.id, 'offer_received', '', 'new', opened)
        with open_session(SYSTEM) as session:
            settle_silences(session, [made.id])
    assert named(people.staff, view='silent', whose='team') == ['של עומר', 'שלי']
    assert [line.silence.party for line in ask(people.staff, view='silent').lines if line.silence] == ['insured']
    assert named(people.staff, view='silent', waiting_on='garage', whose='team') == []


def test_claims_are_counted_by_whom_they_wait_for(claim, other, people):
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'new', AT)
    assert ask(people.staff).waiting == {'tp_insurer': 1}
    assert ask(people.staff, whose='team').waiting == {'tp_insurer': 1, 'bureau': 1}
    assert named(people.staff, view='open', whose='team', waiting_on='bureau') == ['של עומר']
    # the chosen one is always there, unless there is none of that name
    assert ask(people.staff, waiting_on='bureau').waiting == {'tp_insurer': 1, 'bureau': 0}
    assert ask(people.staff, waiting_on='qqq').waiting == {'tp_insurer': 1}


def test_a_long_list_comes_in_pages(people):
    with open_session(people.staff) as session:
        made = make_claim(people.levi, people.staff)
        for number in range(PAGE + 1):
            add_task(session, made.id, TaskNote(f'משימה {number}', TODAY, people.staff.user_id), AT)
    first, last = ask(people.staff), ask(people.staff, page=99)
    assert (len(first.lines), first.more) == (PAGE, True)
    assert (len(last.lines), last.more, last.state.page) == (1, False, 2)


@pytest.mark.parametrize('role', [Role.REPAIR_TEAM, Role.SUBMISSION_TEAM])
def test_each_team_has_the_desk_of_the_whole_bureau_and_is_given_work(claim, people, role):
    colleague = make_user('חדשה', role)
    with open_session(people.staff) as session:
        task = add_task(session, claim.id, TaskNote('היום', TODAY, people.staff.user_id), AT)
        session.flush()
        assign(session, task.id, people.staff.user_id, colleague.user_id, AT)
    assert named(colleague) == named(people.staff, whose='team') == ['שלי']
    with open_session(colleague) as session:
        complete(session, task.id, AT)
    assert named(colleague) == []


def test_the_desk_is_the_bureaus(claim, people):
    for actor in (people.dana, people.manager, people.rival):
        for asked in (desk_of, counts_of_desk):
            with pytest.raises(ClaimError), open_session(actor, reading=True) as session:
                asked(session, DeskState(), AT)
    assert set(ask(people.admin).counts) == set(VIEWS)


@pytest.mark.parametrize(
    'query',
    [
        {'view': 'x', 'whose': "'", 'waiting_on': '<b>', 'page': '-1'},
        {'page': '99999999'},
        {'page': '٣'},
        {'waiting_on': 'ה'},
        {},
    ],
)
def test_an_address_nobody_made_shows_the_desk_as_ever(query):
    assert DeskState.read(query) == DeskState()


def test_the_address_of_a_list_leads_back_to_it():
    state = DeskState('stuck', 'team', 'tp_insurer', 3)
    pairs = dict(pair.split('=') for pair in state.address().split('&'))
    assert DeskState.read(pairs) == state
    assert DeskState().address() == ''
