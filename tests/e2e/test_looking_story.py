"""Looking as an agent in a browser: staff see the agent's list under a banner, whatever they send changes nothing, and the banner ends it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Person, press, ready, rows

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
