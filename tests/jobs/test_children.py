"""Programs that open what people send: few at a time, each with its time, and what takes long gives way to the portal's end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from jobs import children
from jobs.children import PortalEndsError, run
from tests.waiting import until


@pytest.fixture(autouse=True)
def unended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, '_ending', threading.Event())


TELL = 'import sys; print(sys.stdin.read(), flush=True)'


def test_how_it_ends_is_known_and_told(caplog: pytest.LogCaptureFixture) -> None:
    assert run(['-c', TELL], 20, b'x') == children.Ended(0, b'x\n')
    assert caplog.text == ''
    assert run(['-c', f'{TELL}; sys.exit("no\\nway")'], 20, b'x') == children.Ended(1, b'x\n')
    assert r'ended with 1: "no\nway' in caplog.text
    assert run(['-c', f'{TELL}; import time; time.sleep(30)'], 1, b'x') == children.Ended(None, b'x\n')
    assert 'no time left' in caplog.text


def test_what_takes_long_waits_for_a_place_and_begins_no_more_when_the_portal_ends() -> None:
    with ThreadPoolExecutor(1) as pool, children._long_place:
        waits = pool.submit(run, ['-c', ''], 20, long=True)
        with pytest.raises(TimeoutError):
            waits.result(0.5)
        assert not children._long
        children.end()
        with pytest.raises(PortalEndsError):
            waits.result(5)
    children.begin()
    assert run(['-c', ''], 20, long=True).code == 0, 'another portal of the process begins'


def test_what_is_short_waits_for_nothing_that_takes_long() -> None:
    with ThreadPoolExecutor(2) as pool, ExitStack() as others:
        long = pool.submit(run, ['-c', 'import time; time.sleep(60)'], 80, long=True)
        until(lambda: children._long)
        for _ in range(children.CHILDREN - 1):
            others.enter_context(children._places)
        try:
            assert pool.submit(run, ['-c', ''], 20).result(20).code == 0
        finally:
            children.end()
        with pytest.raises(PortalEndsError):
            long.result(5)


def test_only_what_takes_long_ends_with_the_portal() -> None:
    with ThreadPoolExecutor(2) as pool:
        short = pool.submit(run, ['-c', 'import time; time.sleep(2); print(1)'], 20)
        long = pool.submit(run, ['-c', 'import time; time.sleep(30)'], 40, long=True)
        until(lambda: children._long)
        children.end()
        with pytest.raises(PortalEndsError):
            long.result(5)
        assert short.result(10) == children.Ended(0, b'1\n')
