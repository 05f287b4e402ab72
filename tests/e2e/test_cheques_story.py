"""Cheques as people follow them: what falls due, a step under everybody's eyes and back, a reason where one is asked, the calendar."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import PHONE, Person, ready

pytestmark = pytest.mark.e2e

OPEN = '/cheques?view=open&size=100'


def cheque(page: Page, cheque_id: str) -> Locator:
    return page.locator(f'[data-testid=cheque][data-cheque="{cheque_id}"]')


def state_is(page: Page, cheque_id: str, state: str) -> None:
    expect(cheque(page, cheque_id).get_by_test_id('cheque-state')).to_have_attribute('data-state', state)


def test_a_cheque_goes_on_and_back_under_the_eyes_of_the_office(person: Person) -> None:
    dana, staff = person('dana@levi.demo', path=OPEN), person('staff@bureau.demo', path=OPEN)
    received = dana.locator('[data-testid=cheque]:has([data-state=received])').first
    expect(received).to_be_visible()
    mine = received.get_attribute('data-cheque') or ''
    dana.evaluate('window.sameLoad = true')
    expect(dana.get_by_test_id('cheque-next')).to_have_count(0)

    cheque(staff, mine).get_by_test_id('cheque-next').click()
    for page in (staff, dana):
        state_is(page, mine, 'handed_over')
    staff.get_by_test_id('undo-toast').get_by_test_id('undo').click()
    for page in (staff, dana):
        state_is(page, mine, 'received')

    cheque(staff, mine).get_by_test_id('cheque-more').click()
    staff.get_by_test_id('step-cancelled').click()
    expect(staff.get_by_test_id('cheque-confirm')).to_be_disabled()
    staff.get_by_test_id('cheque-dialog').get_by_role('radio').first.check()
    staff.get_by_test_id('cheque-confirm').click()
    expect(staff.get_by_test_id('cheque-dialog')).to_have_count(0)
    for page in (staff, dana):
        expect(cheque(page, mine)).to_have_count(0)
    assert dana.evaluate('window.sameLoad'), 'nothing was reloaded'
    dana.get_by_test_id('view-done').click()
    expect(dana.get_by_test_id('view-done')).to_have_attribute('aria-selected', 'true')
    expect(dana).to_have_url(re.compile('view=done'))


def test_what_one_is_choosing_for_a_cheque_stays_when_others_work_on(person: Person) -> None:
    staff, other = person('staff@bureau.demo', path=OPEN), person('staff2@bureau.demo', path=OPEN)
    received = staff.locator('[data-testid=cheque]:has([data-state=received])')
    mine, theirs = (received.nth(place).get_attribute('data-cheque') or '' for place in (0, 1))
    cheque(staff, mine).get_by_test_id('cheque-more').click()
    staff.get_by_test_id('step-cancelled').click()
    why = staff.get_by_test_id('cheque-dialog').get_by_role('radio').first
    why.check()
    cheque(other, theirs).get_by_test_id('cheque-next').click()
    state_is(staff, theirs, 'handed_over')
    expect(why).to_be_checked()


def test_the_calendar_leads_from_a_day_to_its_cheques_and_back(person: Person) -> None:
    dana = person('dana@levi.demo', path='/cheques')
    due = dana.locator('[data-testid=cheque]').first
    expect(due).to_be_visible()
    mine = due.get_attribute('data-cheque') or ''
    day = '-'.join(reversed(due.locator('.mk-qdue .mk-num').inner_text().split('/')))
    dana.goto(f'/cheques?view=calendar&month={day[:7]}')
    ready(dana)
    here = dana.locator(f'[data-testid=calendar-day][data-day="{day}"]')
    expect(here).to_have_attribute('aria-pressed', 'false')
    here.click()
    expect(here).to_have_attribute('aria-pressed', 'true')
    expect(dana).to_have_url(re.compile(f'day={day}'))
    expect(cheque(dana, mine)).to_be_visible()
    dana.reload()
    ready(dana)
    expect(here).to_have_attribute('aria-pressed', 'true')
    dana.go_back()
    expect(here).to_have_attribute('aria-pressed', 'false')
    title = dana.get_by_test_id('calendar-title')
    shown = title.inner_text()
    dana.get_by_test_id('month-after').click()
    expect(title).not_to_have_text(shown)


def test_on_the_phone_cheques_are_cards_that_lead_to_their_claim(person: Person) -> None:
    dana = person('dana@levi.demo', viewport=PHONE, path='/alerts')
    dana.get_by_test_id('due-line').click()
    ready(dana)
    card = dana.locator('article[data-testid=cheque]').first
    expect(card).to_be_visible()
    assert dana.evaluate('document.documentElement.scrollWidth <= innerWidth')
    claim_no = card.get_attribute('data-claim') or ''
    card.get_by_role('link').click()
    expect(dana).to_have_url(re.compile(rf'/claims/{claim_no}\?tab=money'))
