"""The log: one line of JSON whoever writes, with what belongs together, and nothing that people wrote."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from db import log

HEBREW = "רונית ברקוביץ'"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level, stream = root.handlers[:], root.level, io.StringIO()
    monkeypatch.setattr('sys.stderr', stream)
    log.use('INFO')
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_those_of_libraries_have_one_form(written: io.StringIO) -> None:
    with bound_contextvars(request='abc', user=7, office=2):
        structlog.get_logger('pages.sign_in').info('signed in', address='192.168.100.200')
        logging.getLogger('uvicorn.error').warning('Invalid HTTP request received.')
    ours, theirs = lines(written)
    assert (ours['event'], ours['address'], theirs['event']) == (
        'signed in',
        '192.168.100.200',
        'Invalid HTTP request received.',
    )
    for line, name in ((ours, 'pages.sign_in'), (theirs, 'uvicorn.error')):
        assert (line['logger'], line['request'], line['user'], line['office']) == (name, 'abc', 7, 2)
        assert line['at'].endswith('Z')


def test_a_whole_story_told_as_text_is_its_last_words(written: io.StringIO) -> None:
    """So the server writes when it cannot start; what it was stood behind the four hundredth letter."""
    way = ''.join(f'  File "/portal/place{n}.py", line {n}, in start\n    begin()\n    ^^^^^\n' for n in range(30))
    last = "PermissionError: [Errno 13] Permission denied: '/srv/dana/portal'"
    logging.getLogger('uvicorn.error').error('Traceback (most recent call last):\n%s%s\n', way, last)
    (line,) = lines(written)
    assert line['event'] == 'PermissionError: [Errno 13] Permission denied: <…>'


def test_an_exception_tells_its_kind_and_its_way_and_quotes_nobody(written: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(f"no such person: 'John Smith', {HEBREW}, dana@levi.demo, 052-555-0134 or 123456782")

    try:
        try:
            fail()
        except ValueError as first:
            raise RuntimeError('Key (email)=(dana@levi.demo) exists') from first
    except RuntimeError:
        logging.getLogger('jobs').exception('error %s: it failed', '1a2b3c4d')
    (line,) = lines(written)
    assert line['event'] == 'error 1a2b3c4d: it failed'
    assert line['error'].startswith(
        'builtins.RuntimeError: Key (email)<…> exists ← builtins.ValueError: no such person'
    )
    assert line['where'][-1].startswith('tests/db/test_log.py:')
    assert line['where'][-1].endswith(' fail')
    for canary in ('John', 'Smith', 'רונית', 'levi.demo', '0134', '123456782'):
        assert canary not in written.getvalue()
        assert canary.encode('unicode_escape').decode() not in written.getvalue()


@pytest.mark.parametrize(
    ('said', 'left'),
    [
        ('12 files of claim 41', '12 files of claim 41'),
        ('took 1234 ms', 'took 1234 ms'),
        ('call 052-555-0134 now', 'call <number> now'),
        ('+972 52 555 0134', '<number>'),
        (f'{HEBREW} came', "<…>' came"),
        (
            'error 12345678 of document 3f2b8c1e-1111-2222-3333-444455556666',
            'error <number> of document 3f2b8c1e-1111-2222-3333-444455556666',
        ),
        ('a line\nand another', 'a line\nand another'),
    ],
)
def test_what_is_left_of_a_text(said: str, left: str) -> None:
    assert log.clean(said) == left


def test_a_line_is_one_line_whatever_stands_in_it(written: io.StringIO) -> None:
    logging.getLogger('x').warning('first\nERROR root forged\r\n\x1b[2J\u202e')
    assert len(written.getvalue().splitlines()) == 1
    assert '\x1b' not in written.getvalue()
    assert '\u202e' not in written.getvalue()
