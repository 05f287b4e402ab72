"""A manager reads the dashboard: from a figure to exactly its claims, and a table taken home."""

from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import Person, ready, rows

pytestmark = pytest.mark.e2e


def test_a_figure_opens_the_claims_it_counts_and_a_table_goes_home(person: Person) -> None:
    manager = person('manager@levi.demo')
    manager.get_by_role('link', name='לוח בקרה').first.click()
    ready(manager)
    manager.get_by_test_id('period-12m').click()
    manager.wait_for_url('**/reports?period=12m')
    ready(manager)
    expect(manager.locator('.mk-chart svg').first).to_be_visible()

    garage = manager.get_by_test_id('table-garages').locator('tbody tr').first
    figure = garage.get_by_test_id('figure')
    many = int(figure.get_attribute('data-figure') or 0)
    assert many > 0
    figure.click()
    manager.wait_for_url('**/?view=all&*')
    ready(manager)
    expect(manager.get_by_test_id('view-all')).to_contain_text(str(many))
    assert len(rows(manager)) == min(many, 25)
    expect(manager.locator('[data-testid=active-filter][data-filter=delivered]')).to_be_visible()

    manager.go_back()
    ready(manager)
    with manager.expect_download() as download:
        manager.get_by_test_id('export-garages').click()
    (sheet,) = openpyxl.load_workbook(BytesIO(Path(download.value.path()).read_bytes())).worksheets
    assert sheet.sheet_view.rightToLeft
    assert sheet.cell(4, 2).value == many

    # the browser's calendar is no part of the page: somebody picks the fifth of October in it
    manager.evaluate(
        "() => { HTMLInputElement.prototype.showPicker = function () { this.value = '2026-10-05'; this.onchange(); }; }"
    )
    manager.get_by_role('button', name='בחירת תאריך').first.click()
    expect(manager.get_by_role('textbox', name='מתאריך')).to_have_value('05/10/2026')
    manager.get_by_test_id('show-days').click()
    manager.wait_for_url('**/reports?period=days&*')
