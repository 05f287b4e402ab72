"""The call log as two people live it: staff log a call without the mouse, the agent sees it at once and logs his own."""

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from db import values
from db.base import now
from tests.e2e.browsing import NO_DAY, PHONE, Person, nothing_arrives, ready, rows

pytestmark = pytest.mark.e2e


def read_claim_of(page: Page) -> str:
    """A claim that is not bold, so that a change of it shows."""
    return rows(page, unread=False)[0]


def open_calls(page: Page, claim_no: str) -> Page:
    page.goto(f'/claims/{claim_no}?tab=calls')
    expect(page.get_by_test_id('calls-all')).to_be_visible()  # they are drawn, and can be counted
    return ready(page)


def answered(page: Page) -> None:
    """Wait until the form says so: until then it saves nothing else."""
    expect(page.get_by_test_id('call-save')).to_be_enabled()
    expect(page.get_by_test_id('call-summary')).to_have_value('')


def test_staff_log_a_call_in_ten_seconds_without_the_mouse_and_the_agent_sees_it_at_once(person: Person) -> None:
    dana, manager = person('dana@levi.demo'), person('manager@levi.demo')
    claim_no = read_claim_of(dana)
    staff = person('staff@bureau.demo', path=f'/claims/{claim_no}')
    open_calls(manager, claim_no)
    expect(staff.get_by_test_id('call-form')).not_to_be_visible()
    before = manager.get_by_test_id('call').count()
    asked = 'מה שמישהו אחר כותב באותו זמן'
    manager.get_by_test_id('call-summary').fill(asked)

    started = time.monotonic()
    keys = staff.keyboard
    keys.press('c')
    expect(staff.get_by_test_id('call-party-insured')).to_be_focused()
    keys.press('2')
    keys.press('1')
    keys.type('הצבע הושלם, ההרכבה מחר', delay=20)
    keys.press('Control+Enter')
    first = staff.get_by_test_id('call').first
    expect(first).to_contain_text('הצבע הושלם, ההרכבה מחר')
    assert time.monotonic() - started < 10
    expect(first).to_have_attribute('data-party', 'garage')
    expect(staff.get_by_test_id('call-summary')).to_have_value('')

    # the list tells why the claim is bold, without opening it
    row = dana.get_by_test_id('claim-row').first
    expect(row).to_have_attribute('data-claim', claim_no)
    expect(row).to_have_attribute('data-unread', 'true')
    expect(row).to_contain_text('שיחה חדשה · מוסך')
    # on an open page the call comes by itself, and what is being typed there stays
    expect(manager.get_by_test_id('call')).to_have_count(before + 1)
    expect(manager.get_by_test_id('call').first).to_contain_text('הצבע הושלם')
    expect(manager.get_by_test_id('call-summary')).to_have_value(asked)


def test_an_agent_logs_his_call_from_the_phone_and_staff_see_it(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    claim_no = read_claim_of(dana)
    staff = open_calls(person('staff@bureau.demo'), claim_no)
    before = staff.get_by_test_id('call').count()
    open_calls(dana, claim_no)
    expect(dana.get_by_test_id('call-summary')).not_to_be_visible()
    dana.get_by_test_id('call-open').click()
    expect(dana.get_by_test_id('call-internal')).to_have_count(0)
    expect(dana.get_by_test_id('call-party-garage')).to_have_count(0)
    # refused with a reason, and nothing typed is lost
    dana.get_by_test_id('call-minutes').fill('3')
    dana.get_by_test_id('call-save').click()
    expect(dana.get_by_test_id('call-refused')).to_contain_text('בכמה מילים')
    expect(dana.get_by_test_id('call-minutes')).to_have_value('3')
    dana.get_by_test_id('call-summary').fill('הסברתי ללקוח את לוח הזמנים')
    dana.get_by_test_id('call-save').click()
    expect(staff.get_by_test_id('call')).to_have_count(before + 1)
    expect(staff.get_by_test_id('call').first).to_contain_text('הסברתי ללקוח')
    expect(staff.get_by_test_id('call').first).to_contain_text('דנה')
    assert dana.evaluate('document.documentElement.scrollWidth') <= PHONE['width']


def test_a_call_without_an_answer_stays_in_the_form(person: Person) -> None:
    staff = person('staff@bureau.demo')
    claim_no = read_claim_of(staff)
    staff.clock.install()
    open_calls(staff, claim_no)
    staff.get_by_test_id('call-summary').fill('המוסך ממתין לחלקים')
    staff.evaluate('window.socket.emit = () => window.socket')  # what is said from here on never arrives
    staff.get_by_test_id('call-save').click()
    expect(staff.get_by_test_id('call-save')).to_be_disabled()
    staff.clock.fast_forward(21_000)
    # it is on its way, and no other wording goes out beside it
    expect(staff.get_by_test_id('call-refused')).to_contain_text('עדיין אין תשובה')
    expect(staff.get_by_test_id('call-summary')).to_have_value('המוסך ממתין לחלקים')
    expect(staff.get_by_test_id('call-save')).to_be_disabled()


def test_a_call_that_a_reload_left_on_its_way_arrives_once_and_alone(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    calls, summary = staff.get_by_test_id('call'), staff.get_by_test_id('call-summary')
    before = calls.count()
    summary.fill('המוסך ממתין לחלקים')
    staff.evaluate('window.socket.emit = () => window.socket')
    staff.get_by_test_id('call-save').click()
    summary.fill('המוסך ממתין לשני חלקים')
    staff.reload()
    ready(staff)
    expect(calls).to_have_count(before + 1)
    expect(calls.first).to_contain_text('המוסך ממתין לחלקים')
    expect(summary).to_have_value('המוסך ממתין לשני חלקים')
    expect(staff.get_by_test_id('call-save')).to_be_enabled()


def test_attempts_are_counted_filtered_corrected_and_kept_internal(person: Person) -> None:
    dana = person('dana@levi.demo')
    for claim_no in rows(dana, unread=False):
        before = open_calls(dana, claim_no).get_by_test_id('call').count()
        if not dana.locator('[data-testid=call][data-party=tp_agent]').count():
            break
    staff = open_calls(person('staff@bureau.demo'), claim_no)
    for place in range(3):
        staff.keyboard.press('c')
        staff.keyboard.press('7')
        staff.keyboard.press('2')
        staff.keyboard.press('Control+Enter')
        for page in (staff, dana):
            expect(page.get_by_test_id('call')).to_have_count(before + place + 1)
        answered(staff)
    tried = dana.locator('[data-testid=call-attempts][data-party=tp_agent]')
    expect(tried).to_contain_text('3 ניסיונות ללא מענה')
    dana.get_by_test_id('calls-tp_agent').click()
    expect(dana.get_by_test_id('call')).to_have_count(3)
    expect(dana.locator('[data-testid=call]:not([data-party=tp_agent])')).to_have_count(0)

    # a correction stands beside what it corrects, which stays readable
    staff.get_by_test_id('call').first.get_by_test_id('call-correct').click()
    staff.get_by_test_id('call-outcome-spoke').click()
    staff.get_by_test_id('call-summary').fill('בכל זאת ענה')
    staff.get_by_test_id('call-summary').press('Control+Enter')
    expect(dana.get_by_test_id('call')).to_have_count(4)
    expect(dana.locator('[data-testid=call][data-corrected=true]')).to_have_count(1)
    expect(tried).to_have_count(0)
    answered(staff)

    # what the bureau keeps to itself comes to no agent
    staff.keyboard.press('c')
    staff.keyboard.press('7')
    staff.keyboard.press('1')
    staff.keyboard.type('לא למסור לסוכן')
    staff.get_by_test_id('call-internal').check()
    staff.get_by_test_id('call-save').click()
    expect(staff.locator('[data-testid=call][data-internal=true]').first).to_contain_text('לא למסור')
    dana.reload()
    ready(dana)
    expect(dana.get_by_test_id('call').first).to_be_visible()
    assert 'לא למסור' not in dana.content()
    expect(dana.get_by_test_id('tab-calls')).to_have_text(re.compile(rf'{before + 3}$'))


def test_a_call_of_another_day_is_kept_only_with_a_day_that_there_was(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    calls = staff.get_by_test_id('call')
    before = calls.count()
    staff.get_by_test_id('call-summary').fill('נרשם למחרת')
    staff.get_by_test_id('call-earlier').click()
    day = staff.get_by_test_id('call-day')
    staff.get_by_test_id('call-time').fill('09:40')
    for typed, said in (('', 'חסר כאן תאריך'), ('31/11/2025', NO_DAY), ('1.1.2098', 'התאריך מאוחר מדי')):
        day.fill(typed)
        day.press('Control+Enter')
        expect(staff.get_by_test_id('call-form').get_by_role('alert')).to_contain_text(said)
    expect(staff.get_by_test_id('call-summary')).to_have_value('נרשם למחרת')
    assert calls.count() == before
    staff.get_by_test_id('call-time').fill('')
    day.fill('30.11.2025')
    day.press('Control+Enter')
    expect(staff.get_by_test_id('call-form').get_by_role('alert')).to_have_text(re.compile('חסרה שעת השיחה'))
    staff.get_by_test_id('call-time').fill('09:40')
    day.press('Control+Enter')
    answered(staff)
    expect(day).to_have_count(0)
    expect(staff.get_by_test_id('call-earlier')).to_be_visible()
    expect(calls.filter(has_text='נרשם למחרת')).to_contain_text('09:40')
    expect(staff.get_by_text('30/11/2025').first).to_be_visible()


def test_the_day_of_a_follow_up_is_typed_or_chosen_and_what_is_wrong_with_it_is_said_where_it_stands(
    person: Person,
) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    form, day = staff.get_by_test_id('call-form'), staff.get_by_test_id('call-follow-up')
    staff.get_by_test_id('call-summary').fill('ביקש לחזור אליו')
    for typed, said in (('1.1.20', 'התאריך מוקדם מדי'), ('31/02/2098', NO_DAY)):
        day.fill(typed)
        day.press('Control+Enter')
        expect(form.get_by_role('alert')).to_contain_text(said)
    # nothing of it is lost when the page loads anew
    staff.reload()
    ready(staff)
    expect(day).to_have_value('31/02/2098')
    expect(form.get_by_role('alert')).to_contain_text(NO_DAY)
    # a day that is chosen stands in place of it
    staff.get_by_test_id('call-follow-7').click()
    week = values.format_day(values.israel(now()).date() + timedelta(days=7))
    expect(day).to_have_value(week)
    expect(form.get_by_role('alert')).to_have_count(0)
    day.fill('5.1.2098')
    staff.get_by_test_id('call-save').click()
    answered(staff)
    expect(day).to_have_value('')
    expect(staff.get_by_test_id('calls-due')).to_contain_text('05/01/2098')


def test_a_reload_in_the_middle_takes_neither_the_day_of_a_call_nor_what_it_corrects(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    summary, day, at = (staff.get_by_test_id(f'call-{name}') for name in ('summary', 'day', 'time'))
    summary.fill('נאמר לפני שנה')
    staff.get_by_test_id('call-earlier').click()
    day.fill('30/11/2025')
    at.press_sequentially('0915AM')  # by hand: what a script puts there was typed by nobody
    expect(at).to_have_value('09:15')
    staff.reload()
    ready(staff)
    expect(summary).to_have_value('נאמר לפני שנה')
    expect(day).to_have_value('30/11/2025')
    expect(at).to_have_value('09:15')
    staff.get_by_test_id('call-save').click()
    answered(staff)
    said = staff.get_by_test_id('call').filter(has_text='נאמר לפני שנה')
    expect(said.locator('time')).to_have_attribute('datetime', re.compile('^2025-11-30'))
    # put right: after a reload it is still this call that is
    said.get_by_test_id('call-correct').click()
    summary.fill('נאמר אחרת')
    staff.reload()
    ready(staff)
    expect(summary).to_have_value('נאמר אחרת')
    expect(day).to_have_value('30/11/2025')
    staff.get_by_test_id('call-save').click()
    answered(staff)
    expect(said).to_have_attribute('data-corrected', 'true')
    # a call that is being written waits while another one is put right, and Escape loses nothing that was changed
    summary.fill('באמצע שיחה')
    staff.locator('[data-testid=call][data-corrected=false]').get_by_test_id('call-correct').first.click()
    summary.fill('כמעט נעלם')
    summary.press('Escape')
    expect(summary).to_have_value('כמעט נעלם')
    staff.get_by_test_id('call-cancel').click()
    expect(summary).to_have_value('באמצע שיחה')
    # one in which nothing was changed is left at once, to where it was begun
    correct = staff.locator('[data-testid=call][data-corrected=false]').get_by_test_id('call-correct').first
    correct.press('Enter')
    expect(summary).to_be_focused()
    summary.press('Escape')
    expect(summary).to_have_value('באמצע שיחה')
    expect(correct).to_be_focused()


def test_correcting_a_call_shows_its_own_days(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    summary, day, follow_up = (staff.get_by_test_id(f'call-{name}') for name in ('summary', 'day', 'follow-up'))
    calls = {'30/11/2025': ('נאמר בנובמבר', '01/02/2098'), '29/10/2025': ('נאמר באוקטובר', '')}
    for when, (said, then) in calls.items():
        summary.fill(said)
        staff.get_by_test_id('call-earlier').click()
        day.fill(when)
        staff.get_by_test_id('call-time').fill('09:40')
        follow_up.fill(then)
        staff.get_by_test_id('call-save').click()
        answered(staff)
    day_typed = '7/'
    for when, (said, then) in calls.items():
        staff.get_by_test_id('call').filter(has_text=said).get_by_test_id('call-correct').click()
        expect(summary).to_have_value(said)
        expect(day).to_have_value(when)
        expect(follow_up).to_have_value(then)
        day.fill(day_typed)  # the next one begins anew all the same
        follow_up.fill(day_typed)


def test_what_is_typed_while_a_correction_is_being_kept_is_a_call_of_its_own(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    calls, save, summary = (staff.get_by_test_id(name) for name in ('call', 'call-save', 'call-summary'))
    corrected = staff.locator('[data-testid=call][data-corrected=true]')
    before, corrected_before = calls.count(), corrected.count()
    summary.fill('הרכב נגרר למוסך')
    save.click()
    expect(calls).to_have_count(before + 1)
    answered(staff)
    calls.first.get_by_test_id('call-correct').click()
    summary.fill('הרכב נסע בעצמו למוסך')
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        summary.fill('השמאי יבוא מחר')
    expect(calls).to_have_count(before + 2)
    expect(save).to_be_enabled()
    expect(summary).to_have_value('השמאי יבוא מחר')
    # and a correction that is begun while another call is being kept stays one
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        calls.first.get_by_test_id('call-correct').click()
        summary.fill('הרכב הובל למוסך')
    expect(calls).to_have_count(before + 3)
    expect(calls.first).to_contain_text('השמאי יבוא מחר')
    expect(corrected).to_have_count(corrected_before + 1)
    expect(save).to_be_enabled()
    save.click()
    expect(calls).to_have_count(before + 4)
    expect(corrected).to_have_count(corrected_before + 2)


def test_nothing_that_waits_beside_a_correction_is_lost(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    calls, save, summary = (staff.get_by_test_id(name) for name in ('call', 'call-save', 'call-summary'))
    before = calls.count()
    for said in ('הרכב במגרש', 'הרכב נבדק'):
        summary.fill(said)
        save.click()
        answered(staff)
    expect(calls).to_have_count(before + 2)
    parked, checked = (calls.filter(has_text=said).last for said in ('הרכב במגרש', 'הרכב נבדק'))
    # a new call waits for two corrections: they too are there again after the page was loaded anew, one after the other
    staff.get_by_test_id('call-party-garage').click()
    summary.press_sequentially('המוסך ביקש תמונות')
    parked.get_by_test_id('call-correct').click()
    summary.fill('הרכב במגרש המוסך')
    checked.get_by_test_id('call-correct').click()
    summary.fill('הרכב נבדק בידי שמאי')
    staff.reload()
    ready(staff)
    expect(summary).to_have_value('הרכב נבדק בידי שמאי')
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        summary.fill('השמאי ביקש עותק')
    # what was typed on is a call of its own
    expect(calls).to_have_count(before + 3)
    expect(save).to_be_enabled()
    expect(summary).to_have_value('השמאי ביקש עותק')
    staff.reload()
    ready(staff)
    for place, waits in enumerate(('השמאי ביקש עותק', 'הרכב במגרש המוסך', 'המוסך ביקש תמונות')):
        expect(summary).to_have_value(waits)
        save.click()
        expect(calls).to_have_count(before + 4 + place)
    answered(staff)
    expect(calls.filter(has_text='המוסך ביקש תמונות')).to_have_attribute('data-party', 'garage')
    expect(parked).to_have_attribute('data-corrected', 'true')
    staff.reload()
    ready(staff)
    expect(summary).to_have_value('')


def test_a_call_that_was_kept_while_another_was_corrected_does_not_come_back(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    calls, save, summary = (staff.get_by_test_id(name) for name in ('call', 'call-save', 'call-summary'))
    summary.fill('הלקוח ביקש עדכון')
    save.click()
    answered(staff)
    summary.fill('הלקוח קיבל עדכון')
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        calls.first.get_by_test_id('call-correct').click()
    expect(calls.first).to_contain_text('הלקוח קיבל עדכון')
    expect(save).to_be_enabled()
    summary.fill('הלקוח ביקש עדכון בכתב')
    save.click()
    answered(staff)


def kept_in_the_tab(page: Page) -> list[str]:
    found: list[str] = page.evaluate('Object.keys(sessionStorage).filter((key) => key.startsWith("maakav."))')
    return found


def test_who_signs_out_leaves_nothing_of_a_call_behind(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    summary = staff.get_by_test_id('call-summary')
    summary.fill('המבוטחת מסרה פרטים')
    staff.locator('[data-testid=call][data-corrected=false]').get_by_test_id('call-correct').first.click()
    summary.fill('תיקון באמצע')
    # what somebody else left in the tab, and what is too old, goes as the page comes again
    staff.evaluate("""for (const [key, at] of [['maakav.aside.999/1/calls', Date.now()], ['maakav.aside.0/1/calls', 0]])
        sessionStorage.setItem(key.replace('.0/', `.${document.querySelector('script[data-person]').dataset.person}/`), JSON.stringify({at, aside: []}))""")
    staff.reload()
    ready(staff)
    expect(summary).to_have_value('תיקון באמצע')
    assert sum(key.startswith('maakav.aside.') for key in kept_in_the_tab(staff)) == 1
    staff.locator('summary:has(.mk-org)').click()
    staff.get_by_test_id('logout').click()
    staff.wait_for_url('**/login*')
    assert kept_in_the_tab(staff) == []


def test_what_the_tab_kept_of_a_call_goes_once_the_call_is_saved(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    staff.get_by_test_id('call-summary').fill('נשמר פעם אחת')
    staff.evaluate('document.dispatchEvent(new Event("visibilitychange"))')  # somebody looked at another tab meanwhile
    assert len(kept_in_the_tab(staff)) == 1
    staff.get_by_test_id('call-save').click()
    answered(staff)
    assert kept_in_the_tab(staff) == []


def test_a_refusal_stands_on_the_call_that_was_sent(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_calls(staff, read_claim_of(staff))
    save, summary, refused = (staff.get_by_test_id(f'call-{name}') for name in ('save', 'summary', 'refused'))
    summary.fill('שיחה ארוכה')
    staff.get_by_test_id('call-minutes').fill('x')
    with nothing_arrives(staff):
        save.click()
        expect(save).to_be_disabled()
        staff.locator('[data-testid=call][data-corrected=false]').get_by_test_id('call-correct').first.click()
    expect(save).to_be_enabled()
    expect(staff.locator('.mk-tstack')).to_contain_text('מספר שלם')
    expect(refused).to_have_count(0)
    staff.get_by_test_id('call-cancel').click()
    expect(summary).to_have_value('שיחה ארוכה')
    expect(refused).to_contain_text('מספר שלם')


def test_who_may_only_read_is_told_so_when_he_reaches_for_the_key(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/people')
    admin.get_by_test_id('admin-row').filter(has_text='yossi@levi.demo').get_by_test_id('admin-open').click()
    admin.get_by_test_id('edit-role').select_option('read_only')
    admin.get_by_test_id('admin-save').click()
    expect(admin.get_by_test_id('admin-form')).to_have_count(0)
    yossi = person('yossi@levi.demo')
    claim_no = rows(yossi)[0]
    yossi.goto(f'/claims/{claim_no}')
    ready(yossi).keyboard.press('c')
    expect(yossi.get_by_role('alert')).to_contain_text('אפשר לקרוא כאן את תיעוד השיחות, אך לא להוסיף עליו')
    open_calls(yossi, claim_no)
    yossi.evaluate('document.dispatchEvent(new Event("visibilitychange"))')
    assert kept_in_the_tab(yossi) == []
