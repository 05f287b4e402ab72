"""The tables an admin edits, each said once: its columns, their kinds and choices, who uses its rows. Lists, forms, checks and
the record all follow from that; a table more is an entry more in TABLES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db import values
from db.accounts import ROLES
from db.base import now, take_turns
from db.bureau import CITIES, BureauSettings
from db.calendar import CalendarDay
from db.calls import Call
from db.cheques import Cheque
from db.claims import FIELDS, TRACKS, YES_NO, Claim
from db.clocks import EVENTS, UNITS, ClockRule
from db.documents import FLAGS, FREE_TYPE, GROUPS, Document, DocumentNeed, DocumentRequirement
from db.message_templates import AUDIENCES, MessageTemplate
from db.money import HeadAmount, worked_out_by
from db.offices import AgentOffice, User
from db.reference import (
    CLOSED,
    LEGAL,
    MONEY,
    OPEN,
    WAITING,
    Appraiser,
    CallOutcome,
    CallParty,
    ClaimStatus,
    DamageHead,
    DocumentType,
    Garage,
    HoldReason,
    Insurer,
    ReductionReason,
    RepairStage,
    StatusReason,
    VatRate,
    WaitingParty,
)
from db.tasks import AWAITED, Task, TaskRule
from db.texts import N_, ClaimError, Told

Choices = Mapping[str, str]

CATEGORIES = MappingProxyType(
    {OPEN: N_('Open'), WAITING: N_('Waiting'), MONEY: N_('Money'), LEGAL: N_('Legal'), CLOSED: N_('Closed')}
)
INSURER_KINDS = MappingProxyType(
    {'insurer': N_('Insurance company'), 'self_insured': N_('Self-insured'), 'unknown': N_('Not known')}
)
SUPPLIERS = MappingProxyType(
    {
        'insured': N_('The client'),
        'agent': N_("The agent's office"),
        'appraiser': N_('The appraiser'),
        'garage': N_('The garage'),
        'own_insurer': N_("The client's own insurer"),
        'tp_insurer': N_("The third party's insurer"),
        'bureau': N_('The bureau'),
    }
)
HUES = MappingProxyType(
    {
        'blue': N_('Blue'),
        'cyan': N_('Light blue'),
        'teal': N_('Turquoise'),
        'green': N_('Green'),
        'amber': N_('Amber'),
        'orange': N_('Orange'),
        'red': N_('Red'),
        'pink': N_('Pink'),
        'violet': N_('Violet'),
        'slate': N_('Grey'),
    }
)
_WHO_SEES = MappingProxyType({'no': N_('Every claim of the office'), 'yes': N_('Only their own claims')})
_WORKS = MappingProxyType({'yes': N_('The bureau works'), 'no': N_('The bureau is closed')})


@dataclass(frozen=True)
class Column:
    """A column as an admin sees it. `choices` are words, or the name of the table whose rows are the choices."""

    name: str
    label: str
    kind: str = 'text'
    choices: Choices | str = field(default_factory=dict)
    required: bool = True
    listed: bool = True
    help: str = ''
    limit: int = 120
    # what stands in the form of a row that is not there yet
    preset: str = ''
    # part of the row's key, or what its history hangs on: chosen once
    once: bool = False


Check = Callable[[Session, Any], Mapping[str, Told]]
Stays = Callable[[Session, Any], str]


def _nothing_to_check(_: Session, __: Any) -> Mapping[str, Told]:
    return {}


def _nothing_stays(_: Session, __: Any) -> str:
    return ''


@dataclass(frozen=True)
class AdminTable:
    """A table: its model, its words, its columns, who uses a row (a text and a column that holds its key), and its own check."""

    key: str
    model: type[Any]
    title: str
    icon: str
    hint: str
    columns: tuple[Column, ...]
    uses: tuple[tuple[str, InstrumentedAttribute[Any]], ...] = ()
    searched: tuple[str, ...] = ()
    # rows the product itself speaks of: they are renamed, but stay in use
    kept: frozenset[str] = frozenset()
    within: str = ''
    single: bool = False
    check: Check = _nothing_to_check
    # why a row is not deleted though others of its table are; '' when it may be
    stays: Stays = _nothing_stays
    add: str = N_('Add')

    def _has(self, name: str) -> bool:
        return name in inspect(self.model).attrs

    @property
    def ordered(self) -> bool:
        """Whether an admin puts its rows in order."""
        return self._has('position')

    @property
    def retires(self) -> bool:
        """Whether a row is taken out of use; it stays, for what was written with it."""
        return self._has('active')

    @property
    def removable(self) -> bool:
        """Whether a row may go: nothing hangs on it."""
        return not (self.retires or self.single)

    def column(self, name: str) -> Column | None:
        """A column by its name."""
        return next((column for column in self.columns if column.name == name), None)


_LABELS = (
    Column('label', N_('Name in Hebrew'), limit=80),
    Column('label_en', N_('Name in English'), limit=80),
)
_AS_THE_BUREAU = N_(
    'Where neither stands, agents read the name that the bureau reads; where one of them stands, they read it in both'
    ' languages. Statuses of one name are one to them.'
)
_FIRM = (
    Column('name', N_('Name'), limit=120),
    Column('contact', N_('Contact person'), required=False, limit=120),
    Column('phone', N_('Phone'), 'phone', required=False, limit=40),
    Column('email', N_('E-mail'), 'email', required=False, limit=254),
    Column('address', N_('Address'), required=False, limit=200),
)
_RATE_STAYS = N_(
    'Sums were worked out by this rate already, so it stays. Please add a new rate from the day on which it changes.'
)
_FLAG_WORDS = MappingProxyType({name: FIELDS[name].label for name in FLAGS})


# ---- checks of a row as a whole ---------------------------------------------------------------------------------------------


def _check_status(session: Session, status: ClaimStatus) -> Mapping[str, Told]:
    """Claims know by themselves whether they are open: a status in use does not cross that line."""
    before = inspect(status).attrs.category.history.deleted
    if not before or (before[0] == CLOSED) == (status.category == CLOSED):
        return {}
    with session.no_autoflush:
        used = session.scalar(select(Claim.id).where(Claim.status == status.id).limit(1))
    if used is None:
        return {}
    return {'category': ClaimError(N_('Claims stand in this status, so it stays on its side: open or closed.'))}


def _check_name(session: Session, row: Any) -> Mapping[str, Told]:
    """One name for one thing, however it is written."""
    wanted = values.search_key(row.name)
    model = type(row)
    with session.no_autoflush:
        names = session.execute(select(model.id, model.name)).all()
    taken = any(values.search_key(name) == wanted and row_id != row.id for row_id, name in names)
    return {'name': ClaimError(N_('There is one of this name already.'))} if taken else {}


def _check_day(session: Session, row: CalendarDay) -> Mapping[str, Told]:
    """A day stands in the list once."""
    if inspect(row).persistent:
        return {}
    take_turns(session, 'days against the calendar')
    with session.no_autoflush:
        taken = session.get(CalendarDay, row.day) is not None
    return {'day': ClaimError(N_('This day is in the list already. Change it there.'))} if taken else {}


def _check_insurer(session: Session, insurer: Insurer) -> Mapping[str, Told]:
    """What people write for one company must not mean another: files are read by it."""
    wrong = dict(_check_name(session, insurer))
    with session.no_autoflush:
        others = [row for row in session.scalars(select(Insurer)) if row.id != insurer.id]
    known = {values.search_key(word): row.name for row in others for word in (row.name, *row.aliases)}
    clash = next((word for word in insurer.aliases if values.search_key(word) in known), None)
    if clash is not None:
        other = known[values.search_key(clash)]
        wrong['aliases'] = ClaimError(N_('"{word}" stands for {name} already.'), word=clash, name=other)
    return wrong


def _check_rate(session: Session, rate: VatRate) -> Mapping[str, Told]:
    """A day has one rate; and one by which sums were worked out already stays as it was."""
    if inspect(rate).persistent:
        changes = inspect(rate).attrs.percent.history.has_changes()
        return {'percent': ClaimError(_RATE_STAYS)} if changes and _is_used(session, rate) else {}
    take_turns(session, 'rates of VAT')
    with session.no_autoflush:
        taken = session.get(VatRate, rate.since) is not None
    return {'since': ClaimError(N_('There is a rate from this day on already. Change it there.'))} if taken else {}


def _rate_stays(session: Session, rate: VatRate) -> str:
    """Why a rate is not deleted; '' when it may be."""
    if session.scalar(select(VatRate.since).where(VatRate.since < rate.since).limit(1)) is None:
        return N_('The first rate stays: without it the days before the next one would have none.')
    return _RATE_STAYS if _is_used(session, rate) else ''


def _is_used(session: Session, rate: VatRate) -> bool:
    with session.no_autoflush:
        until = session.scalar(select(func.min(VatRate.since)).where(VatRate.since > rate.since))
        used = worked_out_by(rate, until, values.israel(now()).date()).limit(1)
        return session.scalar(used) is not None


def _check_requirement(session: Session, line: DocumentRequirement) -> Mapping[str, Told]:
    """Two lines that fit the same claims would contradict each other."""
    if line.blocking and not line.required:
        return {'blocking': ClaimError(N_('What is not required cannot hold the submission.'))}
    with session.no_autoflush:
        others = [row for row in session.scalars(select(DocumentRequirement)) if row is not line]
    if any(_speaks_of(row) == _speaks_of(line) for row in others):
        return {'type': ClaimError(N_('There is a line for exactly this case already.'))}
    return {}


def _check_rule(session: Session, rule: TaskRule) -> Mapping[str, Told]:
    """A rule that names no state would make a task on every claim."""
    if rule.status or rule.stage or rule.waiting_on:
        return {}
    return {'status': ClaimError(N_('Please choose when the task is made: a status, a stage or whom one waits for.'))}


def _speaks_of(line: DocumentRequirement) -> tuple[Any, ...]:
    return line.type, line.track, line.insurer, line.flag, line.flag_value if line.flag else None


# ---- the tables -------------------------------------------------------------------------------------------------------------

_ALL = (
    AdminTable(
        'offices',
        AgentOffice,
        N_("Agents' offices"),
        'apartment',
        N_('Each office sees its own claims only. Closing one signs all its people out at once.'),
        (
            Column('name', N_('Name of the office'), limit=120),
            Column(
                'agents_see_own_only',
                N_('What an agent sees'),
                'yes_no',
                _WHO_SEES,
                help=N_('The office manager always sees every claim of the office.'),
                preset='no',
            ),
        ),
        uses=((N_('People'), User.office_id), (N_('Claims'), Claim.office_id)),
        searched=('name',),
        check=_check_name,
        add=N_('New office'),
    ),
    AdminTable(
        'insurers',
        Insurer,
        N_('Insurance companies'),
        'shield',
        N_('Other names are how files and people call a company; an import understands them.'),
        (
            Column('name', N_('Name'), limit=80),
            Column('aliases', N_('Other names'), 'names', required=False, help=N_('One in a line.'), limit=2000),
            Column(
                'never',
                N_('Never mistake for it'),
                'names',
                required=False,
                listed=False,
                help=N_('Names that look like it and are not, one in a line.'),
                limit=2000,
            ),
            Column('legal_name', N_('Registered name'), required=False, limit=200),
            Column('kind', N_('Kind'), 'choice', INSURER_KINDS, listed=False, preset='insurer'),
        ),
        uses=(
            (N_("Claims, as the third party's insurer"), Claim.tp_insurer),
            (N_("Claims, as the client's own insurer"), Claim.own_insurer),
            (N_('Lines of the document matrix'), DocumentRequirement.insurer),
        ),
        searched=('name', 'legal_name'),
        check=_check_insurer,
        add=N_('New company'),
    ),
    AdminTable(
        'garages',
        Garage,
        N_('Garages'),
        'garage',
        N_('Staff add a garage while they work on a claim; here it gets its details.'),
        (*_FIRM, Column('network', N_('Garage under arrangement'), 'yes_no', YES_NO, preset='no')),
        uses=((N_('Claims'), Claim.garage),),
        searched=('name', 'contact', 'phone', 'address'),
        check=_check_name,
        add=N_('New garage'),
    ),
    AdminTable(
        'appraisers',
        Appraiser,
        N_('Appraisers'),
        'fact_check',
        N_('Staff add an appraiser while they work on a claim; here he gets his details.'),
        (*_FIRM, Column('licence_no', N_('Licence no.'), 'code', required=False, limit=20)),
        uses=((N_('Claims'), Claim.appraiser),),
        searched=('name', 'contact', 'phone', 'address', 'licence_no'),
        check=_check_name,
        add=N_('New appraiser'),
    ),
    AdminTable(
        'statuses',
        ClaimStatus,
        N_('Claim statuses'),
        'sync_alt',
        N_('The explanation stands under the status, for agents too: what it means and what happens now.'),
        (
            *_LABELS,
            Column('label_office', N_('Name for agents, in Hebrew'), required=False, help=_AS_THE_BUREAU, limit=80),
            Column('label_office_en', N_('Name for agents, in English'), required=False, help=_AS_THE_BUREAU, limit=80),
            Column('category', N_('Category'), 'choice', CATEGORIES, preset=OPEN),
            Column('default_waiting_on', N_('Then one waits for'), 'choice', 'waiting', preset='bureau'),
            Column('reason_required', N_('Takes a reason'), 'yes_no', YES_NO, preset='no'),
            Column('explanation', N_('Explanation in Hebrew'), 'long', listed=False, limit=300),
            Column('explanation_en', N_('Explanation in English'), 'long', listed=False, limit=300),
        ),
        uses=((N_('Claims'), Claim.status),),
        searched=('label', 'label_en', 'label_office', 'label_office_en'),
        kept=frozenset({'new', 'in_repair', 'closed'}),
        check=_check_status,
        add=N_('New status'),
    ),
    AdminTable(
        'reasons',
        StatusReason,
        N_('Reasons for a status'),
        'rule',
        N_('What is offered when a status takes a reason; a reason of one’s own words is taken too.'),
        (*_LABELS, Column('status_id', N_('Status'), 'choice', 'statuses', once=True)),
        uses=((N_('Claims'), Claim.status_reason),),
        searched=('label', 'label_en'),
        within='status_id',
        add=N_('New reason'),
    ),
    AdminTable(
        'stages',
        RepairStage,
        N_('Repair stages'),
        'build',
        N_(
            'The order is the order of the road; a stage that is not shown counts as the one before it. The explanation'
            ' stands under the stage, for agents too.'
        ),
        (
            *_LABELS,
            Column('shown', N_('Shown on the road'), 'yes_no', YES_NO, preset='yes'),
            Column('alerts', N_("Rings the agents' bells"), 'yes_no', YES_NO, preset='yes'),
            Column('hue', N_('Colour'), 'choice', HUES, required=False, listed=False),
            Column('explanation', N_('Explanation in Hebrew'), 'long', required=False, listed=False, limit=300),
            Column('explanation_en', N_('Explanation in English'), 'long', required=False, listed=False, limit=300),
        ),
        uses=((N_('Claims'), Claim.repair_stage),),
        searched=('label', 'label_en'),
        kept=frozenset({'not_arrived'}),
        add=N_('New stage'),
    ),
    AdminTable(
        'hold_reasons',
        HoldReason,
        N_('Reasons for a halt'),
        'pause_circle',
        N_('Why a repair stands still: what the agent reads.'),
        _LABELS,
        add=N_('New reason'),
    ),
    AdminTable(
        'waiting',
        WaitingParty,
        N_('Whom one waits for'),
        'hourglass_top',
        N_('In whose court the ball is.'),
        _LABELS,
        uses=((N_('Claims'), Claim.waiting_on), (N_('Statuses'), ClaimStatus.default_waiting_on)),
        kept=frozenset({'insured', 'agent', 'garage', 'appraiser', 'tp_insurer', 'bureau', 'none'}),
        add=N_('New party'),
    ),
    AdminTable(
        'document_types',
        DocumentType,
        N_('Kinds of documents'),
        'description',
        N_('What a document can be filed as, and who usually supplies it.'),
        (
            *_LABELS,
            Column('group', N_('Group'), 'choice', GROUPS, preset='demand'),
            Column('suppliers', N_('Supplied by'), 'many', SUPPLIERS, required=False),
            Column('many', N_('Several are usual'), 'yes_no', YES_NO, preset='no'),
        ),
        uses=(
            (N_('Documents'), Document.type),
            (N_('Requests on claims'), DocumentNeed.type),
            (N_('Lines of the document matrix'), DocumentRequirement.type),
        ),
        searched=('label', 'label_en'),
        kept=frozenset({FREE_TYPE}),
        add=N_('New kind'),
    ),
    AdminTable(
        'requirements',
        DocumentRequirement,
        N_('Document matrix'),
        'checklist',
        N_(
            'Which document is needed when. Of the lines that fit a claim the most particular decides: insurer before'
            ' condition before track. Open claims are counted anew after each change.'
        ),
        (
            Column('type', N_('Document'), 'choice', 'document_types'),
            Column('track', N_('Track'), 'choice', TRACKS, required=False),
            Column('insurer', N_("Third party's insurer"), 'choice', 'insurers', required=False),
            Column('flag', N_('Condition'), 'choice', _FLAG_WORDS, required=False),
            Column('flag_value', N_('The condition is'), 'yes_no', YES_NO, preset='yes', listed=False),
            Column('required', N_('Required'), 'yes_no', YES_NO, preset='yes'),
            Column('blocking', N_('Holds the submission'), 'yes_no', YES_NO, preset='no'),
        ),
        check=_check_requirement,
        add=N_('New line'),
    ),
    AdminTable(
        'damage_heads',
        DamageHead,
        N_('Heads of damage'),
        'request_quote',
        N_('What a demand is made of. One that is out of use stays in the claims it stands in.'),
        _LABELS,
        uses=((N_('Claims'), HeadAmount.head), (N_('Cheques'), Cheque.head)),
        searched=('label', 'label_en'),
        add=N_('New head of damage'),
    ),
    AdminTable(
        'reduction_reasons',
        ReductionReason,
        N_('Reasons for a reduction'),
        'money_off',
        N_('Why an insurer approves less than was demanded.'),
        _LABELS,
        uses=((N_('Heads of damage on claims'), HeadAmount.reason),),
        searched=('label', 'label_en'),
        add=N_('New reason'),
    ),
    AdminTable(
        'vat_rates',
        VatRate,
        N_('Rates of VAT'),
        'percent',
        N_('A rate counts from its day until the next one. A claim takes the rate of the day it was submitted.'),
        (
            Column('since', N_('From the day'), 'day', once=True, limit=20),
            Column('percent', N_('Percent'), 'whole', limit=2),
        ),
        check=_check_rate,
        stays=_rate_stays,
        add=N_('New rate'),
    ),
    AdminTable(
        'call_parties',
        CallParty,
        N_('Sides of a call'),
        'contact_phone',
        N_('With whom one talks on the phone.'),
        _LABELS,
        uses=((N_('Calls'), Call.party),),
        kept=frozenset({'insured'}),
        add=N_('New side'),
    ),
    AdminTable(
        'call_outcomes',
        CallOutcome,
        N_('How calls end'),
        'call_made',
        N_('Tries in vain are counted until somebody is reached.'),
        (
            *_LABELS,
            Column('reached', N_('Somebody was reached'), 'yes_no', YES_NO, preset='no'),
            Column('attempt', N_('A try in vain'), 'yes_no', YES_NO, preset='no'),
        ),
        uses=((N_('Calls'), Call.outcome),),
        kept=frozenset({'spoke', 'written'}),
        add=N_('New outcome'),
    ),
    AdminTable(
        'templates',
        MessageTemplate,
        N_('Message templates'),
        'quick_phrases',
        N_('What stands in braces is filled in from the claim.'),
        (
            *_LABELS,
            Column('audience', N_('For whom'), 'choice', AUDIENCES, preset='agent'),
            Column('body', N_('Text'), 'long', listed=False, limit=4000),
        ),
        searched=('label', 'label_en', 'body'),
        add=N_('New template'),
    ),
    AdminTable(
        'task_rules',
        TaskRule,
        N_('Tasks that make themselves'),
        'add_task',
        N_('The day is counted in business days. The task is closed by itself when the claim leaves the state.'),
        (
            *_LABELS,
            Column('status', N_('In the status'), 'choice', 'statuses', required=False),
            Column('stage', N_('At the repair stage'), 'choice', 'stages', required=False),
            Column('waiting_on', N_('While one waits for'), 'choice', 'waiting', required=False, listed=False),
            Column('awaits', N_('Closed when'), 'choice', AWAITED, required=False, listed=False),
            Column('days', N_('Business days'), 'whole', limit=3, preset='3'),
            Column('repeats', N_('When done, again'), 'yes_no', YES_NO, preset='no'),
        ),
        uses=((N_('Tasks'), Task.rule),),
        searched=('label', 'label_en'),
        check=_check_rule,
        add=N_('New rule'),
    ),
    AdminTable(
        'clocks',
        ClockRule,
        N_('Regulatory clocks'),
        'timer',
        N_(
            'By when somebody has to act, counted from what happened to the claim. Each clock explains itself on the claim.'
        ),
        (
            *_LABELS,
            Column('rule', N_('The rule in Hebrew'), 'long', listed=False, limit=400),
            Column('rule_en', N_('The rule in English'), 'long', listed=False, limit=400),
            Column('source', N_('Where it is written'), required=False, limit=200),
            Column('starts_with', N_('Starts with'), 'choice', EVENTS, preset='submitted'),
            Column('ends_with', N_('Stops with'), 'choice', EVENTS, required=False),
            Column('amount', N_('How many'), 'whole', limit=4),
            Column('unit', N_('Of what'), 'choice', UNITS, preset='business'),
            Column('flag', N_('Condition'), 'choice', _FLAG_WORDS, required=False, listed=False),
            Column('alerts', N_('Alerts of its last day'), 'yes_no', YES_NO, preset='no'),
        ),
        searched=('label', 'label_en', 'source'),
        add=N_('New clock'),
    ),
    AdminTable(
        'calendar',
        CalendarDay,
        N_('Days against the calendar'),
        'calendar_month',
        N_('Holidays are known already; here stand the days on which the bureau does otherwise.'),
        (
            Column('day', N_('Day'), 'day', once=True, limit=20),
            Column('works', N_('On this day'), 'yes_no', _WORKS, preset='no'),
            Column('note', N_('Why'), limit=80),
        ),
        add=N_('New day'),
        check=_check_day,
    ),
    AdminTable(
        'settings',
        BureauSettings,
        N_('How the bureau works'),
        'tune',
        N_('These decisions hold for everybody, from the moment they are saved.'),
        (
            Column('hol_hamoed_works', N_('The intermediate days of a feast count as business days'), 'yes_no', YES_NO),
            Column('memorial_day_works', N_('Memorial Day counts as a business day'), 'yes_no', YES_NO),
            Column(
                'city',
                N_('City of the bureau'),
                'choice',
                MappingProxyType({key: city.label for key, city in CITIES.items()}),
                help=N_('By its sunset mail rests on Shabbat and feasts.'),
            ),
            Column('digest_at', N_('The morning mail goes out at'), 'code', help=N_('Such as 07:30.'), limit=5),
            Column(
                'quiet_from',
                N_('In the evening mail rests from'),
                'code',
                help=N_('Until the morning mail; such as 21:00.'),
                limit=5,
            ),
            Column('stage_cool_off_minutes', N_('Minutes before a repair stage is alerted'), 'whole', limit=3),
            Column('alert_cool_off_minutes', N_('Minutes before an alert is mailed'), 'whole', limit=3),
            Column('stuck_days', N_('Days without a change until a claim counts as stuck'), 'whole', limit=2),
            Column('stale_days', N_('Days until the daily update counts as old'), 'whole', limit=2),
            Column('link_days', N_('Days a shared link works'), 'whole', limit=3),
            Column(
                'two_factor_roles',
                N_('Who needs two-step verification'),
                'many',
                MappingProxyType({role.value: words for role, words in ROLES.items()}),
                required=False,
                help=N_('At the next sign-in they set it up before anything else.'),
            ),
        ),
        single=True,
    ),
)
TABLES: Mapping[str, AdminTable] = MappingProxyType({table.key: table for table in _ALL})
BY_TABLE_NAME: Mapping[str, AdminTable] = MappingProxyType({table.model.__tablename__: table for table in _ALL})
