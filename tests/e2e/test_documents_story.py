"""Documents as an office and the bureau live them: photographed on the phone, checked at the bureau, sent again, packed for a desk."""

import base64
import io
import re
import zipfile
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests import papers
from tests.e2e.browsing import PHONE, Person, nothing_arrives, ready, rows

pytestmark = pytest.mark.e2e

LICENCE, DRIVING, PHOTOS = 'vehicle_licence', 'driving_licence', 'damage_photos'


def file(name: str, content: bytes) -> FilePayload:
    return {'name': name, 'mimeType': 'application/octet-stream', 'buffer': content}


def claim_without_documents(page: Page, place: int) -> str:
    """Every test takes a claim of its own: one whose documents nobody has checked has none in the demo."""
    page.goto('/?view=open&documents=unchecked')
    ready(page)
    return rows(page, unread=False)[place]


def open_documents(page: Page, claim_no: str) -> Page:
    page.goto(f'/claims/{claim_no}?tab=documents')
    ready(page)
    expect(page.get_by_test_id('checklist')).to_be_visible()
    return page


def slot(page: Page, kind: str) -> Locator:
    return page.locator(f'[data-testid=document-missing][data-type={kind}]')


def tile(page: Page, kind: str) -> Locator:
    return page.locator(f'[data-testid=document][data-type={kind}]')


def upload(page: Page, kind: str, *files: FilePayload) -> None:
    with page.expect_file_chooser() as chooser:
        slot(page, kind).get_by_test_id('upload-slot').click()
    chooser.value.set_files(list(files))


def dropped(place: Locator, name: str, content: bytes) -> None:
    """Drag a file from the desk over a place and let go."""
    place.evaluate(
        """(place, {name, content}) => {
          const held = new DataTransfer();
          held.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
          for (const kind of ['dragover', 'drop']) place.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: held}));
        }""",
        {'name': name, 'content': base64.b64encode(content).decode()},
    )


def uploading(page: Page, name: str) -> Locator:
    return page.get_by_test_id('uploading').filter(has_text=name)


def received(page: Page) -> int:
    return int(page.get_by_test_id('checklist-ring').get_attribute('data-received') or -1)


def slow_line(page: Page, bytes_per_second: int) -> None:
    """Let what the page sends crawl."""
    line: Any = page.context.new_cdp_session(page)
    line.send('Network.enable')
    conditions = {'offline': False, 'latency': 0, 'downloadThroughput': -1, 'uploadThroughput': bytes_per_second}
    line.send('Network.emulateNetworkConditions', conditions)


def fingers(page: Page, down: list[tuple[float, float]], up: list[tuple[float, float]]) -> None:
    """Put fingers on the glass, move them, lift them."""
    glass: Any = page.context.new_cdp_session(page)
    for kind, places in (('touchStart', down), ('touchMove', up), ('touchEnd', [])):
        touches = [{'x': x, 'y': y, 'id': number} for number, (x, y) in enumerate(places)]
        glass.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': touches})


def test_dana_photographs_and_the_bureau_sends_one_back(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    claim_no = claim_without_documents(dana, 2)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    manager = open_documents(person('manager@levi.demo'), claim_no)
    open_documents(dana, claim_no)
    before = received(staff)

    # two licences arrive one after the other, each says so and when; in the bureau they are there at once
    dana.get_by_test_id('photograph').click()
    with dana.expect_file_chooser() as chooser:
        dana.get_by_test_id('photograph-what').get_by_role('button', name='צילום רישיון רכב').click()
    assert chooser.value.element.get_attribute('capture') is None  # it would hide the gallery
    chooser.value.set_files([file('IMG_2042.HEIC', papers.heic(place=True))])
    expect(uploading(dana, 'IMG_2042.HEIC')).to_have_text(re.compile(r'התקבל בלשכה \d\d:\d\d'))
    upload(dana, DRIVING, file('IMG_2043.JPG', papers.jpeg(place=True)))
    expect(uploading(dana, 'IMG_2043.JPG')).to_have_attribute('data-state', 'arrived')
    for page in (staff, manager):
        expect(tile(page, LICENCE)).to_have_attribute('data-state', 'received')
        expect(tile(page, DRIVING)).to_have_count(1)
        expect(slot(page, LICENCE)).to_have_count(0)
        expect(page.get_by_test_id('checklist-ring')).to_have_attribute('data-received', str(before + 2))
    expect(staff.get_by_test_id('tab-documents')).to_contain_text(re.compile(rf'{before + 2}/\d+'))

    # staff look, and send one back
    tile(staff, DRIVING).get_by_test_id('document-open').click()
    viewer = staff.get_by_test_id('viewer')
    expect(viewer.get_by_test_id('viewer-page')).to_be_visible()
    viewer.get_by_test_id('document-reject').click()
    viewer.get_by_test_id('reject-free').press('Escape')
    viewer.get_by_test_id('document-reject').click()
    viewer.get_by_test_id('reject-free').fill('חתוך בצד')
    viewer.get_by_test_id('reject-free').press('Escape')  # loses nothing that was typed
    viewer.get_by_test_id('viewer-close').evaluate('() => document.activeElement.blur()')
    staff.keyboard.press('Escape')
    # what arrives meanwhile closes no form that somebody is in
    upload(dana, PHOTOS, file('IMG_2044.JPG', papers.jpeg()))
    expect(tile(staff, PHOTOS)).to_have_count(1)
    expect(viewer.get_by_test_id('reject-free')).to_have_value('חתוך בצד')
    dana.goto('/')  # whoever has the claim before his eyes needs no bell
    viewer.get_by_test_id('reject-unreadable_scan').check()
    viewer.get_by_test_id('reject-send').click()
    expect(tile(staff, DRIVING)).to_have_attribute('data-state', 'rejected')
    staff.keyboard.press('Escape')
    expect(viewer).to_have_count(0)

    # the agent is told which and why, on the page and by the bell
    expect(slot(manager, DRIVING)).to_contain_text('נדחה – לא קריא')
    desk = person('dana@levi.demo')
    desk.get_by_test_id('bell').click()
    # of this claim: when the story is told again, the alert of the first time still stands there
    alert = desk.get_by_test_id('alert').and_(desk.locator(f'[href*="/claims/{claim_no}"]')).filter(has_text='לא קריא')
    expect(alert).to_contain_text('מסמך נדחה · צילום רישיון נהיגה')
    alert.click()
    desk.wait_for_url(re.compile('tab=documents'))

    # a better one is version 2, and nobody is asked for it any more
    open_documents(dana, claim_no)
    expect(slot(dana, DRIVING)).to_contain_text('נדחה – לא קריא')
    upload(dana, DRIVING, file('IMG_2050.JPG', papers.png()))
    for page in (dana, staff, manager):
        expect(tile(page, DRIVING)).to_have_attribute('data-version', '2')
        expect(slot(page, DRIVING)).to_have_count(0)
    tile(staff, DRIVING).get_by_test_id('document-menu').click()
    tile(staff, DRIVING).get_by_role('button', name='תקין').last.click()
    expect(tile(dana, DRIVING)).to_have_attribute('data-state', 'accepted')
    assert dana.evaluate('document.documentElement.scrollWidth') <= PHONE['width']

    # the manager takes everything home under names he can read
    with manager.expect_download() as download:
        manager.get_by_test_id('documents-all').click()
    assert download.value.suggested_filename.endswith('_מסמכים.zip')
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        names = archive.namelist()
    assert len(names) == 4
    assert all(name.startswith(f'{claim_no}_') for name in names)
    assert any(re.search('צילום-רישיון-נהיגה_v2.png$', name) for name in names)


def test_a_long_name_without_a_space_makes_no_page_wider_than_the_phone(person: Person) -> None:
    name = f'{"א" * 100}.pdf'
    dana = person('dana@levi.demo', viewport=PHONE)
    claim_no = claim_without_documents(dana, 0)
    open_documents(dana, claim_no)
    dana.get_by_test_id('upload').set_input_files([file(name, papers.pdf())])
    expect(dana.get_by_test_id('uploading').filter(has_text='א' * 75)).to_have_attribute('data-state', 'arrived')
    staff = person('staff@bureau.demo', path=f'/claims/{claim_no}?tab=overview')
    staff.get_by_test_id('field-next_action').click()
    staff.get_by_test_id('edit-next_action').fill('ב' * 100)
    staff.get_by_test_id('edit-next_action').press('Enter')
    expect(staff.get_by_test_id('field-next_action')).to_contain_text('ב' * 100)
    for tab in ('overview', 'documents', 'history'):
        dana.goto(f'/claims/{claim_no}?tab={tab}')
        ready(dana)
        assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth'), tab
    # what of it is kept stands there whole, and says that it was longer
    entry = dana.get_by_test_id('history-entry').filter(has_text=re.compile(r'א{75}…\.pdf'))
    expect(entry).to_be_visible()
    assert entry.evaluate(
        '(row) => [...row.querySelectorAll("*")].every((part) => part.scrollWidth <= part.clientWidth || !part.clientWidth)'
    )


def test_a_phone_closed_in_the_middle_says_so_when_it_is_back(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    claim_no = claim_without_documents(dana, 3)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    open_documents(dana, claim_no)
    before = staff.get_by_test_id('document').count()
    phone = dana.context
    slow_line(dana, 20_000)
    upload(dana, PHOTOS, file('נזק אחורי.png', bytes(1_500_000)))
    expect(uploading(dana, 'נזק אחורי')).to_have_attribute('data-state', 'sending')
    expect(uploading(dana, 'נזק אחורי').get_by_role('progressbar')).to_be_visible()
    dana.wait_for_timeout(700)
    dana.close()

    back = open_documents(phone.new_page(), claim_no)
    lost = uploading(back, 'נזק אחורי')
    expect(lost).to_have_attribute('data-state', 'lost')
    expect(lost.get_by_role('alert')).to_have_text('ההעלאה נכשלה – הקובץ לא נשמר.')
    # nothing is half there: not for her, not for the bureau
    expect(slot(back, PHOTOS)).to_be_visible()
    assert back.get_by_test_id('document').count() == staff.get_by_test_id('document').count() == before
    # it is told until she does something about it
    back.reload()
    ready(back)
    expect(lost).to_have_attribute('data-state', 'lost')
    with back.expect_file_chooser() as chooser:
        lost.get_by_test_id('upload-retry').click()
    chooser.value.set_files([file('נזק אחורי.png', papers.png())])
    expect(uploading(back, 'נזק אחורי')).to_have_attribute('data-state', 'arrived')
    expect(tile(staff, PHOTOS)).to_have_count(1)
    back.reload()
    ready(back)
    expect(back.get_by_test_id('uploading')).to_have_count(0)


def test_every_file_has_its_own_end(person: Person) -> None:
    """Several at once, of them one that is refused with a reason, one that is there already, and one the line drops."""
    dana = person('dana@levi.demo')
    open_documents(dana, claim_without_documents(dana, 4))
    invoice = papers.pdf()
    dana.get_by_test_id('upload').set_input_files(
        [
            file('חשבונית תיקון.pdf', invoice),
            file('מכתב דרישה.pdf', papers.pdf(3)),
            file('הפתעה.pdf', b'<html><script>alert(1)</script>'),
        ]
    )
    expect(uploading(dana, 'הפתעה.pdf')).to_have_attribute('data-state', 'failed')
    expect(uploading(dana, 'הפתעה.pdf').get_by_role('alert')).not_to_be_empty()
    # the kind is guessed from the name
    expect(tile(dana, 'repair_invoice')).to_have_count(1)
    expect(tile(dana, 'demand_letter')).to_have_count(1)
    dana.get_by_test_id('uploads-clear').click()
    expect(dana.get_by_test_id('uploading')).to_have_count(1)

    dana.get_by_test_id('upload').set_input_files([file('חשבונית תיקון שוב.pdf', invoice)])
    again = uploading(dana, 'תיקון שוב')
    expect(again).to_have_attribute('data-state', 'known')
    expect(again).to_contain_text('הקובץ כבר קיים בתיק')
    expect(tile(dana, 'repair_invoice')).to_have_count(1)

    # what is dropped onto a slot is of its kind, whatever it is called
    dropped(slot(dana, LICENCE), 'IMG_0001.png', papers.png())
    expect(tile(dana, LICENCE)).to_have_attribute('data-state', 'received')

    # a line that breaks keeps the file; trying again sends it
    dana.context.set_offline(True)
    dana.get_by_test_id('upload').set_input_files([file('נזק.png', papers.png())])
    expect(uploading(dana, 'נזק.png')).to_have_attribute('data-state', 'held')
    dana.context.set_offline(False)
    expect(uploading(dana, 'נזק.png')).to_have_attribute('data-state', 'arrived')
    expect(tile(dana, PHOTOS)).to_have_count(1)


def test_a_document_in_place(person: Person) -> None:
    """Pages, zoom, turning, the next document, and the way back by the keyboard."""
    dana = person('dana@levi.demo', viewport=PHONE)
    claim_no = claim_without_documents(dana, 5)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    staff.get_by_test_id('upload').set_input_files(
        [file('דוח שמאי.pdf', papers.pdf(3)), file('נזק.jpg', papers.jpeg())]
    )
    expect(staff.get_by_test_id('document')).to_have_count(2)
    opener = tile(staff, 'appraisal_report').get_by_test_id('document-open')
    opener.click()
    viewer, page = staff.get_by_test_id('viewer'), staff.get_by_test_id('viewer-page')
    expect(page).to_be_visible()
    expect(viewer.get_by_test_id('page-of')).to_have_text('1 מתוך 3')
    expect(page).to_have_attribute('alt', re.compile('דוח שמאי.*עמוד 1 מתוך 3'))
    staff.keyboard.press('ArrowLeft')
    expect(viewer.get_by_test_id('page-of')).to_have_text('2 מתוך 3')
    expect(page).to_be_visible()
    wide = page.bounding_box()
    viewer.get_by_test_id('viewer-rotate').click()
    expect(page).to_have_attribute('style', re.compile(r'rotate\(-90deg\)'))
    turned = page.bounding_box()
    assert wide is not None
    assert turned is not None
    assert (wide['width'] > wide['height']) != (turned['width'] > turned['height'])
    viewer.get_by_test_id('viewer-zoom').click()
    expect(viewer).to_contain_text('140%')
    viewer.get_by_test_id('viewer-next').click()
    expect(viewer).to_have_attribute('data-document', tile(staff, PHOTOS).get_attribute('data-document') or '')
    staff.keyboard.press('Escape')
    expect(viewer).to_have_count(0)
    expect(tile(staff, PHOTOS).get_by_test_id('document-open')).to_be_focused()

    # who has seen it is the bureau's to know
    open_documents(dana, claim_no)
    tile(dana, 'appraisal_report').get_by_test_id('document-open').click()
    expect(dana.get_by_test_id('viewer-page')).to_be_visible()
    expect(dana.get_by_test_id('document-views')).to_have_count(0)
    # on the phone one leafs and enlarges with the fingers
    middle = dana.get_by_test_id('viewer-page').bounding_box()
    assert middle is not None
    x, y = middle['x'] + middle['width'] / 2, middle['y'] + middle['height'] / 2
    fingers(dana, [(x - 60, y)], [(x + 60, y)])
    expect(dana.get_by_test_id('page-of')).to_have_text('2 מתוך 3')
    fingers(dana, [(x + 60, y)], [(x - 60, y)])
    expect(dana.get_by_test_id('page-of')).to_have_text('1 מתוך 3')
    expect(dana.get_by_test_id('viewer-page')).to_be_visible()
    fingers(dana, [(x - 20, y), (x + 20, y)], [(x - 40, y), (x + 40, y)])
    expect(dana.get_by_test_id('viewer')).to_contain_text('200%')
    opener.click()
    expect(staff.get_by_test_id('document-views')).to_contain_text('דנה')


def test_what_is_needed_is_the_bureaus_to_say_and_nothing_removed_is_lost(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = claim_without_documents(dana, 6)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    open_documents(dana, claim_no)
    staff.get_by_test_id('require-other').click()
    staff.get_by_test_id('require-save').click()
    expect(staff.get_by_test_id('require-form').get_by_role('alert')).not_to_be_empty()
    staff.get_by_test_id('require-label').fill('תצהיר בעל הרכב')
    with nothing_arrives(staff) as held:
        staff.get_by_test_id('require-save').dblclick()
        assert held('ask_for') == 1
    asked = slot(dana, 'other_required').filter(has_text='תצהיר בעל הרכב')
    expect(asked).to_be_visible()
    slot(staff, 'power_of_attorney').get_by_test_id('waive').click()
    staff.get_by_test_id('waive-why').fill('יש בתיק אחר')
    with nothing_arrives(staff) as held:
        staff.get_by_test_id('waive-save').dblclick()
        assert held('waive') == 1
    expect(slot(dana, 'power_of_attorney')).to_have_count(0)
    expect(asked).to_have_count(1)

    with dana.expect_file_chooser() as chooser:
        asked.get_by_test_id('upload-slot').click()
    chooser.value.set_files([file('scan.pdf', papers.pdf(1))])
    expect(asked).to_have_count(0)
    sent = dana.get_by_test_id('document')
    expect(sent).to_contain_text('תצהיר בעל הרכב')
    staff.get_by_test_id('document').get_by_test_id('document-open').click()
    expect(staff.get_by_test_id('viewer')).to_be_visible()
    sent.get_by_test_id('document-menu').click()
    dana.get_by_role('button', name='העברה לסל המחזור').click()
    expect(asked).to_be_visible()
    # whoever has it open is told why it goes
    expect(staff.get_by_text('המסמך שהיה פתוח כאן הועבר לסל המחזור.')).to_be_visible()
    expect(staff.get_by_test_id('document')).to_have_count(0)
    dana.get_by_test_id('documents-trash').locator('summary').click()
    dana.get_by_test_id('document-restore').click()
    expect(staff.get_by_test_id('document')).to_have_count(1)


def test_a_double_click_orders_once_also_when_another_document_moves_under_the_hand(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = claim_without_documents(dana, 8)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    staff.get_by_test_id('upload').set_input_files(
        [file('דוח שמאי.pdf', papers.pdf(3)), file('חשבונית תיקון.pdf', papers.pdf(2))]
    )
    documents, viewer = staff.get_by_test_id('document'), staff.get_by_test_id('viewer')
    expect(documents).to_have_count(2)
    documents.first.get_by_test_id('document-open').click()
    for order in ('accept', 'reopen'):
        with nothing_arrives(staff) as held:
            viewer.get_by_test_id(f'document-{order}').dblclick()
            assert held(order) == 1
        expect(viewer.get_by_test_id(f'document-{order}')).to_have_count(0)
    viewer.get_by_test_id('document-reject').click()
    viewer.get_by_test_id('reject-free').fill('חתוך')
    with nothing_arrives(staff) as held:
        for _ in 'twice':
            viewer.get_by_test_id('reject-free').press('Enter')
        assert held('reject') == 1
    expect(viewer.get_by_test_id('reject-form')).to_have_count(0)
    for left in (1, 0):
        if not viewer.count():
            documents.first.get_by_test_id('document-open').click()
        with nothing_arrives(staff) as held:
            viewer.get_by_test_id('document-remove').dblclick()
            assert held('remove') == 1
        expect(documents).to_have_count(left)
    staff.get_by_test_id('documents-trash').locator('summary').click()
    removed = staff.get_by_test_id('document-removed')
    expect(removed).to_have_count(2)
    restore = staff.get_by_test_id('document-restore').first
    restore.hover()
    for count in (1, 2):
        staff.mouse.down(click_count=count)
        staff.mouse.up(click_count=count)
        expect(documents).to_have_count(1)
    restore.click()
    expect(documents).to_have_count(2)


def test_what_is_typed_about_a_document_stays_with_it_until_it_is_sent(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_documents(staff, claim_without_documents(staff, 9))
    staff.get_by_test_id('upload').set_input_files(
        [file('דוח שמאי.pdf', papers.pdf(3)), file('חשבונית תיקון.pdf', papers.pdf(2))]
    )
    documents, viewer, why = (staff.get_by_test_id(name) for name in ('document', 'viewer', 'waive-why'))
    expect(documents).to_have_count(2)
    # two reasons at once, another document that is being required, and one rejection
    slot(staff, 'power_of_attorney').get_by_test_id('waive').click()
    why.fill('ייפוי הכוח בתיק אחר')
    slot(staff, DRIVING).get_by_test_id('waive').click()
    expect(why).to_have_value('')
    why.fill('אין נהג')
    staff.get_by_test_id('require-other').click()
    staff.get_by_test_id('require-label').fill('תצהיר')
    documents.first.get_by_test_id('document-open').click()
    rejected = viewer.get_attribute('data-document')
    viewer.get_by_test_id('document-reject').click()
    viewer.get_by_test_id('reject-free').fill('חתוך למטה')
    viewer.get_by_test_id('viewer-next').click()
    expect(viewer.get_by_test_id('reject-form')).to_have_count(0)
    viewer.get_by_test_id('document-accept').click()
    expect(viewer.get_by_test_id('document-reopen')).to_be_visible()
    viewer.get_by_test_id('viewer-close').click()
    for reloaded in (False, True):
        expect(why).to_have_value('אין נהג')
        expect(staff.get_by_test_id('require-label')).to_have_value('תצהיר')
        if not reloaded:
            documents.first.get_by_test_id('document-open').click()
        expect(viewer.get_by_test_id('reject-free')).to_have_value('חתוך למטה')
        if not reloaded:
            staff.reload()
            ready(staff)
            expect(viewer).to_have_attribute('data-document', rejected or '')
    # each goes where it belongs, and leaves the others alone
    viewer.get_by_test_id('reject-send').click()
    expect(viewer.get_by_test_id('reject-form')).to_have_count(0)
    expect(documents.first).to_contain_text('חתוך למטה')
    viewer.get_by_test_id('viewer-close').click()
    staff.get_by_test_id('waive-save').click()
    expect(slot(staff, DRIVING)).to_have_count(0)
    expect(why).to_have_count(0)
    slot(staff, 'power_of_attorney').get_by_test_id('waive').click()
    expect(why).to_have_value('ייפוי הכוח בתיק אחר')
    expect(staff.get_by_test_id('require-label')).to_have_value('תצהיר')
    # what was typed on behind what was sent is the next one
    with nothing_arrives(staff):
        staff.get_by_test_id('require-save').click()
        staff.get_by_test_id('require-label').press('End')
        staff.get_by_test_id('require-label').press_sequentially(' מקורי')
    expect(staff.get_by_test_id('require-label')).to_have_value('מקורי')
    # thrown away is what somebody throws away
    staff.get_by_test_id('require-cancel').click()
    staff.get_by_test_id('require-other').click()
    expect(staff.get_by_test_id('require-label')).to_have_value('')
    documents.nth(1).get_by_test_id('document-open').click()
    viewer.get_by_test_id('document-reject').click()
    viewer.get_by_test_id('reject-free').fill('טעות')
    viewer.get_by_test_id('reject-cancel').click()
    viewer.get_by_test_id('document-reject').click()
    expect(viewer.get_by_test_id('reject-free')).to_have_value('')


def test_the_list_finds_the_claims_that_miss_documents(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = claim_without_documents(dana, 7)
    open_documents(dana, claim_no)
    dana.get_by_test_id('upload').set_input_files([file('מכתב דרישה.pdf', papers.pdf())])
    expect(tile(dana, 'demand_letter')).to_have_count(1)
    dana.goto('/')
    ready(dana)
    dana.get_by_test_id('filter-documents').click()
    dana.get_by_role('checkbox', name='חסרים מסמכים').check()
    dana.wait_for_url(re.compile('documents=missing'))
    expect(dana.get_by_test_id('active-filter')).to_contain_text('חסרים מסמכים')
    expect(dana.locator(f'[data-testid=claim-row][data-claim="{claim_no}"]')).to_be_visible()


def test_the_bureau_submits_one_numbered_pdf_and_finds_it_again(person: Person) -> None:
    dana = person('dana@levi.demo')
    claim_no = claim_without_documents(dana, 1)
    open_documents(dana, claim_no)
    staff = open_documents(person('staff@bureau.demo'), claim_no)
    colleague = open_documents(person('admin@bureau.demo', viewport=PHONE), claim_no)
    staff.get_by_test_id('upload').set_input_files(
        [file('נזק.jpg', papers.jpeg()), file('דוח שמאי.pdf', papers.pdf(3)), file('מכתב דרישה.docx', papers.docx())]
    )
    expect(staff.get_by_test_id('document')).to_have_count(3)
    expect(dana.get_by_test_id('pack-make')).to_have_count(0)
    staff.get_by_test_id('pack-make').click()
    ready_now = 'תיק ההגשה מוכן: 5 עמ׳. לא הופק מכתב דרישה: הועלה מכתב. מסמך אחד יש לשלוח בנפרד: מכתב דרישה.'
    expect(staff.get_by_text(ready_now)).to_be_visible()
    for page in (staff, colleague):
        expect(page.get_by_test_id('pack')).to_have_count(1)
        expect(page.get_by_test_id('pack')).to_contain_text('5 עמ׳')
    colleague.get_by_test_id('pack').locator('summary').click()
    expect(colleague.get_by_test_id('pack').locator('ol li')).to_have_text(
        [re.compile('דוח שמאי.*2–4'), re.compile('תמונות נזק.*5'), re.compile('מכתב דרישה.*נשלח בנפרד')]
    )
    expect(dana.get_by_test_id('document')).to_have_count(3)
    expect(dana.get_by_test_id('packs')).to_have_count(0)

    with colleague.expect_download() as download:
        colleague.get_by_test_id('pack-download').click()
    assert download.value.suggested_filename.endswith('.pdf')
    pack = pypdfium2.PdfDocument(download.value.path())
    told = [page.get_textpage().get_text_range() for page in pack]
    assert [re.findall(r'עמוד \d מתוך \d', page)[-1] for page in told] == [f'עמוד {n} מתוך 5' for n in range(1, 6)]
    assert claim_no in told[0]

    # one document of it, as it was submitted
    with colleague.expect_download() as download:
        colleague.get_by_test_id('pack-part').first.click()
    assert 'דוח-שמאי' in download.value.suggested_filename
    assert len(pypdfium2.PdfDocument(download.value.path())) == 3

    # where it went stands at it, and how that is written down
    colleague.get_by_test_id('pack-send').click()
    expect(colleague.get_by_test_id('pack-sent-on')).to_have_value(re.compile(r'\d\d/\d\d/\d{4}'))
    colleague.get_by_test_id('pack-sent-to').fill('מחלקת תביעות')
    colleague.get_by_test_id('pack-sent-way').select_option(label='פורטל המבטח')
    colleague.get_by_test_id('pack-sent-save').click()
    for page in (staff, colleague):
        expect(page.get_by_test_id('pack-sent')).to_contain_text('באמצעות פורטל המבטח')
    expect(colleague.get_by_test_id('pack-send-form')).to_have_count(0)
    expect(dana.get_by_test_id('pack-sent')).to_have_count(0)

    # of those that are selected nothing else goes
    staff.get_by_test_id('documents-pick').click()
    tile(staff, PHOTOS).get_by_test_id('document-open').click()
    staff.get_by_test_id('pack-make').click()
    expect(staff.get_by_test_id('pack')).to_have_count(2)
    expect(staff.get_by_test_id('pack').first).to_contain_text('2 עמ׳')
    expect(staff.get_by_test_id('documents-pick')).to_have_attribute('aria-pressed', 'false')
