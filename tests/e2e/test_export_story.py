"""A manager takes a filtered list away: exports, leaves, comes back, fetches the file and opens it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from jobs.sheets import FIRST_ROW, HEADER_ROW
from tests.e2e.browsing import PHONE, Person, ready, rows
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
    expect(manager.get_by_test_id('exports-tray')).to_have_count(0)


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
