"""The claim page in real browsers: what only a keyboard, a screen and a second window can show."""

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import PHONE, Person, nothing_arrives, nothing_is_answered, press, ready, rows

pytestmark = pytest.mark.e2e


def a_claim(page: Page) -> str:
    """The number of an open claim in the middle of the list."""
    shown = rows(page)
    return shown[len(shown) // 2]


def open_claim(page: Page, claim_no: str, tab: str = 'overview') -> Page:
    page.goto(f'/claims/{claim_no}?tab={tab}')
    return ready(page)


def field(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f'field-{name}')


def pen(page: Page, name: str) -> Locator:
    return field(page, name).get_by_role('button', name='Enter לעריכה')


def box(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f'edit-{name}')


def test_a_save_glows_on_the_page_of_another_and_nothing_reloads(person: Person) -> None:
    staff, manager = person('staff@bureau.demo'), person('manager@levi.demo')
    claim_no = a_claim(manager)
    open_claim(staff, claim_no)
    open_claim(manager, claim_no)
    manager.evaluate('window.sameLoad = true')

    field(staff, 'insured_address').click()
    expect(box(staff, 'insured_address')).to_be_focused()
    box(staff, 'insured_address').fill('הרצל 10, חיפה')
    box(staff, 'insured_address').press('Tab')
    expect(box(staff, 'insured_phone')).to_be_focused()
    box(staff, 'insured_phone').fill('0525557788')
    box(staff, 'insured_phone').press('Enter')
    expect(field(staff, 'insured_phone')).to_contain_text('נשמר ופורסם')

    changed = field(manager, 'insured_phone')
    expect(changed).to_have_attribute('data-changed', 'true')
    expect(changed).to_have_class(re.compile('mk-glow'))
    expect(changed.locator('.mk-was')).to_be_visible()
    expect(changed.locator('b')).to_have_text('052-5557788')

    field(staff, 'status').click()
    box(staff, 'status').select_option(label='הועברה לטיפול משפטי')
    box(staff, 'status').press('Enter')
    reason = box(staff, 'status_reason')
    expect(reason).to_be_focused()
    staff.get_by_role('button', name='אי תגובה').click()
    expect(manager.get_by_test_id('header-status')).to_contain_text('הועברה לטיפול משפטי')
    expect(manager.get_by_test_id('status-explained')).to_contain_text('הועברה לטיפול משפטי')
    expect(field(manager, 'status_reason')).to_contain_text('אי תגובה')
    for place, told in enumerate(('הועברה לטיפול משפטי', '052-5557788', 'הרצל 10, חיפה')):
        expect(manager.get_by_test_id('timeline-entry').nth(place)).to_contain_text(told)
    manager.get_by_test_id('tab-history').click()
    expect(manager).to_have_url(re.compile('tab=history'))
    expect(manager.get_by_test_id('history-entry').first).to_contain_text('הועברה לטיפול משפטי')
    assert manager.evaluate('window.sameLoad'), 'nothing was reloaded'


def test_the_keyboard_alone_edits_cancels_and_corrects(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_claim(staff, a_claim(staff))
    before = field(staff, 'policy_no').inner_text()
    label, value = (field(staff, 'policy_no').locator(part).first.inner_text() for part in ('dt', 'dd bdi'))
    expect(pen(staff, 'policy_no')).to_have_accessible_name(f'{label}: {value}, Enter לעריכה')
    pen(staff, 'policy_no').press('Enter')
    box(staff, 'policy_no').fill('999')
    box(staff, 'policy_no').press('Escape')
    expect(box(staff, 'policy_no')).to_have_count(0)
    assert field(staff, 'policy_no').inner_text() == before
    expect(pen(staff, 'policy_no')).to_be_focused()

    pen(staff, 'insured_phone').press('Enter')
    box(staff, 'insured_phone').fill('123')
    box(staff, 'insured_phone').press('Enter')
    expect(field(staff, 'insured_phone').get_by_role('alert')).to_contain_text('אינו ישראלי')
    expect(box(staff, 'insured_phone')).to_have_value('123')
    box(staff, 'insured_phone').fill('0521112233')
    box(staff, 'insured_phone').press('Enter')
    expect(field(staff, 'insured_phone')).to_contain_text('052-1112233')

    pen(staff, 'insured_id_no').press('Enter')
    box(staff, 'insured_id_no').fill('123456789')
    box(staff, 'insured_id_no').press('Enter')
    expect(field(staff, 'insured_id_no').get_by_role('alert')).to_contain_text('ספרת הביקורת')
    box(staff, 'insured_id_no').press('Enter')
    expect(field(staff, 'insured_id_no')).to_contain_text('נשמר ופורסם')

    pen(staff, 'daily_note').press('Enter')
    box(staff, 'daily_note').press_sequentially('שורה ראשונה')
    box(staff, 'daily_note').press('Shift+Enter')
    box(staff, 'daily_note').press_sequentially('שנייה')
    box(staff, 'daily_note').press('Enter')
    expect(field(staff, 'daily_note')).to_contain_text('שורה ראשונה\nשנייה', use_inner_text=True)


def test_the_second_of_two_sees_both_values_and_chooses(person: Person) -> None:
    first, second = person('staff@bureau.demo'), person('staff2@bureau.demo')
    claim_no = a_claim(first)
    for page in (first, second):
        open_claim(page, claim_no)
    field(second, 'tp_policy_no').click()
    box(second, 'tp_policy_no').fill('SECOND-2')
    field(first, 'tp_policy_no').click()
    box(first, 'tp_policy_no').fill('FIRST-1')
    box(first, 'tp_policy_no').press('Enter')
    clash = field(second, 'tp_policy_no').get_by_role('alert')
    expect(clash).to_contain_text('התיק עודכן על ידי')
    expect(clash).to_contain_text('FIRST-1')
    expect(box(second, 'tp_policy_no')).to_have_value('SECOND-2')
    clash.get_by_test_id('keep-mine').click()
    expect(field(first, 'tp_policy_no')).to_contain_text('SECOND-2')
    expect(box(second, 'tp_policy_no')).to_have_count(0)


def test_the_walk_through_what_changed(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    claim_no = a_claim(dana)
    open_claim(dana, claim_no)
    dana.goto('/')
    open_claim(staff, claim_no)
    for name, value in (('policy_no', '5-310-1'), ('claims_adjuster', 'אורנה שלו')):
        field(staff, name).click()
        box(staff, name).fill(value)
        box(staff, name).press('Enter')
        expect(field(staff, name)).to_contain_text('נשמר ופורסם')
    open_claim(dana, claim_no)
    bar = dana.get_by_test_id('changes-since')
    expect(bar).to_contain_text('שני שינויים מאז הכניסה האחרונה שלך')
    for name in ('policy_no', 'claims_adjuster'):
        dana.get_by_test_id('walk-changes').click()
        expect(field(dana, name)).to_have_class(re.compile('mk-ringed'))
        expect(field(dana, name)).to_be_in_viewport()
    dana.get_by_test_id('changes-read').click()
    expect(bar).to_have_count(0)
    expect(dana.locator('[data-changed=true]')).to_have_count(0)


def test_the_neighbours_in_the_list_one_came_from(person: Person) -> None:
    dana = person('dana@levi.demo')
    order = rows(dana)
    open_claim(dana, str(order[3]))
    expect(dana.get_by_test_id('place-in-list')).to_contain_text('4 מתוך')
    dana.keyboard.press('j')
    dana.wait_for_url(re.compile(f'/claims/{order[4]}'))
    ready(dana)
    dana.get_by_test_id('previous-claim').click()
    dana.wait_for_url(re.compile(f'/claims/{order[3]}'))
    assert dana.title().split(' · ')[-1].count('-') == 2, 'the tab is named after the person and the plate'


def test_a_claim_on_the_phone(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    open_claim(dana, a_claim(dana))
    expect(field(dana, 'insured_name')).to_be_visible()
    expect(field(dana, 'tp_policy_holder')).to_be_hidden()
    dana.get_by_test_id('section-third_party').locator('.mk-hd').click()
    expect(field(dana, 'tp_policy_holder')).to_be_visible()
    call = dana.get_by_role('toolbar').get_by_test_id('do-call')
    expect(call).to_have_attribute('href', re.compile(r'^tel:\+972'))
    dana.get_by_role('toolbar').get_by_test_id('do-answer').click()
    answer = dana.get_by_test_id('client-answer')
    answer.get_by_test_id('answer-words').fill('שלום, הרכב כמעט מוכן')
    sent = answer.get_by_test_id('answer-send')
    expect(sent).to_have_attribute('href', re.compile(r'wa\.me/972\d+\?text=%D7%A9'))
    answer.get_by_test_id('answer-sms').click()
    expect(sent).to_have_attribute('href', re.compile(r'^sms:\+972\d+\?&body='))
    assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth')
    dana.keyboard.press('Escape')
    dana.get_by_role('toolbar').get_by_test_id('do-answer').click()
    answer.get_by_test_id('answer-whatsapp').click()
    expect(answer.get_by_test_id('answer-words')).to_have_value('שלום, הרכב כמעט מוכן')
    answer.get_by_test_id('answer-mail').click()
    answer.get_by_test_id('answer-words').fill('שורה\nועוד שורה')
    expect(sent).to_have_attribute('href', re.compile(r'^mailto:[^?]*\?subject=[^&]+&body=[^&]*%0D%0A'))
    expect(answer.get_by_test_id('answer-long')).to_have_count(0)
    answer.get_by_test_id('answer-words').fill('ארוך ' * 100)
    expect(sent).to_have_attribute('href', re.compile(r'^mailto:[^?]*\?subject=[^&]+$'))
    expect(answer.get_by_test_id('answer-long')).to_be_visible()
    dana.keyboard.press('Escape')
    assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth')
    main = dana.get_by_role('toolbar').locator('> *').first
    expect(main).to_have_text(re.compile('הודעה'))
    main.click()
    expect(dana.get_by_test_id('message-box')).to_be_focused()


def test_a_new_claim_is_opened_once_and_a_duplicate_is_told(person: Person) -> None:
    staff, dana = person('staff@bureau.demo', path='/claims/new'), person('dana@levi.demo')
    box(staff, 'office').select_option(label='סוכנות לוי')
    box(staff, 'insured_name').fill('בועז אלון')
    box(staff, 'plate').fill('987-65-432')
    box(staff, 'event_date').fill('01/11/2026')
    box(staff, 'insured_phone').fill('052-5550199')
    staff.get_by_test_id('open-claim').dblclick()
    staff.wait_for_url(re.compile(r'/claims/\d\d-\d{5}$'))
    claim_no = staff.url.rsplit('/', 1)[-1]
    expect(dana.locator(f'[data-claim="{claim_no}"]')).to_contain_text('בועז אלון')

    staff.goto('/claims/new')
    ready(staff)
    box(staff, 'office').select_option(label='סוכנות לוי')
    box(staff, 'insured_name').fill('בועז אלון')
    # what is wrong with the field one leaves for the button is said under it once the button is pressed
    box(staff, 'plate').fill('1')
    press(staff, staff.get_by_test_id('open-claim'))
    expect(staff.get_by_test_id('form-message')).to_be_visible()
    box(staff, 'plate').fill('98765432')
    box(staff, 'event_date').fill('03/11/2026')
    box(staff, 'insured_phone').click()
    expect(staff.get_by_test_id('duplicates')).to_contain_text(claim_no)
    staff.get_by_test_id('open-claim').click()
    expect(staff.get_by_test_id('confirm-duplicate')).to_be_focused()
    staff.get_by_test_id('confirm-duplicate').check()
    box(staff, 'insured_phone').fill('12')
    box(staff, 'plate').click()
    expect(staff.locator('#said-insured_phone')).to_be_visible()
    expect(staff.get_by_test_id('confirm-duplicate')).to_be_checked()
    box(staff, 'insured_phone').fill('052-5550199')
    staff.get_by_test_id('open-claim').click()
    staff.wait_for_url(re.compile(r'/claims/\d\d-\d{5}$'))
    assert not staff.url.endswith(claim_no)

    open_claim(dana, claim_no)
    expect(dana.get_by_test_id('section-daily')).to_be_visible()
    expect(dana.get_by_test_id('section-tp_driver')).to_be_hidden()


def test_what_is_being_typed_outlives_a_reload(person: Person) -> None:
    staff, other = person('staff@bureau.demo'), person('staff2@bureau.demo')
    claim_no = a_claim(staff)
    for page in (staff, other):
        open_claim(page, claim_no)
    field(staff, 'insured_address').click()
    expect(box(staff, 'insured_address')).to_have_attribute('maxlength', '300')
    box(staff, 'insured_address').fill('הרצל 12, חיפה')
    staff.get_by_test_id('internal-note').fill('להתקשר מחר')
    staff.reload()
    ready(staff)
    expect(box(staff, 'insured_address')).to_have_value('הרצל 12, חיפה')
    expect(staff.get_by_test_id('internal-note')).to_have_value('להתקשר מחר')

    field(other, 'insured_address').click()
    box(other, 'insured_address').fill('אחר 1')
    box(other, 'insured_address').press('Enter')
    expect(field(other, 'insured_address')).to_contain_text('נשמר ופורסם')
    staff.reload()
    ready(staff)
    expect(field(staff, 'insured_address').get_by_role('alert')).to_contain_text('אחר 1')
    expect(box(staff, 'insured_address')).to_have_value('הרצל 12, חיפה')
    field(staff, 'insured_address').get_by_test_id('keep-mine').click()
    expect(field(staff, 'insured_address')).to_contain_text('נשמר ופורסם')
    with nothing_arrives(staff):
        staff.get_by_test_id('write-note').click()
        staff.get_by_test_id('internal-note').press('Control+End')
        staff.get_by_test_id('internal-note').press_sequentially(' ועוד')
    # what is typed on behind a note that is written is the next one
    expect(staff.get_by_test_id('internal-note')).to_have_value('ועוד')
    # also when it was put differently and a reload led away before the answer: no second wording goes out beside it
    staff.evaluate('window.socket.emit = () => window.socket')
    staff.get_by_test_id('write-note').click()
    staff.get_by_test_id('internal-note').fill('ועוד משהו')
    expect(staff.get_by_test_id('write-note')).to_be_disabled()
    staff.reload()
    ready(staff)
    expect(staff.get_by_test_id('internal-note')).to_have_value('משהו')
    staff.get_by_test_id('write-note').click()
    expect(staff.get_by_test_id('internal-note')).to_have_value('')
    staff.reload()
    ready(staff)
    expect(box(staff, 'insured_address')).to_have_count(0)
    expect(field(staff, 'insured_address')).to_contain_text('הרצל 12, חיפה')
    expect(staff.get_by_test_id('internal-note')).to_have_value('')


def test_what_is_typed_about_a_day_of_a_clock_stays_with_it(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_claim(staff, a_claim(staff))
    expect(staff.get_by_test_id('clock').first).to_be_visible()
    if staff.get_by_test_id('clocks-more').count():
        staff.get_by_test_id('clocks-more').click()
    clocks = staff.get_by_test_id('clock').filter(has=staff.get_by_test_id('clock-set'))
    ids = [clocks.nth(place).get_attribute('data-clock') for place in (0, 1)]
    first, second = (staff.locator(f'[data-testid=clock][data-clock="{one}"]') for one in ids)
    for clock in (first, second):
        clock.locator('summary').click()
    first.get_by_test_id('clock-set').click()
    known = first.get_by_test_id('clock-reason').input_value()
    first.get_by_test_id('clock-reason').fill('כך נאמר בטלפון')
    first.get_by_test_id('clock-day').fill('31/')
    second.get_by_test_id('clock-set').click()
    expect(second.get_by_test_id('clock-reason')).not_to_have_value('כך נאמר בטלפון')
    first.get_by_test_id('clock-set').click()
    expect(first.get_by_test_id('clock-reason')).to_have_value('כך נאמר בטלפון')
    expect(first.get_by_test_id('clock-day')).to_have_value('31/')
    first.get_by_test_id('clock-cancel').click()
    first.get_by_test_id('clock-set').click()
    expect(first.get_by_test_id('clock-reason')).to_have_value(known)


def test_a_clock_is_told_of_its_own_day_however_late(person: Person) -> None:
    staff = person('staff@bureau.demo')
    claim_no = a_claim(staff)
    staff.clock.install()
    open_claim(staff, claim_no)
    if staff.get_by_test_id('clocks-more').count():
        staff.get_by_test_id('clocks-more').click()
    clocks = staff.get_by_test_id('clock').filter(has=staff.get_by_test_id('clock-set'))
    ids = [clocks.nth(place).get_attribute('data-clock') for place in (0, 1)]
    first, second = (staff.locator(f'[data-testid=clock][data-clock="{one}"]') for one in ids)
    first.locator('summary').click()
    second.locator('summary').click()
    first.get_by_test_id('clock-set').click()
    first.get_by_test_id('clock-reason').fill('נאמר בטלפון')
    with nothing_is_answered(staff):
        first.get_by_test_id('clock-save').click()
        for _ in range(100):  # by the test's own clock: that of the page stands still
            if staff.evaluate('unheard.length'):
                break
            time.sleep(0.1)
        staff.clock.fast_forward(21_000)
        expect(staff.get_by_text('לא התקבלה תשובה')).to_be_visible()
        second.get_by_test_id('clock-set').click()
        second.get_by_test_id('clock-reason').fill('גם זה')
        with nothing_arrives(staff):
            second.get_by_test_id('clock-save').click()
            staff.evaluate('for (const said of unheard.splice(0)) hear.call(socket, said)')
            # the answer to the first is none to the second
            expect(second.get_by_test_id('clock-save')).to_be_disabled()
            expect(second.get_by_test_id('clock-reason')).to_have_value('גם זה')
            expect(second.get_by_role('alert')).to_have_count(0)


def test_a_choice_that_was_not_saved_is_offered_again_after_a_reload(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_claim(staff, a_claim(staff))
    field(staff, 'status').click()
    box(staff, 'status').select_option(label='הועברה לטיפול משפטי')
    box(staff, 'status_reason').fill('כי כך')
    staff.reload()
    ready(staff)
    expect(box(staff, 'status').locator('option:checked')).to_have_text('הועברה לטיפול משפטי')
    expect(box(staff, 'status_reason')).to_have_value('כי כך')
    box(staff, 'status').press('Escape')
    staff.reload()
    ready(staff)
    expect(box(staff, 'status')).to_have_count(0)


def test_a_row_gives_up_waiting_and_keeps_what_was_typed(person: Person) -> None:
    staff = person('staff@bureau.demo')
    claim_no = a_claim(staff)
    staff.clock.install()
    open_claim(staff, claim_no)
    staff.evaluate('window.socket.emit = () => window.socket')  # what is said from here on never arrives
    field(staff, 'policy_no').click()
    box(staff, 'policy_no').fill('KEEP-1')
    box(staff, 'policy_no').press('Enter')
    expect(field(staff, 'policy_no')).to_contain_text('שומר')
    staff.clock.fast_forward(21_000)
    expect(field(staff, 'policy_no').get_by_role('alert')).to_contain_text('לא התקבלה תשובה')
    expect(box(staff, 'policy_no')).to_have_value('KEEP-1')


def test_news_are_seen_when_the_browser_has_drawn_them(person: Person) -> None:
    staff, manager, second = person('staff@bureau.demo'), person('manager@levi.demo'), person('manager@levi.demo')
    claim_no = a_claim(manager)
    open_claim(staff, claim_no)
    open_claim(manager, claim_no)
    row = second.locator(f'[data-testid=claim-row][data-claim="{claim_no}"]')
    field(staff, 'policy_no').click()
    box(staff, 'policy_no').fill('SEEN-1')
    box(staff, 'policy_no').press('Enter')
    expect(field(manager, 'policy_no')).to_contain_text('SEEN-1')
    second.goto('/?view=all')
    ready(second)
    expect(row).to_have_attribute('data-unread', 'false')

    manager.context.set_offline(True)
    field(staff, 'policy_no').click()
    box(staff, 'policy_no').fill('SEEN-2')
    box(staff, 'policy_no').press('Enter')
    expect(field(staff, 'policy_no')).to_contain_text('נשמר ופורסם')
    expect(row).to_have_attribute('data-unread', 'true')
    second.wait_for_timeout(1000)
    expect(row).to_have_attribute('data-unread', 'true')


def test_who_pastes_more_than_fits_is_told_that_it_was_cut(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_claim(staff, a_claim(staff))
    note = staff.get_by_test_id('internal-note')
    for count, said in ((5000, 0), (5001, 1)):
        note.evaluate(
            """(field, count) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData('text', 'א'.repeat(count));
                field.dispatchEvent(new ClipboardEvent('paste', {clipboardData, bubbles: true}));
            }""",
            count,
        )
        expect(staff.get_by_text('אפשר להזין כאן עד 5,000 תווים')).to_have_count(said)


def test_what_the_insurer_asked_for_is_ticked_by_the_keyboard_and_is_the_reason(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_claim(staff, a_claim(staff))
    field(staff, 'status').click()
    box(staff, 'status').select_option(label='נדרשת השלמה')
    asked = staff.get_by_test_id('asked-documents')
    expect(asked).to_be_visible()
    box(staff, 'status').press('Tab')
    expect(asked.get_by_role('checkbox').first).to_be_focused()
    asked.get_by_label('הצהרת עד').check()
    staff.reload()
    ready(staff)
    expect(asked.get_by_label('הצהרת עד')).to_be_checked()
    asked.get_by_label('הצהרת עד').press('Enter')
    expect(field(staff, 'status_reason')).to_contain_text('הצהרת עד')
    staff.get_by_test_id('tab-documents').click()
    expect(
        staff.get_by_test_id('checklist').get_by_test_id('document-missing').filter(has_text='הצהרת עד')
    ).to_contain_text('חברת הביטוח ביקשה')
