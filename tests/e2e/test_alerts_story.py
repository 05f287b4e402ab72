"""Alerts that people choose: a slip rings nobody, what one switches off stays silent, and a claim is muted or put aside by hand."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import PHONE, Person, ready

pytestmark = pytest.mark.e2e

BODYWORK, PAINT = 'פחחות', 'צבע'


def alerts_of(page: Page) -> Locator:
    return page.get_by_role('main').get_by_test_id('alert')


def write_address(staff: Page, address: str) -> None:
    staff.get_by_test_id('tab-overview').click()
    staff.get_by_test_id('field-insured_address').click()
    staff.get_by_test_id('edit-insured_address').fill(address)
    staff.get_by_test_id('edit-insured_address').press('Enter')
    expect(staff.get_by_test_id('field-insured_address')).to_contain_text(address)


def choose(menu: Page | Locator, what: str) -> None:
    menu.get_by_test_id(f'watch-{what}').click()


def test_a_slip_rings_nobody_and_a_claim_is_silent_on_demand(person: Person) -> None:
    staff, dana = person('staff@bureau.demo'), person('dana@levi.demo', path='/?status=in_repair')
    bodywork = dana.get_by_test_id('claim-row').filter(has=dana.locator('.mk-col-repair_stage', has_text=BODYWORK))
    expect(bodywork.first).to_be_attached()
    claim_no = bodywork.first.get_attribute('data-claim') or ''
    dana.goto('/alerts?unread=1')
    ready(dana)
    expect(alerts_of(dana).first).to_be_visible()
    dana.get_by_test_id('alerts-read-all').click()
    expect(dana.get_by_test_id('no-alerts')).to_be_visible()

    # the bureau moves the car on by mistake and takes it back; then it writes something that is meant
    staff.goto(f'/claims/{claim_no}?tab=repair')
    ready(staff)
    staff.get_by_test_id('stage-forward').click()
    expect(staff.get_by_test_id('repair-stage')).to_have_text(PAINT)
    staff.get_by_test_id('undo-toast').get_by_test_id('undo').click()
    expect(staff.get_by_test_id('repair-stage')).to_have_text(BODYWORK)
    write_address(staff, 'הרצל 10, חיפה')
    expect(alerts_of(dana)).to_have_count(1)
    expect(alerts_of(dana)).to_contain_text('הרצל 10, חיפה')
    expect(dana.get_by_test_id('bell-count')).to_have_text('1')

    # from the alert she puts the claim aside until a working morning: it is gone, and its page says until when
    dana.get_by_test_id('alert-menu').click()
    dialog = dana.get_by_test_id('watch-dialog')
    expect(dialog.get_by_test_id('watch-day')).to_contain_text('07:30')
    choose(dialog, 'day')
    expect(dana.get_by_test_id('no-alerts')).to_be_visible()
    expect(dana.get_by_test_id('bell-count')).to_have_count(0)
    dana.goto(f'/claims/{claim_no}')
    ready(dana)
    watch = dana.get_by_test_id('watch')
    expect(watch).to_contain_text('מושהה עד')

    # she takes it up again and mutes it: what is written now rings nobody's bell but the others'
    watch.click()
    choose(dana, 'resume')
    expect(watch).to_have_text(re.compile('התראות$'))
    watch.click()
    choose(dana, 'mute')
    expect(watch).to_contain_text('מושתק')


def test_choices_are_saved_at_once_and_money_stays_on(person: Person) -> None:
    dana = person('dana@levi.demo', path='/account')
    calls = dana.locator('[data-testid=choice][data-event=calls]')
    switch = calls.get_by_role('switch', name='שיחות, במערכת')
    expect(switch).to_have_attribute('aria-checked', 'true')
    switch.focus()
    dana.keyboard.press('Space')
    expect(switch).to_have_attribute('aria-checked', 'false')
    expect(dana.get_by_test_id('choices-saved')).to_have_text('נשמר')
    cheques = dana.locator('[data-testid=choice][data-event=cheques]')
    expect(cheques.get_by_test_id('locked-app')).to_be_visible()
    expect(cheques).to_contain_text('מוצג תמיד')
    expect(cheques.get_by_role('switch')).to_have_count(1)
    dana.reload()
    ready(dana)
    expect(switch).to_have_attribute('aria-checked', 'false')


def test_alerts_by_theme_on_a_phone(person: Person) -> None:
    manager = person('manager@levi.demo', viewport=PHONE, path='/alerts')
    expect(alerts_of(manager).first).to_be_visible()
    manager.get_by_test_id('theme-changes').click()
    expect(manager.get_by_test_id('theme-changes')).to_have_attribute('aria-current', 'page')
    expect(manager).to_have_url(re.compile('theme=changes'))
    manager.get_by_test_id('alert-menu').first.click()
    expect(manager.get_by_test_id('watch-dialog').get_by_test_id('watch-date')).to_be_visible()
    manager.keyboard.press('Escape')
    expect(manager.get_by_test_id('watch-dialog')).to_be_hidden()
    width = manager.evaluate('document.documentElement.scrollWidth')
    assert width <= PHONE['width'], f'{width} pixels wide'


HEARD = """() => {
  const node = {connect: (next) => next, gain: {setValueAtTime() {}, exponentialRampToValueAtTime() {}}, frequency: {}, stop() {}};
  globalThis.heard = 0;
  globalThis.AudioContext = class {
    resume() {}
    createGain() { return node; }
    createOscillator() { return {...node, start() { globalThis.heard += 1; }}; }
  };
}"""


def test_the_bell_is_heard_by_who_asks_for_it_until_he_has_enough(person: Person) -> None:
    staff, manager = person('staff@bureau.demo'), person('manager@levi.demo')
    claim_no = manager.get_by_test_id('claim-row').first.get_attribute('data-claim')
    manager.goto('/alerts')
    ready(manager)
    manager.evaluate(HEARD)
    staff.goto(f'/claims/{claim_no}')
    ready(staff)
    write_address(staff, 'הגפן 2, חיפה')
    manager.get_by_test_id('bell').click()
    popover = manager.get_by_role('dialog', name='התראות')
    expect(popover).to_contain_text('הגפן 2, חיפה')
    popover.get_by_test_id('alerts-read-all').click()
    expect(manager.get_by_test_id('bell-count')).to_have_count(0)
    beside = manager.context.new_page()
    beside.goto('/alerts')
    ready(beside)
    beside.get_by_test_id('bell').click()
    sound, sound_beside = popover.get_by_test_id('bell-sound'), beside.get_by_test_id('bell-sound')
    expect(sound).to_have_attribute('aria-pressed', 'false')
    sound.click()
    assert manager.evaluate('heard') == 1, 'one hears what one will hear'
    expect(sound_beside).to_have_attribute('aria-pressed', 'true')
    beside.close()
    write_address(staff, 'הגפן 3, חיפה')
    expect(manager.get_by_test_id('bell-count')).to_have_text('1')
    assert manager.evaluate('heard') == 2
    sound.click()
    popover.get_by_test_id('alerts-read-all').click()
    expect(manager.get_by_test_id('bell-count')).to_have_count(0)
    write_address(staff, 'הגפן 4, חיפה')
    expect(manager.get_by_test_id('bell-count')).to_have_text('1')
    assert manager.evaluate('heard') == 2
