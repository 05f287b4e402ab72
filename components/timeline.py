"""What happened to a claim: the activity card grouped by day, and the history table of every change, before ← after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from itertools import groupby

from components.claim_rows import Wording
from components.marks import NOTHING, before_after_html, icon_html
from components.money_words import money_lines
from components.theme import DOCUMENT_LOOKS, Look, status_look
from components.words import call_how, call_labels, call_value, headline_of, label_of, signed, weekday_of
from db import values
from db.changes import Change
from db.claims import FIELDS
from db.texts import N_, t, tn

NOTED, CHECKED, OPENED, DOUBT = 'noted', 'checked', 'opened', 'doubt_checked'
CALL, CALL_CORRECTED, MESSAGE = 'call', 'call_corrected', 'message'
_LOOKS = {
    OPENED: Look('blue', 'add_circle'),
    CHECKED: Look('slate', 'task_alt'),
    NOTED: Look('amber', 'lock'),
    DOUBT: Look('slate', 'fact_check'),
    CALL: Look('green', 'call'),
    MESSAGE: Look('blue', 'chat'),
    CALL_CORRECTED: Look('green', 'call'),
    'repair.held': Look('orange', 'pause_circle'),
    'repair.resumed': Look('cyan', 'play_arrow'),
    'repair.noted': Look('cyan', 'edit_note'),
    'link.created': Look('slate', 'link'),
    'link.revoked': Look('slate', 'link_off'),
    'clock': Look('amber', 'timer'),
    'task': Look('violet', 'add_task'),
    'task_done': Look('green', 'task_alt'),
    'task_moved': Look('violet', 'event_repeat'),
    'repair_stage': Look('cyan', 'build'),
    'eta': Look('cyan', 'event'),
    'daily_note': Look('violet', 'article'),
    'money': Look('green', 'payments'),
    'cheque': Look('amber', 'payments'),
    'cheque.step': Look('amber', 'forward_to_inbox'),
    'offer': Look('pink', 'request_quote'),
    'phone': Look('slate', 'call'),
    'plate': Look('slate', 'directions_car'),
}
# what somebody wrote: what it is called, and where the record keeps it
_SAID = {NOTED: (N_('Internal note'), 'note'), MESSAGE: (N_('Message'), 'message')}
_EDITED = Look('slate', 'edit')
LINES_SHOWN = 4


@dataclass(frozen=True)
class Entry:
    """One change in words: what is said of it first, the further fields, who and when."""

    change: Change
    look: Look
    title: str
    before: str
    after: str
    fields: Sequence[tuple[str, str, str]]
    note: str = ''


def entry_of(change: Change, wording: Wording) -> Entry:
    """A change in the words of its reader."""
    if change.kind in _SAID:
        title, name = _SAID[change.kind]
        said = str(change.fields.get(name, [None, ''])[1])
        return Entry(change, _LOOKS[change.kind], t(title, wording.reader), '', '', (), said)
    if change.kind == CHECKED:
        return Entry(change, _LOOKS[CHECKED], t('Checked, no change', wording.reader), '', '', ())
    if change.kind in _TELLERS:
        return _TELLERS[change.kind](change, wording)
    label, before, after, _ = headline_of(change, wording.reference, wording.people, wording.reader)
    lines = [line for name in change.fields if name in FIELDS and (line := _line(change, name, wording))]
    if change.kind == OPENED:
        return Entry(change, _LOOKS[OPENED], t('The claim was opened', wording.reader), '', '', lines)
    first = next((name for name in change.fields if name in FIELDS and label_of(name, wording.reader) == label), '')
    first = first or ('status' if 'status' in change.fields else '')
    note = wording.text(first, change.fields[first][1]) if first and FIELDS[first].kind == 'long_text' else ''
    others = [line for name, line in zip(_named(change), lines, strict=True) if name != first]
    return Entry(change, _look_of(first, change), label, before, '' if note else after, others, note)


def _doubt_entry(change: Change, wording: Wording) -> Entry:
    """What somebody looked at and found right."""
    told = {name: pair[1] for name, pair in change.fields.items()}
    title = t('Checked and found right: {field}', wording.reader, field=label_of(told['field'], wording.reader))
    return Entry(change, _LOOKS[DOUBT], title, '', '', (), t(told['doubt'], wording.reader, **told['values']))


def _call_entry(change: Change, wording: Wording) -> Entry:
    """A call: with whom and how it went; of a corrected one, what was put right."""
    headline, *_ = headline_of(change, wording.reference, wording.people, wording.reader)
    told = {name: pair[1] or '' for name, pair in change.fields.items()}
    if change.kind == CALL:
        how = call_how(told['direction'], told['outcome'], wording.reference, wording.reader)
        title = ' · '.join(filter(None, (headline, told.get('person', ''), how)))
        return Entry(change, _LOOKS[CALL], title, '', '', (), told.get('summary', ''))
    lines = [
        (label, was, became)
        for name, label in call_labels(wording.reader).items()
        if name in change.fields
        for was, became in [[call_value(name, side, wording.reference, wording.reader) for side in change.fields[name]]]
        if was != became
    ]
    return Entry(change, _LOOKS[CALL_CORRECTED], headline, '', '', lines)


def _money_entry(change: Change, wording: Wording) -> Entry:
    """An offer, a cheque or a head of damage: what it is called, and its parts before and after."""
    headline, *_ = headline_of(change, wording.reference, wording.people, wording.reader)
    lines = money_lines(change, wording.reference, wording.reader)
    return Entry(change, _LOOKS[change.kind.split('.')[0]], headline, '', '', lines)


_TELLERS = {
    CALL: _call_entry,
    CALL_CORRECTED: _call_entry,
    DOUBT: _doubt_entry,
    **dict.fromkeys(('money', 'offer', 'offer.answered', 'cheque', 'cheque.state', 'cheque.changed'), _money_entry),
}


def _named(change: Change) -> list[str]:
    return [name for name in change.fields if name in FIELDS]


def _line(change: Change, name: str, wording: Wording) -> tuple[str, str, str]:
    was, became = change.fields[name]
    return label_of(name, wording.reader), wording.text(name, was), wording.text(name, became) or NOTHING


def _look_of(name: str, change: Change) -> Look:
    if name == 'status':
        return status_look(change.fields['status'][1])
    return (
        DOCUMENT_LOOKS.get(change.kind)
        or _LOOKS.get(change.kind)
        or _LOOKS.get(name)
        or _LOOKS.get(FIELDS[name].kind if name else '')
        or _EDITED
    )


def by_day(entries: Iterable[Entry], today: date, reader: str) -> list[tuple[str, list[Entry]]]:
    """Entries, newest first, under the day they happened on."""
    days = groupby(entries, key=lambda entry: values.israel(entry.change.at).date())
    return [(day_title(day, today, reader), list(group)) for day, group in days]


def day_title(day: date, today: date, reader: str) -> str:
    """A day as a heading: today, yesterday, or weekday and date."""
    if (today - day).days in (0, 1):
        return t('Today', reader) if day == today else t('Yesterday', reader)
    return f'{weekday_of(day, reader)}, {values.format_day(day)}'


# ---- the activity card ------------------------------------------------------------------------------------------------------


def timeline_html(changes: Sequence[Change], wording: Wording, now: datetime, fresh_after: int) -> str:
    """The list of the activity card; what is newer than `fresh_after` is bold."""
    entries = [entry_of(change, wording) for change in changes]
    if not entries:
        return f'<p class="mk-t3 mk-sm mk-tl">{escape(t("Nothing has happened yet", wording.reader))}</p>'
    days = by_day(entries, values.israel(now).date(), wording.reader)
    return (
        '<div class="mk-tl" data-testid="timeline">'
        + ''.join(_day_html(*day, wording, fresh_after) for day in days)
        + '</div>'
    )


def _day_html(title: str, entries: Sequence[Entry], wording: Wording, fresh_after: int) -> str:
    lines = ''.join(
        _entry_html(entry, wording, last=entry is entries[-1], fresh=entry.change.id > fresh_after) for entry in entries
    )
    return f'<h3 class="mk-day">{escape(title)}</h3>{lines}'


def _entry_html(entry: Entry, wording: Wording, *, last: bool, fresh: bool) -> str:
    news = fresh and entry.change.kind not in (CHECKED, NOTED, DOUBT)
    classes = f'mk-tli{" mk-last" if last else ""}{" mk-new" if news else ""}{" mk-quiet" if entry.change.kind == CHECKED else ""}'
    tile = f'<span class="mk-icb mk-s28 mk-hue-{entry.look.hue}" aria-hidden="true">{icon_html(entry.look.icon)}</span>'
    return (
        f'<div class="{classes}" data-testid="timeline-entry" data-kind="{escape(entry.change.kind)}">{tile}<div class="mk-grow">'
        f'<div class="mk-tt">{_title_html(entry, wording.reader)}</div>{_note_html(entry)}{_more_html(entry, wording.reader)}'
        f'<div class="mk-by"><bdi>{escape(signed(entry.change.by, wording.reader))}</bdi> · {clock_html(entry.change.at)}</div></div></div>'
    )


def _title_html(entry: Entry, reader: str) -> str:
    if not entry.after:
        return escape(entry.title)
    return f'{escape(entry.title)}: {before_after_html(entry.before, entry.after, reader)}'


def _note_html(entry: Entry) -> str:
    inner = ' mk-inner' if entry.change.internal else ''
    return f'<div class="mk-qt{inner}" dir="auto">{escape(entry.note)}</div>' if entry.note else ''


def _more_html(entry: Entry, reader: str) -> str:
    if not entry.fields:
        return ''
    if len(entry.fields) <= LINES_SHOWN:
        return _lines_html(entry.fields, reader)
    count = tn('{n} field', '{n} fields', len(entry.fields), reader)
    return f'<details class="mk-more"><summary>{escape(count)}</summary>{_lines_html(entry.fields, reader)}</details>'


def _lines_html(lines: Iterable[tuple[str, str, str]], reader: str) -> str:
    rows = ''.join(
        f'<div><dt>{escape(label)}</dt><dd>{before_after_html(before, after, reader)}</dd></div>'
        for label, before, after in lines
    )
    return f'<dl class="mk-fields">{rows}</dl>'


def clock_html(at: datetime) -> str:
    """The time of day; the heading says which day."""
    return f'<time class="mk-num" dir="ltr" datetime="{at.isoformat()}" title="{values.format_exact(at)}">{values.format_time(at)}</time>'


# ---- the history table ------------------------------------------------------------------------------------------------------


def history_html(changes: Sequence[Change], wording: Wording) -> str:
    """Every change as a row: when, who, what, before ← after."""
    reader = wording.reader
    titles = (t('When', reader), t('Who', reader), t('What changed', reader))
    head = ''.join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    rows = ''.join(_history_row(entry_of(change, wording), wording) for change in changes)
    name = escape(t('Everything that changed', reader))
    return f'<table class="mk-hist" aria-label="{name}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _history_row(entry: Entry, wording: Wording) -> str:
    change = entry.change
    lines_html = what_html(entry, wording)
    if change.kind == OPENED:
        lines_html = f'<details class="mk-more"><summary>{escape(entry.title)}</summary>{lines_html}</details>'
    inner = ' class="mk-inner"' if change.internal else ''
    return (
        f'<tr data-testid="history-entry" data-kind="{escape(change.kind)}"{inner}>'
        f'<td><time class="mk-num" dir="ltr" datetime="{change.at.isoformat()}">{values.format_exact(change.at)}</time></td>'
        f'<td dir="auto">{escape(signed(change.by, wording.reader))}</td><td>{lines_html}</td></tr>'
    )


def what_html(entry: Entry, wording: Wording) -> str:
    """What a change is about: its fields before and after, or what there is to say of its kind."""
    lines = [_line(entry.change, name, wording) for name in _named(entry.change)]
    return _lines_html(lines, wording.reader) if lines else _kind_html(entry, wording.reader)


def _kind_html(entry: Entry, reader: str) -> str:
    lines = _lines_html(entry.fields, reader) if entry.fields else ''
    return f'{icon_html(entry.look.icon, "mk-s16")} {escape(entry.title)}{_note_html(entry)}{lines}'
