"""The bureau's workbook as staff live it: sent, looked through, a word taught, saved, its refused rows taken home, and sent again."""

import io
from urllib.parse import urlsplit

import openpyxl
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.browsing import PHONE, Person, ready

pytestmark = pytest.mark.e2e

HEADINGS = ("מס' תביעה", 'סוכנות', 'שם המבוטח', 'תאריך האירוע', "מס' רכב", 'סטטוס', 'צבע הרכב')
SLOW = 30_000


def workbook() -> FilePayload:
    book = openpyxl.Workbook()
    book.active.append(['דוח תביעות שבועי'])
    book.active.append(HEADINGS)
    for number in range(1, 9):
        row = (
            f'EX-2026-{number:03}',
            'סוכנות לוי',
            'רונית ברקוביץ',
            '28/10/2026',
            f'217348{number:02}',
            'חדשה',
            'כסוף',
        )
        book.active.append(row)
    book.active.append(('EX-2026-009', 'סוכנות לוי', 'עמית גל', '29/10/2026', '21734877', 'חונה במוסך', ''))
    book.active.append(('EX-2026-010', 'סוכנות לוי', 'נועה גל', '31/02/2026', '21734878', 'חדשה', ''))
    packed = io.BytesIO()
    book.save(packed)
    return {'name': 'תביעות השבוע.xlsx', 'mimeType': 'application/octet-stream', 'buffer': packed.getvalue()}


def send(page: Page, file: FilePayload) -> None:
    page.goto('/import')
    ready(page)
    page.get_by_test_id('import-file').set_input_files([file])
    page.wait_for_url('**/import/*', timeout=SLOW)
    ready(page)


def standing(page: Page, state: str) -> None:
    expect(page.get_by_test_id('import')).to_have_attribute('data-state', state, timeout=SLOW)


def test_a_workbook_becomes_claims(person: Person) -> None:
    staff, file = person('staff@bureau.demo'), workbook()
    send(staff, file)
    unread = staff.locator('[data-testid=import-column][data-index="6"]')
    expect(unread).to_contain_text('צבע הרכב')
    expect(unread.locator('select')).to_have_value('')
    staff.get_by_test_id('import-check').click()
    standing(staff, 'checked')
    expect(staff.get_by_test_id('outcome-refused')).to_contain_text('2')
    expect(staff.get_by_test_id('import-row').filter(has_text='EX-2026-010')).to_contain_text('אין תאריך כזה')

    # a colleague has it open on the phone and sees every step
    phone = person('staff2@bureau.demo', viewport=PHONE, path=urlsplit(staff.url).path)
    standing(phone, 'checked')
    assert phone.evaluate('document.documentElement.scrollWidth') <= PHONE['width']

    word = staff.get_by_test_id('import-word').filter(has_text='חונה במוסך')
    word.locator('select').select_option(label='הרכב בתיקון')
    staff.get_by_test_id('import-teach').click()
    expect(phone.get_by_test_id('outcome-new')).to_contain_text('9', timeout=SLOW)
    expect(staff.get_by_test_id('import-word')).to_have_count(0)
    staff.get_by_test_id('import-commit').click()
    standing(staff, 'done')
    standing(phone, 'done')
    expect(phone.get_by_test_id('import-came')).to_contain_text('9 שורות נשמרו')
    with staff.expect_download() as download:
        staff.get_by_test_id('import-refused').click()
    sheet = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes())).active
    assert [sheet.cell(2, 1).value, sheet.max_row] == ['EX-2026-010', 2]

    # the office has its claim, and the same file again changes nothing
    dana = person('dana@levi.demo', path='/claims/EX-2026-009')
    expect(dana.get_by_test_id('claim-header')).to_contain_text('הרכב בתיקון')
    send(staff, file)
    expect(staff.get_by_test_id('import-earlier')).to_be_visible()
    staff.get_by_test_id('import-check').click()
    standing(staff, 'checked')
    expect(staff.get_by_test_id('outcome-same')).to_contain_text('9')
    expect(staff.get_by_test_id('import-commit')).to_be_disabled()
