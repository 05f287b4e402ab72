"""The desk and the cards beside the claim: what the browser sends is weighed, an agent gets no task, and both follow by themselves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from components import work_desk
from components.claim_desk import ClaimDesk
from components.work_desk import WorkDesk
from db import values
from db.base import now
from db.changes import history_of
from db.claims import Claim
from db.messages import notes_of
from db.offices import User
from db.session import fetch, open_session
from db.tasks import Task, TaskNote, add_task, tasks_of
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open, Opener
from tests.portal import signed_in
from tests.waiting import soon

DAY = timedelta(days=1)


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


@pytest.fixture
def task(claim: Claim, people: People) -> int:
    with open_session(people.staff) as session:
        task = add_task(
            session, claim.id, TaskNote('לחזור למוסך', values.israel(now()).date(), people.staff.user_id), now()
        )
        session.flush()
        return task.id


@pytest.fixture
async def desk(portal: FastAPI, task: int) -> AsyncIterator[Open]:
    user = await signed_in(portal, EMAILS['staff'])
    yield Open(user, await user.open('/work'))
    await user.http_client.aclose()


def titles(page: Open) -> list[str]:
    return [line['title'] for line in page.of(WorkDesk)[0].props['lines']]


def stored(task: int) -> Task:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Task, task)


async def act(page: Open, kind: type, args: Any) -> bool:
    """Send it, and say whether the page answers that it was done."""
    return not (await page.answer(page.of(kind)[0], 'act', args))['message']


async def test_what_fails_by_our_own_fault_is_told_once(
    desk: Open, task: int, toasts: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setitem(work_desk._ORDERS, 'done', broken)
    answer = await desk.answer(desk.of(WorkDesk)[0], 'act', {'key': f'task-{task}', 'act': 'done', 'value': 0})
    assert toasts == [], 'the desk says it itself'
    number = caplog.records[-1].getMessage().split()[-1]
    assert answer['message'] == f'אירעה תקלה אצלנו, ודבר לא השתנה. שגיאה מס׳ {number}'


async def test_a_line_of_the_desk_is_worked_off(desk, task, people):
    key = f'task-{task}'
    assert 'לחזור למוסך' in titles(desk)
    mine = {'key': key, 'act': 'give', 'seen': people.staff.user_id}
    assert await act(desk, WorkDesk, mine | {'value': people.staff2.user_id})
    assert stored(task).user_id == people.staff2.user_id
    assert 'לחזור למוסך' not in titles(desk)  # it is another's now
    with open_session(people.staff2) as session:
        session.get_one(Task, task).user_id = people.staff.user_id
    await soon(lambda: 'לחזור למוסך' in titles(desk))  # what somebody else did came by itself
    assert await act(desk, WorkDesk, {'key': key, 'act': 'postpone', 'value': 1})
    assert stored(task).due > values.israel(now()).date()


async def test_who_is_slower_with_a_line_hears_whose_it_is_now(desk, task, claim, people, portal):
    mine, other = people.staff.user_id, people.staff2.user_id
    user = await signed_in(portal, EMAILS['staff'])
    claims = Open(user, await user.open('/work?view=open'))
    for page, key in ((desk, f'task-{task}'), (claims, f'claim-{claim.id}')):
        given = {'key': key, 'act': 'give', 'seen': mine}
        assert await act(page, WorkDesk, given | {'value': other})
        refused = await page.answer(page.of(WorkDesk)[0], 'act', given | {'value': people.admin.user_id})
        with open_session(SYSTEM, reading=True) as session:
            assert session.get_one(User, other).name in refused['message']
            assert session.get_one(Claim, claim.id).handler == (mine if page is desk else other)
        assert stored(task).user_id == (other if page is desk else None)
        back = await page.answer(page.of(WorkDesk)[0], 'act', given | {'seen': other, 'value': 0})
        assert back['message'] == ''
    await user.http_client.aclose()


async def test_a_note_of_the_desk_sent_twice_is_one(desk, task, claim, people):
    # of a line that left the desk before this page was opened, only the number of its claim is known
    note = {'key': 'task-999', 'act': 'note', 'claim_no': claim.claim_no, 'value': 'דיברתי, יחזרו אליי', 'once': 'a-b'}
    for _ in range(2):
        answer = await desk.answer(desk.of(WorkDesk)[0], 'act', note)
        assert (answer['message'], answer['key']) == ('', note['key'])
    assert await act(desk, WorkDesk, note | {'once': 'c-d'})
    with open_session(people.staff, reading=True) as session:
        assert [one.body for one in fetch(session, notes_of(claim.id))] == [note['value']] * 2


async def test_the_tiles_lead_to_the_lists_they_count(desk, portal):
    user = await signed_in(portal, EMAILS['staff'])
    page = Open(user, await user.open('/work?whose=team&view=open&waiting_on=insured'))
    [board] = page.of(WorkDesk)
    assert all('waiting_on=insured' in tile['href'] for tile in board.props['tiles'])
    assert [party['name'] for party in board.props['parties'] if party['on']] == ['insured']
    await user.http_client.aclose()


NEVER_SENT: tuple[Any, ...] = (
    None,
    'x',
    {},
    {'key': 'task-999', 'act': 'done'},
    {'key': 'TASK', 'act': 'delete'},
    {'key': 'TASK', 'act': '__init__'},
    {'key': 'TASK', 'act': 'give', 'value': 'x'},
    {'key': 'TASK', 'act': 'give', 'value': True},
    {'key': 'TASK', 'act': 'give', 'value': 2},
    {'key': 'TASK', 'act': 'give', 'seen': 0, 'value': 2},
    {'key': 'TASK', 'act': 'give', 'seen': '1', 'value': 0},
    {'key': 'TASK', 'act': 'postpone', 'value': 999},
    {'key': 'TASK', 'act': 'postpone', 'value': '2020-01-01'},
    {'key': 'TASK', 'act': 'postpone', 'value': {'a': 1}},
    {'key': 'TASK', 'act': 'note', 'value': 'x'},
    {'key': 'TASK', 'act': 'note', 'claim_no': 'no such claim', 'value': 'x'},
    {'key': 'TASK', 'act': 'note', 'claim_no': '\0', 'value': 'x'},
)


async def test_what_no_page_sends_does_nothing(desk, task):
    before = stored(task)
    for sent in NEVER_SENT:
        args = {**sent, 'key': f'task-{task}'} if isinstance(sent, dict) and sent.get('key') == 'TASK' else sent
        assert not await act(desk, WorkDesk, args), sent
        after = stored(task)
        assert (after.due, after.user_id, after.is_open) == (before.due, before.user_id, before.is_open), sent


async def test_an_agent_has_no_desk_and_gets_no_task(open_page: Opener, portal: FastAPI, claim, task):
    dana = await open_page('dana', claim)
    await dana.open_tabs()
    assert 'לחזור למוסך' not in dana.everything()
    assert dana.of(ClaimDesk)[0].props['staff'] is False
    assert not await act(dana, ClaimDesk, {'act': 'done', 'task': task})
    assert not await act(dana, ClaimDesk, {'act': 'add', 'title': 'x', 'day': '2099-01-01', 'shown': True})
    assert stored(task).is_open
    user = await signed_in(portal, EMAILS['manager'])
    assert (await user.http_client.get('/work')).status_code == 404
    await user.http_client.aclose()


async def test_tasks_stand_beside_the_claim(open_page: Opener, claim, task, people):
    staff = await open_page('staff', claim)
    card = staff.of(ClaimDesk)[0]
    await soon(lambda: [one['id'] for one in card.props['tasks'] if one['id'] == task])
    later = (values.israel(now()).date() + 30 * DAY).isoformat()
    for _ in range(2):  # said again while the first answer is on its way
        assert await act(
            staff, ClaimDesk, {'act': 'add', 'title': 'להזמין שמאי', 'day': later, 'shown': True, 'key': 'a-b'}
        )
    with open_session(SYSTEM, reading=True) as session:
        # until the rules, a moment later, name what is due before it
        named = [
            change.fields['next_action'][1]
            for change in fetch(session, history_of(claim.id))
            if 'next_action' in change.fields
        ]
        assert 'להזמין שמאי' in named
        assert [one.title for one in fetch(session, tasks_of(claim.id))].count('להזמין שמאי') == 1
    assert await act(staff, ClaimDesk, {'act': 'done', 'task': task})
    assert not await act(staff, ClaimDesk, {'act': 'done', 'task': task})
    assert not await act(staff, ClaimDesk, {'act': 'add', 'title': ' ', 'day': later})
    assert not await act(staff, ClaimDesk, {'act': 'add', 'title': 'x', 'day': 'מחר'})
    assert stored(task).done_by == people.staff.name
