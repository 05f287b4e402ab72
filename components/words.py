"""Words for a page: texts in its person's language, and stored values and changes as people read them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache, partial, wraps
from typing import Any

import orjson
from nicegui import ui

from db import texts, values
from db.calls import DIRECTIONS
from db.changes import Change
from db.cheques import STATES as CHEQUE_STATES
from db.cheques import STEPS
from db.claims import DOCUMENTS, FIELDS, TRACKS, YES_NO, changed_by
from db.clocks import EVENTS
from db.documents import FREE_TYPE, REJECT_REASONS
from db.links import PURPOSES
from db.money import ANSWERS
from db.reference import Reference
from db.sendings import WAYS
from db.texts import N_

# what a list row or an alert says first when several fields changed at once
_TELLING = (
    'status',
    'repair_stage',
    'daily_note',
    'approved_amount',
    'received_amount',
    'offered_amount',
    'eta',
    'insurer_claim_no',
)
_QUIETLY_TOGETHER = frozenset({'status_reason', 'waiting_on'})
NOTHING = '—'
_WEEKDAYS = (
    *(N_('Monday'), N_('Tuesday'), N_('Wednesday'), N_('Thursday'), N_('Friday'), N_('Saturday'), N_('Sunday')),
)
_SHOWN: Mapping[str, Any] = {'money': values.format_money, 'plate': values.format_plate, 'phone': values.format_phone}


def language() -> str:
    """The language of this page's person."""
    return str(ui.context.client.request.state.session.actor.language)


def t(msgid: str, /, **values: object) -> str:
    """A text in the language of this page."""
    return texts.t(msgid, language(), **values)


def tn(one: str, many: str, n: int, /, **values: object) -> str:
    """A text that counts, in the language of this page."""
    return texts.tn(one, many, n, language(), **values)


def isolated(text: str) -> str:
    """A name, or what somebody typed, in a line of the other direction: a number after it stays after it."""
    return f'\u2068{text}\u2069'


def first_told(change: Change, moment: datetime) -> str:
    """Who was first with a field that somebody is about to save, and when."""
    text, filled = changed_by(change.by, change.at, moment)
    return t(text, **filled)


def day_words(reader: str) -> dict[str, str]:
    """What the browser says of a day somebody types."""
    return {
        'noDay': texts.t(values.NO_DAY, reader),
        'dayMissing': texts.t('A date is missing here.', reader),
        'tooEarly': texts.t(values.TOO_EARLY, reader, day='{day}'),
        'tooLate': texts.t(values.TOO_LATE, reader, day='{day}'),
        'firstDay': values.FIRST_DAY.isoformat(),
        'lastDay': values.LAST_DAY.isoformat(),
        'pickDay': texts.t('Choose a date', reader),
    }


def said_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """For words that are the same on many pages of a language: put together and encoded once for whatever they go by, and in no page's memory."""

    @lru_cache(maxsize=50)
    def made(_: str, *args: Any) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(make(*args)))

    @wraps(make)
    def words(*args: Any) -> orjson.Fragment:
        return made(language(), *args)

    return words


def html_once(make: Callable[..., str]) -> Callable[..., str]:
    """For HTML that is the same on many pages of a language: put together once for whatever it is made of."""

    @lru_cache(maxsize=200)
    def made(_: str, *args: Any) -> str:
        return make(*args)

    @wraps(make)
    def html(*args: Any) -> str:
        return made(language(), *args)

    return html


def misread_text(
    misread: Sequence[str], instead: str = N_('Not a date: {days}. The list is not limited by it.')
) -> str:
    """Says so when the address has a day that is none, and what is shown `instead` of what was meant."""
    return t(instead, days=_first_few(misread)) if misread else ''


def unknown_text(
    given: Sequence[str], told: str = N_('Not understood in the address: {given}. The page is shown without it.')
) -> str:
    """Says so when the address asks for something else that is not there, and what is shown."""
    return t(told, given=_first_few(given)) if given else ''


# of what stands in an address and was not understood, however long it is
_NAMED = 3


def _first_few(given: Sequence[str]) -> str:
    named, more = ', '.join(map(isolated, given[:_NAMED])), len(given) - _NAMED
    return f'{named} {t("and {n} more", n=more)}' if more > 0 else named


def turned_round_text(stretches: Sequence[tuple[date, date]]) -> str:
    """Says so when days that were asked for end before they begin."""
    days = [' – '.join(map(values.format_day, pair)) for pair in stretches]
    return unknown_text(days, N_('The last day is before the first: {given}. Nothing can be found between them.'))


def weekday_of(day: date, reader: str) -> str:
    """The day of the week."""
    return texts.t(_WEEKDAYS[day.weekday()], reader)


def label_of(name: str, reader: str) -> str:
    """A field's label."""
    return texts.t(FIELDS[name].label, reader) if name in FIELDS else name


# what the product signs with where nobody clicked
_UNSIGNED = {
    'import': N_('Import'),
    **dict.fromkeys(('aftermath', 'bulk orders', 'cheques', 'demo', 'desk', 'links', 'requirements'), N_('Maakav')),
}


def signed(by: str, reader: str) -> str:
    """Who did something, as people read it: a person by his name, the product by what it is called in their language."""
    return texts.t(_UNSIGNED[by], reader) if by in _UNSIGNED else by


def value_text(name: str, value: Any, reference: Reference, people: Mapping[int, str], reader: str) -> str:
    """A stored value of a claim's field as people read it; '' when there is none."""
    if value in (None, ''):
        return ''
    kind = FIELDS[name].kind if name in FIELDS else 'text'
    rows: Mapping[str, Mapping[Any, Any]] = {
        'status': reference.statuses,
        'stage': reference.stages,
        'waiting': reference.waiting,
        'insurer': reference.insurers,
        'garage': reference.garages,
        'appraiser': reference.appraisers,
    }
    if kind in rows:
        row = rows[kind].get(value)
        return '' if row is None else row.label_in(reader) if hasattr(row, 'label_in') else row.name
    if kind in ('agent', 'handler'):
        return people.get(value, '')
    return _plain_text(kind, value, reference, reader)


def _plain_text(kind: str, value: Any, reference: Reference, reader: str) -> str:
    if kind == 'day':
        return values.format_day(value if isinstance(value, date) else date.fromisoformat(value))
    if kind in ('track', 'documents'):
        return texts.t({**TRACKS, **DOCUMENTS}.get(value, value), reader)
    if kind == 'yes_no':
        return texts.t(YES_NO['yes' if value else 'no'], reader)
    if kind == 'reason':
        known = {reason.id: reason for reasons in reference.reasons.values() for reason in reasons}
        return known[value].label_in(reader) if value in known else str(value)
    return str(_SHOWN.get(kind, str)(value))


def first_name(name: str) -> str:
    """How to greet a person: the first of his names; '' for a company, which is not greeted."""
    is_company = any(sign in name for sign in ('בע"מ', 'בע״מ', "בע''מ"))
    return '' if is_company else name.split(maxsplit=1)[0] if name.split() else ''


def call_how(direction: str, outcome: str, reference: Reference, reader: str) -> str:
    """How a call went, in a few words: who called when they talked, otherwise how it ended."""
    which = texts.t(DIRECTIONS[direction], reader)
    if outcome == 'spoke' or outcome not in reference.call_outcomes:
        return which
    ended = reference.call_outcomes[outcome].label_in(reader)
    return ended if direction == 'outbound' else f'{which} · {ended}'


# what the record tells of a call, as its correction lists it
_CALL_LABELS = {
    'party': N_('With whom'),
    'person': N_('Person'),
    'phone': N_('Phone'),
    'direction': N_('Who called whom'),
    'at': N_('When'),
    'minutes': N_('Minutes'),
    'outcome': N_('How it ended'),
    'summary': N_('Summary of the call'),
    'follow_up': N_('Follow up on'),
}


def call_labels(reader: str) -> dict[str, str]:
    """The parts of a call by name, in the order they are told."""
    return {name: texts.t(label, reader) for name, label in _CALL_LABELS.items()}


def call_value(name: str, value: Any, reference: Reference, reader: str) -> str:
    """A part of a call, as the record keeps it, as people read it."""
    if value in (None, ''):
        return ''
    labelled: Mapping[str, Mapping[str, Any]] = {'party': reference.call_parties, 'outcome': reference.call_outcomes}
    if name in labelled:
        return str(labelled[name][value].label_in(reader)) if value in labelled[name] else str(value)
    shown: Mapping[str, Callable[[str], str]] = {
        'direction': lambda key: texts.t(DIRECTIONS[key], reader),
        'phone': values.format_phone,
        'follow_up': lambda day: values.format_day(date.fromisoformat(day)),
        'at': lambda at: values.format_exact(datetime.fromisoformat(at)),
    }
    return shown.get(name, str)(value)


def _call_headline(msgid: str, change: Change, reference: Reference, reader: str) -> str:
    party = reference.call_parties.get(change.fields['party'][1])
    return texts.t(msgid, reader, party=party.label_in(reader) if party else NOTHING)


def reject_reason(reason: str, reader: str) -> str:
    """Why a document was rejected, as people read it."""
    return texts.t(REJECT_REASONS[reason], reader) if reason in REJECT_REASONS else reason


def _document_headline(msgid: str, change: Change, reference: Reference, reader: str) -> str:
    """Which document, and why; one of the free type is called by its own name."""
    told = {name: pair[1] or '' for name, pair in change.fields.items()}
    kind = reference.document_types.get(told.get('type', ''))
    named = told.get('label', '') or (told.get('title', '') if kind is None or kind.id == FREE_TYPE else '')
    line = texts.t(msgid, reader, document=named or (kind.label_in(reader) if kind else NOTHING))
    reason = reject_reason(told.get('reason', ''), reader)
    return f'{line} – {reason}' if reason else line


def _pack_headline(change: Change, reference: Reference, reader: str) -> str:
    pages = texts.tn('{n} page', '{n} pages', change.fields['pages'][1], reader)
    return ' · '.join(filter(None, (texts.t('Submission pack made', reader), change.fields['insurer'][1], pages)))


def _sent_headline(change: Change, reference: Reference, reader: str) -> str:
    to, on, way = (change.fields[name][1] for name in ('to', 'on', 'way'))
    day, how = values.format_day(date.fromisoformat(on)), texts.t(WAYS[way], reader)
    return texts.t('Submission pack sent to {to} on {day}: {way}', reader, to=isolated(to), day=day, way=how)


def _repair_headline(msgid: str, change: Change, reference: Reference, reader: str) -> str:
    """What happened to the repair, and why."""
    reason = next(filter(None, change.fields.get('reason', [None, None])[::-1]), '')
    known = reference.hold_reasons.get(reason)
    return ' · '.join(filter(None, (texts.t(msgid, reader), known.label_in(reader) if known else reason)))


def _link_headline(msgid: str, change: Change, reference: Reference, reader: str) -> str:
    purpose = next(filter(None, change.fields['purpose']))
    return texts.t(msgid, reader, purpose=texts.t(PURPOSES[purpose], reader))


def _cheque_headline(change: Change, reference: Reference, reader: str) -> str:
    """Its sum and its day; and where it went, when it went on."""
    told = {name: pair[1] for name, pair in change.fields.items()}
    amount, due = values.format_money(told['amount']), values.format_day(date.fromisoformat(told['due_date']))
    if change.kind == 'cheque.state':
        return f'{texts.t(CHEQUE_STATES[told["state"]], reader)} · {amount}'
    entered = texts.t('Cheque of {amount} recorded · due {due}', reader, amount=amount, due=due)
    return (
        entered
        if change.kind == 'cheque'
        else texts.t('Cheque of {amount} changed · due {due}', reader, amount=amount, due=due)
    )


def _offer_headline(change: Change, reference: Reference, reader: str) -> str:
    amount = values.format_money(change.fields['amount'][1])
    if change.kind == 'offer':
        return texts.t('Offer of the insurer · {amount}', reader, amount=amount)
    answer = texts.t(ANSWERS[change.fields['answer'][1]], reader)
    return texts.t('Offer of {amount} · {answer}', reader, amount=amount, answer=answer)


def _task_headline(msgid: str, change: Change, reference: Reference, reader: str) -> str:
    told = {name: pair[1] or '' for name, pair in change.fields.items()}
    due = values.format_day(date.fromisoformat(told['due'])) if told.get('due') else ''
    return texts.t(msgid, reader, task=told['task'], due=due)


def _clock_headline(change: Change, reference: Reference, reader: str) -> str:
    told = {name: pair[1] or '' for name, pair in change.fields.items()}
    day = values.format_day(date.fromisoformat(told['day'])) if told['day'] else NOTHING
    about = texts.t(EVENTS[told['clock']], reader)
    return texts.t('Day set by hand · {about}: {day} ({reason})', reader, about=about, day=day, reason=told['reason'])


def _head_headline(change: Change, reference: Reference, reader: str) -> str:
    head = reference.damage_heads.get(change.fields['head'][1])
    return texts.t('Head of damage · {head}', reader, head=head.label_in(reader) if head else NOTHING)


# what a list row or an alert says of changes that are no fields of the claim
_KINDS: Mapping[str, Callable[[Change, Reference, str], str]] = {
    'opened': lambda change, reference, reader: texts.t('New claim', reader),
    'call': partial(_call_headline, N_('New call · {party}')),
    'call_corrected': partial(_call_headline, N_('Call corrected · {party}')),
    'document.added': partial(_document_headline, N_('New document · {document}')),
    'document.replaced': partial(_document_headline, N_('New version · {document}')),
    'document.removed': partial(_document_headline, N_('Document removed · {document}')),
    'document.purged': partial(_document_headline, N_('Document deleted for good · {document}')),
    'document.restored': partial(_document_headline, N_('Document restored · {document}')),
    'document.accepted': partial(_document_headline, N_('Document in order · {document}')),
    'document.rejected': partial(_document_headline, N_('Document rejected · {document}')),
    'document.reopened': partial(_document_headline, N_('Document to be checked again · {document}')),
    'document.retyped': partial(_document_headline, N_('Document filed as · {document}')),
    'document.waived': partial(_document_headline, N_('Document not required · {document}')),
    'document.requested': partial(_document_headline, N_('Document required · {document}')),
    'document.asked': partial(_document_headline, N_('The insurer asked for a document · {document}')),
    'pack': _pack_headline,
    'pack.sent': _sent_headline,
    'repair.held': partial(_repair_headline, N_('Repair on hold')),
    'repair.resumed': partial(_repair_headline, N_('Repair goes on')),
    'repair.noted': partial(_repair_headline, N_('Note on the repair')),
    **dict.fromkeys(('cheque', 'cheque.state', 'cheque.changed'), _cheque_headline),
    'cheque.step': lambda change, reference, reader: texts.t(STEPS[change.fields['step'][1]], reader),
    **dict.fromkeys(('offer', 'offer.answered'), _offer_headline),
    'money': _head_headline,
    'clock': _clock_headline,
    'task': partial(_task_headline, N_('Task · {task} · due {due}')),
    'task_done': partial(_task_headline, N_('Task done · {task}')),
    'task_moved': partial(_task_headline, N_('Task postponed · {task} · due {due}')),
    'link.created': partial(_link_headline, N_('Link made · {purpose}')),
    'link.revoked': partial(_link_headline, N_('Link revoked · {purpose}')),
    'message': lambda change, reference, reader: texts.t('Message from {name}', reader, name=change.by),
    'noted': lambda change, reference, reader: texts.t(
        'Internal note by {name}', reader, name=signed(change.by, reader)
    ),
}


def _said_in(change: Change) -> str:
    """What somebody wrote in a message or a note."""
    written = change.fields.get('message') or change.fields.get('note')
    return str(written[1] or '') if written else ''


def _most_telling(changed: Sequence[str]) -> str:
    return next((name for name in _TELLING if name in changed), changed[0] if changed else '')


def headline_of(
    change: Change, reference: Reference, people: Mapping[int, str], reader: str
) -> tuple[str, str, str, int]:
    """The one thing to say about a change: (label, before, after, how many more fields changed)."""
    if change.kind in _KINDS:
        return _KINDS[change.kind](change, reference, reader), '', _first_words(_said_in(change)), 0
    changed = [name for name in change.fields if name in FIELDS]
    if not changed:
        return texts.t('Updated', reader), '', '', 0
    name = _most_telling(changed)
    before, after = (value_text(name, side, reference, people, reader) for side in change.fields[name])
    if before == after:  # of two names of the bureau's the reader knows one
        before = ''
    if FIELDS[name].kind == 'long_text':
        before, after = '', _first_words(after)
    others = [other for other in changed if other != name and not (name == 'status' and other in _QUIETLY_TOGETHER)]
    label = texts.t('Status', reader) if name == 'status' else label_of(name, reader)
    return label, before, after or NOTHING, len(others)


# what is read in the place of a tooltip: of a longer note the claim itself says the rest
_WHOLE = 600


def whole_note_of(change: Change) -> str:
    """What somebody wrote, where `headline_of` says no more than its beginning."""
    name = '' if change.kind in _KINDS else _most_telling([name for name in change.fields if name in FIELDS])
    is_long = bool(name) and FIELDS[name].kind == 'long_text'
    text = str(change.fields[name][1] or '') if is_long else _said_in(change) if change.kind in _KINDS else ''
    return '' if _first_words(text) == _first_words(text, _WHOLE) else _first_words(text, _WHOLE)


def _first_words(text: str, most: int = 60) -> str:
    line = ' '.join(text.split())
    return line if len(line) <= most else f'{line[:most].rsplit(" ", 1)[0]}…'


def moment_text(at: datetime, now: datetime, reader: str) -> str:
    """When something was, as the lists say it: now, 6 minutes ago, today 08:05, yesterday, a date."""
    return values.format_moment(at, now, reader)
