"""The cheques page as several people have it open: live, each his own, and deaf to whatever a browser makes up."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from components.cheque_board import ChequeBoard
from components.undo_toast import UndoToast
from db import values
from db.base import now
from db.cheques import Cheque, Slip, enter_cheque
from db.claims import Claim
from db.session import open_session
from tests.conftest import People
from tests.factories import make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


def enter(people: People, claim: Claim, days: int, **over: Any) -> Cheque:
    due = values.israel(now()).date() + timedelta(days=days)
    with open_session(people.staff) as session:
        slip = Slip(**{'direction': 'insurer_to_insured', 'amount': 1_000_00, 'due_date': due, **over})
        return enter_cheque(session, claim.id, slip, 'received', now())


async def opened(portal: FastAPI, who: str, path: str = '/cheques') -> Open:
    user = await signed_in(portal, EMAILS[who])
    page = Open(user, await user.open(path))
    # what was written just before may ring now: then the board asks once more, and is sent without the first answer
    await soon(lambda: all(one.props['status'] != 'loading' for one in page.of(ChequeBoard)))
    return page


def board(page: Open) -> dict[str, Any]:
    return dict(page.of(ChequeBoard)[0].props)


def rows(page: Open) -> list[int]:
    return [row['id'] for row in board(page)['rows']]


def refusal(page: Open) -> str:
    return str((board(page)['answer'] or {'message': ''})['message'])


def send(page: Open, event: str, args: Any) -> None:
    page.send(page.of(ChequeBoard)[0], event, args)


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


async def test_the_page_follows_the_bureau_for_whom_it_concerns(portal: FastAPI, people: People, claim: Claim) -> None:
    dana, rival, staff = [await opened(portal, who) for who in ('dana', 'rival', 'staff')]
    assert board(dana)['status'] == 'empty'
    cheque = enter(people, claim, 7)
    await soon(lambda: rows(dana) == rows(staff) == [cheque.id])
    assert rows(rival) == []
    row = board(dana)['rows'][0]
    assert (row['amount'], row['left'], row['late'], row['steps']) == ('₪1,000', 'נותרו 7 ימים', True, [])
    assert row['href'] == f'/claims/{claim.claim_no}?tab=money'
    assert (board(dana)['offices'], board(dana)['edits'], board(staff)['edits']) == ([], False, True)
    counts = {view['name']: view['count'] for view in board(dana)['views']}
    assert counts == {'due': '1', 'overdue': '0', 'open': '1', 'done': '0', 'calendar': ''}


async def test_an_address_with_a_day_that_is_none_says_which_until_one_asks_anew(
    portal: FastAPI, people: People
) -> None:
    dana = await opened(portal, 'dana', '/cheques?view=open&due_from=31%2F02%2F2026&due_to=2026-11-30')
    assert board(dana)['misread'] == 'תאריך לא תקין: \u206831/02/2026\u2069. הרשימה אינה מסוננת לפיו.'
    assert board(dana)['narrowed'].endswith('30/11/2026')
    send(dana, 'go', {'direction': 'in'})
    await soon(lambda: board(dana)['misread'] == '')
    strange = await opened(portal, 'dana', '/cheques?view=zzz&due_from=2026-12-05&due_to=2026-12-01')
    assert 'לא הובן בכתובת: \u2068zzz\u2069. העמוד מוצג בלעדיו. היום האחרון קודם' in board(strange)['misread']


async def test_cheques_of_one_agent_say_so(portal: FastAPI, people: People, claim: Claim) -> None:
    cheque = enter(people, claim, 3)
    for agent, name, found in ((people.dana, 'דנה ארז', [cheque.id]), (people.rival, '', [])):
        manager = await opened(portal, 'manager', f'/cheques?agent={agent.user_id}')
        assert (board(manager)['narrowed'], rows(manager)) == (name, found)
    send(manager, 'go', {'agent': ''})
    await soon(lambda: rows(manager) == [cheque.id])
    assert board(manager)['range'] == 'מוצגת המחאה אחת'


async def test_a_step_is_taken_from_the_row_and_taken_back(portal: FastAPI, people: People, claim: Claim) -> None:
    cheque = enter(people, claim, 3)
    staff, dana = await opened(portal, 'staff'), await opened(portal, 'dana')
    assert [step['state'] for step in board(staff)['rows'][0]['steps']] == ['handed_over', 'deposited', 'cancelled']
    send(staff, 'step', {'id': cheque.id, 'state': 'handed_over'})
    await soon(lambda: board(dana)['rows'][0]['state']['id'] == 'handed_over')
    toast = staff.of(UndoToast)[0]
    await soon(lambda: toast.props['seconds'] > 0)
    assert toast.props['text'] == 'המחאה נמסרה'
    send(staff, 'step', {'id': cheque.id, 'state': 'bounced'})
    await soon(lambda: refusal(staff))
    assert refusal(staff) == 'יש לבחור מדוע ההמחאה חזרה.'
    staff.send(toast, 'undo')
    await soon(lambda: board(dana)['rows'][0]['state']['id'] == 'received')


async def test_what_a_browser_makes_up_changes_nothing(portal: FastAPI, people: People, claim: Claim) -> None:
    cheque = enter(people, claim, 3)
    dana, rival = await opened(portal, 'dana'), await opened(portal, 'rival', '/cheques?view=x&office=1&page=-1')
    assert (rows(rival), board(rival)['state']['view']) == ([], 'due')
    nonsense: list[Any] = [None, 7, [], {'id': 'x'}, {'id': 2**70, 'state': 'cleared'}, {'id': cheque.id, 'state': 'x'}]
    for page in (dana, rival):
        send(page, 'step', {'id': cheque.id, 'state': 'handed_over'})
        for made_up in nonsense:
            send(page, 'step', made_up)
        send(page, 'go', {'office': str(people.levi), 'page': {'x': 1}, 'size': '9999999', 'evil': 1})
        send(page, 'go', 'x')
        send(page, 'restore', {'x': 'y'})
    send(rival, 'go', {'view': 'open', 'office': str(people.levi)})
    await soon(lambda: board(rival)['state']['view'] == 'open')
    assert (rows(rival), board(rival)['state']['office']) == ([], '')
    await soon(lambda: refusal(dana) and refusal(rival))
    assert board(dana)['rows'][0]['state']['id'] == 'received'


async def test_the_calendar_goes_from_month_to_month_and_into_a_day(
    portal: FastAPI, people: People, claim: Claim
) -> None:
    cheque, _ = enter(people, claim, 40), enter(people, claim, 41, direction='insured_to_garage')
    dana = await opened(portal, 'dana', '/cheques?view=calendar&month=2026-13')
    assert 'מציג את החודש הנוכחי' in dana.of(ChequeBoard)[0].props['misread']
    dana = await opened(portal, 'dana', f'/cheques?view=calendar&month={cheque.due_date.isoformat()[:7]}')
    day = next(one for one in board(dana)['days'] if one['day'] == cheque.due_date.isoformat())
    assert (day['incoming'], day['outgoing'], day['tone'], day['count']) == ('₪1,000', '', 'qlater', 1)
    send(dana, 'go', {'day': day['day']})
    await soon(lambda: rows(dana) == [cheque.id])
    send(dana, 'go', {'month': '2031-02'})
    await soon(lambda: board(dana)['status'] == 'empty')
    assert board(dana)['title'] == 'פברואר 2031'


async def test_the_alerts_page_shows_what_falls_due_beside_them(portal: FastAPI, people: People, claim: Claim) -> None:
    dana, rival = await opened(portal, 'dana', '/alerts'), await opened(portal, 'rival', '/alerts')
    assert 'due-card' not in dana.everything()
    enter(people, claim, 14, payee='רונית <b>')
    enter(people, claim, 15)
    await soon(lambda: 'due-card' in dana.everything())
    told = dana.everything()
    assert told.count('due-cheque') == 1
    assert all(
        part in told for part in ('₪1,000', '<b>14</b>', 'רונית &lt;b&gt;', f'/claims/{claim.claim_no}?tab=money')
    )
    assert 'due-card' not in rival.everything()


async def test_a_step_that_fails_on_our_side_lets_go_of_the_buttons(
    portal: FastAPI, people: People, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError('the database went away')

    cheque = enter(people, claim, 3)
    staff = await opened(portal, 'staff')
    monkeypatch.setattr('components.cheque_board.advance_cheque', broken)
    send(staff, 'step', {'id': cheque.id, 'state': 'handed_over'})
    await soon(lambda: refusal(staff))
    assert board(staff)['answer']['id'] == cheque.id
