"""A real browser at a measured server: signed in, watching what is drawn, and by which clock."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = os.environ.get('CHROMIUM', '/usr/bin/chromium')
PATIENCE_MS = 20_000
# notes when each text is first drawn, and when it is painted, by the clock of the machine
_WATCH = r"""() => {
  window.drawn = {};
  window.painted = {};
  const moment = () => performance.timeOrigin + performance.now();
  const look = () => {
    for (const text of document.body.textContent.match(/bench-\d+-/g) || []) {
      if (window.drawn[text]) continue;
      window.drawn[text] = moment();
      requestAnimationFrame(() => setTimeout(() => { window.painted[text] = moment(); }));
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=['--no-sandbox', '--disable-gpu'])
        yield browser
        browser.close()


def blank_page(browser: Browser, origin: str, cookie: str) -> Page:
    """A page that knows nothing yet but who is signed in."""
    context = browser.new_context(base_url=origin, locale='he-IL')
    context.add_cookies([{'name': 'sid', 'value': cookie, 'url': origin}])
    return context.new_page()


def open_page(browser: Browser, origin: str, cookie: str, path: str) -> Page:
    """A page that stands and is connected."""
    page = blank_page(browser, origin, cookie)
    page.goto(path)
    page.wait_for_function('window.did_handshake')
    return page


def watch(page: Page) -> None:
    """From now on note when a word is drawn."""
    page.evaluate(_WATCH)


def drawn(page: Page, text: str, what: str = 'drawn') -> float:
    """When a text stood in the page (`painted`: before somebody's eyes), in ms by the clock of the machine."""
    page.wait_for_function(f'text => window.{what}[text]', arg=text, timeout=PATIENCE_MS)
    return float(page.evaluate(f'text => window.{what}[text]', text))


def ask_meter(origin: str, cookie: str, route: str, **query: str | int) -> float:
    """What a meter committed, and when, by the clock of the machine in ms."""
    answer = httpx.get(f'{origin}{route}', params=query, cookies={'sid': cookie}, timeout=30)
    answer.raise_for_status()
    return (float(answer.json()) + time.time() - time.monotonic()) * 1000
