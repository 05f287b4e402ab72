"""Every page passes axe without a serious or critical finding, on the desk and on the phone, light and dark, both languages."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import DESK, PHONE, Person, ready, rows
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


# what a scheme can change of what was found already; the rest of a page is the same page
CONTRAST = {'runOnly': ['color-contrast'], 'resultTypes': ['violations']}


def serious(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    page.wait_for_timeout(300)  # what arrives glows at first; contrast counts once it is still
    if not page.evaluate('"axe" in window'):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate('asked => axe.run(asked)', options or {'resultTypes': ['violations']})['violations']
    return [
        f'{finding["id"]}: {node["html"][:160]}'
        for finding in found
        if finding['impact'] in ('serious', 'critical')
        for node in finding['nodes'][:3]
    ]


def serious_in_the_dark(page: Page) -> list[str]:
    page.emulate_media(color_scheme='dark')
    expect(page.locator('body.body--dark')).to_be_attached()
    found = serious(page, CONTRAST)
    page.emulate_media(color_scheme='light')
    return found


@pytest.mark.parametrize('viewport', [DESK, PHONE], ids=['desk', 'phone'])
def test_pages_of_the_portal(person: Person, viewport: dict[str, int]) -> None:
    staff = person('staff@bureau.demo', viewport=viewport)
    claim = rows(staff)[0]
    findings = {}
    for path in (
        '/',
        '/?q=אין-כזה',
        f'/claims/{claim}',
        f'/claims/{claim}?tab=repair',
        f'/claims/{claim}?tab=documents',
        f'/claims/{claim}?tab=calls',
        f'/claims/{claim}?tab=messages',
        f'/claims/{claim}?tab=money',
        f'/claims/{claim}?tab=history',
        '/claims/new',
        '/import',
        '/work',
        '/messages',
        '/messages?office=1',
        '/cheques',
        '/cheques?view=calendar',
        '/reports?period=12m',
        '/alerts',
        '/help',
        '/account',
    ):
        staff.goto(path)
        ready(staff)
        findings[path] = serious(staff)
        if viewport == DESK:  # the dark has the same colours on a phone
            findings[f'{path} in the dark'] = serious_in_the_dark(staff)
    assert {place: found for place, found in findings.items() if found} == {}


def test_pages_of_the_administration(person: Person) -> None:
    admin = person('admin@bureau.demo')
    findings = {}
    for path in ('/admin/people', '/admin/statuses', '/admin/templates', '/admin/health'):
        admin.goto(path)
        ready(admin)
        findings[path] = serious(admin)
        findings[f'{path} in the dark'] = serious_in_the_dark(admin)
    assert {place: found for place, found in findings.items() if found} == {}


def test_open_menus_and_the_other_language(person: Person) -> None:
    dana = person('dana@levi.demo')
    findings = {}
    dana.get_by_test_id('bell').click()
    dana.get_by_test_id('alert').first.wait_for()
    findings['bell'] = serious(dana)
    dana.keyboard.press('Escape')
    dana.get_by_test_id('filter-status').click()
    findings['filter'] = serious(dana)
    dana.goto('/account')
    ready(dana)
    dana.locator('.mk-user').click()
    dana.get_by_role('button', name='English').click()
    dana.goto('/')
    ready(dana)
    assert dana.locator('html').get_attribute('dir') == 'ltr'
    findings['english'] = serious(dana)
    dana.locator('.mk-user').click()
    dana.get_by_role('button', name='עברית').click()
    assert {place: found for place, found in findings.items() if found} == {}


def test_the_keyboard_need_not_pass_the_navigation(person: Person) -> None:
    dana = person('dana@levi.demo')
    dana.keyboard.press('Tab')
    expect(dana.get_by_role('link', name='דילוג לתוכן')).to_be_focused()
    dana.keyboard.press('Enter')
    expect(dana.locator('#main')).to_be_focused()
    dana.keyboard.press('Tab')
    expect(dana.locator('#main :focus')).to_be_visible()


def test_who_leaves_a_menu_or_a_dialog_by_the_keyboard_is_where_he_was(person: Person) -> None:
    staff = person('staff@bureau.demo')
    rows(staff)
    chip, more = staff.get_by_test_id('filter-status'), staff.get_by_test_id('bulk-more')
    for key in ('Escape', 'Enter'):
        chip.press('Enter')
        show = staff.get_by_test_id('filter-show')
        show.focus()
        show.press(key)
        expect(show).to_have_count(0)
        expect(chip).to_be_focused()
    staff.get_by_test_id('pick').first.check()
    more.press('Enter')
    staff.get_by_test_id('bulk-read').press('Enter')
    expect(staff.get_by_test_id('bulk-dialog')).to_be_visible()
    staff.keyboard.press('Escape')
    expect(staff.get_by_test_id('bulk-dialog')).to_have_count(0)
    expect(more).to_be_focused()


def test_who_takes_a_filter_away_by_the_keyboard_stands_on_what_took_its_place(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/?status=in_repair&q=כהן')
    rows(staff)
    chip = staff.locator('[data-testid=active-filter][data-filter=status]')
    # on paper there are no chips: what the list is limited to is written out
    staff.emulate_media(media='print')
    expect(staff.get_by_test_id('on-paper')).to_have_text('«כהן» · סטטוס: הרכב בתיקון')
    staff.emulate_media(media='screen')
    expect(staff.get_by_test_id('on-paper')).to_be_hidden()
    chip.get_by_role('button', name='הסרת סינון').press('Enter')
    expect(staff.get_by_test_id('filter-status')).to_be_focused()
    staff.get_by_test_id('filters-more').press('Enter')
    expect(staff.get_by_test_id('filter-waiting_on')).to_be_focused()
    staff.get_by_test_id('filters-clear').press('Enter')
    expect(staff.get_by_test_id('filters-clear')).to_have_count(0)
    expect(staff.locator('.mk-fchips :focus')).to_be_visible()


def test_arrows_go_where_they_point(person: Person) -> None:
    staff = person('staff@bureau.demo')
    claim = rows(staff)[0]
    staff.get_by_test_id('view-open').press('ArrowLeft')
    expect(staff.get_by_test_id('view-unread')).to_be_focused()
    staff.keyboard.press('ArrowRight')
    expect(staff.get_by_test_id('view-open')).to_be_focused()
    staff.goto(f'/claims/{claim}?tab=messages')
    ready(staff)
    staff.get_by_test_id('tab-messages').press('Home')
    expect(staff.get_by_test_id('tab-overview')).to_be_focused()
    staff.keyboard.press('ArrowRight')
    expect(staff.get_by_test_id('tab-history')).to_be_focused()
    staff.get_by_test_id('to-office').press('ArrowLeft')
    expect(staff.get_by_test_id('internal')).to_be_focused()
    expect(staff.get_by_test_id('internal')).to_have_attribute('aria-checked', 'true')
    staff.get_by_test_id('templates').press('Enter')
    lines = staff.get_by_role('menuitem')
    expect(lines.first).to_be_focused()
    staff.keyboard.press('ArrowDown')
    expect(lines.nth(1)).to_be_focused()
    staff.keyboard.press('Escape')
    expect(staff.get_by_test_id('message-box')).to_be_focused()


def test_an_order_given_by_the_keyboard_leaves_one_where_he_was(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/?status=in_repair')
    claim = rows(staff)[0]
    staff.goto(f'/claims/{claim}?tab=repair')
    ready(staff)
    # out of use while it is on its way
    note = staff.get_by_test_id('repair-note-save')
    staff.get_by_test_id('repair-note').fill('החלקים הגיעו')
    note.press('Enter')
    expect(staff.get_by_test_id('repair-note')).to_have_value('')
    expect(note).to_be_focused()
    # gone for what is done next
    staff.get_by_test_id('hold-reason').select_option(index=1)
    staff.get_by_test_id('hold-save').press('Enter')
    expect(staff.get_by_test_id('resume')).to_be_focused()
    staff.goto(f'/claims/{claim}?tab=money')
    ready(staff)
    staff.get_by_test_id('add-offer').press('Enter')
    expect(staff.get_by_test_id('offer-sum')).to_be_focused()
    staff.keyboard.press('Escape')
    expect(staff.get_by_test_id('add-offer')).to_be_focused()


def test_who_moves_or_removes_a_line_by_the_keyboard_stands_beside_it(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/statuses')
    second = admin.get_by_test_id('admin-row').nth(1)
    key = second.get_attribute('data-key')
    second.get_by_test_id('move-up').press('Enter')
    moved = admin.locator(f'[data-testid=admin-row][data-key="{key}"]')
    expect(moved.get_by_test_id('move-up')).to_be_disabled()
    expect(moved.get_by_test_id('move-down')).to_be_focused()
    admin.goto('/admin/requirements')
    ready(admin)
    lines = admin.get_by_test_id('admin-open')
    count = lines.count()
    lines.nth(3).press('Enter')
    remove = admin.get_by_test_id('act-remove')
    remove.press('Enter')
    remove.press('Enter')
    expect(lines).to_have_count(count - 1)
    expect(lines.nth(3)).to_be_focused()


def test_pages_for_strangers(chromium: Browser, demo: Server) -> None:
    page = chromium.new_page(base_url=demo.url)
    findings = {}
    for path in ('/login', '/setup/no-such-link'):
        page.goto(path)
        findings[path] = serious(page)
    page.close()
    assert {place: found for place, found in findings.items() if found} == {}


def test_pages_by_link(person: Person, chromium: Browser) -> None:
    staff = person('staff@bureau.demo', path='/?status=in_repair')
    claim = rows(staff)[0]
    staff.goto(f'/claims/{claim}?tab=repair')
    ready(staff)
    phone = chromium.new_page(viewport=PHONE)  # type: ignore[arg-type]
    findings = {}
    for purpose in ('garage', 'insured'):
        staff.get_by_test_id(f'link-{purpose}').click()
        made = staff.get_by_test_id('link-made').filter(has_text={'garage': 'למוסך', 'insured': 'למבוטח'}[purpose])
        phone.goto(made.get_by_test_id('link-address').inner_text())
        for folded in phone.locator('details').all():
            folded.evaluate('box => { box.open = true; }')
        findings[purpose] = serious(phone)
        findings[f'{purpose} in the dark'] = serious_in_the_dark(phone)
    phone.close()
    assert {place: found for place, found in findings.items() if found} == {}


def test_no_choice_is_called_wrong_before_it_was_left_out(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/?status=in_repair')
    for claim_no in rows(staff):
        staff.goto(f'/claims/{claim_no}?tab=repair')
        ready(staff)
        expect(staff.get_by_test_id('note-form')).to_be_visible()
        if staff.get_by_test_id('hold-form').count():  # another story may have put it on hold
            break
    reason = staff.get_by_role('combobox', name='מדוע התיקון מושהה?')
    expect(reason.locator('option').first).to_have_text('בחירת סיבה')
    expect(reason).to_have_attribute('aria-invalid', 'false')
    staff.get_by_test_id('hold-save').click()
    expect(reason).to_have_attribute('aria-invalid', 'true')
    reason.select_option(index=1)
    expect(reason).to_have_attribute('aria-invalid', 'false')
    staff.goto('/account')
    expect(staff.get_by_role('table', name='ההתראות שלי')).to_be_visible()
