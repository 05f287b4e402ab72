"""Messages in browsers: an agent and the bureau write to each other live; no typed word is lost; notes and other offices stay apart."""

import json
import re

import pytest
from playwright.sync_api import FilePayload, Locator, Page, WebSocket, expect

from tests import papers
from tests.e2e.browsing import PHONE, Person, nothing_arrives, ready, rows
from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e

# a file comes by the mouse or from the clipboard
CARRY = """(box, {kind, carried}) => {
  const held = new DataTransfer();
  held.items.add(new File(['x'], 'a.png', {type: 'image/png'}));
  const event = new Event(kind, {bubbles: true, cancelable: true});
  Object.defineProperty(event, carried, {value: held});
  box.dispatchEvent(event);
}"""


def calm_claim(page: Page) -> str:
    """A claim of the list on which nothing is new."""
    return rows(page, unread=False)[-1]


def open_thread(page: Page, claim_no: str) -> Page:
    page.goto(f'/claims/{claim_no}?tab=messages')
    return ready(page)


def send(page: Page, text: str) -> None:
    page.get_by_test_id('message-box').fill(text)
    page.get_by_test_id('message-box').press('Enter')
    expect(message(page, text)).to_be_visible()
    expect(page.get_by_test_id('message-box')).to_have_value('')


def message(page: Page, text: str) -> Locator:
    return page.get_by_test_id('message').filter(has_text=text)


def count(page: Page) -> int:
    badge = page.get_by_test_id('messages-count')
    return int(badge.inner_text()) if badge.count() else 0


def test_an_agent_and_the_bureau_write_to_each_other(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    claim_no = calm_claim(dana)
    before = count(staff)
    dana.goto(f'/claims/{claim_no}')
    ready(dana).get_by_test_id('do-message').and_(dana.locator(':visible')).click()
    expect(dana.get_by_test_id('message-box')).to_be_focused()
    send(dana, 'שלום, הלקוח שואל מתי הרכב מוכן')
    sent = message(dana, 'מתי הרכב מוכן')

    # every page of the bureau counts it and so has received it; nobody has read it yet
    expect(staff.get_by_test_id('messages-count')).to_have_text(str(before + 1))
    expect(staff.locator('.mk-rail [data-messages-count]')).to_have_text(str(before + 1))
    expect(sent).to_have_attribute('data-state', 'delivered')
    row = staff.locator(f'[data-testid=claim-row][data-claim="{claim_no}"]')
    expect(row).to_have_attribute('data-unread', 'true')
    expect(row).to_contain_text('הודעה מאת דנה ארז')

    staff.goto('/messages')
    ready(staff)
    line = staff.locator(f'[data-testid=thread-line][data-claim="{claim_no}"]')
    expect(line).to_have_attribute('data-unread', 'true')
    staff.get_by_test_id('threads-unread').click()
    expect(staff.get_by_test_id('threads-unread')).to_have_attribute('aria-checked', 'true')
    # also in the way to write to an office
    expect(staff.locator('[data-testid=to-an-office] + * a').first).to_have_attribute('href', re.compile('view=unread'))
    line.get_by_role('link').click()
    staff.wait_for_url(re.compile('claim='))
    ready(staff)
    expect(staff.get_by_test_id('threads-unread')).to_have_attribute('aria-checked', 'true')
    expect(staff.get_by_test_id('new-messages')).to_have_text('הודעה חדשה אחת')
    expect(sent).to_have_attribute('data-state', 'read')
    expect(sent.get_by_test_id('read-by')).to_have_text('נקראה ע״י שירה לביא')
    expect(staff.get_by_test_id('messages-count')).to_have_count(0) if before == 0 else None

    # the answer is there without a reload, and read at once, since both look
    send(staff, 'ביום חמישי לפי המוסך')
    expect(message(dana, 'ביום חמישי לפי המוסך')).to_be_visible()
    expect(message(staff, 'ביום חמישי לפי המוסך')).to_have_attribute('data-state', 'read')
    fresh = dana.context.new_page()
    fresh.goto(dana.url)
    counted = count(ready(fresh))
    fresh.close()
    badge = dana.get_by_test_id('messages-count')
    expect(badge).to_have_text(str(counted)) if counted else expect(badge).to_have_count(0)
    # one's own claim page is not bold for what one has just read
    dana.goto('/')
    ready(dana)
    expect(dana.locator(f'[data-testid=claim-row][data-claim="{claim_no}"]')).to_have_attribute('data-unread', 'false')


def test_what_is_typed_survives_a_reload_and_a_refusal(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = calm_claim(dana)
    box = open_thread(dana, claim_no).get_by_test_id('message-box')
    box.press_sequentially('שלום, רציתי')
    box.press('Shift+Enter')
    box.press_sequentially('לשאול')
    expect(dana.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    dana.evaluate('sessionStorage.clear()')  # it is the server that keeps it
    dana.reload()
    ready(dana)
    expect(box).to_have_value('שלום, רציתי\nלשאול')
    # typed a moment before the page goes: the tab itself remembers
    box.press_sequentially(' משהו')
    dana.reload()
    ready(dana)
    expect(box).to_have_value('שלום, רציתי\nלשאול משהו')

    long = 'א' * 10_000
    box.fill(long)
    box.press('Enter')
    expect(dana.get_by_test_id('send-error')).to_contain_text('4000')
    expect(box).to_have_value(long)
    expect(dana.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    box.fill('קצר יותר')
    expect(dana.get_by_test_id('send-error')).to_have_count(0)
    box.press('Enter')
    expect(message(dana, 'קצר יותר')).to_be_visible()
    dana.reload()
    ready(dana)
    expect(box).to_have_value('')


def test_a_message_sent_without_a_connection_arrives_once(person: Person) -> None:
    dana = person('dana@levi.demo')
    open_thread(dana, calm_claim(dana))
    dana.context.set_offline(True)
    dana.get_by_test_id('message-box').fill('נשלחה בלי קליטה')
    dana.get_by_test_id('send').click()
    dana.wait_for_timeout(500)
    expect(dana.get_by_test_id('message-box')).to_have_value('נשלחה בלי קליטה')
    dana.context.set_offline(False)
    expect(message(dana, 'נשלחה בלי קליטה')).to_have_count(1, timeout=30_000)
    expect(dana.get_by_test_id('message-box')).to_have_value('')
    dana.reload()
    ready(dana)
    expect(message(dana, 'נשלחה בלי קליטה')).to_have_count(1)


def test_the_next_message_may_be_typed_while_one_is_on_its_way(person: Person) -> None:
    staff = person('staff@bureau.demo')
    box = open_thread(staff, calm_claim(staff)).get_by_test_id('message-box')
    with nothing_arrives(staff) as said:
        box.fill('הנוסח הראשון')
        box.press('Enter')
        box.fill('ההודעה הבאה')
        staff.get_by_test_id('internal').click()
        # who waits long is told that it is on its way, and no wording beside it goes out
        expect(staff.get_by_test_id('send-late')).to_contain_text('תגיע פעם אחת בלבד')
        assert said('הנוסח הראשון') > 1, 'what may have got lost is said again'
        box.press('Enter')
    expect(message(staff, 'הנוסח הראשון')).to_be_visible()
    expect(staff.get_by_test_id('send-late')).to_have_count(0)
    expect(staff.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    staff.evaluate('sessionStorage.clear()')
    staff.reload()
    ready(staff)
    expect(message(staff, 'הנוסח הראשון')).to_have_count(1)
    expect(message(staff, 'ההודעה הבאה')).to_have_count(0)
    expect(box).to_have_value('ההודעה הבאה')
    expect(staff.get_by_test_id('internal')).to_have_attribute('aria-checked', 'true')
    # typed on behind the first, which is sent, only the second is left
    box.fill('ראשונה')
    with nothing_arrives(staff):
        box.press('Enter')
        box.press_sequentially('שנייה')
        expect(box).to_have_value('ראשונהשנייה')
    expect(message(staff, 'ראשונה')).to_be_visible()
    expect(box).to_have_value('שנייה')
    # what is as long as one likes is not cut, it is said
    long = 'א' * 20_001
    box.fill(long)
    for _ in range(2):
        expect(staff.get_by_test_id('send-error')).to_contain_text('5000')
        box.press('Enter')
    staff.reload()
    ready(staff)
    expect(box).to_have_value(long)


def test_two_windows_of_one_person_lose_nothing_to_each_other_and_send_nothing_twice(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = calm_claim(dana)
    box = open_thread(dana, claim_no).get_by_test_id('message-box')
    second = open_thread(dana.context.new_page(), claim_no)
    other = second.get_by_test_id('message-box')
    other.fill('שורה\n' * 8 + 'סוף')
    expect(second.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    send(dana, 'קצר מהחלון הראשון')
    second.evaluate('sessionStorage.clear()')
    for page in (second, dana):
        page.reload()
        ready(page)
    for field in (other, box):
        expect(field).to_have_value('שורה\n' * 8 + 'סוף')
    assert box.evaluate('box => box.offsetHeight') > 150
    box.press('Enter')
    expect(message(dana, 'סוף')).to_be_visible()
    for page, field in ((dana, box), (second, other)):
        expect(field).to_have_value('')
        page.wait_for_function('document.querySelector("[data-testid=message-box]").offsetHeight < 80')
    expect(second.get_by_text('הטקסט הזה נשלח מחלון אחר.')).to_be_visible()
    other.press('Enter')
    send(second, 'עוד משהו')
    expect(message(second, 'סוף')).to_have_count(1)
    # both are kept, one after the other: a reload shows both, and what is sent of them goes
    for page, field, text in ((second, other, 'נכתב בחלון השני'), (dana, box, 'נכתב בראשון')):
        field.fill(text)
        expect(page.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    second.reload()
    ready(second)
    expect(other).to_have_value('נכתב בראשון\n\nנכתב בחלון השני')
    expect(second.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    send(dana, 'נכתב בראשון')
    expect(other).to_have_value('נכתב בחלון השני')
    expect(second.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    dana.reload()
    ready(dana)
    expect(message(dana, 'נכתב בראשון')).to_be_visible()
    expect(box).to_have_value('נכתב בחלון השני')


def test_no_note_of_the_bureau_ever_reaches_an_agents_browser(person: Person) -> None:
    dana, staff, staff2 = person('dana@levi.demo'), person('staff@bureau.demo'), person('staff2@bureau.demo')
    claim_no = calm_claim(dana)
    heard: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on('framereceived', lambda payload: heard.append(str(payload)))

    dana.on('websocket', listen)
    dana.on(
        'response',
        lambda response: heard.append(response.text()) if response.request.resource_type == 'document' else None,
    )
    open_thread(dana, claim_no)
    open_thread(staff, claim_no)
    staff.get_by_test_id('internal').click()
    box = staff.get_by_test_id('message-box')
    box.press_sequentially('סודהלשכה: המסלק רמז שיש מרווח, @עומ')
    staff.get_by_test_id('mention').click()
    expect(box).to_have_value('סודהלשכה: המסלק רמז שיש מרווח, @עומר גל ')
    # the choice of who reads it stays with the draft
    expect(staff.get_by_test_id('draft-kept')).to_have_text('הטיוטה נשמרה')
    staff.reload()
    ready(staff)
    expect(staff.get_by_test_id('internal')).to_have_attribute('aria-checked', 'true')
    staff.get_by_test_id('send').click()
    note = message(staff, 'סודהלשכה')
    expect(note).to_have_attribute('data-internal', 'true')

    # the colleague who was named hears of it, and finds it on the timeline
    staff2.get_by_test_id('bell').click()
    expect(staff2.get_by_test_id('alert').first).to_contain_text('הוזכרת')
    staff2.get_by_test_id('alert').first.click()
    ready(staff2)
    expect(message(staff2, 'סודהלשכה')).to_be_visible()

    # an open answer after it proves that the agent's socket was listening
    staff.get_by_test_id('to-office').click()
    send(staff, 'תשובה גלויה')
    expect(message(dana, 'תשובה גלויה')).to_be_visible()
    for path in (
        f'/claims/{claim_no}',
        f'/claims/{claim_no}?tab=history',
        '/messages',
        '/alerts',
        '/?view=all&q=סודהלשכה',
    ):
        dana.goto(path)
        ready(dana)
    dana.goto('/messages')
    ready(dana)
    dana.get_by_test_id('messages-search').fill('סודהלשכה')
    expect(dana.get_by_text('לא נמצאה הודעה')).to_be_visible()
    dana.get_by_test_id('messages-search').fill('תשובה גלויה')
    expect(dana.get_by_test_id('message-hit')).to_have_count(1)
    everything = ' '.join(heard)
    assert 'תשובה גלויה' in everything or json.dumps('תשובה גלויה')[1:-1] in everything
    told = re.sub(r'q=[^&"\s]*|value="[^"]*"', '', everything)
    assert 'המסלק רמז שיש מרווח' not in told
    assert json.dumps('המסלק רמז שיש מרווח')[1:-1] not in told


def test_another_office_finds_nothing(person: Person) -> None:
    dana, rival = person('dana@levi.demo'), person('agent@cohen.demo')
    claim_no = calm_claim(dana)
    open_thread(dana, claim_no)
    send(dana, 'קנריתלוי')
    for path in (
        f'/messages?claim={claim_no}',
        f'/claims/{claim_no}?tab=messages',
        '/messages?office=1',
        '/messages?office=x',
    ):
        answer = rival.goto(path)
        assert answer is not None
        assert answer.status == 404, path
    rival.goto('/messages')
    ready(rival)
    expect(rival.get_by_test_id('thread-line').first).to_be_visible()
    expect(rival.locator(f'[data-testid=thread-line][data-claim="{claim_no}"]')).to_have_count(0)
    rival.get_by_test_id('messages-search').fill('קנריתלוי')
    expect(rival.get_by_text('לא נמצאה הודעה')).to_be_visible()


def test_the_office_and_the_bureau_have_a_thread_without_a_claim(person: Person) -> None:
    manager, staff = person('manager@levi.demo', viewport=PHONE), person('staff@bureau.demo')
    staff.goto('/messages')
    ready(staff)
    staff.get_by_test_id('to-an-office').click()
    staff.get_by_role('link', name='סוכנות לוי', exact=True).click()
    ready(staff)
    staff.get_by_test_id('templates').click()
    staff.keyboard.press('Escape')
    expect(staff.get_by_test_id('template-thanks')).to_have_count(0)
    staff.get_by_test_id('templates').click()
    staff.get_by_test_id('template-thanks').click()
    expect(staff.get_by_test_id('message-box')).to_have_value(re.compile('^תודה'))
    send(staff, 'שלום לכולם, ביום שלישי נסגור מוקדם')
    # on the phone: the list, then the thread, then back
    manager.goto('/messages')
    ready(manager)
    manager.get_by_test_id('thread-line').filter(has_text='ביום שלישי נסגור מוקדם').click()
    manager.wait_for_url(re.compile('office='))
    ready(manager)
    expect(message(manager, 'ביום שלישי נסגור מוקדם')).to_be_visible()
    expect(manager.get_by_test_id('thread-line').first).to_be_hidden()
    send(manager, 'תודה, נעדכן את הלקוחות')
    expect(message(staff, 'נעדכן את הלקוחות')).to_be_visible()
    assert manager.evaluate('document.documentElement.scrollWidth <= innerWidth')
    manager.get_by_role('link', name='כל ההודעות').click()
    ready(manager)
    expect(manager.get_by_test_id('thread-line').first).to_be_visible()


def test_what_is_attached_becomes_a_document_of_its_kind(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    claim_no = calm_claim(dana)
    open_thread(staff, claim_no)
    open_thread(dana, claim_no)
    files = [ROOT / 'static' / 'img' / 'icon-192.png', ROOT / 'static' / 'img' / 'icon-512.png']
    dana.get_by_test_id('attach-input').set_input_files([str(file) for file in files])
    expect(dana.get_by_test_id('chosen-file')).to_have_count(2)
    # a reload would lose them, so it asks first
    dana.get_by_test_id('message-box').click()
    with dana.expect_event('dialog') as asked:
        dana.evaluate('setTimeout(() => location.reload())')
    assert asked.value.type == 'beforeunload'
    asked.value.dismiss()
    expect(dana.get_by_test_id('chosen-file')).to_have_count(2)
    dana.get_by_test_id('chosen-file').first.get_by_role('combobox').select_option(label='תמונות נזק')
    send(dana, 'מצורפות שתי תמונות')
    for page in (dana, staff):
        attached = message(page, 'מצורפות שתי תמונות').get_by_test_id('attachment')
        expect(attached).to_have_count(2)
        expect(attached.first).to_contain_text('icon-192')
        expect(attached.filter(has_text='תמונות נזק')).to_have_count(1)
    expect(dana.get_by_test_id('chosen-file')).to_have_count(0)
    address = message(staff, 'מצורפות שתי תמונות').get_by_test_id('attachment').first.get_attribute('href') or ''
    assert staff.request.get(address).status == 200
    assert person('agent@cohen.demo').request.get(address).status == 404

    # a note of the bureau takes no files: documents are there for the office too
    staff.get_by_test_id('attach-input').set_input_files(str(files[0]))
    staff.get_by_test_id('internal').click()
    expect(staff.get_by_test_id('send-error')).to_be_visible()
    expect(staff.get_by_test_id('to-office')).to_have_attribute('aria-checked', 'true')

    # nor by dropping or pasting one there
    staff.get_by_test_id('chosen-file').get_by_role('button').click()
    staff.get_by_test_id('internal').click()
    expect(staff.get_by_test_id('send-error')).to_have_count(0)
    for kind, carried in (('drop', 'dataTransfer'), ('paste', 'clipboardData')):
        staff.get_by_test_id('message-box').fill('')
        staff.get_by_test_id('message-box').evaluate(CARRY, {'kind': kind, 'carried': carried})
        expect(staff.get_by_test_id('send-error')).to_contain_text('אי אפשר לצרף')
    expect(staff.get_by_test_id('chosen-file')).to_have_count(0)


def test_no_message_claims_a_file_that_is_not_taken(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    claim_no = calm_claim(dana)
    open_thread(staff, claim_no)
    open_thread(dana, claim_no)
    photo: FilePayload = {'name': 'נזק.png', 'mimeType': 'image/png', 'buffer': papers.png()}
    program: FilePayload = {'name': 'תוכנה.exe', 'mimeType': 'application/octet-stream', 'buffer': b'x'}
    # by its name it is refused before the message goes; what may go, goes
    dana.get_by_test_id('attach-input').set_input_files([program, photo])
    expect(dana.get_by_test_id('send-error')).to_contain_text('תוכנה.exe')
    expect(dana.get_by_test_id('send-error')).to_contain_text('סוג הקובץ אינו מתקבל')
    expect(dana.get_by_test_id('chosen-file')).to_have_text(re.compile('נזק.png'))
    # by its content it is refused later: the message does not go on naming it as attached
    page: FilePayload = {
        'name': 'מכתב.pdf',
        'mimeType': 'application/pdf',
        'buffer': b'<html><script>alert(1)</script>',
    }
    dana.get_by_test_id('attach-input').set_input_files([page])
    expect(dana.get_by_test_id('chosen-file')).to_have_count(2)
    dana.get_by_test_id('send').click()
    expect(message(staff, 'מכתב.pdf לא התקבל')).to_have_count(1)
    sent = message(staff, 'נזק.png').first
    expect(sent.get_by_test_id('attachment')).to_have_count(1)
    expect(sent).not_to_contain_text('מצורף')


def test_a_file_that_a_reload_stopped_on_its_way_is_told_of(person: Person) -> None:
    dana = person('dana@levi.demo')
    open_thread(dana, calm_claim(dana))
    dana.route('**/files/claims/**', lambda _: None)  # it never gets there
    dana.get_by_test_id('attach-input').set_input_files(str(ROOT / 'static' / 'img' / 'icon-192.png'))
    send(dana, 'התמונה בדרך')
    expect(dana.get_by_test_id('attaching')).to_be_visible()
    dana.on('dialog', lambda asked: asked.accept())
    dana.reload()
    ready(dana)
    expect(dana.get_by_test_id('attaching')).to_have_attribute('data-state', 'lost')
    expect(dana.get_by_test_id('attaching').get_by_role('alert')).to_contain_text('הקובץ לא נשמר')


def test_a_file_that_came_in_the_last_moment_is_not_told_of_as_lost(person: Person) -> None:
    dana = person('dana@levi.demo')
    open_thread(dana, calm_claim(dana))
    # it gets there, and its answer is never heard; the bureau keeps it under a name that every disk takes
    dana.evaluate("Object.defineProperty(XMLHttpRequest.prototype, 'onload', {set() {}})")
    photo: FilePayload = {'name': 'נזק: חזית.png', 'mimeType': 'image/png', 'buffer': papers.png()}
    dana.get_by_test_id('attach-input').set_input_files([photo])
    # what it is called says what it is, as among the documents
    expect(dana.get_by_test_id('chosen-file').get_by_role('combobox')).to_have_value('damage_photos')
    send(dana, 'התמונה בדרך ממש')
    expect(message(dana, 'התמונה בדרך ממש').get_by_test_id('attachment')).to_have_text(re.compile('נזק- חזית.png'))
    dana.on('dialog', lambda asked: asked.accept())
    dana.reload()
    ready(dana)
    dana.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('maakav.attached.'))")
    expect(dana.locator('[data-testid=attaching][data-state=lost]')).to_have_count(0)


def test_a_file_that_has_arrived_goes_without_taking_a_click_away(person: Person) -> None:
    dana = person('dana@levi.demo')
    open_thread(dana, calm_claim(dana))
    photo: FilePayload = {'name': 'נזק.png', 'mimeType': 'image/png', 'buffer': papers.png()}
    dana.get_by_test_id('attach-input').set_input_files([photo])
    send(dana, 'התמונה הגיעה')
    expect(dana.locator('[data-testid=attaching][data-state=arrived]')).to_be_visible()
    dana.evaluate("globalThis.clicks = 0; document.addEventListener('click', () => { clicks += 1; })")
    message(dana, 'התמונה הגיעה').click()
    expect(dana.get_by_test_id('attaching')).to_have_count(0)
    # slow fingers: their system still takes it for a double click
    dana.mouse.down(click_count=2)
    dana.mouse.up(click_count=2)
    assert dana.evaluate('clicks') == 2


def test_files_in_the_general_thread_go_to_the_claim_one_names(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    claim_no = calm_claim(dana)
    dana.goto('/messages?office=1')
    staff.goto('/messages?office=1')
    ready(dana)
    ready(staff)
    dana.get_by_test_id('attach-input').set_input_files(str(ROOT / 'static' / 'img' / 'icon-192.png'))
    expect(dana.get_by_test_id('offered-claim')).to_have_count(8)
    # nothing goes before the claim is named
    dana.get_by_test_id('send').click()
    expect(dana.get_by_test_id('send-error')).to_contain_text('לאיזו תביעה')
    dana.get_by_test_id('find-claim').fill('אין תביעה כזאת')
    expect(dana.get_by_test_id('which-claim').get_by_role('status')).to_contain_text('לא נמצאו תביעות')
    dana.get_by_test_id('find-claim').fill(claim_no)
    expect(dana.get_by_test_id('offered-claim')).to_have_count(1)
    dana.get_by_test_id('find-claim').press('Enter')
    expect(dana.get_by_test_id('chosen-claim')).to_contain_text(claim_no)
    send(dana, 'מצורף מסמך כללי')
    for page in (dana, staff):
        expect(message(page, 'מצורף מסמך כללי').get_by_test_id('attachment')).to_contain_text('icon-192')
    dana.goto(f'/claims/{claim_no}?tab=documents')
    expect(dana.get_by_test_id('document').filter(has_text='icon-192')).to_be_visible()
