"""A manager takes a filtered list away: exports, leaves, comes back, fetches the file and opens it."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pyotp import TOTP

from jobs.sheets import FIRST_ROW, HEADER_ROW
from tests.e2e.browsing import DESK, PASSWORD, PHONE, Person, ready, rows, visiting
from tests.e2e.conftest import serving
from tests.e2e.test_accessibility import serious, serious_in_the_dark
from tests.workbooks import by_openpyxl

pytestmark = pytest.mark.e2e


def test_a_manager_exports_leaves_comes_back_and_opens_the_file(person: Person, tmp_path: Path) -> None:
    manager = person('manager@levi.demo')
    manager.goto('/?view=closed&sort=insured_name&size=100')
    first_page = rows(manager)
    total = manager.get_by_test_id('view-closed').locator('.mk-badge').inner_text()
    manager.get_by_test_id('export').dblclick()  # one click or two: one file
    item = manager.get_by_test_id('export-item')
    expect(item).to_have_count(1)
    # the file comes when it is made, whatever page of Maakav one is on; this one does not wait for it
    manager.goto('/alerts')
    ready(manager)
    manager.goto('/')
    ready(manager)
    manager.get_by_test_id('exports-tray').click()
    expect(item).to_have_attribute('data-state', 'done', timeout=60_000)
    expect(item).to_contain_text('תביעות סגורות')
    with manager.expect_download() as download:
        item.get_by_test_id('export-download').click()
    assert download.value.suggested_filename.startswith('תביעות-סגורות_')
    download.value.save_as(tmp_path / 'a.xlsx')
    sheet = by_openpyxl(tmp_path / 'a.xlsx')['תביעות']
    place = [cell.value for cell in sheet[HEADER_ROW]].index('מס׳ תביעה')
    numbers = [row[place] for row in sheet.iter_rows(min_row=FIRST_ROW, values_only=True)]
    assert len(numbers) == int(total)
    assert numbers[: len(first_page)] == first_page
    item.get_by_test_id('export-away').click()
    expect(item).to_have_count(0)
    expect(manager.get_by_test_id('export-list')).to_be_visible()
    expect(manager.get_by_role('heading', name='הקבצים שלי')).to_have_count(0)


def test_a_workbook_asked_for_in_another_window_moves_none_under_the_hand(person: Person) -> None:
    manager = person('manager@levi.demo')
    other = manager.context.new_page()
    for page, view in ((manager, 'open'), (other, 'all')):
        page.goto(f'/?view={view}')
        ready(page)
    items = manager.get_by_test_id('export-item')
    manager.get_by_test_id('export').click()
    expect(items).to_have_count(1)
    mine = items.get_attribute('data-export') or ''
    other.get_by_test_id('export').click()
    expect(items).to_have_count(2)
    expect(items.first).to_have_attribute('data-export', mine)
    # who looks anew finds the newest first
    for _ in range(2):
        manager.get_by_test_id('exports-tray').click()
    expect(items.last).to_have_attribute('data-export', mine)


def test_who_stays_gets_the_file_by_itself_also_on_a_phone(person: Person, tmp_path: Path) -> None:
    dana = person('dana@levi.demo', viewport=PHONE)
    numbers = rows(dana)
    dana.get_by_test_id('claim-row').first.dispatch_event('touchstart')
    expect(dana.get_by_test_id('bulk-count')).to_be_visible()
    with dana.expect_download(timeout=60_000) as download:
        dana.get_by_test_id('bulk-export').click()
    download.value.save_as(tmp_path / 'a.xlsx')
    sheet = by_openpyxl(tmp_path / 'a.xlsx').worksheets[0]
    assert [sheet.cell(FIRST_ROW, 2).value, sheet.cell(FIRST_ROW + 1, 2).value] == [numbers[0], None]
    width = json.loads(dana.evaluate('JSON.stringify(document.documentElement.scrollWidth)'))
    assert width <= PHONE['width']


@pytest.mark.parametrize('size', [DESK, PHONE], ids=['desk', 'phone'])
def test_all_details_come_along_when_one_asks_for_them(person: Person, tmp_path: Path, size: dict[str, int]) -> None:
    yossi = person('yossi@levi.demo', viewport=size)

    def headers(click: Locator) -> list[str]:
        with yossi.expect_download(timeout=60_000) as download:
            click.click()
        download.value.save_as(tmp_path / 'a.xlsx')
        return [cell.value for cell in by_openpyxl(tmp_path / 'a.xlsx').worksheets[0][HEADER_ROW]]

    shown = headers(yossi.get_by_test_id('export'))
    yossi.keyboard.press('Escape')
    yossi.get_by_test_id('exports-tray').click()
    assert len(shown) == 10
    assert yossi.evaluate('document.documentElement.scrollWidth') <= size['width']
    assert [serious(yossi), serious_in_the_dark(yossi)] == [[], []]
    detailed = headers(yossi.get_by_test_id('export-details'))
    assert detailed[:10] == shown
    assert 'ת״ז המבוטח' in detailed

    yossi.get_by_test_id('exports-tray').click()
    row = yossi.get_by_test_id('claim-row').first
    row.dispatch_event('touchstart') if size == PHONE else row.get_by_role('checkbox').check()
    yossi.get_by_test_id('bulk-export-choices').click()
    assert [serious(yossi), serious_in_the_dark(yossi)] == [[], []]
    assert headers(yossi.get_by_test_id('bulk-export-details')) == detailed


def test_very_many_claims_take_the_password_and_the_code_of_the_phone(
    chromium: Browser, demo_data: Path, tmp_path: Path
) -> None:
    shutil.copytree(demo_data, tmp_path, dirs_exist_ok=True)
    database = f'sqlite:///{tmp_path}/maakav.db'
    with (
        serving('tests.e2e.wary_app', tmp_path, DATABASE_URL=database) as server,
        visiting(chromium, server, forgiven=('401',)) as person,
    ):
        dana, yossi = person('dana@levi.demo', viewport=PHONE), person('yossi@levi.demo')
        phone, codes = turned_on(dana)
        yossi.get_by_test_id('export').click()
        expect(yossi.get_by_test_id('export-password')).to_be_focused()
        expect(yossi.get_by_test_id('export-code')).to_have_count(0)
        # Escape leaves what was typed, and an empty form
        yossi.get_by_test_id('export-password').fill('x')
        for _ in range(4):
            yossi.keyboard.press('Escape')
            expect(yossi.get_by_test_id('export-password')).to_have_value('x')
            expect(yossi.get_by_test_id('export-confirm')).to_be_visible()
        yossi.get_by_test_id('export-password').fill('')
        yossi.keyboard.press('Escape')
        expect(yossi.get_by_test_id('export-confirm')).to_have_count(0)

        dana.goto('/')
        ready(dana).get_by_test_id('export').click()
        password, code = dana.get_by_test_id('export-password'), dana.get_by_test_id('export-code')
        for name, value in (('autocomplete', 'one-time-code'), ('inputmode', 'numeric')):
            expect(code).to_have_attribute(name, value)
        assert dana.evaluate('document.documentElement.scrollWidth') <= PHONE['width']
        assert [serious(dana), serious_in_the_dark(dana)] == [[], []]
        password.fill(PASSWORD)
        expect(dana.get_by_test_id('export-go')).to_be_disabled()
        # the title's own buttons have no words on a phone; these do
        expect(dana.get_by_test_id('export-go')).not_to_have_css('font-size', '0px')
        code.fill('000')
        dana.get_by_test_id('export-go').click()
        expect(dana.get_by_test_id('export-error')).to_contain_text('הקוד אינו נכון')
        expect(code).to_be_focused()
        expect(code).to_have_value('')
        expect(password).to_have_value(PASSWORD)
        code.fill(phone.at(datetime.now(UTC) + timedelta(seconds=30)))
        with dana.expect_download(timeout=60_000):
            code.press('Enter')

        dana.goto('/?view=all')  # another time the phone lies at home
        ready(dana).get_by_test_id('export').click()
        dana.get_by_test_id('export-other-code').click()
        expect(code).to_have_attribute('inputmode', 'text')
        code.fill(codes[0])
        password.fill(PASSWORD)
        # what is typed stays when an earlier workbook is put away meanwhile
        beside = dana.context.new_page()
        beside.goto('/')
        ready(beside).get_by_test_id('exports-tray').click()
        beside.get_by_test_id('export-away').click()
        expect(beside.get_by_test_id('export-item')).to_have_count(0)
        dana.wait_for_timeout(300)
        expect(password).to_have_value(PASSWORD)
        with dana.expect_download(timeout=60_000):
            code.press('Enter')


def turned_on(page: Page) -> tuple[TOTP, list[str]]:
    """Somebody sets up two-step verification; his app and his recovery codes."""
    page.goto('/account/two-factor')
    page.fill('[name=current_password]', PASSWORD)
    page.get_by_test_id('two-factor').locator('button[type=submit]').first.click()
    phone = TOTP(page.get_by_test_id('two-factor-key').inner_text().replace(' ', ''))
    page.get_by_label('קוד אימות').fill(phone.now())
    page.get_by_test_id('two-factor').locator('button[type=submit]').first.click()
    expect(page.locator('#codes li')).to_have_count(10)
    return phone, page.locator('#codes li').all_inner_texts()
