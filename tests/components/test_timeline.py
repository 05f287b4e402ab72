"""The record in words: days, sentences, notes of the bureau, and nothing of what people typed as HTML."""

from datetime import UTC, datetime

import pytest

from components.claim_rows import Wording
from components.timeline import by_day, entry_of, history_html, timeline_html
from db.changes import Change
from db.reference import Reference
from tests.components.conftest import NOON, TODAY, change


def test_a_change_says_the_most_telling_first_and_the_rest_below(wording: Wording) -> None:
    entry = entry_of(change(1, {'policy_no': ['1', '2'], 'repair_stage': ['received', 'paint']}), wording)
    assert (entry.title, entry.before, entry.after) == ('שלב תיקון', 'קבלת הרכב', 'צבע')
    assert [line[1:] for line in entry.fields] == [('1', '2')]


def test_a_note_of_the_bureau_is_marked_as_such(wording: Wording) -> None:
    note = change(1, {'note': [None, 'להתקשר']}, kind='noted')
    note.internal = True
    assert entry_of(note, wording).note == 'להתקשר'
    assert 'mk-inner' in timeline_html([note], wording, NOON, 0)


@pytest.mark.parametrize(
    ('kind', 'fields', 'title'),
    [('checked', {}, 'נבדק, ללא שינוי'), ('opened', {'policy_no': [None, '7']}, 'התביעה נפתחה')],
)
def test_what_is_no_change_of_a_field_has_its_own_words(kind, fields, title, wording: Wording) -> None:
    assert entry_of(change(1, fields, kind=kind), wording).title == title


def test_days_are_israeli_days(wording: Wording) -> None:
    late = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # half past midnight on the 23rd in Israel
    moments = [NOON, late, datetime(2026, 11, 22, 10, tzinfo=UTC), datetime(2026, 11, 18, 10, tzinfo=UTC)]
    entries = [
        entry_of(change(9 - place, {'policy_no': ['1', '2']}, at=at), wording) for place, at in enumerate(moments)
    ]
    assert [(title, len(group)) for title, group in by_day(entries, TODAY, 'he')] == [
        ('היום', 2),
        ('אתמול', 1),
        ('יום ד׳, 18/11/2026', 1),
    ]


def test_what_is_new_to_the_reader_is_bold(wording: Wording) -> None:
    html = timeline_html([change(5, {'policy_no': ['2', '3']}), change(4, {'policy_no': ['1', '2']})], wording, NOON, 4)
    assert html.count('mk-new') == 1


def test_the_history_shows_before_and_after_and_who(wording: Wording) -> None:
    html = history_html([change(1, {'demand_amount': [100000, 200000]})], wording)
    for words in ('₪1,000', '₪2,000', 'שירה', '23/11/2026 12:00', 'data-testid="history-entry"'):
        assert words in html


@pytest.mark.parametrize(('by', 'said'), [('import', 'ייבוא'), ('desk', 'מעקב'), ('שירה לביא', 'שירה לביא')])
def test_what_nobody_clicked_is_signed_in_the_readers_language(wording: Wording, by: str, said: str) -> None:
    done = change(1, {'policy_no': ['1', '2']})
    done.by = by
    assert f'<bdi>{said}</bdi>' in timeline_html([done], wording, NOON, 0)
    assert f'<td dir="auto">{said}</td>' in history_html([done], wording)


def test_nothing_that_people_typed_is_html(reference: Reference) -> None:
    wording = Wording(reference, {}, 'he')
    evil = '<img src=x onerror=alert(1)>'
    changes = [
        Change(
            id=1,
            claim_id=1,
            office_id=1,
            at=NOON,
            user_id=1,
            by=evil,
            kind='updated',
            fields={'policy_no': [evil, evil]},
        ),
        change(2, {'daily_note': [None, evil]}),
        change(3, {'note': [None, evil]}, kind='noted'),
        change(4, {'insured_name': [None, evil]}, kind='opened'),
    ]
    for html in (timeline_html(changes, wording, NOON, 0), history_html(changes, wording)):
        assert '<img' not in html
        assert '&lt;img' in html
