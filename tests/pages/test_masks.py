"""Identity numbers on the pages of those who need not know them: masked in every tab, shown one at a time, and written down."""

from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from nicegui.testing import User

from components import accesses
from components.claim_reading import audience_of
from components.new_claim import asked_of
from components.row_news import audience_of as audience_of_lists
from db import reveals
from db.access_log import NUMBER, Access, Asked
from db.access_log import accesses as lines_of
from db.base import now
from db.claims import Claim, save_fields
from db.masks import masked
from db.offices import User as Person
from db.offices import actor_of
from db.scope import Actor, Role
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import Opener
from tests.waiting import soon

NUMBERS = {'insured_id_no': '123456782', 'driver_id_no': '316789453', 'tp_driver_id_no': '209988776'}
# who of the tests' people has to do with the cars only
REPAIRS = 'staff'


@pytest.fixture
def claim(people: People) -> Claim:
    its = {**NUMBERS, 'agent': people.dana.user_id, 'handler': people.staff2.user_id}
    claim = make_claim(people.levi, people.staff2, its)
    with open_session(people.staff2) as session:
        save_fields(session, claim.id, {'driver_id_no': ('316789453', '034862177')}, now())
        save_fields(session, claim.id, {'driver_id_no': ('034862177', '316789453')}, now())
    return claim


@pytest.fixture(autouse=True)
def repairs(people: People) -> Actor:
    with open_session(SYSTEM) as session:
        session.get_one(Person, people.staff.user_id).role = Role.REPAIR_TEAM
    with open_session(SYSTEM) as session:
        actor = actor_of(session, people.staff.user_id or 0)
    assert actor is not None
    return actor


def log(people: People) -> Sequence[Access]:
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        return lines_of(session, Asked(what=NUMBER), 100)


async def test_no_tab_has_a_number_and_whoever_asks_for_one_is_shown_that_one(
    open_page: Opener, claim: Claim, people: People, portal: FastAPI, admin: User
) -> None:
    handler = await open_page('staff2', claim)  # what he reads is kept for those who see as much
    page, other = await open_page(REPAIRS, claim), await open_page(REPAIRS, claim)
    await page.open_tabs()
    assert handler.row('insured_id_no')['text'] == '123456782'
    assert not any(number in page.everything() for number in (*NUMBERS.values(), '034862177'))
    for name, number in NUMBERS.items():
        row = page.row(name)
        assert (row['text'], row['value'], row['masked']) == (masked(number), masked(number), True)
        assert not row.keys() & {'editable', 'input', 'copy'}
    assert 'masked' not in handler.row('insured_id_no')

    page.send(page.sections, 'reveal', 'driver_id_no')
    await soon(lambda: page.row('driver_id_no').get('whole') == '316789453')
    assert '123456782' not in page.everything()
    assert '316789453' not in other.everything()
    (line,) = log(people)
    assert (line.user_id, line.claim_no, line.told, line.granted) == (
        people.staff.user_id,
        claim.claim_no,
        'driver_id_no',
        True,
    )
    await admin.open('/admin/accesses')
    await admin.should_see('הצגת מספר ת״ז')
    await admin.should_see('נהג רכב המבוטח · ת״ז')

    with open_session(people.staff2) as session:
        save_fields(session, claim.id, {'driver_id_no': ('316789453', '034869453')}, now())
    await soon(lambda: page.row('driver_id_no').get('whole') == '')
    assert '034869453' not in page.everything()


async def test_nothing_else_is_shown_and_what_is_refused_is_written_down(
    open_page: Opener, claim: Claim, people: People, toasts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reveals, 'MOST', 1)
    page, dana = await open_page(REPAIRS, claim), await open_page('dana', claim)
    for asked in ('insured_phone', 'plate', None, ['driver_id_no'], {'name': 'driver_id_no'}):
        page.send(page.sections, 'reveal', asked)
    dana.send(dana.sections, 'reveal', 'driver_id_no')
    page.send(page.sections, 'reveal', 'driver_id_no')
    page.send(page.sections, 'reveal', 'driver_id_no')
    await soon(lambda: page.row('driver_id_no').get('whole') == '316789453')
    page.send(page.sections, 'reveal', 'insured_id_no')
    await soon(lambda: any('בשעה האחרונה' in told for told in toasts))
    assert [(line.told, line.granted) for line in reversed(log(people))] == [
        ('driver_id_no', True),
        ('insured_id_no', False),
    ]
    assert '123456782' not in page.everything()


def test_the_form_of_a_claim_asks_for_no_number_that_one_may_not_write(repairs: Actor, people: People) -> None:
    assert 'insured_id_no' not in asked_of(repairs)
    assert {*asked_of(people.staff2)} - {*asked_of(repairs)} == {'insured_id_no'}
    assert 'insured_id_no' in asked_of(people.dana)


def test_who_sees_masks_shares_no_reading_and_no_news_with_who_does_not(repairs: Actor, people: People) -> None:
    assert audience_of(repairs, 1, 10) != audience_of(people.staff2, 1, 10)
    assert audience_of_lists(repairs) != audience_of_lists(people.staff2)
