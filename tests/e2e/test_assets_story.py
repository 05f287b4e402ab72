"""Whatever a page asks for is there: fonts, styles, scripts, pictures."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response

from tests.e2e.browsing import Person
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


def missing(page: Page, *addresses: str) -> list[str]:
    """What the browser asked for and did not get while these pages were opened."""
    found: list[str] = []

    def hear(answer: Response) -> None:
        if answer.status >= 400:
            found.append(f'{answer.status} {answer.url}')

    page.on('response', hear)
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state('networkidle')
        Axe().run(page)  # which reads the styles once more
    return found


def test_a_page_asks_for_nothing_that_is_not_there(person: Person, chromium: Browser, demo: Server) -> None:
    dana = person('dana@levi.demo')
    claim = dana.get_by_test_id('claim-row').first.get_attribute('data-claim')
    assert missing(dana, '/', f'/claims/{claim}', '/account') == []
    with chromium.new_context(base_url=demo.url) as context:
        assert missing(context.new_page(), '/login') == []
