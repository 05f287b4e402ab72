"""«תשובה ללקוח» on the claim page: who has it, and that what went out stands in the call log, once."""

import pytest

from components.claim_head import ClaimActions, actions_of
from components.client_answer import ClientAnswer
from db.calls import Call, calls_of
from db.claims import Claim
from db.session import fetch, open_session
from tests.conftest import People, made_once
from tests.factories import make_claim
from tests.pages.conftest import Open, Opener
from tests.waiting import soon


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def offered(page: Open) -> list[str]:
    return [action['key'] for action in page.of(ClaimActions)[0].props['actions']]


def logged(people: People, claim: Claim) -> list[Call]:
    with open_session(people.staff, reading=True) as session:
        return list(fetch(session, calls_of(claim.id)))


async def test_an_agent_answers_his_client_and_the_call_log_tells_it_once(
    open_page: Opener, people: People, claim: Claim
) -> None:
    page = await open_page('dana', claim)
    page.send(page.of(ClaimActions)[0], 'act', 'answer')
    await soon(lambda: page.of(ClientAnswer)[0].props['shown'])
    dialog = page.of(ClientAnswer)[0]
    ways = {way['key']: way['words'] for way in dialog.props['shown']['ways']}
    assert set(ways) == {'whatsapp', 'sms', 'mail'}
    assert 'סוכנות לוי' in ways['whatsapp']

    for _ in range(2):  # opened again in the same words
        await page.answer(dialog, 'sent', {'way': 'whatsapp', 'words': 'הכול בסדר', 'key': 'k', 'number': 1})
    (call,) = logged(people, claim)
    assert (call.party, call.direction, call.outcome, call.by) == ('insured', 'outbound', 'written', people.dana.name)
    assert call.summary == 'WhatsApp: הכול בסדר'


@pytest.mark.parametrize(
    'sent', ['x', {'way': 'fax', 'words': 'א', 'key': 'k'}, {'way': 'sms', 'words': ' ', 'key': 'k'}]
)
async def test_what_no_browser_of_ours_sends_logs_nothing(
    open_page: Opener, people: People, claim: Claim, sent: object
) -> None:
    page = await open_page('dana', claim)
    page.send(page.of(ClientAnswer)[0], 'sent', sent)
    await page.answer(page.of(ClientAnswer)[0], 'sent', {'way': 'sms', 'words': 'אחרי', 'key': 'z', 'number': 1})
    assert [call.summary for call in logged(people, claim)] == ['SMS: אחרי']


async def test_who_logs_no_calls_answers_no_client(open_page: Opener, claim: Claim) -> None:
    staff = await open_page('staff', claim)
    assert 'answer' in offered(staff)
    with staff.client:
        reader = [action['key'] for action in actions_of(claim, staff=False, writes=False, logs=False)]
    assert 'answer' not in reader
    assert 'whatsapp' in reader
