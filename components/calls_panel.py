"""The call log on the claim page: the calls by day, what was tried in vain, what is due, and the form to log one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering, key_of
from components.live import Subscription, ask, claim_topic, current_actor, show_changes, words_topic, work
from components.shared_words import reference
from components.theme import Look
from components.timeline import day_title
from components.words import call_how, language, said_once, t, tn
from db import texts, values
from db.base import now
from db.calls import (
    DIRECTIONS,
    Call,
    CallNote,
    Contact,
    attempts_among,
    calls_of,
    contacts_of,
    correct_call,
    follow_ups_among,
    is_new_to,
    log_call,
    may_correct,
    parties_for,
    standing,
)
from db.claims import Claim
from db.doorbell import Notice
from db.reference import Reference
from db.scope import Actor, Can
from db.session import fetch
from db.texts import N_
from db.values import Malformed

SHOWN_AT_MOST = 500
TYPED_AT_MOST = 5000
WARNED_FROM = 2
_PARTY_HUES = {
    'insured': 'blue',
    'garage': 'cyan',
    'appraiser': 'teal',
    'insurer': 'violet',
    'agent': 'pink',
    'third_party': 'orange',
    'tp_agent': 'amber',
}
_SPOKE = {'outbound': Look('green', 'call_made'), 'inbound': Look('blue', 'call_received')}
_CALLBACK = Look('amber', 'phone_callback')
_IN_VAIN = Look('red', 'call_missed')
_NEITHER = Look('slate', 'person_off')


@dataclass(frozen=True)
class CallLog:
    """What the panel reads of a claim: its calls, whom one would call, and the words for both."""

    calls: Sequence[Call]
    contacts: Mapping[str, Contact]
    reference: Reference


def read_calls(session: Any, claim_id: int) -> CallLog | None:
    """Read the call log under the asker's scope; None when the claim is not his (any more)."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    calls = fetch(session, calls_of(claim_id).limit(SHOWN_AT_MOST))
    return CallLog(calls, contacts_of(session, claim), reference(session))


def read_note(sent: object) -> tuple[CallNote, int]:
    """The note and the call it corrects (0: none), from whatever the browser sent."""
    if not isinstance(sent, dict):
        raise Malformed(N_('It was not saved. Please try again.'))
    typed = {name: value for name, value in sent.items() if isinstance(value, str) and len(value) <= TYPED_AT_MOST}
    corrects = sent.get('corrects')
    note = CallNote(
        party=typed.get('party', ''),
        direction=typed.get('direction', ''),
        outcome=typed.get('outcome', ''),
        person=typed.get('person', ''),
        phone=typed.get('phone', ''),
        minutes=values.whole(minutes) if (minutes := typed.get('minutes', '').strip()) else None,
        summary=typed.get('summary', ''),
        follow_up=values.day(day) if (day := typed.get('followUp', '').strip()) else None,
        at=_moment(typed.get('at', '')),
        internal=sent.get('internal') is True,
        key=key_of(typed),
    )
    return note, corrects if type(corrects) is int and 0 < corrects < 2**63 else 0


def _moment(typed: str) -> datetime | None:
    """A day and a time as the browser sends them, on an Israeli clock."""
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=values.ISRAEL)
    except ValueError:
        raise Malformed(N_('This is not a date. Write day, month and year, such as 23/11/2026.')) from None


class CallsPanel(Element, component='calls_panel.js', dependencies=['set_aside.js']):
    """Follows the calls of one claim live; who may log one gets the form, and what he types survives every update."""

    def __init__(self, claim: Claim, last_visit: datetime | None) -> None:
        """What others logged after `last_visit` is marked as new."""
        super().__init__()
        self._claim_id, self._last_visit = claim.id, last_visit
        self._actor, self._reader = current_actor(), language()
        self._props.update(calls=[], chips=[], attempts=[], figures=[], form=None, answer=None, words=_words())
        self._props['keep'] = f'{self._actor.user_id}/{claim.id}/calls'
        self.on('save', self._save)
        with self:
            Subscription([claim_topic(claim.id), words_topic()], self._answer)

    async def refresh(self) -> None:
        """Read the log anew and show what differs."""
        log = await ask(read_calls, self._claim_id)
        if log is not None and not self.is_deleted:
            self.show(log)

    def show(self, log: CallLog) -> None:
        """Show what was read."""
        show_changes(self, _shown(log, self._actor, self._reader, self._last_visit))

    async def _answer(self, _: set[Notice]) -> None:
        await self.refresh()

    async def _save(self, event: GenericEventArguments) -> None:
        """Keep a call, and answer the form; when it is refused, what was typed stays there with the reason."""
        with answering(self, event.args) as answer:
            note, corrects = read_note(event.args)
            if corrects:
                await work(correct_call, corrects, note, now())
            else:
                await work(log_call, self._claim_id, note, now())
            answer |= {'message': '', 'said': t('The call was logged')}
            await self.refresh()


# ---- what the browser draws -------------------------------------------------------------------------------------------------


def _shown(log: CallLog, actor: Actor, reader: str, last_visit: datetime | None) -> dict[str, Any]:
    moment = now()
    counting = standing(log.calls)
    per_party = Counter(call.party for call in counting)
    attempts = attempts_among(log.calls, log.reference.call_outcomes)
    parties = log.reference.call_parties
    return {
        'calls': _calls(log, actor, reader, moment, last_visit),
        'chips': [
            {'id': '', 'label': t('All'), 'count': len(counting)},
            *(
                {'id': key, 'label': party.label_in(reader), 'count': per_party[key]}
                for key, party in parties.items()
                if per_party[key]
            ),
        ],
        'attempts': [
            {
                'party': key,
                'party_label': parties[key].label_in(reader),
                'text': tn('{n} attempt without an answer', '{n} attempts without an answer', count),
            }
            for key, count in attempts.items()
            if count >= WARNED_FROM
        ],
        'figures': _figures(counting, log.reference, moment),
        'form': _form(log, actor, reader, moment),
    }


def _figures(counting: Sequence[Call], words: Reference, moment: datetime) -> list[dict[str, Any]]:
    minutes = sum(call.minutes or 0 for call in counting)
    waiting = [done for done in follow_ups_among(counting, words.call_outcomes).values() if not done]
    week = sum(call.at > moment - timedelta(days=7) for call in counting)
    return [
        {'value': str(len(counting)), 'label': t('calls in the claim')},
        {'value': str(week), 'label': t('in the last seven days')},
        {'value': f'{minutes // 60}:{minutes % 60:02}', 'label': t('hours of talk')},
        {'value': str(len(waiting)), 'label': t('follow-ups open')},
    ]


def _form(log: CallLog, actor: Actor, reader: str, moment: datetime) -> dict[str, Any] | None:
    """What the form offers; None for those who only read."""
    parties = parties_for(actor, log.reference.call_parties.values())
    if not parties:
        return None
    today = values.israel(moment).date()
    return {
        'title': t('Quick call log') if actor.is_bureau else t('Log a call with the client'),
        'parties': [
            {'id': party.id, 'label': party.label_in(reader), **_contact(log.contacts.get(party.id, Contact()))}
            for party in parties
        ],
        'directions': [
            {'id': key, 'label': texts.t(label, reader), 'icon': _SPOKE[key].icon} for key, label in DIRECTIONS.items()
        ],
        'outcomes': [
            {'id': outcome.id, 'label': outcome.label_in(reader)}
            for outcome in log.reference.call_outcomes.values()
            if outcome.active
        ],
        'days': [
            {'label': label, 'days': days, 'day': (today + timedelta(days=days)).isoformat()}
            for days, label in ((1, t('Tomorrow')), (7, t('In a week')))
        ],
        'internal': actor.may(Can.SEE_INTERNAL),
        'today': today.isoformat(),
    }


def _contact(contact: Contact) -> dict[str, str]:
    return {'person': contact.person, 'phone': values.format_phone(contact.phone) if contact.phone else ''}


def _calls(
    log: CallLog, actor: Actor, reader: str, moment: datetime, last_visit: datetime | None
) -> list[dict[str, Any]]:
    corrected = {call.corrects for call in log.calls}
    done = follow_ups_among(log.calls, log.reference.call_outcomes)
    today = values.israel(moment).date()
    return [
        {
            **_call(call, log.reference, reader, today),
            'corrected': call.id in corrected,
            'followUp': _follow_up(call.follow_up, done=done[call.id], today=today) if call.id in done else None,
            'fresh': is_new_to(actor, call, last_visit),
            'mine': may_correct(actor, call),
            'draft': _draft(call),
        }
        for call in log.calls
    ]


def _call(call: Call, words: Reference, reader: str, today: date) -> dict[str, Any]:
    look, party = look_of(call, words), words.call_parties[call.party].label_in(reader)
    told = (call.person, call.phone, values.format_phone(call.phone), call.summary, call.by, party)
    return {
        'id': call.id,
        'party': call.party,
        'partyLabel': party,
        'partyHue': _PARTY_HUES.get(call.party, 'slate'),
        'person': call.person,
        'phone': values.format_phone(call.phone),
        'tel': values.tel_uri(call.phone) if call.phone else '',
        'how': call_how(call.direction, call.outcome, words, reader),
        'hue': look.hue,
        'icon': look.icon,
        'summary': call.summary,
        'text': ' '.join(told).lower(),
        'internal': call.internal,
        'corrects': bool(call.corrects),
        'day': _day(values.israel(call.at).date(), today, reader),
        'at': call.at.isoformat(),
        'time': values.format_time(call.at),
        'exact': values.format_exact(call.at),
        'length': '' if call.minutes is None else tn('{n} minute', '{n} minutes', call.minutes),
        'by': call.by,
    }


def _day(day: date, today: date, reader: str) -> str:
    title, exact = day_title(day, today, reader), values.format_day(day)
    return title if exact in title else f'{title} · {exact}'


def look_of(call: Call, words: Reference) -> Look:
    """How a call ended, as colour and picture."""
    outcome = words.call_outcomes[call.outcome]
    if outcome.attempt:
        return _IN_VAIN
    if not outcome.reached:
        return _NEITHER
    return _CALLBACK if call.outcome == 'callback' else _SPOKE[call.direction]


def _follow_up(day: date | None, *, done: bool, today: date) -> dict[str, Any] | None:
    if day is None:
        return None
    shown = t('today') if day == today else values.format_day(day, today)
    text = t('Follow-up done') if done else t('Follow-up: {day}', day=shown)
    return {'done': done, 'due': day <= today and not done, 'text': text}


def _draft(call: Call) -> dict[str, Any]:
    """The call as the form holds it, to start a correction from."""
    return {
        'party': call.party,
        'direction': call.direction,
        'outcome': call.outcome,
        'person': call.person,
        'phone': values.format_phone(call.phone),
        'minutes': '' if call.minutes is None else str(call.minutes),
        'summary': call.summary,
        'followUp': call.follow_up.isoformat() if call.follow_up else '',
        'day': values.israel(call.at).date().isoformat(),
        'time': values.format_time(call.at),
        'internal': call.internal,
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'log': t('Call log'),
        'party': t('With whom'),
        'person': t('Person'),
        'phone': t('Phone'),
        'direction': t('Who called whom'),
        'outcome': t('How it ended'),
        'summary': t('Summary of the call'),
        'summaryHint': t('Summary of the call…'),
        'followUp': t('Follow up on'),
        'minutes': t('Minutes'),
        'minutesShort': t('min'),
        'day': t('Day of the call'),
        'time': t('Time of the call'),
        'timeMissing': t('The time of the call is missing.'),
        'earlier': t('It was earlier'),
        'internal': t('Internal: only the bureau sees it'),
        'isInternal': t('Internal'),
        'wasCorrected': t('Corrected'),
        'isCorrection': t('Correction'),
        'correct': t('Correct this call'),
        'correctTitle': t('Correct a call'),
        'fresh': t('New since your last visit'),
        'keys': t('Digits choose, Ctrl+Enter saves'),
        'save': t('Save'),
        'saving': t('Saving…'),
        'going': t('No answer yet. What you wrote is still on its way; it will be kept only once.'),
        'cancel': t('Cancel'),
        'filter': t('Calls with'),
        'search': t('Search the calls'),
        'inShort': t('In short'),
        'dueTitle': t('To follow up'),
        'none': t('No calls have been logged yet.'),
        'noneFound': t('No calls match.'),
    }
