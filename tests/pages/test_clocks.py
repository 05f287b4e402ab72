"""The clocks on a claim's page: they explain themselves, staff set a day, the proof prints, and a stranger gets nothing."""

from datetime import date
from functools import partial
from typing import Any

from fastapi import FastAPI

from components import accesses
from components.clocks_card import ClocksCard
from db.access_log import Asked
from db.access_log import accesses as log_of
from db.base import now
from db.claims import Claim, change_status, save_fields
from db.session import open_session
from tests.conftest import People
from tests.factories import make_claim
from tests.pages.conftest import EMAILS, Open, Opener
from tests.portal import signed_in
from tests.waiting import soon


def clocks(page: Open) -> dict[str, dict[str, Any]]:
    return {clock['id']: clock for clock in page.of(ClocksCard)[0].props['clocks']}


def submitted(people: People) -> Claim:
    claim = make_claim(people.levi, people.staff, event_date=date(2026, 8, 1), insured_name='<b>רונית</b>')
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'submitted_at': (None, date(2026, 9, 10))}, now())
    return claim


async def test_clocks_explain_themselves_and_say_what_is_missing(people: People, open_page: Opener) -> None:
    page = await open_page('dana', submitted(people))
    shown = clocks(page)
    counted = shown['insurer_more_docs']['lines']
    assert counted[0] == '14 ימי עסקים מ-10/09/2026: עד 12/10/2026.'
    assert 'ראש השנה' in counted[2]
    assert 'יום הכיפורים' in counted[2] or 'יום כיפור' in counted[2]
    assert shown['insurer_decision']['lines'][0].startswith('השעון טרם החל — חסר: ')
    assert 'ועוד' in shown['insurer_decision']['lines'][0]
    assert 'policy_info' not in shown, 'nobody has asked, and only the bureau can say that somebody did'
    assert all(not clock['days'] for clock in shown.values())


async def test_of_a_closed_claim_stand_only_the_clocks_that_began(people: People, open_page: Opener) -> None:
    claim = submitted(people)
    staff, dana = await open_page('staff', claim), await open_page('dana', claim)
    before = clocks(staff)
    began = {name for name, clock in before.items() if clock['started']}
    assert before.keys() - began
    move(people, claim, 'closed', 'no_cover')
    for page in (staff, dana):
        await soon(partial(_shows, page, began))
        assert page.of(ClocksCard)[0].props['waiting'] == ''
        stopped = clocks(page)['insurer_more_docs']
        assert not any(char.isdigit() for char in stopped['state']), 'it counts no days any more'
        assert stopped['lines'][-1].startswith('התביעה נסגרה ב-')
    move(people, claim, 'new', 'נפתחה מחדש')
    await soon(lambda: clocks(staff).keys() == before.keys())


def _shows(page: Open, names: set[str]) -> bool:
    return clocks(page).keys() == names


def move(people: People, claim: Claim, status: str, reason: str) -> None:
    with open_session(people.staff) as session:
        change_status(session, claim.id, status, reason, session.get_one(Claim, claim.id).status, now())


async def answered(page: Open, said: Any) -> str:
    """Send a day, and wait for what the card is answered."""
    return str((await page.answer(page.of(ClocksCard)[0], 'set', said))['message'])


async def test_staff_set_a_day_and_every_open_page_follows(people: People, open_page: Opener) -> None:
    claim = submitted(people)
    staff, dana = await open_page('staff', claim), await open_page('dana', claim)
    said = {'about': 'request', 'seen': '', 'day': '2026-09-15', 'reason': ''}
    assert 'מניין ידוע' in await answered(staff, said)
    assert await answered(staff, {**said, 'reason': 'מכתב רשום'}) == ''
    await soon(lambda: clocks(dana).get('policy_info', {}).get('started'))
    assert 'מכתב רשום' in clocks(dana)['policy_info']['lines'][1]
    sent: list[Any] = [
        None,
        [],
        {'day': 'מחר', 'about': 'request'},
        {'about': 'submitted', 'day': '2026-09-15', 'reason': 'x'},
    ]
    for nonsense in sent:
        assert await answered(staff, nonsense)
    assert await answered(dana, {**said, 'day': '2026-09-16', 'reason': 'x'})
    assert clocks(dana)['policy_info']['lines'][0].startswith('14 ימי עסקים מ-15/09/2026')


async def test_the_proof_names_every_day_that_does_not_count(portal: FastAPI, people: People) -> None:
    claim = submitted(people)
    dana = await signed_in(portal, EMAILS['dana'])
    page = await dana.http_client.get(f'/claims/{claim.claim_no}/clocks/insurer_more_docs')
    assert page.status_code == 200
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = log_of(session, Asked(claim_no=claim.claim_no), 1)
    assert [(row.told, row.by) for row in logged] == [('', people.dana.name)]
    assert page.text.count('data-testid="proof-skipped"') == 18
    assert '12/10/2026' in page.text
    assert 'dir="rtl"' in page.text
    assert '<b>רונית' not in page.text
    assert '2016-9-9' in page.text
    for address in (
        f'{claim.claim_no}/clocks/insurer_decision',
        f'{claim.claim_no}/clocks/x',
        'x/clocks/insurer_more_docs',
    ):
        assert (await dana.http_client.get(f'/claims/{address}')).status_code == 404, (
            'it has not started, or is not there'
        )
    rival = await signed_in(portal, EMAILS['rival'])
    answer = await rival.http_client.get(f'/claims/{claim.claim_no}/clocks/insurer_more_docs')
    assert (answer.status_code, claim.claim_no in answer.text) == (404, False)
    await dana.http_client.post('/logout')
    answer = await dana.http_client.get(f'/claims/{claim.claim_no}/clocks/insurer_more_docs')
    assert answer.status_code in (303, 401)
