"""A claim's log with its seals: whom it is shown, what stands on it, and the heads for whoever administers."""

from functools import partial

import pytest
from fastapi import FastAPI
from nicegui.testing import User

from components import accesses
from db.access_log import Asked
from db.access_log import accesses as log_of
from db.base import Base, now
from db.changes import history_of
from db.claims import Claim, save_fields
from db.messages import note_internally
from db.record_seals import SealHead, write_head
from db.session import Database, fetch, open_session
from jobs.desk import follow_claims
from jobs.record_seals import seal_changes
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


@pytest.fixture
def claim(people: People) -> Claim:
    claim = make_claim(people.levi, people.staff, insured_name='<b>רונית</b>')
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'daily_note': ('', '<i>נבדק</i>')}, now())
    with open_session(people.staff) as session:
        note_internally(session, claim.id, 'לברר בשקט', now())
    follow_claims()  # whatever the desk of a portal would add meanwhile
    seal_changes()
    return claim


def counted(claim: Claim) -> tuple[int, int]:
    """The lines of its log, and those of them that are the bureau's own."""
    with open_session(SYSTEM, reading=True) as session:
        lines = fetch(session, history_of(claim.id))
    return len(lines), sum(line.internal for line in lines)


async def shown(portal: FastAPI, who: str, claim_no: str) -> tuple[int, str]:
    person = await signed_in(portal, EMAILS[who])
    answer = await person.http_client.get(f'/claims/{claim_no}/record')
    await person.http_client.aclose()
    return answer.status_code, answer.text


async def test_the_log_prints_with_its_hashes_and_says_that_all_of_it_holds(
    portal: FastAPI, claim: Claim, people: People
) -> None:
    status, page = await shown(portal, 'staff', claim.claim_no)
    assert status == 200
    lines, internal = counted(claim)
    assert f'כל {lines} השורות החתומות ביומן הן כפי שנחתמו' in page
    assert (page.count('data-testid="record-line"'), page.count('<code')) == (lines, lines)
    assert (lines > internal > 0, 'record-waiting' in page) == (True, False)
    assert 'לברר בשקט' in page
    assert '&lt;i&gt;נבדק' in page
    assert '<b>רונית' not in page
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        assert log_of(session, Asked(claim_no=claim.claim_no), 1)[0].by == people.staff.name


async def test_what_the_manager_of_the_office_may_not_read_is_counted_and_not_shown(
    portal: FastAPI, claim: Claim
) -> None:
    status, page = await shown(portal, 'manager', claim.claim_no)
    lines, internal = counted(claim)
    assert (status, 'לברר בשקט' in page, f'כל {lines} השורות' in page) == (200, False, True)
    assert (page.count('אינה מוצגת כאן'), page.count('<code')) == (internal, lines)


async def test_a_line_that_was_rewritten_is_named(
    portal: FastAPI, claim: Claim, people: People, database: Database
) -> None:
    table = Base.metadata.tables['changes']
    with database.writer.begin() as connection:
        written = table.c.user_id == people.staff.user_id, table.c.kind == 'updated'
        connection.execute(table.update().where(*written).values(fields={'daily_note': ['', 'נדחה']}))
    _, page = await shown(portal, 'manager', claim.claim_no)
    assert 'היומן אינו כפי שנחתם' in page
    assert (page.count('data-testid="record-fault"'), page.count('שורה 2 (רישום')) == (1, 2), 'above, and at the line'


async def test_nobody_else_finds_it(portal: FastAPI, claim: Claim) -> None:
    for who in ('dana', 'rival'):
        status, page = await shown(portal, who, claim.claim_no)
        assert (status, claim.claim_no in page) == (404, False), who
    assert (await shown(portal, 'staff', '26-99999'))[0] == 404


def drawn(page: Open) -> bool:
    return 'mk-hist' in page.everything()


async def test_it_is_offered_in_the_history_to_whoever_may(portal: FastAPI, claim: Claim) -> None:
    way = f'/claims/{claim.claim_no}/record'
    for who, may in (('manager', True), ('dana', False)):
        person = await signed_in(portal, EMAILS[who])
        page = Open(person, await person.open(f'/claims/{claim.claim_no}?tab=history'))
        await soon(partial(drawn, page))
        assert (way in page.everything()) is may, who


async def test_the_admin_sees_the_heads_and_takes_them_along(
    portal: FastAPI, claim: Claim, admin: User, people: People
) -> None:
    with open_session(SYSTEM) as session:
        head = SealHead(day=now().date(), up_to=3, claims=1, hash='ab' * 32)
        line = head.line
        write_head(session, head)
    health = Open(admin, await admin.open('/admin/health'))
    await soon(lambda: 'ab' * 32 in health.everything() and 'כל מה שנרשם חתום' in health.everything())
    assert (await admin.http_client.get('/admin/record-heads.txt')).text == f'{line}\n'
    staff = await signed_in(portal, EMAILS['staff'])
    assert (await staff.http_client.get('/admin/record-heads.txt')).status_code == 404
