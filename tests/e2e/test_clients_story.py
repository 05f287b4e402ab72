"""An agent prepares for the meeting about a renewal: from a claim to the page of its client, on paper too; another office has no such page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import PHONE, Person, ready, rows

pytestmark = pytest.mark.e2e

CLAIM, NUMBER = '26-05682', '034862177'


def renewal_of(page: Page) -> Page:
    """The page of the client, by the way that the claim shows."""
    page.goto(f'/claims/{CLAIM}')
    ready(page)
    with page.context.expect_page() as opened:
        page.get_by_test_id('renewal').click()
    opened.value.wait_for_load_state()
    return opened.value


def test_what_was_done_for_a_client_goes_to_the_meeting_and_to_no_other_office(person: Person) -> None:
    manager, staff, rival = person('manager@levi.demo'), person('staff@bureau.demo'), person('agent@cohen.demo')
    other = next(number for number in rows(manager) if number != CLAIM)
    staff.goto(f'/claims/{other}')
    ready(staff)
    staff.get_by_test_id('field-insured_id_no').click()
    staff.get_by_test_id('edit-insured_id_no').fill(NUMBER)
    staff.get_by_test_id('edit-insured_id_no').press('Enter')
    expect(staff.get_by_test_id('field-insured_id_no')).to_contain_text(NUMBER)

    report = renewal_of(manager)
    expect(report.get_by_test_id('renewal-claims')).to_have_text('שתי תביעות')
    lines = report.get_by_test_id('renewal-line')
    expect(lines).to_have_count(2)
    told = ' '.join(lines.all_inner_texts())
    assert CLAIM in told
    assert other in told
    sums = [amount_in(text) for text in lines.locator('td[data-label=נדרש]').all_inner_texts()]
    assert amount_in(report.locator('tfoot td[data-label=נדרש]').inner_text()) == sum(sums) > 0

    report.emulate_media(media='print')
    expect(report.get_by_role('button', name='הדפסה')).to_be_hidden()
    foot = report.locator('tfoot').evaluate('element => getComputedStyle(element).display')
    assert foot == 'table-row-group', 'the sum stands under the last claim, not under each sheet'
    report.emulate_media(media='screen')
    report.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert report.evaluate('document.documentElement.scrollWidth') == PHONE['width']
    report.get_by_role('link', name='אל הלקוחות').click()
    client = ready(report).get_by_test_id('client').filter(has_text=re.compile('ברקוביץ')).first
    expect(client).to_be_visible()

    answer = rival.request.get(f'/claims/{CLAIM}/renewal')
    assert (answer.status, NUMBER in answer.text()) == (404, False)
    rival.goto('/reports/clients?period=all')
    ready(rival)
    expect(rival.get_by_test_id('client').first).to_be_visible()
    assert NUMBER not in rival.content()


def amount_in(text: str) -> float:
    digits = re.sub(r'[^\d.]', '', text)
    return float(digits) if digits else 0.0
