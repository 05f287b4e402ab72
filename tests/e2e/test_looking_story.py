"""Seeing no more than one should, in a browser: staff look as an agent and change nothing, and who reads masks is shown one number."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import DESK, PHONE, Person, press, ready, rows

pytestmark = pytest.mark.e2e

REFUSED = 'בצפייה כסוכן אי אפשר לשנות דבר.'
# what the page says last is kept, to be said again otherwise
KEEP = """() => {
    const say = socket.emit;
    socket.emit = (...said) => { if (JSON.stringify(said).includes('message-to-keep')) window.kept = said; return say.apply(socket, said); };
}"""


def test_staff_look_as_an_agent_and_change_nothing(person: Person) -> None:
    staff, dana, rival = person('staff@bureau.demo'), person('dana@levi.demo'), person('agent@cohen.demo')
    hers, others = rows(dana), rows(rival)
    staff.locator('summary.mk-user').click()
    staff.get_by_role('link', name='צפייה כסוכן').click()
    form = ready(staff).get_by_test_id('look-as')
    offered = form.locator('option').filter(has_text='דנה ארז').get_attribute('value')
    form.get_by_role('combobox').select_option(offered)
    form.get_by_role('textbox').fill('אינה רואה תביעה')
    press(staff, form.get_by_role('button'))
    banner = staff.get_by_test_id('looking')
    expect(banner).to_contain_text('דנה ארז')
    ready(staff)
    seen = rows(staff)
    assert seen == hers
    assert not {*seen} & {*others}
    unread = rows(dana, unread=True)[0]
    # the claim of another office is none; one of hers is opened, and stays bold for her
    assert staff.request.get(f'/claims/{others[0]}').status == 404
    staff.goto(f'/claims/{unread}?tab=messages')
    staff_writes(ready(staff))
    again(staff)
    what_fills_a_phone_leaves_the_banner(staff)
    assert (
        dana.get_by_test_id('claims-table').locator(f'[data-claim="{unread}"]').first.get_attribute('data-unread')
        == 'true'
    )
    dana.goto(f'/claims/{unread}?tab=messages')
    expect(ready(dana).get_by_test_id('message').first).to_be_visible()
    assert 'message-to-keep' not in dana.content()
    press(staff, banner.get_by_test_id('stop-looking'))
    expect(banner).to_have_count(0)
    expect(ready(staff).get_by_role('link', name='עבודה').first).to_be_visible()


def what_fills_a_phone_leaves_the_banner(staff: Page) -> None:
    staff.set_viewport_size(PHONE)  # type: ignore[arg-type]
    banner = staff.get_by_test_id('looking').bounding_box()
    staff.keyboard.press('Control+k')
    palette = staff.get_by_test_id('palette')
    expect(palette).to_be_visible()
    filling = palette.bounding_box()
    assert banner
    assert filling
    assert (banner['y'], banner['height']) == (0, filling['y'])
    assert filling['y'] + filling['height'] <= PHONE['height']
    backdrop = palette.evaluate("dialog => getComputedStyle(dialog, '::backdrop').top")
    assert backdrop == f'{banner["height"]:.0f}px', 'nor is it dimmed'
    staff.keyboard.press('Escape')
    staff.set_viewport_size(DESK)  # type: ignore[arg-type]


def test_who_reads_masks_is_shown_one_number_and_nobody_else_with_him(person: Person) -> None:
    shown, other, admin = person('repair@bureau.demo'), person('repair@bureau.demo'), person('admin@bureau.demo')
    number = re.compile(r'\d{9}')
    claim_no = rows(shown)[0]
    for page in (shown, other):
        page.goto(f'/claims/{claim_no}')
        expect(ready(page).get_by_test_id('field-insured_id_no')).to_contain_text('•••••')
        expect(page.get_by_test_id('field-insured_id_no')).not_to_contain_text(number)
    shown.get_by_role('button', name='הצגת המספר: ת״ז').first.click()
    expect(shown.get_by_test_id('field-insured_id_no')).to_contain_text(number)
    admin.goto(f'/admin/accesses?claim={claim_no}&what=number')
    expect(admin.get_by_test_id('access')).to_have_count(1)
    expect(admin.get_by_test_id('access')).to_contain_text('אורן שגב')
    expect(other.get_by_test_id('field-insured_id_no')).to_contain_text('•••••')
    expect(other.get_by_test_id('field-insured_id_no')).not_to_contain_text(number)


def staff_writes(staff: Page) -> None:
    staff.evaluate(KEEP)
    box = staff.get_by_test_id('message-box')
    box.fill('message-to-keep')
    box.press('Enter')
    expect(staff.get_by_text(REFUSED).first).to_be_visible()
    expect(box).to_have_value(re.compile('message-to-keep'))


def again(staff: Page) -> None:
    """The same once more, past the page: straight into its socket."""
    staff.wait_for_function('window.kept')
    staff.evaluate(
        """refused => new Promise((done) => {
            socket.on('update', (said) => { if (JSON.stringify(said).includes(refused)) done(); });
            socket.emit(...JSON.parse(JSON.stringify(kept).replaceAll('message-to-keep', 'message-to-keep, hostile')));
        })""",
        REFUSED,
    )
