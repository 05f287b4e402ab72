"""People with real browsers on a running portal with the demo data."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.e2e.conftest import ROOT, Server, serving

CHROMIUM = os.environ.get('CHROMIUM', '/usr/bin/chromium')
FLAGS = (
    *('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'),
    *('--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'),
)
# a window of its own for everybody also makes several pages of the browser's own: the address bar's. The last such list counts, so
# what Playwright would leave out is named again
LEFT_OUT = (
    'WebUIOmniboxPopup',
    'WebUIOmniboxFullPopup',
    'WebUIOmniboxAimPopup',
    'SpareRendererForSitePerProcess',
    'AimEnabled',
    'AvoidUnnecessaryBeforeUnloadCheckSync',
    'DestroyProfileOnBrowserClose',
    'HttpsUpgrades',
    'LensOverlay',
    'MediaRouter',
    'HttpsFirstBalancedModeAutoEnable',
    'NetworkTimeServiceQuerying',
    'OptimizationHints',
    'PaintHolding',
    'PreconnectToSearch',
)
PASSWORD = 'maakav-demo'
NO_DAY = 'התאריך אינו תקין. יש לכתוב יום, חודש ושנה, למשל 23/11/2026.'
DESK, PHONE = {'width': 1440, 'height': 900}, {'width': 390, 'height': 844}
Person = Callable[..., Page]
# milliseconds; two busy cores share several browsers and servers, and what comes sooner is not waited for
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
# what a browser says of a line that is down, of what is not there, and of a file that is refused
EXPECTED = ('ERR_INTERNET_DISCONNECTED', '404', '422')


@pytest.fixture(scope='package')
def chromium() -> Iterator[Browser]:
    """One browser for all; everybody gets a profile of his own. It lives in this package only: its loop suffers no other."""
    if not Path(CHROMIUM).exists() and not os.environ.get('REQUIRE_BROWSER'):
        pytest.skip(f'no Chromium at {CHROMIUM}: the stories in a browser are not told')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, f'--disable-features={",".join(LEFT_OUT)}']
        )
        yield browser
        browser.close()


@pytest.fixture(scope='session')
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data as `make demo` loads them; made once, by whichever worker needs them first, and not to be touched."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if 'PYTEST_XDIST_WORKER' in os.environ else own) / 'demo-data'
    with folder.with_suffix('.lock').open('w') as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not folder.exists():
            making = own / 'demo-data-in-the-making'
            environment = {**os.environ, 'DATA_DIR': str(making), 'DATABASE_URL': f'sqlite:///{making}/maakav.db'}
            subprocess.run(
                [sys.executable, '-m', 'db.demo'], env=environment, cwd=ROOT, check=True, capture_output=True
            )
            making.rename(folder)
    return folder


@pytest.fixture(scope='module')
def demo(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The portal with fresh demo data, as `make demo` starts it."""
    folder = tmp_path_factory.mktemp('demo')
    shutil.copytree(demo_data, folder, dirs_exist_ok=True)
    with serving('app', folder, DATABASE_URL=f'sqlite:///{folder}/maakav.db') as server:
        yield server


@pytest.fixture
def person(chromium: Browser, demo: Server) -> Iterator[Person]:
    """Sign somebody in, in a browser of his own: `person('dana@levi.demo')`. No page may throw or complain."""
    with visiting(chromium, demo) as sign_in:
        yield sign_in


@contextmanager
def visiting(
    chromium: Browser, server: Server, password: str = PASSWORD, forgiven: Sequence[str] = ()
) -> Iterator[Person]:
    """People in browsers of their own at a server; complaints of their pages are the test's, but for what is `forgiven`."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == 'error' and not any(expected in message.text for expected in (*EXPECTED, *forgiven)):
            complaints.append(message.text)

    def sign_in(email: str, *, viewport: dict[str, int] | None = None, path: str = '/', **options: object) -> Page:
        size = viewport or DESK
        context = chromium.new_context(
            base_url=server.url,
            locale='he-IL',
            timezone_id='Asia/Jerusalem',
            viewport=size,  # type: ignore[arg-type]
            has_touch=size['width'] < 600,
            reduced_motion='reduce',  # what moves is drawn by the processor here
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(3 * PATIENCE)
        page = context.new_page()
        page.on('pageerror', lambda error: complaints.append(str(error)))
        page.on('console', hear)
        # the form itself is filled in where signing in is what is told
        answer = context.request.post(
            '/login', form={'email': email, 'password': password}, headers={'Origin': server.url}, max_redirects=0
        )
        assert answer.status == 303, answer.text()
        page.goto(path)
        ready(page)
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []


def ready(page: Page) -> Page:
    """Wait until the page's socket is up: before that, clicks go nowhere."""
    page.wait_for_function('window.did_handshake')
    return page


def press(page: Page, button: Locator) -> None:
    """Press as a hand does: what was left by it, or answered meanwhile, has its say before the button comes up again."""
    button.scroll_into_view_if_needed()
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(400)
    page.mouse.up()


def rows(page: Page, *, unread: bool | None = None) -> list[str]:
    """The numbers of the claims in the list, once it shows what was asked for; at least one."""
    table = page.get_by_test_id('claims-table').and_(page.locator('[aria-busy=false]'))
    expect(table.get_by_test_id('claim-row').first).to_be_visible()
    wanted = '' if unread is None else f'[data-unread={str(unread).lower()}]'
    numbers: list[str] = table.locator(f'[data-testid=claim-row]{wanted}').evaluate_all(
        'all => all.map(row => row.dataset.claim)'
    )
    assert numbers, 'no such claim in the list'
    return numbers


@contextmanager
def nothing_arrives(page: Page, of_this: str = '') -> Iterator[Callable[[str], int]]:
    """What the page says meanwhile (with these words in it) reaches the portal afterwards; what is yielded counts in how much of it some words stand."""
    page.evaluate(
        """words => {
            window.say = socket.emit; window.held = [];
            socket.emit = (...said) => {
                if (!JSON.stringify(said).includes(words)) return say.apply(socket, said);
                held.push(said);
                return socket;
            };
        }""",
        of_this,
    )
    yield lambda words: page.evaluate(
        'words => held.filter((said) => JSON.stringify(said).includes(words)).length', words
    )
    page.evaluate('socket.emit = say; for (const said of held) socket.emit(...said)')


@contextmanager
def nothing_is_answered(page: Page) -> Iterator[Callable[[], None]]:
    """What the portal says meanwhile waits, and comes afterwards; what is yielded lets through what waits longest, once it is there."""
    page.evaluate(
        'window.hear = socket.onevent; window.unheard = []; socket.onevent = (said) => { unheard.push(said); }; null'
    )

    def let_through() -> None:
        page.wait_for_function('unheard.length')
        page.evaluate('hear.call(socket, unheard.shift())')

    yield let_through
    page.evaluate('delete socket.onevent; for (const said of unheard) socket.onevent(said)')
