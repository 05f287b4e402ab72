"""The marks by which others find their way on our pages, as the contract names them, each on the pages where it has to be."""

import re
from collections.abc import Iterable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Person, ready, rows

pytestmark = pytest.mark.e2e
LIST = (
    *('claims-table', 'claim-row', 'search', 'search-field', 'view-open', 'view-unread', 'view-closed', 'view-all'),
    *('export', 'bell', 'connection', 'logout'),
)
# as the list's address has them
FILTERS = (
    *(
        'status',
        'insurer',
        'repair_stage',
        'agent',
        'garage',
        'appraiser',
        'waiting_on',
        'documents',
        'event',
        'updated',
    ),
)
SECTIONS = ('insured', 'third_party', 'tp_agent', 'garage', 'appraiser')
FIELDS = (
    *('claim_no', 'status', 'repair_stage', 'waiting_on', 'insured_name', 'insured_id_no', 'insured_phone'),
    *('insured_address', 'plate', 'policy_no', 'event_date', 'tp_policy_holder', 'tp_phone', 'tp_driver', 'tp_plate'),
    *('tp_insurer', 'tp_agent', 'garage', 'appraiser'),
)
OVERVIEW = ('claim-header', *(f'section-{name}' for name in SECTIONS), *(f'field-{name}' for name in FIELDS))
# what a tab always has, and what it has where something came in
TABS = {
    'repair': (('repair-steps', 'repair-stage'), ()),
    'documents': (('upload',), ('document',)),
    'calls': ((), ('call',)),
    'messages': (('message-box', 'send'), ('message',)),
    'money': ((), ('cheque',)),
    'history': ((), ('history-entry',)),
}


def missing(page: Page, hooks: Iterable[str]) -> list[str]:
    """Those that are not there."""
    return [hook for hook in hooks if not page.get_by_test_id(hook).count()]


def opened(page: Page, path: str) -> Page:
    page.goto(path)
    return ready(page)


def test_every_hook_of_the_contract_is_where_it_is_promised(person: Person) -> None:
    dana, staff = person('dana@levi.demo'), person('staff@bureau.demo')
    read = rows(dana, unread=False)[0]
    assert missing(dana, LIST) == []
    dana.get_by_test_id('filters-more').click()
    expect(dana.get_by_test_id('filters-more')).to_have_count(0)
    assert missing(dana, (f'filter-{name}' for name in FILTERS)) == []
    for mark in ('true', 'false'):
        assert dana.locator(f'[data-testid=claim-row][data-unread={mark}][data-claim]').count(), mark
    opened(staff, f'/claims/{read}')
    assert missing(staff, OVERVIEW) == []
    assert missing(opened(dana, f'/claims/{read}'), OVERVIEW) == [], 'who only reads finds them too'

    # staff edits by them, and who comes back finds what changed
    opened(dana, '/')
    staff.get_by_test_id('field-insured_address').click()
    staff.get_by_test_id('edit-insured_address').fill('הרצל 17, חיפה')
    staff.get_by_test_id('edit-insured_address').press('Enter')
    expect(staff.get_by_test_id('field-insured_address')).to_contain_text('הרצל 17')
    expect(dana.get_by_test_id('bell-count')).to_have_text(re.compile('[1-9]'))
    opened(dana, f'/claims/{read}')
    expect(dana.get_by_test_id('changes-since').first).to_be_visible()
    expect(dana.get_by_test_id('field-insured_address')).to_have_attribute('data-changed', 'true')
    expect(opened(dana, '/alerts').get_by_test_id('alert').first).to_be_visible()
    expect(opened(dana, '/?documents=missing').get_by_test_id('active-filter').first).to_be_visible()


@pytest.mark.parametrize('tab', TABS)
def test_every_tab_of_a_claim_has_its_hooks(person: Person, tab: str) -> None:
    always, filled = TABS[tab]
    staff = person('staff@bureau.demo')
    for number in rows(staff):
        opened(staff, f'/claims/{number}?tab={tab}')
        assert missing(staff, always) == []
        if not missing(staff, filled):
            return
    pytest.fail(f'no claim of the first page has {filled}')
