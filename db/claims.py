"""The claim: everything the bureau knows of it, on four axes, and the orders that change it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, cast

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey, has_changed, take_turns
from db.masks import ID_NUMBERS, IdNumber, is_hidden
from db.offices import User, agents_of, bureau_people
from db.prepared import one_answer
from db.reference import CLOSED, Appraiser, ClaimStatus, Garage, Insurer, RepairStage, WaitingParty
from db.scope import Actor, Can, OfficeOwned, Role
from db.texts import N_, ClaimError

TRACKS = {'undecided': N_('Not decided yet'), 'private_report': N_('Private report'), 'settlement': N_('Settlement')}
DOCUMENTS = {
    'unchecked': N_('Not checked yet'),
    'missing_blocking': N_('Missing, and they hold the submission'),
    'missing': N_('Missing'),
    'complete': N_('Complete'),
}
YES_NO = {'yes': N_('Yes'), 'no': N_('No')}
DUPLICATE_DAYS = 3
NOT_FOUND = N_('The claim was not found or does not belong to your office.')
# what an office tells when it opens a claim of its own accord: the bureau goes on from there
REPORTED = frozenset(
    {
        *('agent', 'insured_name', 'insured_id_no', 'insured_phone', 'insured_address', 'plate', 'make_model'),
        *('policy_no', 'own_insurer', 'event_date', 'circumstances', 'tp_policy_holder', 'tp_phone', 'tp_plate'),
        *('tp_insurer', 'tp_driver', 'tp_driver_phone'),
    }
)
# the status of a demand that the insurer sent back to be completed
SENT_BACK = 'insurer_requested_info'


@dataclass(frozen=True)
class Field:
    """A field of the claim that people read and staff edit: its glossary name, English label, kind of value and section."""

    name: str
    label: str
    kind: str
    section: str


# In the order of the brief's categories; the claim page, the history, imports and exports all read this list.
FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field('claim_no', N_('Claim no.'), 'claim_no', 'claim'),
        Field('status', N_('Claim status'), 'status', 'claim'),
        Field('status_reason', N_('Reason'), 'reason', 'claim'),
        Field('repair_stage', N_('Repair stage'), 'stage', 'claim'),
        Field('waiting_on', N_('Waiting on'), 'waiting', 'claim'),
        Field('documents', N_('Documents'), 'documents', 'claim'),
        Field('next_action', N_('Next action'), 'text', 'claim'),
        Field('next_action_due', N_('Due'), 'day', 'claim'),
        Field('track', N_('Track'), 'track', 'claim'),
        Field('agent', N_('Agent'), 'agent', 'claim'),
        Field('handler', N_('Handler'), 'handler', 'claim'),
        Field('opened_at', N_('Opened'), 'day', 'claim'),
        Field('submitted_at', N_('Submitted'), 'day', 'claim'),
        Field('daily_note', N_('Daily update'), 'long_text', 'claim'),
        Field('own_policy_used', N_('Own policy used'), 'yes_no', 'documents'),
        Field('total_loss', N_('Total loss'), 'yes_no', 'documents'),
        Field('business_owner', N_('Business owner'), 'yes_no', 'documents'),
        Field('liability_disputed', N_('Liability disputed'), 'yes_no', 'documents'),
        Field('depreciation_claimed', N_('Depreciation claimed'), 'yes_no', 'documents'),
        Field('towing_claimed', N_('Towing claimed'), 'yes_no', 'documents'),
        Field('replacement_car_claimed', N_('Replacement car claimed'), 'yes_no', 'documents'),
        Field('insured_name', N_('Full name'), 'name', 'insured'),
        Field('insured_id_no', N_('ID no.'), 'id_no', 'insured'),
        Field('insured_address', N_('Address'), 'text', 'insured'),
        Field('insured_phone', N_('Mobile'), 'phone', 'insured'),
        Field('insured_email', N_('E-mail'), 'email', 'insured'),
        Field('plate', N_('Vehicle no.'), 'plate', 'insured'),
        Field('make_model', N_('Make and model'), 'text', 'insured'),
        Field('model_year', N_('Model year'), 'year', 'insured'),
        Field('policy_no', N_('Policy no.'), 'code', 'insured'),
        Field('own_insurer', N_('Own insurer'), 'insurer', 'insured'),
        Field('event_date', N_('Event date'), 'day', 'insured'),
        Field('circumstances', N_('Circumstances'), 'long_text', 'insured'),
        Field('driver', N_('Driver'), 'name', 'driver'),
        Field('driver_id_no', N_('ID no.'), 'id_no', 'driver'),
        Field('driver_licence_no', N_('Driving licence'), 'code', 'driver'),
        Field('driver_phone', N_('Phone'), 'phone', 'driver'),
        Field('tp_policy_holder', N_('Policy holder'), 'name', 'third_party'),
        Field('tp_phone', N_('Mobile'), 'phone', 'third_party'),
        Field('tp_plate', N_('Vehicle no.'), 'plate', 'third_party'),
        Field('tp_make_model', N_('Make and model'), 'text', 'third_party'),
        Field('tp_insurer', N_('Insurer'), 'insurer', 'third_party'),
        Field('tp_policy_no', N_('Policy no.'), 'code', 'third_party'),
        Field('insurer_claim_no', N_("Insurer's claim no."), 'code', 'third_party'),
        Field('claims_adjuster', N_("Insurer's adjuster"), 'name', 'third_party'),
        Field('claims_adjuster_phone', N_("Adjuster's phone"), 'phone', 'third_party'),
        Field('tp_driver', N_('Driver'), 'name', 'tp_driver'),
        Field('tp_driver_id_no', N_('ID no.'), 'id_no', 'tp_driver'),
        Field('tp_driver_licence_no', N_('Driving licence'), 'code', 'tp_driver'),
        Field('tp_driver_phone', N_('Phone'), 'phone', 'tp_driver'),
        Field('tp_driver_address', N_('Address'), 'text', 'tp_driver'),
        Field('tp_agent', N_("Agent's name"), 'name', 'tp_agent'),
        Field('tp_agent_office', N_('Agency'), 'text', 'tp_agent'),
        Field('tp_agent_phone', N_('Phone'), 'phone', 'tp_agent'),
        Field('tp_agent_email', N_('E-mail'), 'email', 'tp_agent'),
        Field('garage', N_('Garage'), 'garage', 'garage'),
        Field('eta', N_('Expected hand-over'), 'day', 'garage'),
        Field('appraiser', N_('Appraiser'), 'appraiser', 'appraiser'),
        Field('appraised_at', N_('Inspected'), 'day', 'appraiser'),
        Field('appraisal_amount', N_('Appraised sum'), 'money', 'appraiser'),
        Field('demand_amount', N_('Demanded'), 'money', 'money'),
        Field('offered_amount', N_('Offered'), 'money', 'money'),
        Field('approved_amount', N_('Approved'), 'money', 'money'),
        Field('received_amount', N_('Received'), 'money', 'money'),
    )
}

# columns of a claim that take another right than to edit it
RIGHTS: Mapping[str, Can] = {
    **dict.fromkeys(('repair_stage', 'stage_since', 'eta', 'hold_reason', 'hold_since'), Can.UPDATE_REPAIR),
    **{name: Can.HANDLE_MONEY for name, field in FIELDS.items() if field.section == 'money'},
    # nobody writes over what he cannot read
    **dict.fromkeys(ID_NUMBERS, Can.SEE_ID_NUMBERS),
}

# how much may be typed, by kind of field; the browser is told, so that nobody types what would be refused
_LIMITS: Mapping[str, int] = {
    'claim_no': 40,
    'code': 40,
    'name': 120,
    'garage': 120,
    'appraiser': 120,
    'text': 300,
    'reason': 500,
    'long_text': 5000,
    'phone': 40,
    'email': values.EMAIL_LIMIT,
    **dict.fromkeys(('id_no', 'plate', 'day', 'money', 'year'), 20),
}
_PARSE: Mapping[str, Callable[[str], Any]] = {
    **{kind: partial(values.text, limit=_LIMITS[kind]) for kind in ('claim_no', 'reason', 'text', 'name', 'code')},
    'long_text': partial(values.long_text, limit=_LIMITS['long_text']),
    'id_no': values.id_number,
    'plate': values.plate,
    'phone': values.phone,
    'email': values.email,
    'day': values.day,
    'money': values.money,
    'year': values.year,
    'yes_no': values.yes_no,
}
_DOUBT: Mapping[str, Callable[[str], str | None]] = {'id_no': values.id_number_doubt, 'plate': values.plate_doubt}
_NUMBERED = frozenset({'agent', 'handler', 'insurer', 'garage', 'appraiser'})
# what an empty input leaves behind: text columns are never NULL, so that search and sort need not care
_EMPTY_IS_NONE = frozenset({'day', 'money', 'year', 'stage', 'yes_no', *_NUMBERED})


class Claim(OfficeOwned, Base):
    """A third-party motor claim. Columns that hold the id of a person or a firm carry the glossary's name for it."""

    __tablename__ = 'claims'
    __table_args__ = (
        UniqueConstraint('id', 'office_id'),  # what every part of a claim points at
        # what follows the seq is looked at on the way: lists and counts of several filters are answered without reading claims
        Index(
            'ix_claims_office_seq',
            'office_id',
            'seq',
            'is_open',
            'status',
            'tp_insurer_id',
            'agent_id',
            'garage_id',
            'waiting_on',
            'event_date',
            'repair_stage',
            'appraiser_id',
            'documents',
            'status_since',
            'updated_at',
            'closed_at',
            'demand_amount',
        ),
        # what hardly ever changes: a save leaves these alone
        Index('ix_claims_office_claim_no', 'office_id', 'claim_no_key', 'is_open'),
        Index('ix_claims_office_plate', 'office_id', 'plate', 'is_open'),
        Index('ix_claims_office_garage', 'office_id', 'garage_id', 'is_open'),
        # what an office's lists are sorted by, the newest of each value first
        Index('ix_claims_office_status', 'office_id', 'status', 'seq', 'is_open'),
        Index('ix_claims_office_stage', 'office_id', 'repair_stage', 'seq', 'is_open'),
        Index('ix_claims_office_insurer', 'office_id', 'tp_insurer_id', 'seq', 'is_open'),
        Index('ix_claims_office_waiting', 'office_id', 'waiting_on', 'seq', 'is_open'),
        Index('ix_claims_office_event', 'office_id', 'event_date', 'seq', 'is_open'),
        Index('ix_claims_open_seq', 'is_open', 'seq'),
        Index(
            'ix_claims_status_seq',
            *('status', 'seq', 'is_open', 'tp_insurer_id', 'garage_id', 'office_id'),
            *('waiting_on', 'repair_stage', 'agent_id', 'demand_amount'),
        ),
        Index('ix_claims_insurer_seq', 'tp_insurer_id', 'seq', 'is_open', 'garage_id', 'office_id'),
        Index('ix_claims_garage_seq', 'garage_id', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_agent_seq', 'agent_id', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_stage_seq', 'repair_stage', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_appraiser_seq', 'appraiser_id', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_documents_seq', 'documents', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_updated', 'updated_at', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_waiting_seq', 'waiting_on', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_plate', 'plate', 'event_date'),
        Index('ix_claims_event', 'event_date', 'seq', 'is_open', 'office_id'),
        Index('ix_claims_insured', 'office_id', 'insured_key', 'seq', 'is_open'),
        Index('ix_claims_by_name', 'insured_key', 'seq', 'is_open'),
        # numbers that people type as a whole
        Index('ix_claims_claim_no_key', 'claim_no_key'),
        Index('ix_claims_tp_plate', 'tp_plate'),
        Index('ix_claims_insured_phone', 'insured_phone'),
        Index('ix_claims_tp_phone', 'tp_phone'),
        Index('ix_claims_insurer_claim_no', 'insurer_claim_no'),
        # the questions of the bureau's desk
        Index('ix_claims_next_action', 'is_open', 'next_action_due', 'handler_id'),
        Index('ix_claims_handler', 'handler_id', 'is_open', 'waiting_on', 'seq'),
        Index('ix_claims_status_since', 'is_open', 'status', 'status_since', 'handler_id'),
        # the questions of the reports: a stretch of days, and what is told of the claims in it
        Index('ix_claims_opened', 'opened_at', 'is_open', 'office_id', 'tp_insurer_id', 'status', 'agent_id'),
        Index('ix_claims_open_since', 'is_open', 'opened_at', 'office_id', 'tp_insurer_id'),
        Index(
            'ix_claims_submitted',
            *('submitted_at', 'office_id', 'tp_insurer_id', 'agent_id', 'demand_amount', 'sent_back_at'),
        ),
        Index(
            'ix_claims_appraised',
            *('appraised_at', 'office_id', 'appraiser_id', 'tp_insurer_id', 'agent_id', 'opened_at'),
        ),
        Index('ix_claims_closed', 'closed_at', 'seq', 'is_open', 'office_id', 'tp_insurer_id', 'agent_id', 'opened_at'),
    )
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM
    # kept by the session or derived: never part of the record of what somebody changed
    unrecorded: ClassVar[frozenset[str]] = frozenset(
        {
            *(
                'id',
                'office_id',
                'seq',
                'version',
                'required_documents',
                'missing_documents',
                'claim_no_key',
                'insured_key',
                'is_open',
                'updated_at',
                'created_at',
            ),
            *(
                'waiting_since',
                'status_since',
                'stage_since',
                'hold_reason',
                'hold_since',
                'daily_note_at',
                'daily_note_by',
                'checked_at',
                'checked_by',
                'closed_at',
                'sent_back_at',
                'documents_complete_at',
            ),
        }
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    seq: Mapped[int] = mapped_column(BigKey, unique=True)
    version: Mapped[int] = mapped_column()
    claim_no: Mapped[str] = mapped_column(unique=True)
    claim_no_key: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    agent: Mapped[int | None] = mapped_column('agent_id', ForeignKey('users.id'))
    handler: Mapped[int | None] = mapped_column('handler_id', ForeignKey('users.id'))
    status: Mapped[str] = mapped_column(ForeignKey('claim_statuses.id'))
    status_reason: Mapped[str] = mapped_column(default='')
    status_since: Mapped[datetime]
    is_open: Mapped[bool] = mapped_column(default=True)
    closed_at: Mapped[datetime | None]
    repair_stage: Mapped[str | None] = mapped_column(ForeignKey('repair_stages.id'))
    stage_since: Mapped[datetime | None]
    # the repair stands still: told of by db/repairs, which keeps the record of it
    hold_reason: Mapped[str | None]
    hold_since: Mapped[datetime | None]
    documents: Mapped[str] = mapped_column(default='unchecked')
    required_documents: Mapped[int] = mapped_column(default=0)
    missing_documents: Mapped[int] = mapped_column(default=0)
    # when the last one that was missing came: kept by the record
    documents_complete_at: Mapped[datetime | None]
    own_policy_used: Mapped[bool | None]
    total_loss: Mapped[bool | None]
    business_owner: Mapped[bool | None]
    liability_disputed: Mapped[bool | None]
    depreciation_claimed: Mapped[bool | None]
    towing_claimed: Mapped[bool | None]
    replacement_car_claimed: Mapped[bool | None]
    waiting_on: Mapped[str] = mapped_column(ForeignKey('waiting_parties.id'))
    waiting_since: Mapped[datetime]
    next_action: Mapped[str] = mapped_column(default='')
    next_action_due: Mapped[date | None]
    track: Mapped[str] = mapped_column(default='undecided')
    opened_at: Mapped[date]
    submitted_at: Mapped[date | None]
    # when the insurer first asked for what was missing in the demand
    sent_back_at: Mapped[datetime | None]
    daily_note: Mapped[str] = mapped_column(default='')
    daily_note_at: Mapped[datetime | None]
    daily_note_by: Mapped[str] = mapped_column(default='')
    checked_at: Mapped[datetime | None]
    checked_by: Mapped[str] = mapped_column(default='')

    insured_name: Mapped[str]
    insured_key: Mapped[str]
    insured_id_no: Mapped[str] = mapped_column(IdNumber(), default='')
    insured_address: Mapped[str] = mapped_column(default='')
    insured_phone: Mapped[str] = mapped_column(default='')
    insured_email: Mapped[str] = mapped_column(default='')
    plate: Mapped[str] = mapped_column(default='')
    make_model: Mapped[str] = mapped_column(default='')
    model_year: Mapped[int | None]
    policy_no: Mapped[str] = mapped_column(default='')
    own_insurer: Mapped[int | None] = mapped_column('own_insurer_id', ForeignKey('insurers.id'))
    event_date: Mapped[date]
    circumstances: Mapped[str] = mapped_column(default='')
    driver: Mapped[str] = mapped_column(default='')
    driver_id_no: Mapped[str] = mapped_column(IdNumber(), default='')
    driver_licence_no: Mapped[str] = mapped_column(default='')
    driver_phone: Mapped[str] = mapped_column(default='')

    tp_policy_holder: Mapped[str] = mapped_column(default='')
    tp_phone: Mapped[str] = mapped_column(default='')
    tp_plate: Mapped[str] = mapped_column(default='')
    tp_make_model: Mapped[str] = mapped_column(default='')
    tp_insurer: Mapped[int | None] = mapped_column('tp_insurer_id', ForeignKey('insurers.id'))
    tp_policy_no: Mapped[str] = mapped_column(default='')
    insurer_claim_no: Mapped[str] = mapped_column(default='')
    claims_adjuster: Mapped[str] = mapped_column(default='')
    claims_adjuster_phone: Mapped[str] = mapped_column(default='')
    tp_driver: Mapped[str] = mapped_column(default='')
    tp_driver_id_no: Mapped[str] = mapped_column(IdNumber(), default='')
    tp_driver_licence_no: Mapped[str] = mapped_column(default='')
    tp_driver_phone: Mapped[str] = mapped_column(default='')
    tp_driver_address: Mapped[str] = mapped_column(default='')
    tp_agent: Mapped[str] = mapped_column(default='')
    tp_agent_office: Mapped[str] = mapped_column(default='')
    tp_agent_phone: Mapped[str] = mapped_column(default='')
    tp_agent_email: Mapped[str] = mapped_column(default='')

    garage: Mapped[int | None] = mapped_column('garage_id', ForeignKey('garages.id'))
    eta: Mapped[date | None]
    appraiser: Mapped[int | None] = mapped_column('appraiser_id', ForeignKey('appraisers.id'))
    appraised_at: Mapped[date | None]
    appraisal_amount: Mapped[int | None] = mapped_column(BigKey)
    demand_amount: Mapped[int | None] = mapped_column(BigKey)
    offered_amount: Mapped[int | None] = mapped_column(BigKey)
    approved_amount: Mapped[int | None] = mapped_column(BigKey)
    received_amount: Mapped[int | None] = mapped_column(BigKey)

    __mapper_args__ = {'version_id_col': version}  # noqa: RUF012 - SQLAlchemy reads it while it builds the class

    @validates(*(name for name, field in FIELDS.items() if field.kind in _PARSE and field.kind != 'money'))
    def _well_formed(self, name: str, value: Any) -> Any:
        """The same function that parses an input guards the column, so that imports and feeds cannot slip past it."""
        if value is None or value == '':
            return empty(name)
        parsed = _PARSE[FIELDS[name].kind](value)
        if name == 'claim_no':
            self.claim_no_key = values.search_key(parsed).replace(' ', '')
        elif name == 'insured_name':
            self.insured_key = values.search_key(parsed)
        return parsed

    @validates(*(name for name, field in FIELDS.items() if field.kind == 'money'))
    def _agorot(self, name: str, value: Any) -> int | None:
        """Money columns hold whole agorot; a float or a negative sum is a bug of the caller."""
        if value is None or (isinstance(value, int) and value >= 0):
            return value
        raise values.Malformed(N_('A sum must be zero or more.'))

    @property
    def money(self) -> str:
        """The money axis: none, demanded, offered, approved, partly_received or received."""
        if self.received_amount:
            target = self.approved_amount or self.demand_amount
            return 'received' if target and self.received_amount >= target else 'partly_received'
        for amount, state in (
            (self.approved_amount, 'approved'),
            (self.offered_amount, 'offered'),
            (self.demand_amount, 'demanded'),
        ):
            if amount:
                return state
        return 'none'

    @property
    def balance(self) -> int | None:
        """What is still owed of the demand, in agorot."""
        return None if self.demand_amount is None else self.demand_amount - (self.received_amount or 0)

    def may_edit(self, actor: Actor) -> bool:
        """Whether this actor may change fields of the claim."""
        return actor.may(Can.EDIT_CLAIM)


@dataclass(frozen=True)
class Part:
    """Which lines of a claim's history tell of something: of a kind (a pattern), and of those the ones whose field `field` says `value`."""

    kind: str
    field: str
    value: str | int


class ClaimConflict(ClaimError):  # noqa: N818 - named as people say it
    """Somebody else changed the same first; carries what is there now so that the person can choose."""

    def __init__(self, name: str, current: Any, claim_id: int | None = None, part: Part | None = None) -> None:
        """`current` is the stored value of the field `name`, of the claim or of a `part` of it ('': of any of its fields)."""
        super().__init__(N_('Somebody else changed this field meanwhile.'))
        self.name = name
        self.current = current
        self.claim_id, self.part = claim_id, part

    def tell(self, by: str, at: datetime, now: datetime) -> None:
        """From here on it says who was first, and when."""
        self.key, self.values = changed_by(by, at, now)


def changed_by(name: str, at: datetime, now: datetime) -> tuple[str, dict[str, object]]:
    """The text that says who was first, and what fills it."""
    if values.israel(at).date() == values.israel(now).date():
        text = N_('The claim was changed by {name} at {time}. Your changes were not saved.')
        return text, {'name': name, 'time': values.format_time(at)}
    text = N_('The claim was changed by {name} on {time}. Your changes were not saved.')
    return text, {'name': name, 'time': values.format_exact(at)}


def empty(name: str) -> Any:
    """The value of a field that was cleared: None for days, sums and references, '' for text."""
    return None if FIELDS[name].kind in _EMPTY_IS_NONE else ''


def parse_field(name: str, raw: str) -> Any:
    """What a person typed into a field, as the claim stores it. Raises `Malformed` with a reason in words."""
    kind = FIELDS[name].kind
    if not raw.strip():
        return empty(name)
    if kind in _NUMBERED:
        return values.whole(raw)
    return _PARSE[kind](raw) if kind in _PARSE else values.text(raw, limit=40)


def fields_for(actor: Actor) -> frozenset[str]:
    """Which fields of the claims he sees this actor may change."""
    if not actor.may(Can.EDIT_CLAIM):
        return frozenset()
    return frozenset(name for name in FIELDS if actor.may(RIGHTS.get(name, Can.EDIT_CLAIM)))


def limit_of(name: str) -> int | None:
    """How many characters may be typed into a field; None where one chooses."""
    return _LIMITS.get(FIELDS[name].kind)


def doubt_of(name: str, value: Any) -> str | None:
    """A gentle remark on a value that is accepted but looks wrong (a check digit, an odd plate), as a text key."""
    check = _DOUBT.get(FIELDS[name].kind)
    return check(value) if check and value and not is_hidden(name, value) else None


# ---- questions --------------------------------------------------------------------------------------------------------------


def claim_by_no(claim_no: str) -> Select[Claim]:
    """The claim with this number, if the asker may see it."""
    return select(Claim).where(Claim.claim_no == claim_no)


def number_and_version(session: Session, claim_no: str) -> tuple[int, int] | None:
    """The id of the claim with this number and its version, if the asker may see it."""
    return cast('tuple[int, int] | None', one_answer(session, _BY_NUMBER, claim_no=claim_no))


_BY_NUMBER = select(Claim.id, Claim.version).where(Claim.claim_no == bindparam('claim_no'))


def claims_numbered(numbers: Iterable[str]) -> Select[Claim]:
    """The claims whose number may be one of these, whatever its case and dashes; the asker compares them exactly."""
    keys = {values.search_key(number).replace(' ', '') for number in numbers}
    return select(Claim).where(Claim.claim_no_key.in_(keys))


def claims_known_to_insurers(numbers: Iterable[str]) -> Select[Claim]:
    """The claims with one of these insurers' claim numbers."""
    return select(Claim).where(Claim.insurer_claim_no.in_({number for number in numbers if number}))


def open_claims_on(plates: Iterable[str]) -> Select[Claim]:
    """The open claims on any of these vehicles."""
    return select(Claim).where(Claim.plate.in_(set(plates) - {''}), Claim.is_open.is_(True))


def duplicates_of(plate: str, event_date: date) -> Select[Claim]:
    """Claims on the same vehicle with an event within three days: most likely the same accident, reported twice."""
    around = timedelta(days=DUPLICATE_DAYS)
    return (
        select(Claim)
        .where(Claim.plate == plate, Claim.event_date.between(event_date - around, event_date + around))
        .order_by(Claim.event_date)
        .limit(5)
    )


# ---- orders -----------------------------------------------------------------------------------------------------------------


def open_claim(session: Session, office_id: int, fields: Mapping[str, Any], now: datetime) -> Claim:
    """Open a claim for an office. `fields` are stored values by field name; insured_name and event_date must be there.

    People of an office open one for themselves, with what they know of the accident; it goes to whoever handles their claims,
    and when nobody does, everybody of the bureau is alerted.
    A claim number is drawn when none is given. Duplicates are the caller's question to ask first (`duplicates_of`).
    """
    actor: Actor = session.info['actor']
    actor.need(Can.OPEN_CLAIM)
    if not FIELDS.keys() >= fields.keys():
        raise ClaimError(N_('This field cannot be changed here.'))
    given = {name: value for name, value in fields.items() if value not in (None, '')}
    if not actor.is_bureau:
        given = _reported(session, office_id, given)
    status = given.pop('status', 'new')
    claim = Claim(
        **{
            'office_id': office_id,
            'claim_no': given.pop('claim_no', None) or _next_claim_no(session, now),
            'insured_name': '',
            'opened_at': values.israel(now).date(),
            'status_since': now,
            'waiting_since': now,
            'created_at': now,
            **given,
        }
    )
    _enter_status(session, claim, status, now, given.get('status_reason', ''))
    _check_reason(session, claim)
    if 'waiting_on' in given:
        _wait_on(claim, given['waiting_on'], now)
    _check_complete(session, claim)
    _check_event_date(claim.event_date, now)
    _check_references(session, claim, given)
    session.add(claim)
    session.flush()
    return claim


def _reported(session: Session, office_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
    actor: Actor = session.info['actor']
    if office_id != actor.office_id or not given.keys() <= REPORTED:
        raise ClaimError(N_('This field cannot be changed here.'))
    handled = (
        select(Claim.handler).join(User, User.id == Claim.handler).where(Claim.office_id == office_id, User.active)
    )
    # NOTE: past the scope: whoever sees his own claims only may have none yet
    handler = session.connection().scalar(handled.order_by(Claim.seq.desc()).limit(1))
    own = {'agent': actor.user_id} if actor.role is Role.AGENT else {}
    return {**given, **own, 'handler': handler}


def save_fields(session: Session, claim_id: int, changes: Mapping[str, tuple[Any, Any]], now: datetime) -> Claim:
    """Save edited fields: name → (the value the person saw, the value he wants).

    Another person's change to another field is no obstacle; to the same field it raises `ClaimConflict`.
    """
    claim = _claim_to_edit(session, claim_id)
    with session.no_autoflush:  # checked before anything reaches the database
        changed = [name for name, (seen, wanted) in changes.items() if _set_field(claim, name, seen, wanted)]
        _check_complete(session, claim)
        _check_references(session, claim, changed)
        if 'status_reason' in changed:
            _check_reason(session, claim)
    _stamp(session, claim, changed, now)
    return claim


def _set_field(claim: Claim, name: str, seen: Any, wanted: Any) -> bool:
    if name not in FIELDS or name == 'status':
        raise ClaimError(N_('This field cannot be changed here.'))
    current = getattr(claim, name)
    if current not in (seen, wanted):
        raise ClaimConflict(name, current, claim.id)
    setattr(claim, name, empty(name) if wanted is None or wanted == '' else wanted)
    return bool(getattr(claim, name) != current)


def change_status(session: Session, claim_id: int, status: str, reason: str, seen: str, now: datetime) -> Claim:
    """Move a claim to another status. Some statuses take a reason; leaving a closed one (reopening) always does."""
    claim = _claim_to_edit(session, claim_id)
    if claim.status not in (seen, status):
        raise ClaimConflict('status', claim.status, claim.id)
    if not claim.is_open and claim.status != status and not reason.strip():
        raise ClaimError(N_('Reopening a claim takes a reason.'))
    with session.no_autoflush:
        _enter_status(session, claim, status, now, reason)
        _check_reason(session, claim)
    return claim


def mark_checked(session: Session, claim_id: int, now: datetime) -> Claim:
    """«Checked today, no change»: shows that somebody looked, rings nobody's bell and moves no row."""
    claim = _claim_to_edit(session, claim_id)
    claim.checked_at = now
    claim.checked_by = session.info['actor'].name
    return claim


def _claim_to_edit(session: Session, claim_id: int) -> Claim:
    actor: Actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    return lock_claim(session, claim_id)


def lock_claim(session: Session, claim_id: int) -> Claim:
    """Load under scope and lock, so that two people writing at once, to the claim or to a part of it, take turns."""
    claim = session.scalars(_ONE_TO_LOCK, {'id': claim_id}).one_or_none()
    if claim is None:
        raise ClaimError(NOT_FOUND)
    return claim


def lock_claims(session: Session, claim_ids: Iterable[int]) -> list[Claim]:
    """Load and lock several, in the order of their ids: whoever locks more than one does it so, and nobody waits in a ring."""
    return list(session.scalars(_TO_LOCK, {'ids': list(claim_ids)}))


def locked(claims: Select[Claim]) -> Select[Claim]:
    """These, locked. Nobody changes a claim's key, so whoever only points at one (an alert, a mark) need not wait."""
    # what the session read before it had the lock may be old by now
    return claims.with_for_update(key_share=True).execution_options(populate_existing=True)


# made once: every save asks them
_ONE_TO_LOCK = locked(select(Claim).where(Claim.id == bindparam('id'))).execution_options(by_key=True)
_TO_LOCK = locked(
    select(Claim).where(Claim.id.in_(bindparam('ids', expanding=True))).order_by(Claim.id)
).execution_options(by_key=True)


def _enter_status(session: Session, claim: Claim, status: str, now: datetime, reason: str = '') -> None:
    entered = session.get(ClaimStatus, status)
    if entered is None or not entered.active:
        raise ClaimError(N_('This status is not in use.'))
    if claim.status != status:
        claim.status_since = now
        claim.status = status
        claim.is_open = entered.category != CLOSED
        claim.closed_at = None if claim.is_open else now
        if status == SENT_BACK:
            claim.sent_back_at = claim.sent_back_at or now
        claim.status_reason = ''  # it belongs to the status
        _wait_on(claim, entered.default_waiting_on, now)
    claim.status_reason = reason.strip() or claim.status_reason


def _check_reason(session: Session, claim: Claim) -> None:
    """Whichever way a claim came to its status: where a reason is asked for, there is one."""
    status = session.get(ClaimStatus, claim.status)
    if status is not None and status.reason_required and not claim.status_reason:
        raise ClaimError(N_('This status takes a reason. Please choose or write one.'))


def _wait_on(claim: Claim, party: str, now: datetime) -> None:
    if claim.waiting_on != party:
        claim.waiting_on = party
        claim.waiting_since = now


def _stamp(session: Session, claim: Claim, names: Iterable[str], now: datetime) -> None:
    if 'waiting_on' in names:
        claim.waiting_since = now
    if 'repair_stage' in names:
        claim.stage_since = now
    if 'daily_note' in names:
        claim.daily_note_at = now
        claim.daily_note_by = session.info['actor'].name
    if 'event_date' in names:
        _check_event_date(claim.event_date, now)


_NEVER_EMPTY = ('opened_at', 'waiting_on', 'track', 'documents')


def _check_complete(session: Session, claim: Claim) -> None:
    if '' in (claim.insured_name, claim.claim_no) or getattr(claim, 'event_date', None) is None:
        raise ClaimError(N_('A claim needs the name of the insured and the date of the event.'))
    for name in _NEVER_EMPTY:
        if getattr(claim, name) == empty(name):
            chosen = FIELDS[name].kind in {*_CHOICES, *_LISTS}
            asked = N_('Please choose "{field}" from the list.') if chosen else N_('Please fill in "{field}".')
            raise ClaimError(asked, field=FIELDS[name].label)
    renumbered = has_changed(claim, 'claim_no')
    if renumbered and session.scalar(select(Claim.id).where(Claim.claim_no == claim.claim_no)) not in (None, claim.id):
        raise ClaimError(N_('There is already a claim with the number {claim_no}.'), claim_no=claim.claim_no)


def _check_event_date(event_date: date, now: datetime) -> None:
    if event_date > values.israel(now).date():
        raise ClaimError(N_('The date of the event is in the future.'))


_CHOICES: Mapping[str, type[Base]] = {
    'insurer': Insurer,
    'garage': Garage,
    'appraiser': Appraiser,
    'agent': User,
    'handler': User,
    'stage': RepairStage,
    'waiting': WaitingParty,
}
_LISTS: Mapping[str, Iterable[str]] = {'track': TRACKS, 'documents': DOCUMENTS}


def _check_references(session: Session, claim: Claim, names: Iterable[str]) -> None:
    """A value chosen from a list must be in it: the browser can send any id."""
    for name in names:
        field, value = FIELDS.get(name), getattr(claim, name)
        if field is None or value in (None, ''):
            continue
        model = _CHOICES.get(field.kind)
        row = session.get(model, value) if model else None
        stands = _is_offered(session, claim, field.kind, row) if model else value in _LISTS.get(field.kind, (value,))
        if not stands:
            raise ClaimError(N_('Please choose "{field}" from the list.'), field=field.label)


def _is_offered(session: Session, claim: Claim, kind: str, row: Any) -> bool:
    """Whether this may be chosen now. A file tells who and what it was then, so for it the past counts too."""
    by_file = session.info['actor'].user_id is None
    if isinstance(row, User):
        people = agents_of(claim.office_id, former=by_file) if kind == 'agent' else bureau_people()
        return session.scalar(people.where(User.id == row.id)) is not None
    return row is not None and (by_file or row.active)


def _next_claim_no(session: Session, now: datetime) -> str:
    """The next number of the year, as 26-00042. Numbers that came with imported claims do not disturb the count."""
    take_turns(session, 'claim_no')
    year = f'{values.israel(now).year % 100:02d}-'
    last = _last_of(session, year, 5)
    if last == 99_999:
        last = max(last, _last_of(session, year, 6))
    return f'{year}{last + 1:05d}'


def _last_of(session: Session, year: str, digits: int) -> int:
    """The highest number drawn in a year; between two bounds, so that the index of the numbers answers."""
    numbers = Claim.claim_no.between(f'{year}{1:0<{digits}}' if digits > 5 else year, f'{year}{"9" * digits}')
    drawn = Claim.claim_no.regexp_match(f'^{year}[0-9]{{{digits}}}$')
    newest = select(Claim.claim_no).where(numbers, drawn).order_by(Claim.claim_no.desc()).limit(1)
    # NOTE: past the scope: all offices draw from one row of numbers
    last = session.connection().scalar(newest)
    return int(last[3:]) if last else 0
