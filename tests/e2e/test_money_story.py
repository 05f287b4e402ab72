"""The money of a claim, by two people at once: one at a desk, one on a phone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from db import values
from tests import papers
from tests.e2e.browsing import NO_DAY, PHONE, Person, nothing_arrives, press, ready, rows

pytestmark = pytest.mark.e2e

SUM, THEIRS, MINE = '₪31,200', '₪30,000', '₪32,000'


def open_money(page: Page, claim_no: str) -> Page:
    page.goto(f'/claims/{claim_no}?tab=money')
    ready(page)
    expect(page.get_by_test_id('add-head')).to_be_visible()
    return page


def in_days(days: int) -> str:
    return values.format_day(values.israel(datetime.now(UTC)).date() + timedelta(days=days))


def test_two_people_keep_the_money_of_a_claim(person: Person) -> None:
    desk, phone = person('staff@bureau.demo'), person('staff2@bureau.demo', viewport=PHONE)
    desk.goto('/?status=awaiting_details')
    row = desk.get_by_test_id('claim-row').first
    expect(row).to_be_attached()
    claim_no = row.get_attribute('data-claim') or ''
    open_money(desk, claim_no)
    open_money(phone, claim_no)

    # a new head of damage, typed without the mouse, stands on the phone at once; the total and the head of the page follow
    desk.get_by_test_id('add-head').select_option('repair_cost')
    desk.get_by_test_id('edit-repair_cost-demanded').fill('31,200')
    desk.keyboard.press('Enter')
    cells = [page.get_by_test_id('cell-repair_cost-demanded') for page in (desk, phone)]
    for cell in cells:
        expect(cell).to_have_text(SUM)
    expect(phone.get_by_test_id('total-demanded')).to_contain_text(SUM)
    expect(phone.get_by_test_id('claim-header')).to_contain_text('נדרש')

    # two people on one sum: both numbers are shown, and one chooses
    cells[0].click()
    desk.get_by_test_id('edit-repair_cost-demanded').fill('32000')
    cells[1].click()
    phone.get_by_test_id('edit-repair_cost-demanded').fill('30000')
    phone.keyboard.press('Enter')
    expect(cells[1]).to_have_text(THEIRS)
    expect(desk.get_by_test_id('ledger-clash')).to_contain_text('התיק עודכן על ידי')
    expect(desk.get_by_test_id('ledger-clash')).to_contain_text(THEIRS)
    expect(desk.get_by_test_id('edit-repair_cost-demanded')).to_have_value('32000')
    desk.get_by_test_id('keep-mine').click()
    for cell in cells:
        expect(cell).to_have_text(MINE)

    # the client's cheque falls before the insurer's money: both radars are red, and the message is ready
    desk.get_by_test_id('add-cheque').click()
    expect(desk.get_by_test_id('cheque-f-amount')).to_be_focused()
    desk.keyboard.press('Escape')
    expect(desk.get_by_test_id('cheque-form')).to_have_count(0)
    desk.get_by_test_id('add-cheque').click()
    desk.get_by_test_id('cheque-f-direction').select_option('insured_to_garage')
    desk.get_by_test_id('cheque-f-state').select_option('handed_over')
    desk.get_by_test_id('cheque-f-amount').fill('9000')
    desk.keyboard.press('Escape')  # loses nothing that was typed
    desk.get_by_test_id('cheque-f-chequeNo').fill('0041882')
    desk.get_by_test_id('cheque-f-bank').fill('xx')
    due = desk.get_by_test_id('cheque-f-due')
    for typed, said in (('1/1/1800', 'התאריך מוקדם מדי'), ('1/1/2100', 'התאריך מאוחר מדי'), ('31/02/2098', NO_DAY)):
        due.fill(typed)
        due.press('Control+Enter')
        expect(desk.get_by_test_id('cheque-form').get_by_role('alert')).to_contain_text(said)
    # what is to be said of the day one leaves for the button is said once the button is pressed
    due.fill(in_days(5))
    press(desk, desk.get_by_test_id('cheque-save'))
    expect(desk.get_by_test_id('cheque-day')).to_contain_text('נותרו 5 ימים')
    expect(desk.get_by_test_id('cheque-refused')).to_be_visible()
    expect(desk.get_by_test_id('cheque-f-amount')).to_have_value('9000')
    desk.get_by_test_id('cheque-f-bank').fill('12')
    desk.get_by_test_id('cheque-save').click()
    for page in (desk, phone):
        expect(page.get_by_test_id('cheque').filter(has_text='0041882')).to_contain_text('נותרו 5 ימים')
        expect(page.get_by_test_id('radar')).to_have_attribute('data-red', 'true')
    expect(phone.get_by_test_id('radar-warn')).to_have_attribute('href', re.compile(r'^https://wa\.me/\d*\?text='))
    expect(phone.get_by_role('listitem').filter(has_text='₪9,000').first).to_be_visible()

    # an offer of the insurer, of today when nothing else is said
    desk.get_by_test_id('add-offer').click()
    offered = desk.get_by_test_id('offer-day')
    expect(offered).to_have_value(in_days(0))
    desk.get_by_test_id('offer-sum').press('Escape')
    desk.get_by_test_id('add-offer').click()
    desk.get_by_test_id('offer-sum').fill('21000')
    desk.get_by_test_id('offer-sum').press('Escape')
    offered.fill('1.1.2098')
    desk.get_by_test_id('offer-save').click()
    expect(desk.get_by_test_id('offer-form').get_by_role('alert')).to_contain_text('התאריך מאוחר מדי')
    offered.fill('5.1.25')
    desk.get_by_test_id('offer-save').click()
    expect(phone.get_by_test_id('offer')).to_contain_text('05/01/2025')

    # it bounces, and why is asked before it is saved
    phone.get_by_test_id('cheque-bounced').click()
    phone.get_by_test_id('cheque-reason').select_option('no_cover')
    phone.get_by_test_id('cheque-confirm').click()
    for page in (desk, phone):
        expect(page.get_by_test_id('cheque').filter(has_text='0041882')).to_have_attribute('data-state', 'bounced')


def begin_cheque(page: Page, sum_typed: str, number: str) -> None:
    page.get_by_test_id('add-cheque').click()
    for name, typed in (('amount', sum_typed), ('due', in_days(40)), ('chequeNo', number)):
        page.get_by_test_id(f'cheque-f-{name}').fill(typed)


def test_an_answer_that_comes_late_is_that_of_the_cheque_it_was_given_for(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.goto('/')
    open_money(staff, rows(staff)[1])
    form, save, cancel = (staff.get_by_test_id(f'cheque-{name}') for name in ('form', 'save', 'cancel'))
    amount, note, no = (staff.get_by_test_id(f'cheque-f-{name}') for name in ('amount', 'note', 'chequeNo'))

    def cheque(number: str) -> Locator:
        return staff.get_by_test_id('cheque').filter(has_text=number)

    begin_cheque(staff, '4000', '0077004')
    with nothing_arrives(staff, '0077004'):
        save.click()
        cancel.click()
        expect(form).to_have_count(0)
        begin_cheque(staff, '5000', '0077005')
    expect(cheque('0077004')).to_have_count(1)
    expect(no).to_have_value('0077005')
    save.click()
    expect(cheque('0077005')).to_have_count(1)
    expect(cheque('0077004')).to_have_count(1)

    # what a colleague changed meanwhile is told; the pencil brings it beside what was typed, and then it can be saved
    cheque('0077004').get_by_test_id('cheque-edit').click()
    note.fill('של הראשונה')
    colleague = person('admin@bureau.demo', path=staff.url)
    ready(colleague)
    colleague.get_by_test_id('cheque').filter(has_text='0077004').get_by_test_id('cheque-edit').click()
    colleague.get_by_test_id('cheque-f-amount').fill('4500')
    colleague.get_by_test_id('cheque-save').click()
    expect(cheque('0077004')).to_contain_text('4,500')
    save.click()
    expect(staff.get_by_test_id('cheque-refused')).to_be_visible()
    cheque('0077004').get_by_test_id('cheque-edit').click()
    expect(amount).to_have_value('4,500')
    expect(note).to_have_value('של הראשונה')
    save.click()
    expect(cheque('0077004')).to_contain_text('של הראשונה')
    expect(cheque('0077004')).to_contain_text('4,500')


def test_a_picture_that_is_too_big_says_so_and_takes_the_earlier_one_from_no_cheque(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.goto('/')
    open_money(staff, rows(staff)[0])
    staff.get_by_test_id('add-cheque').click()
    form, picture = staff.get_by_test_id('cheque-form'), staff.get_by_test_id('cheque-f-image')
    said = staff.get_by_test_id('cheque-picture')

    def choose(content: bytes) -> None:
        picture.set_input_files({'name': 'cheque.jpg', 'mimeType': 'image/jpeg', 'buffer': content})

    choose(papers.jpeg() + bytes(26 * 2**20))
    expect(said).to_have_text('הקובץ גדול מ-25 MB.')
    with staff.expect_request('**/files/claims/**') as sent:
        choose(papers.jpeg())
    assert sent.value.headers['x-aside'] == '1', 'no document of the claim until the cheque is saved'
    expect(form).to_contain_text('הצילום צורף')
    choose(b'')
    expect(said).to_have_text('הקובץ ריק. הצילום הקודם נשאר.')
    # who leaves the form is where he opened it
    staff.get_by_test_id('cheque-cancel').click()
    expect(form).to_have_count(0)
    expect(staff.get_by_test_id('add-cheque')).to_be_focused()


def test_no_cheque_that_is_being_written_is_lost_to_another(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.goto('/')
    open_money(staff, rows(staff)[0])
    form, save, cancel = (staff.get_by_test_id(f'cheque-{name}') for name in ('form', 'save', 'cancel'))
    amount, due, note = (staff.get_by_test_id(f'cheque-f-{name}') for name in ('amount', 'due', 'note'))
    cheques, new = staff.get_by_test_id('cheque'), staff.get_by_test_id('add-cheque')

    def written(sum_typed: str, number: str) -> Locator:
        before = cheques.count()
        begin_cheque(staff, sum_typed, number)
        save.click()
        expect(cheques).to_have_count(before + 1)
        expect(form).to_have_count(0)
        return cheques.filter(has_text=number)

    first, second = written('1000', '0077001'), written('2000', '0077002')

    # a new cheque waits for two others that are put right, and is not thrown away by its own button
    new.click()
    amount.fill('3000')
    due.fill('31/')
    new.click()
    expect(amount).to_be_focused()
    expect(amount).to_have_value('3000')
    first.get_by_test_id('cheque-edit').click()
    expect(amount).to_have_value('1,000')
    expect(due).to_have_value(in_days(40))
    note.fill('של הראשונה')
    second.get_by_test_id('cheque-edit').click()
    expect(amount).to_have_value('2,000')
    expect(note).to_have_value('')
    note.fill('של השנייה')
    # back to one that waits, by its pencil; and over a reload
    first.get_by_test_id('cheque-edit').click()
    expect(note).to_have_value('של הראשונה')
    staff.reload()
    ready(staff)
    expect(note).to_have_value('של הראשונה')
    save.click()
    expect(first).to_contain_text('של הראשונה')
    expect(note).to_have_value('של השנייה')
    # what is typed on while it is being saved stays, as one more correction of the same cheque; who writes before pressing again orders twice
    note.fill('של השנייה')
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        note.fill('של השנייה, ועוד')
    expect(save).to_be_enabled()
    expect(second).to_contain_text('של השנייה')
    save.click()
    expect(second).to_contain_text('של השנייה, ועוד')
    expect(amount).to_have_value('3000')
    expect(due).to_have_value('31/')
    # a refusal stands on the cheque that was sent
    due.fill(in_days(50))
    staff.get_by_test_id('cheque-f-bank').fill('x')
    with nothing_arrives(staff, '3000'):
        save.click()
        expect(save).to_be_disabled()
        first.get_by_test_id('cheque-edit').click()
        expect(amount).to_have_value('1,000')
    expect(save).to_be_enabled()
    expect(staff.locator('.mk-tstack')).to_contain_text('ספרות')
    expect(staff.get_by_test_id('cheque-refused')).to_have_count(0)
    cancel.click()
    expect(amount).to_have_value('3000')
    expect(staff.get_by_test_id('cheque-refused')).to_contain_text('ספרות')
    # thrown away is what somebody throws away
    cancel.click()
    expect(form).to_have_count(0)
    # why one cheque is cancelled is asked for beside the same question about another
    for cheque in (first, second):
        cheque.get_by_test_id('cheque-cancelled').click()
    first.get_by_test_id('cheque-reason').select_option(index=1)
    expect(second.get_by_test_id('cheque-reason')).to_have_value('')
    second.get_by_test_id('cheque-reason').select_option(index=2)
    second.get_by_test_id('cheque-confirm').click()
    expect(second).to_have_attribute('data-state', 'cancelled')
    first.get_by_test_id('cheque-confirm').click()
    expect(first).to_have_attribute('data-state', 'cancelled')
    # an offer outlives a reload with its note
    staff.get_by_test_id('add-offer').click()
    staff.get_by_test_id('offer-note').fill('בטלפון')
    staff.reload()
    ready(staff)
    expect(staff.get_by_test_id('offer-note')).to_have_value('בטלפון')
    new.click()
    expect(amount).to_have_value('')
