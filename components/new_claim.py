"""The form that opens a claim: the fields one knows on the phone, checked as they are typed, and a warning of duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.claim_head import claim_address
from components.claim_rows import editor_of
from components.live import ask, current_actor, work
from components.theme import section_icon
from components.words import language, said_once, t
from db import values
from db.base import now
from db.claims import FIELDS, RIGHTS, Claim, duplicates_of, limit_of, open_claim, parse_field
from db.offices import agents_of, offices
from db.reference import Reference, reference
from db.sanity import doubts_in
from db.scope import Actor, Can, Role
from db.session import fetch
from db.texts import N_, Told
from db.values import Malformed

TYPED_AT_MOST = 6000
# the form in the order one asks on the phone
_GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    'claim': (N_('The file'), ('office', 'agent')),
    'insured': (
        N_('The insured'),
        (
            'insured_name',
            'insured_id_no',
            'insured_phone',
            'insured_address',
            'plate',
            'make_model',
            'policy_no',
            'own_insurer',
        ),
    ),
    'event': (N_('The event'), ('event_date', 'circumstances')),
    'third_party': (
        N_('Third party'),
        ('tp_policy_holder', 'tp_phone', 'tp_plate', 'tp_insurer', 'tp_driver', 'tp_driver_phone'),
    ),
}
_REQUIRED = ('office', 'insured_name', 'event_date')
_NAMES = tuple(name for _, names in _GROUPS.values() for name in names)
_ICONS = {'claim': 'folder_open'}


@dataclass(frozen=True)
class Offered:
    """What the form lets one choose from."""

    offices: Sequence[tuple[int, str]]
    agents: Sequence[tuple[int, str, int]]
    reference: Reference


@dataclass(frozen=True)
class Checked:
    """A form that was read: stored values by field name, and what is wrong or doubtful, in words."""

    fields: Mapping[str, Any]
    errors: Mapping[str, str]
    doubts: Mapping[str, str]


def offered(session: Any) -> Offered:
    """The offices, their people and the insurers."""
    active = [(office.id, office.name) for office in fetch(session, offices()) if office.active]
    agents = [(user.id, user.name, user.office_id or 0) for user in fetch(session, agents_of())]
    return Offered(active, agents, reference(session))


def asked_of(actor: Actor) -> tuple[str, ...]:
    """What the form asks somebody: an office opens claims of its own, an agent those that are his."""
    known = () if actor.is_bureau else ('office', 'agent') if actor.role is Role.AGENT else ('office',)
    return tuple(name for name in _NAMES if name not in known and actor.may(RIGHTS.get(name, Can.OPEN_CLAIM)))


def check(typed: Mapping[str, str], reader: str, unknown_insurer: int | None = None) -> Checked:
    """Read a whole form by the same rules that guard the claim's columns."""
    fields: dict[str, Any] = {}
    errors: dict[str, str] = {}
    doubts: dict[str, str] = {}
    for name in _NAMES:
        raw = typed.get(name, '')
        try:
            fields[name] = _value(name, raw)
        except Told as refusal:
            errors[name] = refusal.told(reader)
    today = values.israel(now()).date()
    for doubt in doubts_in(fields, today, unknown_insurer=unknown_insurer):
        doubts.setdefault(doubt.field, doubt.told(reader))
    return Checked(fields, errors, doubts)


def _value(name: str, raw: str) -> Any:
    if name in _REQUIRED and not raw.strip():
        raise Malformed(N_('Nothing was entered. Please fill in this field.'))
    return values.whole(raw) if name == 'office' else parse_field(name, raw)


def typed_in(sent: object) -> dict[str, str]:
    """The form's own fields out of whatever the browser sent."""
    if not isinstance(sent, dict):
        return {}
    return {name: raw for name in _NAMES if isinstance(raw := sent.get(name), str) and len(raw) <= TYPED_AT_MOST}


class NewClaim(Element, component='new_claim.js'):
    """Draws the form, answers its checks, and opens the claim once."""

    def __init__(self, choices: Offered) -> None:
        """`choices` are the offices, people and insurers one may choose."""
        super().__init__()
        self._statuses = choices.reference.statuses
        self._unknown_insurer = choices.reference.unknown_insurer
        self._offices = {key for key, _ in choices.offices}
        self._actor = current_actor()
        self._opening = False
        self._warned_of: tuple[str, date] | None = None
        self._props.update(
            groups=_groups(choices, asked_of(self._actor)), errors=self._without_offices(), doubts={}, duplicates=[], message='', words=_words(),
            answered=0,
        )  # fmt: skip
        if not self._actor.is_bureau:
            self._props['lead'] = t('Write what you know; only the name and the day are a must. We go on from there.')
        self._props['today'] = values.israel(now()).date().isoformat()
        if len(choices.offices) == 1:
            self._props['preset'] = {'office': str(choices.offices[0][0])}
        self.on('check', self._check)
        self.on('submit', self._submit)

    def _without_offices(self) -> dict[str, str]:
        """What a new bureau is told: every claim is of an office."""
        return {} if self._offices else {'office': t('There is no office yet. Add one under Administration first.')}

    def _read(self, sent: dict[str, Any]) -> Checked:
        own = {} if self._actor.is_bureau else {'office': str(self._actor.office_id)}
        return check({**typed_in(sent.get('values')), **own}, language(), self._unknown_insurer)

    async def _check(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        name, checked = sent.get('name'), self._read(sent)
        if name not in _NAMES:
            return
        others = {key: text for key, text in self._props['errors'].items() if key != name}
        self._props['errors'] = {**others, **({name: checked.errors[name]} if name in checked.errors else {})}
        self._props['doubts'] = dict(checked.doubts)  # what looks wrong may lie in how two fields go together
        if name in ('plate', 'event_date'):
            await self._look_for_duplicates(checked)
        self.update()

    async def _submit(self, event: GenericEventArguments) -> None:
        if self._opening:
            return
        self._opening = True
        sent = event.args if isinstance(event.args, dict) else {}
        opened: Claim | None = None
        try:
            opened = await self._open(self._read(sent), sure=sent.get('sure') is True)
        except Told as refusal:
            self._props['message'] = refusal.told(language())
        finally:
            if opened is None:
                self._opening = False
                self._props['answered'] += 1
                self.update()
        if opened is not None:
            # the first documents come from whoever reports the accident
            ui.navigate.to(claim_address(opened.claim_no, tab='overview' if self._actor.is_bureau else 'documents'))

    async def _open(self, checked: Checked, *, sure: bool) -> Claim | None:
        errors = dict(checked.errors)
        errors |= self._without_offices()
        if 'office' in checked.fields and checked.fields['office'] not in self._offices:
            errors.setdefault('office', t('Please choose a value from the list.'))
        self._props.update(errors=errors, doubts=dict(checked.doubts), message='')
        if errors:
            self._props['message'] = t('Some details need a look before the claim can be opened.')
            return None
        warned = self._warned_of
        if await self._look_for_duplicates(checked) and not (sure and warned == self._warned_of):
            return None
        fields = {name: value for name, value in checked.fields.items() if name != 'office' and value not in (None, '')}
        handled = {'handler': self._actor.user_id} if self._actor.is_bureau else {}
        return await work(open_claim, checked.fields['office'], {**handled, **fields}, now())

    async def _look_for_duplicates(self, checked: Checked) -> bool:
        """Show claims on the same vehicle around the same day; remember for which the person was warned."""
        plate, event_date = checked.fields.get('plate'), checked.fields.get('event_date')
        if not plate or not event_date:
            self._props['duplicates'], self._warned_of = [], None
            return False
        found = await ask(_duplicates, plate, event_date)
        self._warned_of = (plate, event_date) if found else None
        shown = [self._line(claim) for claim in found]
        if shown != self._props['duplicates']:
            self._props['duplicates'] = shown
        return bool(found)

    def _line(self, claim: Claim) -> dict[str, str]:
        status = self._statuses.get(claim.status)
        return {
            'href': claim_address(claim.claim_no),
            'no': claim.claim_no,
            'name': claim.insured_name,
            'day': values.format_day(claim.event_date),
            'status': status.label_in(language()) if status else '',
        }


def _duplicates(session: Any, plate: str, event_date: date) -> list[Claim]:
    return fetch(session, duplicates_of(plate, event_date))


def _groups(choices: Offered, asked: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            'key': key,
            'title': t(title),
            'icon': _ICONS.get(key) or section_icon(key),
            'fields': [_field(name, choices) for name in names if name in asked],
        }
        for key, (title, names) in _GROUPS.items()
        if not set(names).isdisjoint(asked)
    ]


def _field(name: str, choices: Offered) -> dict[str, Any]:
    label = t('Office') if name == 'office' else t(FIELDS[name].label)
    field: dict[str, Any] = {'name': name, 'label': label, 'required': name in _REQUIRED, 'editor': editor_of(name)}
    if name == 'office':
        field |= {
            'choices': [{'value': key, 'label': text} for key, text in choices.offices],
            'hint': t('Choose an office'),
        }
        return field
    field['limit'] = limit_of(name)
    if name == 'agent':
        field['choices'] = [{'value': key, 'label': text, 'office': office} for key, text, office in choices.agents]
    elif FIELDS[name].kind == 'insurer':
        insurers = choices.reference.insurers.values()
        field['choices'] = [{'value': row.id, 'label': row.name} for row in insurers if row.active]
    return field


@said_once
def _words() -> dict[str, str]:
    return {
        'duplicate': t('This claim may have been opened already'),
        'sure': t('It is another event. Open a new claim all the same.'),
        'open': t('Open the claim'),
        'cancel': t('Cancel'),
        'pickDay': t('Choose a date'),
        'privacy': t(
            'The details serve the handling of the claim only. They go to the claims bureau, and from there to the appraiser,'
            ' the garage and the insurer of the other side as far as each needs them. Please let the insured know.'
        ),
    }
