"""The list as one likes it, in the hand: columns and views come along to another browser, and the palette knows no mouse."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import NO_DAY, PHONE, Person, nothing_arrives, nothing_is_answered, ready, rows
from tests.e2e.test_accessibility import serious, serious_in_the_dark

pytestmark = pytest.mark.e2e


def heads(page: Page) -> list[str]:
    found: list[str] = page.locator('.mk-ct thead th:not(:first-child)').all_inner_texts()
    return [head.split('\n')[0].strip() for head in found]


def test_columns_and_a_view_come_along_to_another_browser(person: Person) -> None:
    dana = person('dana@levi.demo', path='/?status=in_repair')
    rows(dana)
    dana.get_by_test_id('columns').click()
    dana.get_by_test_id('column-tp_insurer').uncheck()
    dana.get_by_test_id('column-garage').check()
    garage = dana.locator('[data-column=garage]')
    # by keyboard: one step towards the beginning
    garage.get_by_test_id('column-move').press('ArrowUp')
    expect(garage.get_by_test_id('column-move')).to_be_focused()
    dana.get_by_test_id('density-dense').click()
    expect(dana.locator('.mk-ct.mk-dense')).to_be_attached()
    dana.keyboard.press('Escape')
    expect(dana.locator('.mk-ct thead .mk-col-garage')).to_be_visible()
    chosen = heads(dana)
    assert chosen[-2:] == ['מוסך', 'עודכן']
    assert 'מבטחת צד ג׳' not in chosen
    assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'the page never scrolls sideways'
    dana.get_by_test_id('views').click()
    dana.get_by_test_id('view-save').click()
    dana.get_by_test_id('new-view-name').fill('בתיקון אצלי')
    dana.get_by_test_id('view-keep').click()
    view = dana.get_by_test_id('view').filter(has_text='בתיקון אצלי')
    expect(view).to_have_attribute('aria-current', 'true')
    pinned = dana.get_by_test_id('pinned-view').locator('.mk-ell')
    dana.locator('[data-testid=view-pin][data-pin^=own]').click()
    dana.locator('[data-testid=view-pin][data-pin=stuck]').click()
    expect(pinned).to_have_text(['בתיקון אצלי', 'תקועות'])
    # his order, by the keyboard
    dana.get_by_test_id('pin').last.get_by_test_id('pin-up').press('Enter')
    expect(pinned).to_have_text(['תקועות', 'בתיקון אצלי'])
    dana.reload()
    ready(dana)
    expect(dana.locator('.mk-ct.mk-dense')).to_be_attached()
    assert heads(dana) == chosen

    elsewhere = person('dana@levi.demo')
    numbers = rows(elsewhere)
    assert heads(elsewhere) == chosen
    elsewhere.get_by_test_id('pinned-view').filter(has_text='בתיקון אצלי').click()
    expect(elsewhere.locator('[data-filter=status]')).to_be_visible()
    assert set(rows(elsewhere)) != set(numbers)
    # what the view says stands in the address, so that reload and back work
    assert 'status=in_repair' in elsewhere.url
    elsewhere.go_back()
    expect(elsewhere.locator('[data-filter=status]')).to_have_count(0)
    elsewhere.get_by_test_id('views').click()
    expect(elsewhere.get_by_test_id('view').first).to_contain_text('מחכים לי')
    assert serious(elsewhere) + serious_in_the_dark(elsewhere) == []
    elsewhere.keyboard.press('Escape')
    elsewhere.get_by_test_id('columns').click()
    assert serious(elsewhere) + serious_in_the_dark(elsewhere) == []


def test_a_name_that_is_taken_is_told_in_the_form_where_it_stays(person: Person) -> None:
    dana = person('dana@levi.demo', path='/?status=in_repair')
    dana.get_by_test_id('views').click()
    dana.get_by_test_id('view-save').click()
    name = dana.get_by_test_id('new-view-name')
    name.fill('אצל המוסך')
    dana.get_by_test_id('view-keep').click()
    expect(name).to_have_count(0)
    dana.get_by_test_id('view-save').click()
    name.fill('אצל המוסך')
    dana.get_by_test_id('view-keep').click()
    expect(dana.locator('.mk-vedit [role=alert]')).to_be_visible()
    expect(name).to_have_value('אצל המוסך')
    name.fill('אצל המוסך שלי')
    dana.get_by_test_id('view-keep').click()
    expect(dana.get_by_test_id('view').filter(has_text='אצל המוסך שלי')).to_be_visible()
    expect(name).to_have_count(0)


def test_a_day_of_a_filter_is_read_on_leaving_it_and_the_filters_close(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.get_by_test_id('filter-event').click()
    first = dana.get_by_role('textbox', name='מתאריך', exact=True)
    first.fill('31/02/2026')
    dana.get_by_test_id('search').click()
    expect(dana.get_by_role('alert').filter(has_text=NO_DAY)).to_be_visible()
    expect(first).to_be_visible()
    first.fill('5/1')
    dana.get_by_test_id('search').click()
    expect(first).to_have_count(0)
    expect(dana.locator('[data-testid=active-filter][data-filter=event]')).to_contain_text('05/01/')

    phone = person('dana@levi.demo', viewport=PHONE)
    phone.get_by_test_id('filter-sheet').click()
    show = phone.get_by_role('button', name=re.compile('^הצגת .*תביע'))
    show.click()
    expect(show).to_have_count(0)


def test_who_ticks_faster_than_the_answers_come_loses_none_of_it(person: Person) -> None:
    dana = person('dana@levi.demo')
    rows(dana)
    dana.get_by_test_id('filter-status').click()
    one, other, third = (dana.locator('.mk-fmenu input.mk-check').nth(place) for place in range(3))
    chosen = dana.locator('[data-testid=active-filter][data-filter=status]')
    with nothing_arrives(dana):
        one.check()
        other.check()
    expect(chosen).to_contain_text('נבחרו שניים')
    rows(dana)
    assert one.is_checked()
    assert other.is_checked()
    # what answers an older click takes back no newer one
    with nothing_is_answered(dana) as let_through:
        one.uncheck()
        dana.wait_for_function('unheard.length')
        third.check()
        for _ in range(3):
            let_through()
            assert (one.is_checked(), other.is_checked(), third.is_checked()) == (False, True, True)
    expect(chosen).to_contain_text('נבחרו שניים')
    rows(dana)
    # once it is answered, what the address says counts again
    dana.go_back()
    expect(third).not_to_be_checked()
    dana.go_back()
    expect(one).to_be_checked()
    # who clears is answered as late
    with nothing_arrives(dana):
        dana.get_by_test_id('filters-clear').click()
        dana.get_by_test_id('filter-status').or_(chosen.get_by_role('button').first).click()
        third.check()
    dana.wait_for_url(lambda url: 'status=' in url and '%2C' not in url)
    expect(third).to_be_checked()
    expect(one).not_to_be_checked()

    phone = person('dana@levi.demo', viewport=PHONE)
    phone.get_by_test_id('filter-sheet').click()
    pills = phone.locator('.mk-sheet .mk-pill')
    with nothing_arrives(phone):
        pills.nth(0).click()
        pills.nth(1).click()
        pills.nth(0).click()
        expect(pills.nth(1)).to_have_attribute('aria-pressed', 'true')
    phone.wait_for_url(lambda url: 'status=' in url and '%2C' not in url)
    expect(pills.nth(0)).to_have_attribute('aria-pressed', 'false')
    expect(pills.nth(1)).to_have_attribute('aria-pressed', 'true')


def test_a_row_tells_in_full_what_lies_under_its_link(person: Person) -> None:
    dana = person('dana@levi.demo')
    rows(dana)
    row = dana.get_by_test_id('claim-row').filter(has=dana.locator('.mk-chgl .mk-t3')).first
    link, more = row.locator('.mk-rowlink'), row.locator('.mk-chgl .mk-t3').inner_text()
    assert more.startswith('ועוד')
    expect(link).to_have_attribute('title', re.compile(f': .* · {more}$'))
    news = link.get_attribute('title') or ''
    when = row.locator('time')
    when.hover(force=True)
    expect(link).to_have_attribute('title', when.get_attribute('title') or '')
    row.locator('.mk-plate').hover(force=True)
    expect(link).to_have_attribute('title', news)
    when.hover(force=True)
    dana.get_by_test_id('search').hover()
    expect(link).to_have_attribute('title', news)


def test_the_palette_by_keyboard_alone(person: Person) -> None:
    dana = person('dana@levi.demo')
    wanted = rows(dana)[1]
    # the key where Latin K is, whatever letter stands on it
    dana.keyboard.press('Control+KeyK')
    field = dana.get_by_test_id('palette-input')
    expect(field).to_be_focused()
    expect(dana.get_by_test_id('palette-item').first).to_be_visible()
    assert serious(dana) + serious_in_the_dark(dana) == []
    field.press_sequentially(wanted[:5])
    field.press_sequentially(wanted[5:])
    expect(dana.get_by_test_id('palette-item').first).to_contain_text(wanted)
    first = field.get_attribute('aria-activedescendant')
    field.press('ArrowDown')
    assert field.get_attribute('aria-activedescendant') != first
    field.press('ArrowUp')
    field.press('Enter')
    dana.wait_for_url(f'**/claims/{wanted}*')
    ready(dana)
    dana.keyboard.press('Control+KeyK')
    expect(dana.get_by_test_id('palette-item').first).to_contain_text(wanted)  # opened last
    dana.keyboard.press('Escape')
    expect(dana.get_by_test_id('palette')).to_be_hidden()
    dana.keyboard.press('Shift+Slash')
    expect(dana.get_by_test_id('keyboard-help')).to_be_visible()
    assert serious(dana) == []
    dana.keyboard.press('Escape')
    # faster than the answer: Enter waits for it
    dana.keyboard.press('Control+KeyK')
    with nothing_arrives(dana):
        dana.keyboard.type('המחאות')
        dana.keyboard.press('Enter')
        expect(dana.get_by_test_id('palette').get_by_role('status')).to_contain_text('עדיין אין תשובה')
    dana.wait_for_url(lambda url: 'quick=cheques' in url or url.endswith('/cheques'))
    ready(dana)
    dana.get_by_test_id('search').click()
    dana.keyboard.press('Shift+Slash')
    expect(dana.get_by_test_id('keyboard-help')).to_be_hidden()


def test_on_the_phone_views_and_palette_are_under_the_thumb(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    rows(dana)
    dana.get_by_test_id('views').click()
    expect(dana.get_by_test_id('view').first).to_be_visible()
    assert serious(dana) == []
    dana.get_by_test_id('view').filter(has_text='תקועות').click()
    dana.wait_for_url('**/?quick=stuck')
    dana.get_by_test_id('find').click()
    expect(dana.get_by_test_id('palette-item').first).to_be_visible()
    assert serious(dana) + serious_in_the_dark(dana) == []
    assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth')


def test_dark_by_one_click_where_one_is(person: Person) -> None:
    dana = person('dana@levi.demo')
    as_the_device(dana)
    rows(dana)
    dana.get_by_test_id('view-closed').click()
    dana.wait_for_url('**/?view=closed')
    dana.get_by_role('button', name='תצוגה כהה').click()
    expect(dana.locator('body.body--dark')).to_be_attached()
    rows(dana)
    assert dana.url.endswith('/?view=closed')
    dana.get_by_role('button', name='תצוגה בהירה').click()
    expect(dana.locator('body.body--light')).to_be_attached()
    as_the_device(dana)


def as_the_device(page: Page) -> None:
    page.locator('.mk-user').click()
    page.locator('.mk-menu button[value=auto]').click()
    ready(page)


def test_on_the_phone_too_one_says_what_to_search_in(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE, path='/?view=all')
    claim_no = rows(dana)[0]
    dana.get_by_test_id('search').fill(claim_no)
    dana.get_by_test_id('search-field').select_option('insured_name')
    expect(dana.get_by_test_id('list-empty')).to_be_visible()
    dana.get_by_test_id('search-field').select_option('claim_no')
    expect(dana.get_by_test_id('claim-row')).to_have_count(1)


def test_rows_that_are_asked_for_come_at_once_also_under_the_pointer(person: Person) -> None:
    dana = person('dana@levi.demo', path='/?view=all&sort=claim_no')
    wanted = rows(dana)
    dana.goto('/?view=all')
    ready(dana)
    assert rows(dana) != wanted
    dana.get_by_test_id('claims-table').get_by_role('button', name='מס׳ תביעה').click()
    expect(dana.get_by_test_id('claim-row').first).to_have_attribute('data-claim', wanted[0])
    expect(dana.get_by_test_id('updates-waiting')).to_have_count(0)
    assert rows(dana) == wanted


def test_the_filters_of_the_bureau_stand_in_one_line_on_a_desk(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/?status=new&insurer=1', viewport={'width': 1440, 'height': 900})
    chips = [staff.get_by_test_id(name).bounding_box() for name in ('filters-more', 'filters-clear', 'search')]
    middles = {round(box['y'] + box['height'] / 2) for box in chips if box}
    assert max(middles) - min(middles) <= 1, middles
