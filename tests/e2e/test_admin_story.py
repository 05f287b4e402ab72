"""An admin invites somebody, who sees his office only; and a renamed status is on everybody's open list."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import NO_DAY, PHONE, Person, nothing_arrives, ready
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e

NO_ADDRESS = 'כתובת הדוא״ל אינה תקינה. יש לכתוב אותה כך: name@example.co.il.'


def test_an_invitation_and_a_new_word(person: Person, chromium: Browser, demo: Server) -> None:
    admin = person('admin@bureau.demo', path='/admin/people')
    manager = person('manager@levi.demo')
    admin.get_by_test_id('admin-add').click()
    admin.get_by_test_id('edit-name').press('Escape')
    expect(admin.get_by_test_id('admin-form')).to_have_count(0)
    admin.get_by_test_id('admin-add').click()
    admin.get_by_test_id('edit-name').fill('נועה שגב')
    admin.get_by_test_id('edit-name').press('Escape')  # loses nothing that was typed
    admin.mouse.click(5, 5)
    admin.get_by_test_id('edit-email').fill('noa')
    admin.get_by_test_id('admin-save').click()
    expect(admin.get_by_test_id('edit-email')).to_have_accessible_description(NO_ADDRESS)
    admin.get_by_test_id('edit-email').fill('noa@levi.demo')
    admin.get_by_test_id('edit-role').press('ArrowDown')
    admin.get_by_test_id('edit-office').press('ArrowDown')
    office = admin.get_by_test_id('edit-office').input_value()
    admin.reload()  # what was typed and chosen is there again
    ready(admin)
    for name, value in (
        ('name', 'נועה שגב'),
        ('email', 'noa@levi.demo'),
        ('role', 'office_manager'),
        ('office', office),
    ):
        expect(admin.get_by_test_id(f'edit-{name}')).to_have_value(value)
    admin.get_by_test_id('edit-role').select_option('agent')
    admin.get_by_test_id('edit-office').select_option(label='סוכנות לוי')
    admin.get_by_test_id('admin-save').click()
    link = admin.get_by_test_id('link-address').inner_text()
    expect(admin.get_by_test_id('act-link')).to_be_visible()
    admin.keyboard.press('Escape')  # the link is not shown again: only who closes the form lets it go
    admin.mouse.click(5, 5)
    expect(admin.get_by_test_id('link-address')).to_have_text(link)
    # an order would close the form over what is typed in it
    admin.get_by_test_id('edit-name').fill('נועה שגב-לב')
    admin.get_by_test_id('act-disable').click()
    expect(admin.get_by_test_id('act-held')).to_contain_text('עדיין לא נשמר')
    admin.get_by_test_id('act-disable').click()
    expect(admin.get_by_test_id('edit-name')).to_have_value('נועה שגב-לב')
    admin.get_by_test_id('edit-name').fill('נועה שגב')
    admin.reload()  # what was sent is not told as unsent
    ready(admin)
    admin.get_by_test_id('admin-search').fill('noa@levi.demo')
    expect(admin.get_by_test_id('admin-row')).to_have_count(1)
    expect(admin.get_by_test_id('admin-form')).to_have_count(0)

    context = chromium.new_context(base_url=demo.url, locale='he-IL')
    noa = context.new_page()
    noa.goto(f'/setup/{link.rpartition("/")[2]}')
    noa.click('button[type=submit]')
    assert noa.eval_on_selector('[name=password]', 'field => field.validationMessage') == 'השדה ריק. נא למלא אותו.'
    noa.fill('[name=password]', 'חתול כחול על הגג')
    noa.fill('[name=password_again]', 'חתול כחול על הגג')
    noa.click('button[type=submit]')
    noa.wait_for_url('**/')
    ready(noa)
    expect(noa.get_by_text('סוכנות לוי').first).to_be_visible()
    context.close()

    status = manager.get_by_test_id('claim-row').first.locator('.mk-chip').first.inner_text().strip().split('\n')[-1]
    admin.goto('/admin/statuses')
    ready(admin)
    admin.get_by_test_id('admin-open').filter(has_text=status).first.click()
    admin.get_by_test_id('edit-label').fill('מילה חדשה')
    admin.get_by_test_id('admin-save').click()
    expect(manager.get_by_test_id('claim-row').first).to_contain_text('מילה חדשה')


def test_a_day_against_the_calendar_is_typed_like_any_other(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/calendar')
    admin.get_by_test_id('admin-add').click()
    form, day = admin.get_by_test_id('admin-form'), admin.get_by_test_id('edit-day')
    admin.get_by_test_id('edit-note').fill('יום גיבוש')
    day.fill('31/02/2098')
    admin.get_by_test_id('admin-save').click()
    expect(form.get_by_role('alert')).to_contain_text(NO_DAY)
    day.fill('')
    admin.get_by_test_id('admin-save').click()
    expect(day).to_have_accessible_description('השדה ריק. נא למלא אותו.')
    note = admin.get_by_test_id('edit-note')
    expect(note).to_have_value('יום גיבוש')
    # who types on is not taken back to what is wrong when others change the list
    note.click()
    other = person('admin@bureau.demo', path='/admin/calendar')
    other.get_by_test_id('admin-add').click()
    other.get_by_test_id('edit-day').fill('6.1.2098')
    other.get_by_test_id('edit-note').fill('יום עיון')
    other.get_by_test_id('admin-save').click()
    expect(admin.get_by_test_id('admin-row').filter(has_text='06/01/2098')).to_have_count(1)
    expect(note).to_be_focused()
    day.fill('5.1.2098')
    admin.get_by_test_id('admin-save').click()
    expect(form).to_have_count(0)
    admin.get_by_test_id('admin-open').filter(has_text='05/01/2098').click()
    expect(day).to_have_value('05/01/2098')
    expect(day).to_be_disabled()


def test_a_name_without_an_end_moves_no_page_sideways(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/garages', viewport=PHONE)
    admin.get_by_test_id('admin-add').click()
    admin.get_by_test_id('edit-name').fill('מ' * 120)
    admin.get_by_test_id('admin-save').click()
    expect(admin.get_by_test_id('admin-row').filter(has_text='מ' * 120)).to_have_count(1)
    assert admin.evaluate('document.documentElement.scrollWidth') == PHONE['width']
    admin.goto('/admin/people')
    ready(admin)
    admin.get_by_test_id('admin-search').fill('yossi@levi.demo')
    expect(admin.get_by_test_id('admin-row')).to_have_count(1)
    admin.get_by_test_id('admin-open').click()
    admin.get_by_test_id('edit-name').fill('מ' * 80)
    admin.get_by_test_id('admin-save').click()
    expect(admin.get_by_test_id('admin-form')).to_have_count(0)
    admin.get_by_test_id('admin-open').click()
    heading = admin.get_by_test_id('admin-form').get_by_role('heading')
    expect(heading).to_have_text('מ' * 80)
    assert heading.evaluate('heading => heading.scrollWidth <= innerWidth'), 'a name heads the form of a person'


def test_what_is_typed_on_one_line_comes_back_on_that_line_with_its_ticks(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/document_types')
    keys = admin.get_by_test_id('admin-row').evaluate_all('rows => rows.map((row) => row.dataset.key)')
    first, second = (admin.locator(f'[data-testid=admin-row][data-key="{key}"]') for key in keys[:2])
    first.get_by_test_id('admin-open').click()
    name, ticks = admin.get_by_test_id('edit-label'), admin.get_by_test_id('admin-form').get_by_role('checkbox')
    expect(name).to_be_visible()
    written, wanted = name.input_value(), not ticks.first.is_checked()
    name.fill(f'{written} חדש')
    ticks.first.click()
    admin.reload()
    ready(admin)
    expect(name).to_have_value(f'{written} חדש')
    expect(ticks.first).to_be_checked(checked=wanted)
    admin.get_by_test_id('admin-form').get_by_role('button', name='סגירה').last.click()
    second.get_by_test_id('admin-open').click()
    expect(name).to_be_visible()
    expect(name).not_to_have_value(f'{written} חדש')


def test_what_is_left_alone_follows_and_an_order_on_its_way_is_not_given_again(person: Person) -> None:
    first, second = (person('admin@bureau.demo', path='/admin/garages') for _ in range(2))
    first.get_by_test_id('admin-add').click()
    first.get_by_test_id('edit-name').fill('מוסך הגל')
    first.get_by_test_id('admin-save').click()
    for admin in (first, second):
        admin.get_by_test_id('admin-row').filter(has_text='מוסך הגל').get_by_test_id('admin-open').click()
    second.get_by_test_id('edit-contact').fill('בני')
    second.get_by_test_id('edit-phone').fill('04-5553321')
    second.get_by_test_id('admin-save').click()
    expect(second.get_by_test_id('admin-form')).to_have_count(0)
    first.get_by_test_id('edit-contact').fill('גדי')
    first.get_by_test_id('edit-address').fill('הרצל 1, חיפה')
    first.get_by_test_id('admin-save').click()
    expect(first.get_by_test_id('edit-contact')).to_have_accessible_description(re.compile('בני'))
    for name, value in (('contact', 'גדי'), ('address', 'הרצל 1, חיפה'), ('phone', '045553321')):
        expect(first.get_by_test_id(f'edit-{name}')).to_have_value(value)
    first.get_by_test_id('admin-save').click()
    expect(first.get_by_test_id('admin-form')).to_have_count(0)

    first.goto('/admin/people')
    ready(first)
    first.get_by_test_id('admin-search').fill('yossi@levi.demo')
    expect(first.get_by_test_id('admin-row')).to_have_count(1)
    first.get_by_test_id('admin-open').click()
    link = first.get_by_test_id('act-link')
    with nothing_arrives(first) as said:
        link.evaluate('button => { button.click(); button.click(); }')
        expect(link).to_be_disabled()
        assert said('listener_id') == 1
    expect(first.get_by_test_id('link-address')).to_be_visible()
    expect(link).to_be_enabled()
