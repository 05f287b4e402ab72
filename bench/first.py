"""What one person at a browser waits for: the first visit, every further one, and somebody else's change."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from bench.browser import ask_meter, blank_page, chromium, drawn, open_page, watch
from bench.figures import Report, Size, p95
from bench.live import Ground, copy_of, prepare
from bench.meter import CHANGE, PLAIN, word
from bench.serving import serving

CHANGES, WARMING_UP = 40, 5
# the list can be used: its rows stand, and the line is up
_READY = "() => window.did_handshake && document.querySelector('[data-testid=claim-row]')"
# the news of a claim once more, without server and line
_AGAIN = """text => {
  const [news] = window.told.slice(-1);
  const again = JSON.parse(JSON.stringify(news).replaceAll(/bench-\\d+-/g, text));
  again.number = ++window.numbers;
  const begun = performance.timeOrigin + performance.now();
  window.socket.listeners('news').forEach((hear) => hear(again));
  return begun;
}"""


def measure(size: Size) -> Report:
    """One browser, one server, the demo's data."""
    report = Report('first', size)
    with tempfile.TemporaryDirectory() as folder:
        ground = prepare(Path(folder), 2)
        with (
            copy_of(ground) as url,
            serving(('bench.portal_server',), url, ground.author) as origin,
            chromium() as browser,
        ):
            _measure_visits(report, browser, ground, origin, size.rounds)
            _measure_changes(report, browser, ground, origin)
    report.save()
    return report


def _measure_visits(report: Report, browser: Browser, ground: Ground, origin: str, rounds: int) -> None:
    """Twice in a row by people who were never here; the second time their browser knows everything but the page."""
    cold, warm, plain, sent = [], [], [], []
    for _ in range(rounds + 1):
        page = blank_page(browser, origin, ground.cookies[0])
        count = _counting(page)
        cold.append(_seconds(page, '/', _READY) * 1000)
        first = count['bytes']
        count['bytes'] = 0
        warm.append(_seconds(page, '/', _READY) * 1000)
        sent.append((first / 1000, count['bytes'] / 1000))
        plain.append(_seconds(page, PLAIN, "() => document.querySelector('td')") * 1000)
        page.context.close()
    report.raw |= {'cold': cold, 'warm': warm, 'plain': plain, 'kilobytes': sent}
    # the very first one warms the server
    first, again = (statistics.median(column) for column in zip(*sent[1:], strict=True))
    report.add('first visit, everything loaded', first, 'kB', at_most=340)
    report.add('further visit', again, 'kB')
    limit = statistics.median(plain[1:])
    report.add('list can be used, first visit (limit: plain page)', statistics.median(cold[1:]), 'ms', limit=limit)
    kept: dict[str, float] = {'limit': limit, 'times': 3.5, 'at_most': 1200}
    report.add('list can be used, further visit (limit: plain page)', statistics.median(warm[1:]), 'ms', **kept)


def _counting(page: Page) -> dict[str, float]:
    """Count what comes over the wire, compressed as it is."""
    count: dict[str, float] = {'bytes': 0.0}

    def add(event: dict[str, Any]) -> None:
        count['bytes'] += event['encodedDataLength']

    session: CDPSession = page.context.new_cdp_session(page)
    session.send('Network.enable')
    session.on('Network.loadingFinished', add)
    return count


def _seconds(page: Page, path: str, ready: str) -> float:
    begun = time.monotonic()
    page.goto(path, wait_until='commit')
    page.wait_for_function(ready)
    return time.monotonic() - begun


def _measure_changes(report: Report, browser: Browser, ground: Ground, origin: str) -> None:
    """The same row drawn because somebody committed, and because the browser is given its news again."""
    page = open_page(browser, origin, ground.cookies[1], '/')
    page.evaluate(
        """() => { window.told = []; window.numbers = 1e9; window.socket.on('news', (one) => window.told.push(one)); }"""
    )
    watch(page)
    seen: dict[str, list[float]] = {'drawn': [], 'painted': [], 'local': []}
    for n in range(WARMING_UP + CHANGES):
        committed = ask_meter(origin, ground.cookies[0], CHANGE, claim_id=ground.claim_id, text=word(n))
        found = {what: drawn(page, word(n), what) - committed for what in ('drawn', 'painted')}
        time.sleep(0.2)
        begun = float(page.evaluate(_AGAIN, word(n + 10_000)))
        found['local'] = drawn(page, word(n + 10_000)) - begun
        time.sleep(0.1)
        if n >= WARMING_UP:
            for what, wait in found.items():
                seen[what].append(wait)
    report.raw |= seen
    local = statistics.median(seen['local'])
    report.add('commit to DOM, p50 (limit: the browser alone)', statistics.median(seen['drawn']), 'ms', limit=local)
    report.add(
        'commit to DOM, p95 (limit: the browser alone)', p95(seen['drawn']), 'ms', limit=p95(seen['local']), at_most=60
    )
    report.add('commit to paint, p95', p95(seen['painted']), 'ms', at_most=120)
