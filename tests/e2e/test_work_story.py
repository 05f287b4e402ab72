"""The desk as two people of the bureau live it: what one works off leaves the other's list, with the mouse or without."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from db import values
from db.base import now
from tests.e2e.browsing import NO_DAY, PHONE, Person, nothing_arrives, press, ready, rows

pytestmark = pytest.mark.e2e


def line_of(page: Page, key: str) -> Locator:
    return page.locator(f'[data-testid="work-line"][data-line="{key}"]')


def first_line(page: Page) -> str:
    line = page.get_by_test_id('work-line').first
    expect(line).to_be_visible()
    return str(line.get_attribute('data-line'))


# within half a second of the first, however busy this machine is: its time is told by the first one's
SECOND_CLICK = """([x, y]) => {
    const click = new MouseEvent('click', {bubbles: true, cancelable: true, detail: 1, clientX: x, clientY: y});
    Object.defineProperty(click, 'timeStamp', {value: window.clicked + 350});
    document.elementFromPoint(x, y).dispatchEvent(click);
}"""


def count_of(page: Page, view: str) -> int:
    return int(page.get_by_test_id(f'desk-{view}').get_attribute('data-count') or 0)


def test_what_one_does_leaves_the_others_desk(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    other = person('staff2@bureau.demo', path='/work?whose=team')
    done = first_line(staff)
    expect(line_of(other, done)).to_be_visible()
    before = count_of(staff, 'due')
    place = line_of(staff, done).get_by_test_id('work-done').bounding_box()
    assert place is not None
    staff.evaluate(
        "addEventListener('click', (event) => { window.clicked = event.timeStamp; }, {capture: true, once: true})"
    )
    # a slow double click: at its second half the next line stands under the hand
    staff.mouse.click(place['x'] + 20, place['y'] + 10)
    expect(line_of(staff, done)).to_have_count(0)
    staff.evaluate(SECOND_CLICK, [place['x'] + 20, place['y'] + 10])
    for page in (staff, other):
        expect(line_of(page, done)).to_have_count(0)
        expect(page.get_by_test_id('desk-due')).to_have_attribute('data-count', str(before - 1))

    # without the mouse: the next one gets another day, and somebody else does it
    moved = first_line(staff)
    expect(line_of(staff, moved)).to_be_focused()  # the place of the one before
    staff.keyboard.press('j')
    expect(line_of(staff, moved)).not_to_be_focused()
    staff.keyboard.press('k')
    expect(line_of(staff, moved)).to_be_focused()
    staff.keyboard.press('m')
    expect(staff.get_by_test_id('work-panel')).to_be_visible()
    with_note = line_of(staff, moved)
    with_note.get_by_test_id('work-note').fill('דיברתי, יחזרו אליי')
    with_note.get_by_test_id('work-note-add').click()
    expect(with_note.get_by_test_id('work-note')).to_have_value('')
    with_note.get_by_test_id('postpone-1').click()
    for page in (staff, other):
        expect(line_of(page, moved)).to_have_count(0)

    # what one is writing stays, although somebody else was faster
    written_on = first_line(staff)
    line_of(staff, written_on).get_by_test_id('work-more').click()
    line_of(staff, written_on).get_by_test_id('work-note').fill('המוסך מבטיח')
    left = count_of(staff, 'due')
    line_of(other, written_on).get_by_test_id('work-done').click()
    expect(line_of(other, written_on)).to_have_count(0)
    expect(staff.get_by_test_id('desk-due')).to_have_attribute('data-count', str(left - 1))
    expect(line_of(staff, written_on).get_by_test_id('work-note')).to_have_value('המוסך מבטיח')
    line_of(staff, written_on).get_by_test_id('work-note-add').click()
    expect(line_of(staff, written_on)).to_have_count(0)


def test_the_next_note_is_not_lost_when_others_work_on(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    line = line_of(staff, first_line(staff))
    line.get_by_test_id('work-more').click()
    note = line.get_by_test_id('work-note')
    note.fill('דיברתי, יחזרו אליי')
    line.get_by_test_id('work-note-add').click()
    expect(note).to_have_value('')
    note.fill('ביקשו גם')
    other = person('staff2@bureau.demo', path='/work?whose=team')
    left = count_of(staff, 'due')
    other.get_by_test_id('work-line').last.get_by_test_id('work-done').click()
    expect(staff.get_by_test_id('desk-due')).to_have_attribute('data-count', str(left - 1))
    expect(note).to_have_value('ביקשו גם')
    # nor when one opens another line, where it does not stand
    beside = line_of(staff, str(staff.get_by_test_id('work-line').nth(1).get_attribute('data-line')))
    beside.get_by_test_id('work-more').click()
    expect(beside.get_by_test_id('work-note')).to_have_value('')
    line.get_by_test_id('work-more').click()
    expect(note).to_have_value('ביקשו גם')


def test_every_line_keeps_the_note_that_is_written_on_it(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    keys = staff.get_by_test_id('work-line').evaluate_all('lines => lines.map((line) => line.dataset.line)')
    first, second = (line_of(staff, key) for key in keys[:2])
    first.get_by_test_id('work-more').click()
    first.get_by_test_id('work-note').fill('דיברתי, יחזרו אליי')
    with nothing_arrives(staff):
        first.get_by_test_id('work-note').press('Enter')
        # typed before the answer, on this line and on another
        first.get_by_test_id('work-note').fill('ביקשו גם')
        second.get_by_test_id('work-more').click()
        expect(first.get_by_test_id('work-note')).to_be_hidden()
        second.get_by_test_id('work-note').fill('המוסך מבטיח')
    expect(second.get_by_test_id('work-note-add')).to_be_enabled()
    expect(second.get_by_test_id('work-note')).to_have_value('המוסך מבטיח')
    first.get_by_role('button', name='הערה שעוד לא נוספה').click()
    expect(first.get_by_test_id('work-note')).to_have_value('ביקשו גם')
    # written, it is gone; and what stands on the other line survives a reload though its panel is shut
    first.get_by_test_id('work-note-add').click()
    expect(first.get_by_test_id('work-note')).to_have_value('')
    first.get_by_test_id('work-note').fill('ועוד משהו')
    second.get_by_role('button', name='הערה שעוד לא נוספה').click()
    staff.reload()
    ready(staff)
    shut = staff.get_by_role('button', name='הערה שעוד לא נוספה')
    expect(shut).to_have_count(1)
    for line, note in ((first, 'ועוד משהו'), (second, 'המוסך מבטיח')):
        if not line.get_by_test_id('work-note').is_visible():
            shut.click()
        expect(line.get_by_test_id('work-note')).to_have_value(note)
    # no answer comes: that is said, it is said again, and no other wording goes out beside it
    claim_no = second.get_attribute('data-claim')
    with nothing_arrives(staff) as said:
        second.get_by_test_id('work-note').press('Enter')
        expect(staff.get_by_text('עדיין אין תשובה')).to_be_visible()
        second.get_by_test_id('work-note').fill('המוסך מבטיח ליום ראשון')
        second.get_by_test_id('work-note').press('Enter')
        assert (said('המוסך מבטיח'), said('ליום ראשון')) == (2, 0)
    expect(second.get_by_test_id('work-note')).to_have_value('ליום ראשון')
    # nor when a reload leads away before the answer
    staff.evaluate('window.socket.emit = () => window.socket')
    second.get_by_test_id('work-note').press('Enter')
    second.get_by_test_id('work-note').fill('ליום ראשון או שני')
    staff.reload()
    ready(staff)
    expect(second.get_by_test_id('work-note')).to_have_value('או שני')
    staff.goto(f'/claims/{claim_no}?tab=messages')
    ready(staff)
    for text in ('המוסך מבטיח', 'ליום ראשון'):
        expect(staff.get_by_test_id('message').filter(has_text=text)).to_have_count(1)


def test_a_note_on_a_line_that_somebody_else_finished_outlives_a_reload(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    other = person('staff2@bureau.demo', path='/work?whose=team')
    keys = staff.get_by_test_id('work-line').evaluate_all('lines => lines.map((line) => line.dataset.line)')
    added, discarded = (line_of(staff, key) for key in keys[:2])
    for line in (added, discarded):
        line.get_by_test_id('work-more').click()
        line.get_by_test_id('work-note').fill('השמאי ביקש עוד תמונות')
        line_of(other, str(line.get_attribute('data-line'))).get_by_test_id('work-done').click()
        expect(line.get_by_test_id('work-gone')).to_be_visible()
    claim_no = added.get_attribute('data-claim')
    staff.reload()
    ready(staff)
    for line in (added, discarded):
        if not line.get_by_test_id('work-note').is_visible():
            line.get_by_test_id('work-more').click()
        expect(line.get_by_test_id('work-note')).to_have_value('השמאי ביקש עוד תמונות')
        expect(line.get_by_test_id('work-done')).to_have_count(0)
        expect(line.get_by_test_id('work-note-copy')).to_have_attribute('data-copy', 'השמאי ביקש עוד תמונות')
    discarded.get_by_test_id('work-note-discard').click()
    expect(discarded).to_have_count(0)
    added.get_by_test_id('work-more').click()
    added.get_by_test_id('work-note-add').click()
    expect(added).to_have_count(0)
    staff.reload()
    ready(staff)
    expect(added.or_(discarded)).to_have_count(0)
    staff.goto(f'/claims/{claim_no}?tab=messages')
    ready(staff)
    expect(staff.get_by_test_id('message').filter(has_text='השמאי ביקש עוד תמונות')).to_have_count(1)


def test_no_line_goes_that_nobody_meant(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?view=not_updated&whose=team')
    board, line = staff.get_by_test_id('desk-not_updated'), first_line(staff)
    before = count_of(staff, 'not_updated')
    place = line_of(staff, line).get_by_test_id('work-checked').bounding_box()
    assert place is not None
    x, y = place['x'] + 20, place['y'] + 10
    staff.evaluate(
        "addEventListener('click', (event) => { window.clicked = event.timeStamp; }, {capture: true, once: true})"
    )
    staff.mouse.click(x, y)
    expect(line_of(staff, line)).to_have_count(0)
    staff.evaluate(SECOND_CLICK, [x, y])
    # a key that is held: one line, not all that come under it
    held = first_line(staff)
    line_of(staff, held).focus()
    staff.keyboard.down('x')
    expect(line_of(staff, held)).to_have_count(0)
    for _ in range(5):
        staff.keyboard.down('x')
    staff.keyboard.up('x')
    staff.keyboard.press('j')
    expect(board).to_have_attribute('data-count', str(before - 2))
    # whoever comes after that is asked in turn: had there been more, they would be gone by now
    third = first_line(staff)
    line_of(staff, third).focus()
    staff.keyboard.press('x')
    expect(board).to_have_attribute('data-count', str(before - 3))


def test_a_day_is_typed_as_it_is_written_here_and_what_is_wrong_with_it_is_said_where_it_stands(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    moved = first_line(staff)
    line = line_of(staff, moved)
    line.get_by_test_id('work-more').click()
    day, button = line.get_by_test_id('postpone-day'), line.get_by_test_id('postpone-to')
    for typed, shown, said in (('31/02/2098', '31/02/2098', NO_DAY), ('1.1.20', '01/01/2020', 'התאריך מוקדם מדי')):
        day.fill(typed)
        day.press('Enter')
        expect(line.get_by_role('alert')).to_contain_text(said)
        expect(day).to_have_attribute('aria-invalid', 'true')
        expect(day).to_have_value(shown)
        expect(button).to_be_disabled()
    # without a year it is the next one that may be chosen
    gone = values.israel(now()).date() - timedelta(days=2)
    gone = gone.replace(day=min(gone.day, 28))
    day.fill(f'{gone.day}/{gone.month}')
    day.press('Enter')
    expect(day).to_have_value(f'{gone:%d/%m}/{gone.year + 1}')
    day.fill('5.1.98')
    day.press('Enter')
    expect(day).to_have_value('05/01/1998')
    day.fill('5.1.2098')
    expect(line.get_by_role('alert')).to_have_count(0)
    button.click()
    expect(line).to_have_count(0)


def test_a_button_stays_under_the_hand_that_leaves_a_day_for_it(person: Person) -> None:
    staff = person('staff@bureau.demo', path='/work?whose=team')
    line = line_of(staff, first_line(staff))
    line.get_by_test_id('work-more').click()
    day, note, add = (line.get_by_test_id(name) for name in ('postpone-day', 'work-note', 'work-note-add'))
    for typed, said in (('31/02/2098', 1), ('5/1/2098', 0), ('1.1.20', 1)):
        note.fill('דיברתי, יחזרו אליי')
        day.fill(typed)
        press(staff, add)
        expect(note).to_have_value('')
        expect(line.get_by_role('alert')).to_have_count(said)


def test_a_calendar_somebody_looked_into_holds_no_form_back(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.goto(f'/claims/{rows(staff, unread=False)[0]}')
    ready(staff)
    day = staff.get_by_test_id('task-day')
    staff.get_by_test_id('task-title').fill('לבקש תמונות')
    day.fill('1/1/2020')
    staff.locator('.mk-dayin', has=day).locator('[data-calendar]').click()
    staff.keyboard.press('Escape')
    day.fill('5.1.2098')
    staff.get_by_test_id('task-add').click()
    expect(staff.get_by_test_id('task').filter(has_text='לבקש תמונות')).to_contain_text('05/01')


def test_a_task_without_an_answer_is_sent_again_also_after_a_reload_and_is_one(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.clock.install()
    staff.goto(f'/claims/{rows(staff, unread=False)[0]}')
    ready(staff)
    add, title = staff.get_by_test_id('task-add'), staff.get_by_test_id('task-title')
    task = staff.get_by_test_id('task').filter(has_text='לבקש דוח שמאי')
    title.fill('לבקש דוח שמאי')
    staff.get_by_test_id('task-day').fill('5.1.2098')
    staff.evaluate('socket.onevent = () => {}; null')  # no answer comes
    add.click()
    expect(add).to_be_disabled()
    staff.clock.fast_forward(13_000)
    expect(staff.get_by_text('יישמר פעם אחת בלבד')).to_be_visible()
    staff.reload()
    ready(staff)
    expect(title).to_have_value('')
    expect(task).to_have_count(1)
    expect(task).to_contain_text('05/01')


def test_checked_today_leaves_the_list_and_no_agent_has_a_desk(person: Person) -> None:
    staff = person('staff@bureau.demo', viewport=PHONE, path='/work?view=not_updated')
    looked_at = first_line(staff)
    claim_no = line_of(staff, looked_at).get_attribute('data-claim')
    line_of(staff, looked_at).get_by_test_id('work-checked').click()
    expect(line_of(staff, looked_at)).to_have_count(0)
    # the team's call list says for how long, and leads to the phone
    staff.goto('/work?view=silent&whose=team')
    expect(staff.get_by_test_id('work-line').first).to_contain_text('שותק')
    staff.goto(f'/claims/{claim_no}')
    expect(staff.get_by_text('נבדק היום, ללא שינוי · \u2068שירה לביא\u2069', exact=False).first).to_be_visible()
    dana = person('dana@levi.demo')
    expect(dana.locator('a[href="/work"]')).to_have_count(0)
    assert dana.goto('/work').status == 404  # type: ignore[union-attr]
