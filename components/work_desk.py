"""The desk on screen: the bureau's lists with their counts, live, and every line worked off where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering, key_of
from components.claim_head import claim_address
from components.claim_rows import waited
from components.live import Subscription, ask, claims_topic, current_actor, show_changes, words_topic, work
from components.shared_words import people_known_to, reference
from components.theme import status_look
from components.words import language, t, tn, weekday_of
from db import texts, values
from db.base import now
from db.calendar import Calendar, Deadline, calendar_of
from db.calls import contacts_of
from db.claims import NOT_FOUND, ClaimConflict, claim_by_no, mark_checked, save_fields
from db.desk import COUNTED_UP_TO, SILENT, VIEWS, WHOSE, Desk, DeskState, Line, desk_of
from db.doorbell import Notice
from db.messages import note_internally
from db.offices import User, bureau_people
from db.reference import Reference
from db.session import fetch, fetch_one
from db.silence import told_silence
from db.tasks import POSTPONE_BY, Task, assign, complete, postpone
from db.texts import N_, ClaimError

BREATH = 0.5
NOTE_AT_MOST = 1000
# lists in which any number above none is a call to somebody
_ALARMS = frozenset({'overdue', 'late', 'no_next'})


@dataclass(frozen=True)
class Reading:
    """What the page reads each time the doorbell rings."""

    desk: Desk
    reference: Reference
    people: Mapping[int, str]
    staff: Sequence[tuple[int, str]]
    contacts: Mapping[str, tuple[str, str]]


def read(session: Any, state: DeskState, moment: datetime) -> Reading:
    """Read a desk anew."""
    desk = desk_of(session, state, moment)
    contacts = {}
    for line in desk.lines:
        if line.silence is not None:
            whom = contacts_of(session, line.claim)[line.silence.party]
            contacts[line.key] = (whom.person, whom.phone)
    staff = [(person.id, person.name) for person in fetch(session, bureau_people())]
    return Reading(desk, reference(session), people_known_to(session), staff, contacts)


class WorkDesk(Element, component='work_desk.js', dependencies=['set_aside.js']):
    """One person's desk on one page; `load` fills it, every change of a claim fills it again."""

    def __init__(self, state: DeskState) -> None:
        """Draw the desk, empty until `load` is awaited."""
        super().__init__()
        self._actor, self.state = current_actor(), state
        self._lines: Mapping[str, Line] = {}
        self._props.update(
            view=state.view,
            heading=t(VIEWS[state.view][0]),
            nothing='',
            sides=[],
            tiles=[],
            parties=[],
            lines=[],
            pages=[],
            staff=[],
            ways=_ways(),
            me=self._actor.user_id,
            today='',
            answer=None,
            keep=f'{self._actor.user_id}/work',
            texts=_texts(),
        )
        self.on('act', self._act)
        with self:
            Subscription([claims_topic(self._actor), words_topic()], self._ring, breath=BREATH)

    async def load(self) -> None:
        """Ask for the desk and show it; only what differs is sent."""
        reading = await ask(read, self.state, now())
        if not self.is_deleted:
            self.state = reading.desk.state
            # also those that have left it: who orders something of one of them is told why not
            self._lines = {**self._lines, **{line.key: line for line in reading.desk.lines}}
            show_changes(self, self._shown(reading))

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()

    # ---- showing ------------------------------------------------------------------------------------------------------------

    def _shown(self, reading: Reading) -> dict[str, Any]:
        desk, state = reading.desk, reading.desk.state
        return {
            'nothing': t(VIEWS[state.view][1]),
            'sides': [
                {'name': side, 'label': t(_SIDES[side]), 'on': side == state.whose, 'href': _address(state, whose=side)}
                for side in WHOSE
            ],
            'tiles': [_tile(view, desk) for view in VIEWS],
            'parties': [_party(party, desk, reading.reference) for party in desk.waiting],
            'lines': [self._line(line, reading) for line in desk.lines],
            'pages': _pages(desk),
            'staff': [list(one) for one in reading.staff],
            'today': desk.today.isoformat(),
        }

    def _line(self, line: Line, reading: Reading) -> dict[str, Any]:
        claim, desk = line.claim, reading.desk
        whose = line.task.user_id if line.task else claim.handler
        look = status_look(claim.status)
        status = reading.reference.statuses.get(claim.status)
        person, phone = reading.contacts.get(line.key, ('', ''))
        return {
            'key': line.key,
            'href': claim_address(claim.claim_no),
            'claim_no': claim.claim_no,
            'name': claim.insured_name,
            'plate': values.format_plate(claim.plate) if claim.plate else '',
            'chip': {'hue': look.hue, 'icon': look.icon, 'label': status.label_in(language()) if status else ''},
            'task': line.task is not None,
            'title': _title(line, desk),
            'said': _said(line, reading),
            **_due(line, desk),
            'explained': explained(line.task, desk.calendar, language()) if line.task else '',
            'who': reading.people.get(whose or 0, '') or t('The team'),
            'whose': whose or 0,
            'mine': whose == self._actor.user_id,
            'checked': _is_today(claim.checked_at, desk.today),
            'person': person,
            'tel': values.tel_uri(phone) if phone else '',
        }

    # ---- doing --------------------------------------------------------------------------------------------------------------

    async def _act(self, event: GenericEventArguments) -> None:
        """What somebody asked of a line that stands on his page; refused, what was typed stays."""
        given = event.args if isinstance(event.args, dict) else {}
        key, act = str(given.get('key')), str(given.get('act'))
        with answering(self, event.args) as answer:
            answer |= {'act': act, 'key': key[:80]}
            if act == 'note':
                await work(_note, given, now())
            elif key in self._lines and act in _ORDERS:
                await work(_ORDERS[act], self._lines[key], given, now())
            else:
                return
            answer['message'] = ''
            await self.load()


# ---- orders: each is given the line and what the browser says beside it -----------------------------------------------------

_Given = Mapping[str, Any]


def _done(session: Any, line: Line, _: _Given, moment: datetime) -> None:
    if line.task is not None:
        complete(session, line.task.id, moment)


def _postpone(session: Any, line: Line, given: _Given, moment: datetime) -> None:
    """By some business days, or to a day."""
    if line.task is None:
        return
    postpone(session, line.task.id, day_of(session, given.get('value'), moment), moment)


def day_of(session: Any, value: object, moment: datetime) -> date:
    """The day a browser asks for: so many business days from today, or a date."""
    if type(value) is int and value in POSTPONE_BY:
        today = values.israel(moment).date()
        return calendar_of(session).business_days_after(today, value).day
    return values.day(str(value)[:20])


def _give(session: Any, line: Line, given: _Given, moment: datetime) -> None:
    """From whoever had it on the page; whom somebody else has given it to keeps it."""
    seen, wanted = (given.get(name) for name in ('seen', 'value'))
    if not all(type(person) is int and 0 <= person < 2**31 for person in (seen, wanted)):
        raise ClaimError(N_('Please choose somebody of the bureau.'))
    try:
        if line.task is not None:
            assign(session, line.task.id, seen or None, wanted or None, moment)
        else:
            save_fields(session, line.claim.id, {'handler': (seen or None, wanted or None)}, moment)
    except ClaimConflict as conflict:
        other = session.get(User, conflict.current or 0)
        if other is None:
            raise ClaimError(N_('Somebody else was faster: it belongs to nobody now.')) from conflict
        raise ClaimError(N_('Somebody else was faster: it belongs to {name} now.'), name=other.name) from conflict


def _checked(session: Any, line: Line, _: _Given, moment: datetime) -> None:
    mark_checked(session, line.claim.id, moment)


_ORDERS = {'done': _done, 'postpone': _postpone, 'give': _give, 'checked': _checked}


def _note(session: Any, given: _Given, moment: datetime) -> None:
    """On a claim, whose line may have left the desk before this page was opened."""
    claim_no = str(given.get('claim_no'))
    claim = fetch_one(session, claim_by_no(claim_no)) if claim_no.isprintable() else None
    if claim is None:
        raise ClaimError(NOT_FOUND)
    note_internally(session, claim.id, str(given.get('value'))[:NOTE_AT_MOST], moment, key=key_of(given, 'once'))


# ---- words ------------------------------------------------------------------------------------------------------------------

_SIDES = {'mine': N_('My work'), 'team': N_('The whole team')}


def explained(task: Task, calendar: Calendar, reader: str) -> str:
    """How the day of a task was counted: from when, how many business days, and which days did not count."""
    deadline = task.deadline(calendar)
    return _told(deadline, task.days or 0, reader) if deadline else ''


def _told(deadline: Deadline, days: int, reader: str) -> str:
    counted = texts.tn('{n} business day from {start}', '{n} business days from {start}', days, reader,
                       start=values.format_day(deadline.start))  # fmt: skip
    # everybody knows that Friday and Shabbat do not count
    reasons = dict.fromkeys(texts.t(one.reason, reader) for one in deadline.skipped if one.day.weekday() not in (4, 5))
    skipped = texts.t('skipped: {days}', reader, days=', '.join(reasons)) if reasons else ''
    until = texts.t('{count}: until {day}', reader, count=counted, day=values.format_day(deadline.day))
    return ' · '.join(filter(None, (until, skipped)))


def due_words(due: date, today: date, reader: str) -> str:
    """A day as one speaks of it: overdue since when, today, tomorrow, the weekday."""
    days = (due - today).days
    if days < 0:
        return texts.tn('{n} day late', '{n} days late', -days, reader)
    if days < 2:
        return texts.t('Today', reader) if days == 0 else texts.t('Tomorrow', reader)
    day = values.format_day(due)[:5]
    return f'{weekday_of(due, reader)} {day}' if days < 7 else day


def _due(line: Line, desk: Desk) -> dict[str, str]:
    today, reader = desk.today, language()
    if line.task is not None:
        due: date | None = line.task.due
    elif line.silence is not None:
        return {'due': texts.tn('{n} day', '{n} days', line.silence.days(today), reader), 'tone': 'late'}
    elif desk.state.view in ('stuck', 'open'):
        since = line.claim.status_since if desk.state.view == 'stuck' else line.claim.waiting_since
        return {'due': waited(since, today, reader), 'tone': 'late' if desk.state.view == 'stuck' else ''}
    else:
        due = line.claim.next_action_due
    if due is None:
        return {'due': t('No date'), 'tone': 'late' if desk.state.view == 'no_next' else ''}
    return {'due': due_words(due, today, reader), 'tone': 'late' if due < today else 'now' if due == today else ''}


def _title(line: Line, desk: Desk) -> str:
    if line.task is not None:
        return line.task.title
    if line.silence is not None:
        return told_silence(line.silence, desk.today, language())
    return line.claim.next_action or t('No next action is written down')


def _said(line: Line, reading: Reading) -> list[str]:
    """What else one wants to know before one calls."""
    claim, today, reader = line.claim, reading.desk.today, language()
    party = reading.reference.waiting.get(claim.waiting_on)
    said = []
    if line.silence is not None:
        usual = line.silence.usual_days
        if line.silence.measured:
            said.append(
                tn('usually heard within {n} day (measured)', 'usually heard within {n} days (measured)', usual)
            )
        else:
            said.append(tn('usual: {n} day', 'usual: {n} days', usual))
        said.append(claim.next_action)
    elif party is not None and claim.waiting_on not in ('bureau', 'none'):
        how_long = waited(claim.waiting_since, today, reader)
        said.append(t('Waiting for {party} · {days}', party=party.label_in(reader), days=how_long))
    if reading.desk.state.view == 'not_updated':
        said.append(t('Last update: {when}', when=values.format_moment(claim.updated_at, reading.desk.now, reader)))
    return [words for words in said if words]


def _is_today(moment: datetime | None, today: date) -> bool:
    return moment is not None and values.israel(moment).date() == today


def _address(state: DeskState, **other: Any) -> str:
    address = replace(state, **{'page': 1, **other}).address()
    return f'/work?{address}' if address else '/work'


def _counted(count: int) -> str:
    return f'{COUNTED_UP_TO}+' if count > COUNTED_UP_TO else str(count)


def _tile(view: str, desk: Desk) -> dict[str, Any]:
    count = desk.counts[view]
    return {
        'name': view,
        'label': t(VIEWS[view][0]),
        'count': _counted(count),
        'on': view == desk.state.view,
        'alarm': view in _ALARMS and count > 0,
        'href': _address(desk.state, view=view),
    }


def _party(party: str, desk: Desk, known: Reference) -> dict[str, Any]:
    row, on = known.waiting.get(party), party == desk.state.waiting_on
    view = desk.state.view if on or desk.state.waiting_on or desk.state.view == SILENT else 'open'
    return {
        'name': party,
        'label': row.label_in(language()) if row else party,
        'count': desk.waiting[party],
        'on': on,
        'href': _address(desk.state, view=view, waiting_on='' if on else party),
    }


def _pages(desk: Desk) -> list[dict[str, str]]:
    page, pages = desk.state.page, []
    if page > 1:
        pages.append({'name': 'before', 'label': t('Previous page'), 'href': _address(desk.state, page=page - 1)})
    if desk.more:
        pages.append({'name': 'after', 'label': t('Next page'), 'href': _address(desk.state, page=page + 1)})
    return pages


def _ways() -> list[list[Any]]:
    return [[days, t('Next business day') if days == 1 else t('In {n} business days', n=days)] for days in POSTPONE_BY]


def _texts() -> dict[str, str]:
    return {
        'title': t('My desk'),
        'live': t('Updating live'),
        'whose': t('Whose work'),
        'lists': t('Lists'),
        'waiting': t('Open claims by whom they wait for'),
        'keys': t('J and K walk · Enter opens · D done · X checked · M more'),
        'plate': t('Vehicle no.'),
        'done': t('Task is done'),
        'checked': t('Checked today, no change'),
        'wasChecked': t('Checked today'),
        'checkedTitle': t('Shows the agent that somebody looked. No alert is sent.'),
        'more': t('More actions'),
        'unsent': t('More actions, and a note that was not added yet'),
        'late': t('No answer came. Please try again: nothing is done twice.'),
        'going': t('No answer yet. What you wrote is still on its way; it will be kept only once.'),
        'gone': t('This line left the list. The note can still be added to the claim, copied or discarded.'),
        'copy': t('Copy'),
        'discard': t('Discard the note'),
        'postpone': t('Postpone'),
        'day': t('To another day'),
        'to': t('To this day'),
        'who': t('Who'),
        'take': t('Take over'),
        'give': t('Give to'),
        'team': t('The team'),
        'nobody': t('Nobody yet'),
        'note': t('Note for the bureau only…'),
        'add': t('Add note'),
        'call': t('Call'),
        'pages': t('Pages'),
    }
