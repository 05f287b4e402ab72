"""Dana turns on two-step verification, signs in with the codes of her phone, loses it, and an admin lets her in again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP

from tests.e2e.browsing import DESK, PASSWORD, PHONE, Person, ready, visiting
from tests.e2e.conftest import Server
from tests.e2e.test_accessibility import serious, serious_in_the_dark

pytestmark = pytest.mark.e2e


def next_code(phone: TOTP) -> str:
    """The code after the one of this moment: it is taken already, and so none was spent before."""
    return phone.at(datetime.now(UTC) + timedelta(seconds=30))


def type_password(page: Page, email: str) -> None:
    page.goto('/login')
    page.fill('[name=email]', email)
    page.fill('[name=password]', PASSWORD)
    page.click('button[type=submit]')


def confirm(page: Page) -> None:
    page.get_by_test_id('two-factor').locator('button[type=submit]').first.click()


@pytest.fixture
def person(chromium: Browser, demo: Server) -> Iterator[Person]:
    """A page that says that a code is wrong comes with a status that says so too, and the browser repeats it."""
    with visiting(chromium, demo, forgiven=('401',)) as sign_in:
        yield sign_in


def test_turned_on_lost_and_reset(person: Person) -> None:
    admin = person('admin@bureau.demo', path='/admin/people')
    dana = person('dana@levi.demo', path='/account')
    findings: dict[str, list[str]] = {}

    def look(name: str, page: Page) -> None:
        findings[name] = serious(page)
        findings[f'{name} in the dark'] = serious_in_the_dark(page)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert page.evaluate('document.documentElement.scrollWidth') <= PHONE['width']
        page.set_viewport_size(DESK)  # type: ignore[arg-type]

    dana.get_by_test_id('two-factor').get_by_role('link', name='הפעלת אימות דו-שלבי').click()
    look('off', dana)
    dana.fill('[name=current_password]', PASSWORD)
    confirm(dana)
    expect(dana.get_by_role('img', name='קוד QR של המפתח')).to_be_visible()
    look('scan', dana)
    phone = TOTP(dana.get_by_test_id('two-factor-key').inner_text().replace(' ', ''))
    dana.get_by_label('קוד אימות').fill(phone.now())
    confirm(dana)
    expect(dana.get_by_role('heading', name='קודי השחזור שלך')).to_be_visible()
    codes = dana.locator('#codes li').all_inner_texts()
    assert len(codes) == 10
    look('codes', dana)
    dana.get_by_role('link', name='הקודים שמורים, אפשר להמשיך').click()
    expect(ready(dana).get_by_test_id('two-factor')).to_contain_text('פעיל')
    expect(admin.get_by_test_id('admin-row').filter(has_text='דנה ארז')).to_contain_text('אימות דו-שלבי')
    dana.goto('/account/two-factor')
    look('on', dana)

    # out, and in again: a wrong code, then the right one, typed as people do
    dana.context.clear_cookies()
    type_password(dana, 'dana@levi.demo')
    expect(dana).to_have_url(re.compile(r'/login/code'))
    look('code', dana)
    expect(dana.get_by_label('קוד אימות')).to_be_focused()
    right = next_code(phone)
    dana.keyboard.type(f'{(int(right) + 1) % 10**6:06}')
    dana.keyboard.press('Enter')
    expect(dana.get_by_role('alert')).to_contain_text('הקוד אינו נכון')
    look('wrong', dana)
    dana.get_by_label('קוד אימות').fill(f'{right[:3]} {right[3:]}')
    expect(dana.get_by_label('קוד אימות')).to_have_value(right)
    dana.get_by_role('button', name='כניסה למערכת').click()
    dana.wait_for_url('**/')
    ready(dana)

    # the phone is lost: a recovery code
    dana.context.clear_cookies()
    type_password(dana, 'dana@levi.demo')
    dana.get_by_role('link', name='שימוש בקוד שחזור').click()
    look('recovery', dana)
    dana.get_by_label('קוד שחזור').fill(codes[0])
    dana.get_by_role('button', name='כניסה למערכת').click()
    dana.wait_for_url('**/')
    ready(dana)

    # and the codes too: an admin resets it, and every page of hers is cut off
    admin.get_by_test_id('admin-open').filter(has_text='דנה ארז').click()
    admin.get_by_test_id('act-two_factor').click()
    admin.get_by_test_id('act-two_factor').filter(has_text='לחיצה נוספת לאישור').click()
    dana.wait_for_url('**/login*')
    type_password(dana, 'dana@levi.demo')
    dana.wait_for_url('**/')
    ready(dana)
    assert {name: found for name, found in findings.items() if found} == {}
