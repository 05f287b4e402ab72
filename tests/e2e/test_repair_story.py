"""The repair as everybody follows it: the bureau, the office, and by links without an account the garage and the insured."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from db import values
from db.base import now
from tests import papers
from tests.e2e.browsing import NO_DAY, PATIENCE, PHONE, Person, nothing_arrives, ready

pytestmark = pytest.mark.e2e

PARTS, BODYWORK, PAINT = 'המתנה לחלקים', 'פחחות', 'צבע'
COMING = values.israel(now()).date() + timedelta(days=300)
Phone = Callable[[str], Page]


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Phone]:
    """Open an address on somebody's phone, without an account: `phone(link)`. No page may throw."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_link(address: str) -> Page:
        context = chromium.new_context(locale='he-IL', timezone_id='Asia/Jerusalem', viewport=PHONE, has_touch=True)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on('pageerror', lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_link
    for context in contexts:
        context.close()
    assert complaints == []


def claim_in_bodywork(page: Page) -> str:
    """Every test moves its claim on: the next one finds another."""
    return claim_in_repair(page, BODYWORK)


def claim_in_repair(page: Page, stage: str = '') -> str:
    page.goto('/?status=in_repair')
    ready(page)
    row = page.get_by_test_id('claim-row').filter(has=page.locator('.mk-col-repair_stage', has_text=stage)).first
    expect(row).to_be_attached()
    return row.get_attribute('data-claim') or ''


def open_repair(page: Page, claim_no: str) -> Page:
    page.goto(f'/claims/{claim_no}?tab=repair')
    ready(page)
    expect(stage(page)).to_be_visible()
    return page


def stage(page: Page) -> Locator:
    return page.get_by_test_id('repair-stage')


def make_link(page: Page, purpose: str) -> str:
    page.get_by_test_id(f'link-{purpose}').click()
    expect(page.get_by_test_id('link-qr')).to_be_visible()
    return page.get_by_test_id('link-address').inner_text()


def revoke(page: Page) -> None:
    page.get_by_test_id('link-revoke').first.click()
    expect(page.locator('[data-testid=link][data-alive=false]')).to_have_count(1)


def test_a_stage_moves_under_the_eyes_of_the_office_and_a_slip_is_taken_back(person: Person) -> None:
    staff, dana = person('staff@bureau.demo'), person('dana@levi.demo')
    claim_no = claim_in_bodywork(dana)
    open_repair(staff, claim_no)
    open_repair(dana, claim_no)
    dana.evaluate('window.sameLoad = true')
    expect(dana.get_by_test_id('stage-forward')).to_have_count(0)
    staff.get_by_test_id('stage-forward').click()
    for page in (staff, dana):
        expect(stage(page)).to_have_text(PAINT)
    expect(dana.get_by_test_id('repair-stays').locator('.mk-on')).to_have_attribute('data-stage', 'paint')
    staff.get_by_test_id('undo-toast').get_by_test_id('undo').click()
    for page in (staff, dana):
        expect(stage(page)).to_have_text(BODYWORK)
    expect(dana.get_by_test_id('repair-stays').locator('.mk-on')).to_have_attribute('data-stage', 'bodywork')
    expect(staff.get_by_test_id('undo-toast')).to_have_count(0)
    staff.get_by_test_id('stage-back').click()
    expect(stage(dana)).to_have_text(PARTS)
    assert dana.evaluate('window.sameLoad'), 'nothing was reloaded'


def test_a_garage_works_from_a_phone_until_its_link_is_revoked(person: Person, phone: Phone, tmp_path: Path) -> None:
    staff = person('staff@bureau.demo')
    open_repair(staff, claim_in_bodywork(person('dana@levi.demo')))
    link = make_link(staff, 'garage')
    garage = phone(link)
    expect(stage(garage)).to_have_text(BODYWORK)
    garage.get_by_test_id('forward').click()
    expect(stage(garage)).to_have_text(PAINT)
    expect(garage.get_by_test_id('said')).to_be_visible()
    expect(stage(staff)).to_have_text(PAINT)
    garage.get_by_test_id('photo').set_input_files(
        {'name': 'paint.jpg', 'mimeType': 'image/jpeg', 'buffer': papers.jpeg()}
    )
    expect(garage.locator('[data-told]')).to_have_text('תמונה אחת מהשלב הזה')
    expect(staff.locator('[data-stage=paint]').get_by_test_id('repair-photo')).to_be_visible()
    # as is a photo that is too big
    film = tmp_path / 'film.jpg'
    with film.open('wb') as file:
        file.truncate(26 * 1024 * 1024)
    fender = tmp_path / 'fender.png'
    fender.write_bytes(papers.png())
    # it and what is no photo hold no other up
    letter = tmp_path / 'letter.pdf'
    letter.write_bytes(papers.pdf())
    garage.get_by_test_id('photo').set_input_files([film, letter, fender])
    expect(garage.locator('[data-told]')).to_contain_text('הגיעו 1 מתוך 3')
    expect(garage.locator('[data-told]')).to_contain_text('letter.pdf')
    expect(garage.locator('[data-told]')).to_contain_text('שתי תמונות מהשלב הזה')
    expect(staff.locator('[data-stage=paint]').get_by_test_id('repair-photo')).to_have_count(2)
    expect(garage.locator('[data-told]')).to_contain_text('גדולה מדי: אפשר לשלוח תמונה של עד 25 MB')
    expect(garage.locator('[data-told]')).to_contain_text('film.jpg')
    # a day that is none is told before it is sent
    here = garage.url
    day = garage.get_by_test_id('day')
    if not day.is_visible():
        garage.locator('summary', has_text='מסירה').click()
    day.fill('31/02/2098')
    day.press('Enter')
    assert day.evaluate('field => field.validationMessage') == NO_DAY
    assert garage.url == here
    day.fill('5.1.2098')
    day.press('Enter')
    assert 'מאוחר מדי' in day.evaluate('field => field.validationMessage')
    day.fill(f'{COMING.day}.{COMING.month}.{COMING.year}')
    garage.get_by_test_id('save-day').click()
    expect(garage.get_by_test_id('said')).to_contain_text('מועד המסירה עודכן')
    expect(staff.get_by_test_id('repair-days')).to_contain_text(f'{COMING:%d/%m/%Y}')
    expect(staff.get_by_test_id('expect-day')).to_have_value(f'{COMING:%d/%m/%Y}')
    # why it stands still is asked above the reasons, where there is room for it on a phone
    garage.locator('summary', has_text='התיקון מושהה').click()
    garage.get_by_test_id('hold-save').click()
    expect(garage.locator('fieldset [data-said]')).to_have_text('נא לבחור אחת מהאפשרויות.')
    garage.get_by_role('radio').first.check()
    expect(garage.locator('fieldset [data-said]')).to_be_empty()
    revoke(staff)
    garage.reload()
    expect(garage.locator('body')).to_contain_text('הקישור')
    expect(stage(garage)).to_have_count(0)


def test_a_reload_in_the_middle_takes_no_reason_of_a_repair(person: Person) -> None:
    staff = person('staff@bureau.demo')
    staff.goto(f'/claims/{claim_in_bodywork(staff)}?tab=repair')
    ready(staff)
    day_why, hold_why = staff.get_by_test_id('expect-why'), staff.get_by_test_id('hold-why')
    day_why.fill('החלק בדרך')
    hold_why.fill('אין חלק')
    staff.reload()
    ready(staff)
    expect(day_why).to_have_value('החלק בדרך')
    expect(hold_why).to_have_value('אין חלק')


def test_what_is_typed_on_while_a_repair_is_written_stays_behind_it(person: Person) -> None:
    staff = person('staff@bureau.demo')
    open_repair(staff, claim_in_bodywork(staff))
    note, hold_why, day_why = (staff.get_by_test_id(name) for name in ('repair-note', 'hold-why', 'expect-why'))
    for field, save in ((note, 'repair-note-save'), (day_why, 'expect-save'), (hold_why, 'hold-save')):
        if save == 'expect-save':
            staff.get_by_test_id('expect-day').fill(f'{COMING:%d/%m/%Y}')
        if save == 'hold-save':
            staff.get_by_test_id('hold-reason').select_option(index=1)
        field.fill('הכנף הגיעה')
        with nothing_arrives(staff) as said:
            staff.get_by_test_id(save).click()
            field.press('End')
            field.press_sequentially(' גם הפגוש')
            assert said('הכנף') == 1
        expect(staff.get_by_test_id('repair-note-save')).to_be_enabled()
        if save != 'hold-save':  # its form gives way to the one that ends it
            expect(field).to_have_value('גם הפגוש')
    staff.get_by_test_id('resume').click()
    expect(hold_why).to_have_value('גם הפגוש')


def test_the_insured_follows_on_a_page_that_tells_nothing_else(person: Person, phone: Phone) -> None:
    staff, dana = person('staff@bureau.demo'), person('dana@levi.demo')
    claim_no = claim_in_bodywork(dana)
    staff.goto(f'/claims/{claim_no}')
    ready(staff)
    other_side = staff.get_by_test_id('field-tp_policy_holder')
    other_side.click()
    staff.get_by_test_id('edit-tp_policy_holder').fill('גיא רוזנטל')
    staff.get_by_test_id('edit-tp_policy_holder').press('Enter')
    expect(other_side).to_contain_text('נשמר ופורסם')
    open_repair(dana, claim_no)
    expect(dana.get_by_test_id('link-garage')).to_have_count(0)
    insured = phone(make_link(dana, 'insured'))
    expect(insured.locator('[data-connected=true]')).to_be_attached()
    insured.evaluate('window.sameLoad = true')
    staff.get_by_test_id('stage-forward').click()
    expect(stage(insured)).to_have_text(PAINT)
    assert insured.evaluate('window.sameLoad'), 'nothing was reloaded'
    page = insured.content()
    assert 'רוזנטל' not in page
    assert claim_no not in page
    assert not re.search(r'₪|ש"ח', page)
    revoke(dana)
    expect(stage(insured)).to_have_count(0)
    expect(insured.locator('h1')).to_contain_text('קישור')


def asked_of_the_insured(page: Page, phone: Phone) -> tuple[str, Page]:
    """A claim that lacks something of the insured's, and his page."""
    page.goto('/?documents=missing')
    ready(page)
    rows = page.get_by_test_id('claim-row')
    expect(rows.first).to_be_attached()
    numbers = [row.get_attribute('data-claim') or '' for row in rows.all()[:12]]
    for claim_no in numbers:
        page.goto(f'/claims/{claim_no}?tab=repair')
        ready(page)
        insured = phone(make_link(page, 'insured'))
        expect(insured.locator('[data-connected=true]')).to_be_attached()
        if insured.get_by_test_id('paper').count():
            return claim_no, insured
    raise AssertionError(f'nothing is asked of the insured in {numbers}')


def test_the_insured_sends_what_is_needed_from_the_phone(person: Person, phone: Phone) -> None:
    dana = person('dana@levi.demo')
    claim_no, insured = asked_of_the_insured(dana, phone)
    asked, arrived = insured.get_by_test_id('paper'), insured.get_by_test_id('receipt')
    before = asked.count()
    asked.first.set_input_files(
        [
            FilePayload(name='רישיון.pdf', mimeType='application/pdf', buffer=papers.pdf()),
            FilePayload(name='empty.pdf', mimeType='application/pdf', buffer=b''),
            FilePayload(name='page.pdf', mimeType='application/pdf', buffer=b'<html><p>x</p></html>'),
        ]
    )
    expect(arrived).to_have_count(1)
    expect(arrived).to_contain_text('התקבל בלשכה')
    paper = arrived.locator('.mk-grow').inner_text().partition(' · ')[0]
    told = insured.locator('[data-papers] [data-told]')
    for said in ('הגיעו 1 מתוך 3', 'empty.pdf', 'page.pdf', 'נא לצלם את הדף שוב'):
        expect(told).to_contain_text(said)
    expect(asked).to_have_count(before - 1)
    # the page was drawn anew: what is still asked for can be sent from it
    if before > 1:
        asked.first.set_input_files([FilePayload(name='צילום.jpg', mimeType='image/jpeg', buffer=papers.jpeg())])
        expect(arrived).to_have_count(2)
    dana.goto(f'/claims/{claim_no}?tab=documents')
    ready(dana)
    needed = dana.get_by_test_id('checklist').get_by_role('listitem').filter(has_text=paper)
    expect(needed.filter(has_text='התקבל').first).to_be_attached()


# where the name and what follows it begin
PLACES = """line => {
    const text = line.firstChild, dot = text.data.indexOf(' · '), range = document.createRange();
    return [[0, dot], [dot + 3, text.length]].map(([from, to]) => {
        range.setStart(text, from);
        range.setEnd(text, to);
        return range.getBoundingClientRect().left;
    });
}"""


def test_in_english_a_time_stands_after_a_hebrew_name_and_the_account_fits_the_phone(person: Person) -> None:
    claim_no = claim_in_repair(person('dana@levi.demo'))
    staff = person('staff2@bureau.demo', viewport=PHONE)
    choose = "language => fetch('/account/preferences', {method: 'POST', body: new URLSearchParams({language})})"
    staff.evaluate(choose, 'en')
    staff.goto('/account')
    expect(staff.get_by_test_id('two-factor')).to_be_visible()
    assert staff.evaluate('document.documentElement.scrollWidth <= innerWidth')
    open_repair(staff, claim_no)
    staff.get_by_test_id('expect-day').fill(f'{COMING:%d/%m/%Y}')
    staff.get_by_test_id('expect-save').click()
    expect(staff.get_by_test_id('repair-days')).to_contain_text(f'{COMING:%d/%m/%Y}')
    name, time = staff.get_by_test_id('repair-days').locator('.mk-xs').first.evaluate(PLACES)
    assert name < time
    staff.evaluate(choose, 'he')
