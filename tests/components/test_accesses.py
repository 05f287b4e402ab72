"""Noting accesses without anybody waiting: what one goes on typing is one search, and a disk that fails loses nothing."""

from typing import Any

import pytest
from sqlalchemy import event

from components import accesses
from components.access_panel import read_accesses
from components.accesses import Seen, note
from db.access_log import CLAIM, LIST, SEARCH, Access, Asked, keep_accesses
from db.access_log import accesses as logged
from db.session import Database, open_session
from tests.conftest import People


def found(people: People) -> list[Access]:
    with open_session(people.admin, reading=True) as session:
        return logged(session, Asked(), 100)[::-1]


def test_words_somebody_goes_on_typing_are_one_search(people: People) -> None:
    for typed in ('ל', 'לו', 'לוי'):
        note(people.dana, Seen(SEARCH, typed))
    note(people.yossi, Seen(SEARCH, 'לויד'))
    note(people.yossi, Seen(CLAIM, claim_no='26-1', granted=False))
    note(people.yossi, Seen(SEARCH, 'כהן'))
    accesses.write()
    assert [(row.by, row.what, row.told, row.granted) for row in found(people)] == [
        (people.dana.name, SEARCH, 'לוי', True),
        (people.yossi.name, SEARCH, 'לויד', True),
        (people.yossi.name, CLAIM, '', False),
        (people.yossi.name, SEARCH, 'כהן', True),
    ]
    accesses.write()
    assert len(found(people)) == 4, 'each once'


def test_what_is_noted_while_others_are_written_is_written_once(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, more = keep_accesses, [Seen(CLAIM, claim_no='26-1'), Seen(SEARCH, 'לוי')]

    def slowly(session: Any, batch: Any) -> None:
        kept(session, batch)
        if more:
            note(people.dana, more.pop())

    monkeypatch.setattr(accesses, 'keep_accesses', slowly)
    monkeypatch.setattr(accesses, 'MOST', 1)
    note(people.dana, Seen(SEARCH, 'לו'))
    accesses.write()
    accesses.write()
    assert [row.told or row.claim_no for row in found(people)] == ['לו', 'לוי', '26-1']


def test_signs_no_database_takes_hold_nothing_up(people: People) -> None:
    hostile = 'ל\x00\ud800\u202eוי' + 'x' * 10_000
    note(people.dana, Seen(SEARCH, hostile, claim_no=hostile, address=hostile))
    note(people.dana, Seen(CLAIM, claim_no='26-1'))
    accesses.write()
    bad, good = found(people)
    assert bad.told.startswith('לוי')
    assert bad.claim_no.startswith('לויx')
    assert len(bad.told) + len(bad.claim_no) + len(bad.address) < 2000
    assert good.claim_no == '26-1'


def test_what_cannot_be_written_waits_and_is_written_when_the_app_leaves(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError('disk full')

    note(people.dana, Seen(CLAIM, claim_no='26-1'))
    with monkeypatch.context() as broken:
        broken.setattr(accesses, 'open_session', full)
        accesses._try()
        assert 'could not be written' in caplog.text
        assert 'lost' not in caplog.text
        accesses.start()()
    assert '1 accesses could not be written before the end and are lost' in caplog.text
    assert found(people) == []
    accesses.start()()
    assert [row.claim_no for row in found(people)] == ['26-1']


def test_a_log_that_cannot_be_written_for_long_is_a_fault_until_it_is(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError('disk full')

    note(people.dana, Seen(CLAIM, claim_no='26-1'))
    with monkeypatch.context() as broken:
        broken.setattr(accesses, 'open_session', full)
        accesses._try()
        assert accesses.is_written(), 'a moment is no fault'
        broken.setattr(accesses, 'FAULT_SECONDS', 0.0)
        assert not accesses.is_written()
        accesses._try()
        assert not accesses.is_written()
    accesses._try()
    assert accesses.is_written()


def test_of_too_many_the_oldest_goes_and_it_is_said(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accesses, 'MOST', 2)
    for number in ('1', '2', '3'):
        note(people.dana, Seen(CLAIM, claim_no=number))
    accesses.write()
    assert [row.claim_no for row in found(people)] == ['2', '3']
    assert 'given up' in caplog.text


def test_many_lists_are_worded_with_their_names_read_once(people: People, database: Database) -> None:
    asked: list[str] = []
    for day in range(1, 29):
        note(people.dana, Seen(LIST, f'office={people.levi}&opened_from=2026-01-{day:02}'))
    accesses.write()
    event.listen(database.reader, 'before_cursor_execute', lambda _, __, statement, *___: asked.append(statement))
    with open_session(people.admin, reading=True) as session:
        shown = read_accesses(session, Asked(), 'he')
    assert 'משרד: סוכנות לוי · תאריך פתיחה: 28/01/2026' in shown.lines[0][1]
    assert len(asked) < 28
