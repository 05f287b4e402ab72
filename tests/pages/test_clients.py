"""A client's page for the meeting about his renewal, and the list of an office's clients: whom they are shown, and what is taken."""

from functools import partial
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI

from components import accesses
from db.access_log import CLAIM, EXPORT, Asked
from db.access_log import accesses as log_of
from db.claims import Claim
from db.exports import export_records
from db.offices import User
from db.scope import Role
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon

NUMBER = '034862177'


@pytest.fixture
def claims(people: People) -> list[Claim]:
    """Two claims of one client, and one with the same number in another office."""
    names = ((people.levi, '<b>רונית</b>'), (people.levi, '<b>רונית</b>'), (people.cohen, 'קנרית'))
    return [
        make_claim(office, people.staff, {'insured_id_no': NUMBER}, insured_name=name, demand_amount=1_000_00 + n)
        for n, (office, name) in enumerate(names)
    ]


async def test_the_page_of_a_client_has_all_his_claims_of_the_office_and_no_others(
    portal: FastAPI, people: People, claims: list[Claim]
) -> None:
    mine, also, foreign = (claim.claim_no for claim in claims)
    manager, rival = await signed_in(portal, EMAILS['manager']), await signed_in(portal, EMAILS['rival'])
    page = await manager.http_client.get(f'/claims/{mine}/renewal')
    assert page.status_code == 200
    assert ('שתיים פתוחות' in page.text, 'הסתיימו' in page.text) == (True, False), 'of none nothing is told'
    for told in (mine, also, NUMBER, '&lt;b&gt;רונית', '₪2,000.01', 'הפוליסה העצמית'):
        assert told in page.text, told
    assert not any(canary in page.text for canary in (foreign, 'קנרית', '<b>רונית'))
    for person, claim_no in ((rival, mine), (manager, foreign), (manager, '26-99999'), (manager, "'--")):
        refused = await person.http_client.get(f'/claims/{claim_no}/renewal')
        assert (refused.status_code, NUMBER in refused.text) == (404, False)
    hostile = await manager.http_client.get(f'/claims/{mine}/renewal?period=%3Cscript%3E')
    assert (hostile.status_code, '<script>' in hostile.text.split('<main')[1]) == (200, False)
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        seen = [(row.claim_no, row.granted) for row in log_of(session, Asked(what=CLAIM), 20)]
    assert {(mine, True), (also, True), (mine, False), (foreign, False)} <= {*seen}


async def test_one_finds_the_page_from_the_claim_and_from_the_list(
    portal: FastAPI, people: People, claims: list[Claim]
) -> None:
    way = f'/claims/{claims[0].claim_no}/renewal'
    dana, manager = await signed_in(portal, EMAILS['dana']), await signed_in(portal, EMAILS['manager'])
    claim = Open(dana, await dana.open(f'/claims/{claims[0].claim_no}'))
    await soon(lambda: way in claim.everything())
    listed = Open(manager, await manager.open('/reports/clients'))
    await soon(lambda: f'/claims/{claims[1].claim_no}/renewal' in listed.everything())
    assert 'קנרית' not in listed.everything()
    reports = Open(manager, await manager.open('/reports'))
    await soon(lambda: '/reports/clients' in reports.everything())


async def test_the_bureau_chooses_an_office_first(portal: FastAPI, people: People, claims: list[Claim]) -> None:
    staff = await signed_in(portal, EMAILS['staff'])

    def says(page: Open, *words: str) -> bool:
        return all(word in page.everything() for word in words)

    asked = Open(staff, await staff.open('/reports/clients'))
    await soon(partial(says, asked, 'נא לבחור משרד'))
    assert NUMBER not in asked.everything()
    cohen = Open(staff, await staff.open(f'/reports/clients?office={people.cohen}'))
    await soon(partial(says, cohen, 'קנרית', NUMBER))
    assert 'רונית' not in cohen.everything()
    assert (await staff.http_client.get('/reports/clients.xlsx')).status_code == 400
    for path in ('/reports/clients?office=999', '/reports/clients.xlsx?office=999'):
        assert (await staff.http_client.get(path)).status_code == 404


async def test_whoever_takes_the_list_stands_in_the_record_and_others_do_not_get_it(
    portal: FastAPI, people: People, claims: list[Claim]
) -> None:
    def cells(answer: Any) -> str:
        return str([row for sheet in openpyxl.load_workbook(BytesIO(answer.content)) for row in sheet.values])

    manager = await signed_in(portal, EMAILS['manager'])
    for way in ('', f'?office={people.cohen}'):
        answer = await manager.http_client.get(f'/reports/clients.xlsx{way}')
        told = cells(answer) if answer.status_code == 200 else ''
        assert (answer.status_code, NUMBER in told, 'קנרית' in told) == (
            (200, True, False) if not way else (404, False, False)
        )
    with open_session(people.admin, reading=True) as session:
        (record,) = export_records(session)
    assert (record.by, record.rows) == ('רות לוי', 1)

    with open_session(SYSTEM) as session:
        session.get_one(User, people.dana.user_id).role = Role.READ_ONLY
    dana = await signed_in(portal, EMAILS['dana'])
    assert (await dana.http_client.get('/reports/clients.xlsx')).status_code == 404
    listed = Open(dana, await dana.open('/reports/clients'))
    await soon(lambda: '••2177' in listed.everything())
    assert not any(hidden in listed.everything() for hidden in (NUMBER, 'clients.xlsx'))
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        refused = [row.by for row in log_of(session, Asked(what=EXPORT, only_refused=True), 20)]
    assert refused == [people.dana.name, people.manager.name]


async def test_a_list_that_is_too_long_for_a_workbook_says_what_may_help(
    portal: FastAPI, people: People, claims: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('pages.clients.CONFIRM_ABOVE', 1)
    make_claim(people.levi, people.staff, {'insured_id_no': '200000008'})
    manager = await signed_in(portal, EMAILS['manager'])
    for period, advised in (('all', True), ('12m', False)):
        refused = await manager.http_client.get(f'/reports/clients.xlsx?period={period}')
        assert (refused.status_code, 'ברשימה 2 לקוחות' in refused.text, 'נא לבחור את 12 החודשים' in refused.text) == (
            *(400, True, advised),
        )
