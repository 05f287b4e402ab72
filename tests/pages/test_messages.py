"""All conversations on one page: what is searched and left out there stays so while others write and while one reads."""

from fastapi import FastAPI

from components import accesses
from components.mailbox import ThreadList
from components.messages_panel import MessagesPanel
from db.access_log import SEARCH, Asked
from db.access_log import accesses as log_of
from db.base import now
from db.claims import Claim
from db.messages import Letter, ThreadKey, write_message
from db.session import open_session
from tests.conftest import People, made_once
from tests.factories import make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def write(people: People, claim: Claim, body: str) -> None:
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(claim.office_id, claim.id), Letter(body), now())


async def test_what_is_looked_for_also_finds_what_comes_later(portal: FastAPI, claim: Claim, people: People) -> None:
    user = await signed_in(portal, EMAILS['dana'])
    page = Open(user, await user.open('/messages'))
    [listed] = page.of(ThreadList)
    page.send(listed, 'find', 'שמאי')
    await soon(lambda: listed.props['hits'] == [])
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = log_of(session, Asked(what=SEARCH), 1)
    assert [(row.told, row.by) for row in logged] == [('שמאי', people.dana.name)]
    write(people, claim, 'השמאי בא מחר')
    await soon(lambda: [hit['text'] for hit in listed.props['hits']] == ['השמאי בא מחר'])
    await user.http_client.aclose()


async def test_only_what_is_unread_is_asked_for_by_the_address(portal: FastAPI, claim: Claim, people: People) -> None:
    write(people, claim, 'הכסף בדרך')
    user = await signed_in(portal, EMAILS['dana'])
    page = Open(user, await user.open(f'/messages?claim={claim.claim_no}&view=unread'))
    [listed], [panel] = page.of(ThreadList), page.of(MessagesPanel)
    assert listed.props['unread'] is True
    assert [line['text'] for line in listed.props['lines']] == ['הכסף בדרך']
    assert panel.props['back'] == '/messages?view=unread'
    page.send(panel, 'seen', panel.props['items'][-1]['id'])
    await soon(lambda: listed.props['lines'] == [])
    await user.http_client.aclose()
