"""A manager reads the dashboard: from a figure to exactly its claims, and a table taken home."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from db import values
from db.calendar import sunday_of
from tests.e2e.browsing import NO_DAY, Person, ready, rows

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
    figure = garage.get_by_test_id('figure').first
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


# the browser's calendar is no part of the page: this one tells on which day it opens, and somebody picks the fifth of October in it
CALENDAR = """() => { HTMLInputElement.prototype.showPicker = function () {
    window.openedOn = this.value;
    this.value = '2026-10-05';
    for (const name of ['input', 'change']) this.dispatchEvent(new Event(name, {bubbles: true}));
}; }"""


def test_the_days_of_the_dashboard_are_those_that_were_typed_or_nothing_is_asked(person: Person) -> None:
    manager = person('manager@levi.demo')
    manager.goto('/reports')
    ready(manager)
    manager.evaluate(CALENDAR)
    first, last = (manager.get_by_role('textbox', name=name, exact=True) for name in ('מתאריך', 'עד תאריך'))
    # the calendar opens on what the server reads
    spellings = (
        '1.2.26',
        '5/9/2026',
        ' 5 - 9 - 70',
        '05092026',
        '2026-9-5',
        '\u200f29.2.28',
        '29.2.27',
        '5/9-26',
        '1/1/1066',
    )
    for typed in spellings:
        first.fill(typed)
        manager.get_by_role('button', name='בחירת תאריך התחלה').click()
        read = values.day_in(typed)
        assert manager.evaluate('window.openedOn') == (read.isoformat() if read else ''), typed
        expect(first).to_have_value('05/10/2026')

    last.fill('31/11/2026')
    last.press('Enter')
    assert last.evaluate('field => field.validationMessage') == NO_DAY
    expect(last).to_have_attribute('aria-invalid', 'true')
    assert manager.url.endswith('/reports')
    expect(last).to_have_value('31/11/2026')
    last.fill('')
    last.press('Enter')
    expect(manager.get_by_role('alert').filter(has_text='חסר כאן תאריך')).to_be_visible()
    expect(last).to_be_focused()
    last.fill('30112026')
    manager.get_by_test_id('show-days').click()
    manager.wait_for_url('**/reports?period=days&from=05%2F10%2F2026&to=30%2F11%2F2026')
    ready(manager)
    expect(manager.get_by_test_id('money-line')).to_contain_text('05/10/2026 – 30/11/2026')
    # what was sent is not told as unsent
    assert manager.evaluate('Object.keys(sessionStorage).filter((key) => key.startsWith("maakav.typed"))') == []


def test_on_paper_the_dashboard_says_what_its_figures_are_of(person: Person) -> None:
    manager = person('manager@levi.demo', path='/reports?period=12m')
    manager.emulate_media(media='print')
    for told in ('from', 'filter-insurer', 'period-12m'):
        expect(manager.get_by_test_id(told)).to_be_visible()
    for ordered in ('show-days', 'show-firms', 'period-3m', 'export-all', 'export-garages', 'export-month'):
        expect(manager.get_by_test_id(ordered)).to_be_hidden()


def test_a_day_of_a_filter_is_kept_as_typed_and_said_to_be_none(person: Person) -> None:
    dana = person('dana@levi.demo')
    year = values.israel(datetime.now(UTC)).year
    dana.get_by_test_id('filter-event').click()
    first, last = (dana.get_by_role('textbox', name=name, exact=True) for name in ('מתאריך', 'עד תאריך'))
    first.fill('5/1')
    first.press('Enter')
    chip = dana.locator('[data-testid=active-filter][data-filter=event]')
    expect(chip).to_contain_text(f'05/01/{year} – …')
    expect(first).to_have_value(f'05/01/{year}')

    first.fill('31/02/2026')
    first.press('Enter')
    expect(dana.get_by_role('alert').filter(has_text=NO_DAY)).to_be_visible()
    last.fill('6/1')
    last.press('Enter')
    expect(chip).to_contain_text(f'05/01/{year} – 06/01/{year}')
    expect(first).to_have_value('31/02/2026')
    expect(first).to_have_attribute('aria-invalid', 'true')

    # half typed while the bar is drawn anew
    first.fill('7/')
    dana.get_by_test_id('view-all').dispatch_event('click')
    dana.wait_for_url('**/?view=all&*')
    ready(dana)
    expect(first).to_have_value('7/')


def test_the_calendar_of_cheques_goes_back_and_forth_without_leaving_the_page(person: Person) -> None:
    manager = person('manager@levi.demo')
    manager.goto('/reports?period=12m')
    ready(manager)
    manager.evaluate('window.sameLoad = true')
    weeks, after = manager.get_by_test_id('weeks'), manager.get_by_test_id('weeks-after')
    usual = weeks.inner_text()
    after.focus()
    after.press('Enter')
    expect(weeks).not_to_have_text(usual)
    expect(after).to_be_focused()
    manager.wait_for_url('**/reports?period=12m&weeks=*')
    moved = weeks.inner_text()
    assert manager.evaluate('window.sameLoad')
    manager.reload()
    expect(weeks).to_have_text(moved)
    manager.get_by_test_id('weeks-before').click()
    expect(weeks).to_have_text(usual)

    # what is being chosen meanwhile stays, and no step is lost
    first = manager.get_by_role('textbox', name='מתאריך', exact=True)
    first.fill('7/10')
    for _ in range(3):
        after.dispatch_event('click')
    there = sunday_of(values.israel(datetime.now(UTC)).date()) + timedelta(days=3 * 28)
    manager.wait_for_url(f'**/reports?period=12m&weeks={there}')
    expect(weeks).to_contain_text(f'{there:%d/%m}')
    expect(first).to_have_value(f'07/10/{values.israel(datetime.now(UTC)).year}')
