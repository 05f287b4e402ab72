"""The product in one story: staff change a claim, and everybody who may see it sees it at once; nobody else ever does."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from db.values import format_moment
from tests.e2e.browsing import Person, ready, rows, visiting
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e
_TIMES = """() => [
  Date.now(), [...document.querySelectorAll('[data-testid=claim-row] time')].map((time) => [time.dateTime, time.textContent]),
]"""


def row(page: Page, claim_no: str):
    return page.locator(f'[data-testid=claim-row][data-claim="{claim_no}"]')


def edit(page: Page, name: str, value: str) -> None:
    page.get_by_test_id(f'field-{name}').click()
    box = page.get_by_test_id(f'edit-{name}')
    if box.evaluate('element => element.tagName') == 'SELECT':
        box.select_option(label=value)
    else:
        box.fill(value)
    box.press('Enter')


def test_three_people_in_three_browsers(person: Person) -> None:
    staff = person('staff@bureau.demo')
    dana = person('dana@levi.demo')
    manager = person('manager@levi.demo')
    rival = person('agent@cohen.demo')

    # a read claim from the middle of dana's list, on which nothing happened today
    read = rows(dana, unread=False)
    claim_no = read[len(read) // 2]
    plate = row(dana, claim_no).locator('.mk-plate b').inner_text()
    bell = int(dana.get_by_test_id('bell-count').inner_text()) if dana.get_by_test_id('bell-count').count() else 0
    manager.goto(f'/claims/{claim_no}')
    ready(manager)
    staff.goto(f'/claims/{claim_no}')
    ready(staff)
    before = {
        name: manager.get_by_test_id(f'field-{name}').inner_text()
        for name in ('insured_phone', 'insured_address', 'plate')
    }

    edit(staff, 'insured_phone', '052-555 7788')
    edit(staff, 'insured_address', 'הרצל 10, חיפה')
    edit(staff, 'status', 'אושרה לתשלום')

    # dana: the row jumps to the top, bold, with a dot and what changed; her bell counts it
    first = dana.get_by_test_id('claim-row').first
    expect(first).to_have_attribute('data-claim', claim_no)
    expect(first).to_have_attribute('data-unread', 'true')
    expect(first).to_contain_text('אושרה לתשלום')
    expect(first.get_by_role('img', name='עודכן מאז הכניסה האחרונה')).to_be_visible()
    expect(dana.get_by_test_id('bell-count')).to_have_text(str(bell + 1))
    assert dana.title().startswith(f'({bell + 1})')

    # the manager: exactly the changed fields change, before ← after; nothing else does
    for name, value in (('insured_phone', '052-5557788'), ('insured_address', 'הרצל 10, חיפה')):
        field = manager.get_by_test_id(f'field-{name}')
        expect(field).to_have_attribute('data-changed', 'true')
        expect(field).to_contain_text(value)
    expect(manager.get_by_test_id('claim-header')).to_contain_text('אושרה לתשלום')
    assert manager.get_by_test_id('field-plate').inner_text() == before['plate']
    expect(manager.get_by_test_id('field-plate')).not_to_have_attribute('data-changed', 'true')

    # the rival office: not in the list, not by search, not by address
    assert claim_no not in rows(rival)
    rival.goto(f'/?view=all&q={plate}')
    ready(rival)
    expect(rival.get_by_test_id('list-empty')).to_be_visible()
    answer = rival.goto(f'/claims/{claim_no}')
    assert answer is not None
    assert answer.status == 404
    expect(rival.locator('body')).to_contain_text('התיק לא נמצא או שאינו שייך למשרדך')

    # dana opens it: a bar says what changed; back in the list it is no longer bold for her, still bold for yossi
    first.click()
    dana.wait_for_url(re.compile(r'/claims/'))
    ready(dana)
    expect(dana.get_by_test_id('changes-since')).to_be_visible()
    expect(dana.get_by_test_id('field-insured_phone')).to_have_attribute('data-changed', 'true')
    dana.go_back()
    ready(dana)
    expect(row(dana, claim_no)).to_have_attribute('data-unread', 'false')
    yossi = person('yossi@levi.demo')
    expect(row(yossi, claim_no)).to_have_attribute('data-unread', 'true')


def test_a_change_never_moves_rows_under_the_pointer(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    order = rows(dana)
    last = order[-1]
    dana.get_by_test_id('claim-row').nth(2).hover()
    staff.goto(f'/claims/{last}')
    ready(staff)
    edit(staff, 'next_action', 'לבדוק עם המוסך מתי הרכב מוכן')
    expect(row(dana, last)).to_have_attribute('data-unread', 'true')
    assert rows(dana) == order, 'the rows stay where they are'
    expect(dana.get_by_test_id('updates-waiting')).to_be_visible()
    dana.get_by_test_id('updates-waiting').click()
    expect(dana.get_by_test_id('claim-row').first).to_have_attribute('data-claim', last)


def test_times_stay_true_on_a_page_that_stays_open(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.clock.install()
    dana.goto('/?view=all')
    ready(dana)
    dana.evaluate('window.socket.disconnect()')  # hours pass in a moment: the line would be found dead
    for wait in (31_000, 4 * 3_600_000, 20 * 3_600_000, 3 * 86_400_000):
        dana.clock.fast_forward(wait)
        moment, shown = dana.evaluate(_TIMES)
        assert len(shown) > 5
        for at, text in shown:
            assert text == format_moment(datetime.fromisoformat(at), datetime.fromtimestamp(moment / 1000, UTC))


def test_the_address_holds_the_list(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.get_by_test_id('view-closed').click()
    expect(dana).to_have_url(re.compile('view=closed'))
    wanted = rows(dana)[4]
    dana.get_by_test_id('search').fill(wanted)
    expect(dana.get_by_test_id('claim-row')).to_have_count(1)
    expect(row(dana, wanted)).to_be_visible()
    dana.reload()
    ready(dana)
    assert rows(dana) == [wanted]
    expect(dana.get_by_test_id('search')).to_have_value(wanted)
    dana.go_back()
    expect(dana).to_have_url(re.compile(r'view=closed$'))
    expect(dana.get_by_test_id('view-closed')).to_have_attribute('aria-selected', 'true')


def test_filters_are_chips_one_can_take_off(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.get_by_test_id('filter-status').click()
    dana.get_by_role('checkbox', name='הרכב בתיקון').check()
    chip = dana.get_by_test_id('active-filter')
    expect(chip).to_contain_text('הרכב בתיקון')
    expect(dana.get_by_test_id('claim-row').filter(has_not_text='הרכב בתיקון')).to_have_count(0)
    assert rows(dana)
    chip.get_by_role('button', name='הסרת סינון').click()
    expect(chip).to_have_count(0)


def test_rows_open_from_the_keyboard(person: Person) -> None:
    dana = person('dana@levi.demo')
    second = rows(dana)[1]
    dana.keyboard.press('j')
    dana.keyboard.press('j')
    dana.keyboard.press('Enter')
    dana.wait_for_url(re.compile(f'/claims/{second}'))


def test_a_reader_is_told_when_the_connection_is_lost(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.context.set_offline(True)
    expect(dana.locator('[data-offline]')).to_be_visible()
    expect(dana.get_by_test_id('connection')).to_contain_text('לא מחובר')
    # it tries by itself, and at once when it is told to; what was on the page stays
    dana.evaluate('socket.io.reconnectionDelay(1e9); socket.io.backoff.max = 1e9; window.stays = true')
    again = dana.get_by_role('button', name='ניסיון נוסף')
    again.click()
    expect(dana.locator('[data-offline]')).to_be_visible()
    dana.context.set_offline(False)
    again.click()
    expect(dana.locator('[data-offline]')).to_be_hidden()
    assert dana.evaluate('window.stays && socket.connected')


def test_a_network_that_is_lost_is_no_matter_where_the_portal_runs_on_the_same_machine(
    chromium: Browser, demo: Server
) -> None:
    """The line to it is not cut there, so nothing would ever say that it is back."""
    with visiting(chromium, replace(demo, url=demo.url.replace('127.0.0.1', 'localhost'))) as person:
        dana = person('dana@levi.demo')
        for lost in (True, False):
            dana.context.set_offline(lost)
            dana.wait_for_function('lost => navigator.onLine !== lost', arg=lost)
            assert dana.evaluate('socket.connected')
            expect(dana.locator('[data-offline]')).to_be_hidden()
            expect(dana.get_by_test_id('connection')).to_contain_text('מתעדכן')


def test_choosing_a_theme_or_language_comes_back_to_the_same_list(person: Person) -> None:
    page = person('dana@levi.demo')
    page.get_by_test_id('view-all').click()
    expect(page).to_have_url(re.compile('view=all'))
    page.locator('.mk-user').click()
    page.locator('.mk-menu button[value=dark]').click()
    ready(page)
    expect(page).to_have_url(re.compile('view=all'))
    page.locator('.mk-user').click()
    page.locator('.mk-menu button[value=auto]').click()
    ready(page)
    expect(page).to_have_url(re.compile('view=all'))
