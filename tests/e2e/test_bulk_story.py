"""Many claims at once, as the bureau does it: select, see what would change and what would not, do it, and read the report."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import PHONE, Person, nothing_arrives, rows

pytestmark = pytest.mark.e2e


def test_the_bureau_changes_many_and_the_agent_sees_it(person: Person) -> None:
    staff, dana = person('staff@bureau.demo'), person('dana@levi.demo')
    rows(dana)
    mine = dana.get_by_test_id('claim-row').filter(has_not_text='נדחתה').first.get_attribute('data-claim') or ''
    staff.goto(f'/?q={mine}')
    row = staff.locator(f'[data-testid=claim-row][data-claim="{mine}"]')
    expect(row).to_be_visible()
    # with the keyboard: the row is a link, and Space selects it
    row.locator('.mk-rowlink').focus()
    staff.keyboard.press('Space')
    expect(staff.get_by_test_id('bulk-count')).to_have_text('תביעה אחת נבחרה')
    staff.get_by_test_id('bulk-status').click()
    staff.get_by_test_id('bulk-value').select_option('rejected')
    expect(staff.get_by_test_id('bulk-go')).to_be_disabled()
    staff.get_by_test_id('bulk-reason').fill('אין כיסוי')
    staff.get_by_test_id('bulk-reason').press('Escape')  # loses nothing that was typed
    expect(staff.get_by_test_id('bulk-plan')).to_contain_text('הפעולה תחול על תביעה אחת')
    staff.get_by_test_id('bulk-go').dblclick()
    expect(staff.get_by_test_id('bulk-order')).to_have_attribute('data-running', 'false')
    expect(staff.get_by_test_id('bulk-order')).to_contain_text('תביעה אחת עודכנה')
    expect(staff.get_by_test_id('bulk-bar')).to_have_count(0)
    expect(dana.locator(f'[data-testid=claim-row][data-claim="{mine}"]')).to_contain_text('נדחתה')

    # the report is still there after a reload, until it is put away; then all of a list, of which one claim is there already
    staff.goto(f'/?q={mine}')
    staff.get_by_test_id('bulk-away').click()
    expect(staff.get_by_test_id('bulk-order')).to_have_count(0)
    staff.goto('/?view=open')
    rows(staff)
    staff.get_by_test_id('pick-page').check()
    staff.get_by_test_id('bulk-all').click()
    staff.get_by_test_id('bulk-status').click()
    staff.get_by_test_id('bulk-value').select_option('rejected')
    staff.get_by_test_id('bulk-reason').fill('אין כיסוי')
    already = staff.get_by_test_id('bulk-left').filter(has_text='כבר בסטטוס הזה')
    expect(already).to_contain_text(mine)


def test_what_is_selected_is_of_the_list_that_is_shown(person: Person) -> None:
    staff = person('staff@bureau.demo')
    rows(staff)
    staff.get_by_test_id('pick-page').check()
    # all of the list stay selected wherever in it one looks, until one of them is left out
    staff.get_by_test_id('bulk-all').click()
    said = staff.get_by_test_id('bulk-count')
    expect(said).to_contain_text('נבחרו כל')
    staff.get_by_test_id('claims-table').locator('th.mk-sorted button').click()
    staff.get_by_role('button', name='העמוד הבא').click()
    expect(staff.get_by_role('button', name='2', exact=True)).to_have_attribute('aria-current', 'page')
    expect(staff.get_by_test_id('pick-page')).to_be_checked()
    expect(said).to_contain_text('נבחרו כל')
    staff.get_by_test_id('pick').first.uncheck()
    expect(said).to_have_text('25 נבחרו')
    # another list: no order is given for what is not in it
    staff.get_by_test_id('view-closed').click()
    expect(staff.get_by_test_id('bulk-bar')).to_have_count(0)
    expect(staff.get_by_test_id('pick').and_(staff.locator(':checked'))).to_have_count(0)


def test_an_order_that_arrives_late_is_done_with_as_it_is_taken(person: Person) -> None:
    staff = person('staff@bureau.demo')
    rows(staff)
    staff.get_by_test_id('pick').first.check()
    staff.get_by_test_id('bulk-checked').click()
    do = staff.get_by_test_id('bulk-go')
    with nothing_arrives(staff):
        do.click()
        expect(do).to_be_disabled()
        expect(do).to_be_enabled()  # no answer: it may be sent again
    expect(staff.get_by_test_id('bulk-order')).to_be_visible()
    expect(staff.get_by_test_id('bulk-dialog')).to_have_count(0)
    expect(staff.get_by_test_id('bulk-bar')).to_have_count(0)


def test_on_a_phone_one_presses_long_and_taps(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    numbers = rows(dana)
    cards = dana.get_by_test_id('claim-row')
    cards.first.dispatch_event('touchstart')
    expect(dana.get_by_test_id('bulk-count')).to_have_text('תביעה אחת נבחרה')
    cards.first.dispatch_event('touchend')
    cards.first.click()  # the click that follows a long press opens nothing
    dana.locator(f'[data-testid=claim-row][data-claim="{numbers[1]}"]').click()
    expect(dana.get_by_test_id('bulk-count')).to_have_text('2 נבחרו')
    expect(dana.get_by_test_id('bulk-all')).to_be_visible()
    expect(dana.get_by_test_id('bulk-status')).to_have_count(0)
    dana.get_by_test_id('bulk-read').click()
    expect(dana.get_by_test_id('bulk-plan').or_(dana.get_by_test_id('bulk-error'))).to_be_visible()
