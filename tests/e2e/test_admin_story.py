"""An admin invites somebody, who sees his office only; and a renamed status is on everybody's open list."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browsing import Person, ready
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


def test_an_invitation_and_a_new_word(person: Person, chromium: Browser, demo: Server) -> None:
    admin = person('admin@bureau.demo', path='/admin/people')
    manager = person('manager@levi.demo')
    admin.get_by_test_id('admin-add').click()
    admin.get_by_test_id('edit-name').fill('נועה שגב')
    admin.get_by_test_id('edit-email').fill('noa@levi.demo')
    admin.get_by_test_id('edit-office').select_option(label='סוכנות לוי')
    admin.get_by_test_id('admin-save').click()
    link = admin.get_by_test_id('link-address').inner_text()

    context = chromium.new_context(base_url=demo.url, locale='he-IL')
    noa = context.new_page()
    noa.goto(f'/setup/{link.rpartition("/")[2]}')
    noa.fill('[name=password]', 'חתול כחול על הגג')
    noa.fill('[name=password_again]', 'חתול כחול על הגג')
    noa.click('button[type=submit]')
    noa.wait_for_url('**/')
    ready(noa)
    expect(noa.get_by_text('סוכנות לוי').first).to_be_visible()
    context.close()

    status = manager.get_by_test_id('claim-row').first.locator('.mk-chip').first.inner_text().strip().split('\n')[-1]
    admin.goto('/admin/statuses')
    ready(admin)
    admin.get_by_test_id('admin-open').filter(has_text=status).first.click()
    admin.get_by_test_id('edit-label').fill('מילה חדשה')
    admin.get_by_test_id('admin-save').click()
    expect(manager.get_by_test_id('claim-row').first).to_contain_text('מילה חדשה')
