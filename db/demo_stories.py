"""The demo's claims as rows: the lives placed in time, recorded as the session would record them, and who has seen what."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from operator import itemgetter
from random import Random
from typing import Any, NamedTuple

from db import demo_calls as calls
from db import demo_documents as papers
from db import demo_money as money
from db import demo_talk as talk
from db import demo_words as words
from db import values
from db.alert_kinds import event_of
from db.bulk import blank
from db.calls import Call
from db.changes import plain
from db.claims import FIELDS, SENT_BACK, Claim, parse_field
from db.demo_lives import Case, InDays, Step, plan, steps_of
from db.messages import excerpt
from db.reference import CLOSED
from db.requirements import Matrix
from db.search import SEARCHED, joined_text

Row = dict[str, Any]
# how many open claims of an office stand in which status, of a hundred
OPEN_SHARES: tuple[tuple[str, int], ...] = (
    *(('new', 6), ('awaiting_details', 8), ('awaiting_appraiser', 10), ('in_repair', 20), ('awaiting_documents', 11)),
    *(('ready_to_submit', 5), ('submitted', 8), ('under_insurer_review', 11), ('insurer_requested_info', 4)),
    *(('offer_received', 5), ('in_negotiation', 5), ('approved_for_payment', 4), ('awaiting_payment', 6)),
    *(('partially_paid', 3), ('paid', 2), ('rejected', 2), ('moved_to_legal', 2), ('in_legal', 3)),
)
_OPEN_SHARE = 0.272
# how many minutes ago the newest things happened
_MINUTES_AGO = (3, 6, 18, 42, 75, 130)


class Person(NamedTuple):
    """Somebody who changes claims or reads about them."""

    id: int
    name: str


@dataclass(frozen=True)
class Cast:
    """Who and what there is: ids of people and firms, and the reference rows the lives need."""

    sizes: Mapping[int, int]
    readers: Mapping[int, Sequence[Person]]
    agents: Mapping[int, Sequence[int]]
    staff: Sequence[Person]
    garages: Mapping[int, str]
    appraisers: Mapping[int, str]
    insurers: Mapping[int, str]
    offices: Mapping[int, str]
    market: Mapping[str, int]
    statuses: Mapping[str, tuple[str, str]]
    matrix: Matrix


@dataclass
class Story:
    """Every row of the story, ready to load, and up to where everybody has read."""

    claims: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    search: list[Row] = field(default_factory=list)
    threads: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    thread_marks: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    heads: list[Row] = field(default_factory=list)
    offers: list[Row] = field(default_factory=list)
    cheques: list[Row] = field(default_factory=list)
    documents: list[Row] = field(default_factory=list)
    needs: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    baseline: int = 0


# ---- time -------------------------------------------------------------------------------------------------------------------


class WorkingDays:
    """The bureau's working time as one line of numbers: Sunday to Thursday, ten past eight to twenty past five."""

    def __init__(self, now: datetime, back: int = 1100) -> None:
        today = values.israel(now).date()
        days = [today - timedelta(days=ago) for ago in range(back, -1, -1)]
        self.days = [day for day in days if day.weekday() not in (4, 5)]
        self.now = now
        local = values.israel(now)
        part = (local.hour * 60 + local.minute - 490) / 550 if self.days[-1] == today else 1.0
        self.end = len(self.days) - 1 + min(max(part, 0.0), 0.999)

    def moment(self, position: float) -> datetime:
        """The point in time at a place on the line."""
        day, part = divmod(max(position, 0.0), 1)
        opens = datetime.combine(self.days[int(day)], time(8, 10), values.ISRAEL)
        return (opens + timedelta(minutes=550 * part)).astimezone(UTC)


# ---- one claim --------------------------------------------------------------------------------------------------------------


class Life:
    """A claim while its rows are made: as it stands, and the record of how it came to that."""

    def __init__(self, office_id: int, statuses: Mapping[str, tuple[str, str]]) -> None:
        self.row: Row = {**blank(Claim), 'office_id': office_id, 'version': 0}
        self.changes: list[Row] = []
        self.said: list[Row] = []
        self.calls: list[Row] = []
        self.heads: Sequence[Any] = ()
        self.offers: Sequence[Any] = ()
        self.cheques: Sequence[Any] = ()
        self.documents: Sequence[Row] = ()
        self.needs: Sequence[Row] = ()
        self._statuses = statuses

    def open(self, at: datetime, by: Person, fields: Row) -> None:
        """Open the claim, as the verb of the trade does."""
        row, given = self.row, {name: _kept(name, value) for name, value in fields.items()}
        row |= {'opened_at': values.israel(at).date(), 'created_at': at, **given}
        self._enter('new', at)
        row['insured_key'] = values.search_key(row['insured_name'])
        row['stage_since'] = at if row['repair_stage'] else None
        row['documents_complete_at'] = at if row['documents'] == 'complete' else None
        explicit = {*given, 'opened_at', 'status', 'status_reason', 'waiting_on', 'claim_no'}
        initial = {
            name: [None, plain(row[name])] for name in FIELDS if name in explicit and row[name] not in (None, '')
        }
        self._record(at, by, 'opened', initial)

    def happen(self, at: datetime, by: Person, step: Step) -> None:
        """Let one step happen."""
        if step.kind == 'noted':
            self.say(at, by, talk.Line(0, from_bureau=True, text=step.note, internal=True))
        elif step.kind == 'checked':
            self.row |= {'checked_at': at, 'checked_by': by.name}
            self._record(at, by, 'checked', {}, quiet=True)
        else:
            self._change(at, by, step.fields)

    def say(self, at: datetime, by: Person, line: talk.Line) -> None:
        """Let somebody write a message about the claim, or a note for the bureau alone."""
        row = talk.said_row(at, *by, line)
        self.said.append({**row, 'office_id': self.row['office_id']})
        if line.internal:
            self._record(at, by, 'noted', {'note': [None, row['body']]}, internal=True)
        else:
            self._record(at, by, 'message', {'message': [None, excerpt(row['body'])]})

    def ring(self, at: datetime, by: Person, ring: calls.Ring) -> None:
        """Let somebody log a call."""
        row = calls.call_row(at, *by, ring, self.row)
        self.calls.append({**row, 'office_id': self.row['office_id']})
        told = Call(**row).event(new=True, edited={})
        if told is not None:
            self._record(at, by, told.kind, dict(told.fields), internal=told.internal)

    def deal(self, by: Person, deed: money.Deed) -> None:
        """Let something happen to the money of the claim."""
        self._record(deed.at, by, deed.told.kind, dict(deed.told.fields), quiet=deed.told.quiet)

    def asked_for(self, before: datetime) -> dict[str, tuple[datetime, Row]]:
        """The kinds of documents the insurer asked for as it sent the claim back, and how the history tells it."""
        sent_back = [
            change
            for change in self.changes
            if change['fields'].get('status', [0, 0])[1] == SENT_BACK and change['at'] < before
        ]
        said = [(change['fields'].get('status_reason', ['', ''])[1], change) for change in sent_back]
        return {
            words.ASKED_DOCUMENTS[reason]: (change['at'], change)
            for reason, change in reversed(said)
            if reason in words.ASKED_DOCUMENTS
        }

    def need(self, needs: Sequence[Row], told: Mapping[str, tuple[datetime, Row]], stood: str) -> None:
        """Let the insurer have asked for these, while the documents `stood` as they did: no news any more, either."""
        self.needs, stands = needs, self.row['documents']
        for need in needs:
            at, change = told[need['type']]
            by = Person(change['user_id'], change['by'])
            turned = {'documents': [stood, stands]} if stood != stands else {}
            self._record(at, by, 'document.asked', {'type': [None, need['type']], **turned}, quiet=True)

    def file(self, documents: Sequence[Row]) -> None:
        """Let documents have come in: they stand in the history, and are no news any more."""
        self.documents = documents
        for document in documents:
            told = {
                'document': [None, document['uuid']],
                'title': [None, document['title']],
                'type': [None, document['type']],
            }
            by = Person(document['uploaded_by'], document['by'])
            self._record(document['at'], by, 'document.added', told, quiet=True)

    def _change(self, at: datetime, by: Person, fields: Mapping[str, Any]) -> None:
        row, today = self.row, values.israel(at).date()
        before = dict(row)
        if 'status' in fields:
            self._enter(fields['status'], at)
            row['status_reason'] = ''
        for name, value in fields.items():
            row[name] = value.seen_from(today) if isinstance(value, InDays) else _kept(name, value)
        if 'repair_stage' in fields:
            row['stage_since'] = at
        if before['documents'] != row['documents'] == 'complete':
            row['documents_complete_at'] = at
        if 'daily_note' in fields:
            row |= {'daily_note_at': at, 'daily_note_by': by.name}
        edited = {name: [plain(before[name]), plain(row[name])] for name in FIELDS if before[name] != row[name]}
        if edited:
            self._record(at, by, 'updated', edited)

    def _enter(self, status: str, at: datetime) -> None:
        category, waiting_on = self._statuses[status]
        closed = category == CLOSED
        self.row |= {'status': status, 'status_since': at, 'is_open': not closed, 'closed_at': at if closed else None}
        if status == SENT_BACK:
            self.row['sent_back_at'] = self.row['sent_back_at'] or at
        if self.row['waiting_on'] != waiting_on:
            self.row |= {'waiting_on': waiting_on, 'waiting_since': at}

    def _record(
        self, at: datetime, by: Person, kind: str, fields: Row, *, quiet: bool = False, internal: bool = False
    ) -> None:
        change = {'at': at, 'user_id': by.id, 'by': by.name, 'kind': kind, 'fields': fields}
        self.changes.append({**change, 'quiet': quiet, 'internal': internal, 'office_id': self.row['office_id']})
        if not internal:
            self.row['version'] += 1
        if not internal and not quiet:
            self.row['updated_at'] = at

    @property
    def news(self) -> list[Row]:
        """The changes that are news, oldest first."""
        return [change for change in self.changes if not change['quiet'] and not change['internal']]


def _kept(name: str, value: Any) -> Any:
    return parse_field(name, value) if isinstance(value, str) else value


# ---- an office's claims -----------------------------------------------------------------------------------------------------


def lives_of(rng: Random, cast: Cast, office_id: int, now: datetime) -> list[Life]:
    """All claims of an office up to `now`: most closed, some open, a few of them changed minutes ago."""
    size = cast.sizes[office_id]
    drafts = [_draft(rng, cast, office_id, until) for until in _untils(rng, size)]
    if office_id == min(cast.sizes):
        drafts[0] = _showcase(rng, cast, office_id)
    line = WorkingDays(now)
    fresh = _fresh(drafts, line, now, how_many=14 if size > 200 else 5)
    return [_live(rng, cast, draft, line, fresh.get(place, ())) for place, draft in enumerate(drafts)]


@dataclass
class _Draft:
    """A life before it is placed in time."""

    office_id: int
    case: Case
    opening: Row
    steps: list[Step]
    handler: Person
    rests: float | None = None


def _untils(rng: Random, size: int) -> Iterator[str]:
    """How far each claim of an office has come; every status occurs."""
    open_now = max(round(size * _OPEN_SHARE), 1)
    yield from [name for name, _ in sorted(OPEN_SHARES, key=lambda pair: pair[0] != 'in_repair')][:open_now]
    names, weights = zip(*OPEN_SHARES, strict=True)
    yield from rng.choices(names, weights, k=max(open_now - len(OPEN_SHARES), 0))
    yield from ['closed'] * (size - open_now)


def _draft(rng: Random, cast: Cast, office_id: int, until: str) -> _Draft:
    case = plan(rng, until, cast.market, _clans(office_id))
    handler = rng.choice(cast.staff)
    return _drafted(rng, case, office_id, {'agent': rng.choice(cast.agents[office_id])}, handler)


def _clans(office_id: int) -> slice:
    """Families of the two offices differ, so that whoever finds a name of the other one has found a leak."""
    return slice((office_id + 1) % 2, None, 2)


def _drafted(rng: Random, case: Case, office_id: int, people: Row, handler: Person) -> _Draft:
    steps = steps_of(case)
    opening = {**case.opening, **people, 'handler': handler.id}
    if not any('tp_insurer' in step.fields for step in steps) and case.until not in ('new', 'awaiting_details'):
        opening |= case.details
    elif case.until == 'new' or rng.random() < 0.7:
        opening |= {name: case.details[name] for name in ('tp_policy_holder', 'tp_plate', 'tp_phone')}
    if not case.total_loss:
        opening['repair_stage'] = 'not_arrived'
    return _Draft(office_id, case, opening, steps, handler)


def _showcase(rng: Random, cast: Cast, office_id: int) -> _Draft:
    """The claim of the first screen: its car went from the paint shop to reassembly a few minutes ago."""
    case = plan(rng, 'awaiting_documents', cast.market, _clans(office_id))
    known = {name: value for name, value in words.SHOWCASE.items() if name.startswith('tp_')}
    case.opening |= {name: value for name, value in words.SHOWCASE.items() if name not in known} | {'model_year': 2021}
    case.details |= {**known, 'tp_insurer': cast.market['phoenix']}
    case.settlement, case.total_loss, case.garage, case.appraiser = False, False, 1, 1
    draft = _drafted(rng, case, office_id, {'agent': cast.agents[office_id][0]}, cast.staff[0])
    stages = [step.fields.get('repair_stage') for step in draft.steps]
    sums = {'demand_amount': money.SHOWCASE_DEMANDED, 'approved_amount': money.SHOWCASE_APPROVED}
    approved = Step(0.4, {**sums, 'documents': 'missing_blocking'})
    draft.steps.insert(stages.index('parts_ordered') + 1, approved)
    stages.insert(stages.index('parts_ordered') + 1, None)
    sooner = Step(0.3, {'eta': InDays(6), 'daily_note': words.NEW_ETA_NOTE})
    draft.steps = [*draft.steps[: stages.index('reassembly')], sooner, Step(0.2, {'repair_stage': 'reassembly'})]
    draft.rests = 1.7
    return draft


def _fresh(
    drafts: Sequence[_Draft], line: WorkingDays, now: datetime, how_many: int
) -> Mapping[int, tuple[datetime, ...]]:
    """Which claims changed since yesterday, and when: place → the moments of its last steps."""
    moments = [now - timedelta(minutes=minutes) for minutes in _MINUTES_AGO]
    before = min(line.end - 0.2, _position_before(line, moments[-1]))
    moments += [line.moment(before - 0.07 * place) for place in range(how_many - len(moments))]
    chosen: dict[int, tuple[datetime, ...]] = {}
    shown: dict[str, int] = {}
    for place, draft in enumerate(drafts):
        if draft.case.until == 'closed' or len(chosen) == how_many:
            continue
        last = _subject(draft)
        if last and (shown.get(last, 0) < 3 or place == 0):
            shown[last] = shown.get(last, 0) + 1
            moment = moments[len(chosen)]
            chosen[place] = (moment - timedelta(minutes=1, seconds=40), moment) if len(chosen) % 4 == 1 else (moment,)
    return chosen


def _subject(draft: _Draft) -> str:
    """What a draft's last step is about, '' when it is nothing to show first."""
    if not draft.steps:
        return 'opened'
    fields = draft.steps[-1].fields
    return next(
        (name for name in ('status', 'repair_stage', 'daily_note', 'appraisal_amount', 'eta') if name in fields), ''
    )


def _position_before(line: WorkingDays, moment: datetime) -> float:
    position = line.end
    while line.moment(position) >= moment:
        position -= 0.05
    return position


def _live(rng: Random, cast: Cast, draft: _Draft, line: WorkingDays, fresh: Sequence[datetime]) -> Life:
    """Place a draft in time and let it happen."""
    fresh = fresh[-(len(draft.steps) + 1) :]
    calm = len(draft.steps) + 1 - len(fresh)
    ago = 1.6 + (560 * rng.random() ** 1.3 if draft.case.until == 'closed' else min(rng.expovariate(1 / 7), 45))
    ago = draft.rests or ago
    pauses = [step.pause for step in draft.steps][: max(calm - 1, 0)]
    end = max(line.end - ago, sum(pauses) + 1)
    places = [end - sum(pauses[place:]) for place in range(calm)]
    moments = [*(line.moment(place) for place in places), *fresh]
    life = Life(draft.office_id, cast.statuses)
    event_date = values.israel(moments[0]).date() - timedelta(days=rng.randint(1, 14))
    life.open(moments[0], draft.handler, {**draft.opening, 'event_date': event_date})
    talking = _Talking(cast, draft, life, fresh_since(line.now))
    for step, moment, following in zip(draft.steps, moments[1:], [*moments[2:], line.now], strict=False):
        if moment in fresh[:1]:
            talking.before_news(moment, after=moments[calm - 1])
        talking.before_step(step, moment)
        by_himself = rng.random() < (0.3 if moment in fresh else 0.8)
        life.happen(moment, draft.handler if by_himself else rng.choice(cast.staff), step)
        if moment not in fresh:
            talking.after_step(step, moment, following)
    life.heads, life.offers, life.cheques = talking.money
    return life


class _Talking:
    """What is written, said and paid about a claim while its life goes on; with a chance of its own, so that the lives stay as they are."""

    def __init__(self, cast: Cast, draft: _Draft, life: Life, calm_until: datetime) -> None:
        people = {person.id: person for readers in cast.readers.values() for person in readers}
        self._sides = {True: draft.handler, False: people[draft.opening['agent']]}
        self._life, self._calm_until = life, calm_until
        self._showcase = draft.opening['plate'] == words.SHOWCASE['plate']
        self._eve = draft.steps[-2] if len(draft.steps) > 1 else None
        self._often = 0.08 if draft.case.until == 'closed' else 0.4
        self._rng = Random(f'{draft.opening["plate"]}{draft.opening["insured_name"]}')
        self._calling = Random(f'{draft.opening["insured_name"]}{draft.opening["plate"]}')
        chance = Random(f'{draft.opening["plate"]}₪{draft.opening["insured_name"]}')
        self._insurers = cast.insurers
        self._purse = money.Purse(draft.case, chance, draft.handler.name, self._showcase)

    @property
    def money(self) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
        """Heads of damage, offers and cheques, as they stand in the end."""
        return list(self._purse.heads.values()), self._purse.offers, self._purse.cheques

    def before_step(self, step: Step, moment: datetime) -> None:
        """What the step says in one number happens to the heads, offers and cheques right before it."""
        row = {**self._life.row, **step.fields}
        parties = money.Parties(
            row['insured_name'],
            self._insurers.get(row['tp_insurer'], ''),
            words.GARAGES[row['garage'] - 1][0] if row['garage'] else '',
            words.APPRAISERS[row['appraiser'] - 1][0] if row['appraiser'] else '',
        )
        for deed in self._purse.at_step(step.fields, moment, parties):
            self._life.deal(self._sides[True], deed)

    def after_step(self, step: Step, moment: datetime, following: datetime) -> None:
        """A status that people write and call about."""
        lines = talk.talk_about(self._rng, step.fields.get('status', ''), self._often)
        if self._showcase:
            lines = talk.SHOWCASE if step is self._eve else ()
        until = following if self._showcase else min(following, self._calm_until)
        said = [
            (at, partial(self._life.say, at, self._sides[line.from_bureau], line))
            for at, line in talk.spoken(lines, moment, until)
        ]
        called = [
            (at, partial(self._life.ring, at, self._sides[not ring.by_agent], ring))
            for at, ring in calls.rung(self._rings(step), moment, until)
        ]
        after, before = moment + timedelta(minutes=1), min(following, self._calm_until) - timedelta(minutes=3)
        paid = [
            (deed.at, partial(self._life.deal, self._sides[True], deed)) for deed in self._purse.between(after, before)
        ]
        for _, happen in sorted([*said, *called, *paid], key=itemgetter(0)):
            happen()
        if following >= self._calm_until and not self._showcase:
            self._call_in_vain()

    def _call_in_vain(self) -> None:
        last = self._life.changes[-1]['at']
        for at, ring in calls.in_vain(self._calling, self._life.row, last, self._calm_until):
            self._life.ring(at, self._sides[True], ring)

    def _rings(self, step: Step) -> Sequence[calls.Ring]:
        if self._showcase:
            return calls.SHOWCASE.get('eta' if step is self._eve else step.fields.get('repair_stage', ''), ())
        return calls.calls_about(self._calling, step.fields.get('status', ''), self._often)

    def before_news(self, moment: datetime, after: datetime) -> None:
        """Before the newest things happen somebody asks or tells something nobody has read yet."""
        texts = talk.SHOWCASE_NEWS if self._showcase else (self._rng.choice(talk.UNANSWERED),)
        if not self._showcase and self._rng.random() > 0.25:
            return
        for text, minutes in zip(texts, (27, 24), strict=False):
            at = moment - timedelta(minutes=minutes)
            if at > max(after, self._calm_until):
                self._life.say(at, self._sides[self._showcase], talk.Line(0, from_bureau=self._showcase, text=text))


# ---- all of it together -----------------------------------------------------------------------------------------------------


def compose(cast: Cast, now: datetime, seed: int, numbered: Callable[[Sequence[datetime]], Sequence[int]]) -> Story:
    """The whole story up to `now`. `numbered` gives the ids of the changes that happened at these moments."""
    rng = Random(seed)
    lives = [life for office_id in cast.sizes for life in lives_of(rng, cast, office_id, now)]
    lives.sort(key=lambda life: life.row['created_at'])
    _file_documents(cast, lives, fresh_since(now) - timedelta(hours=1))
    _number_claims(rng, lives)
    _number_changes(lives, numbered)
    story = Story()
    for life in lives:
        story.claims.append(life.row)
        story.changes += life.changes
        story.calls += [{**call, 'claim_id': life.row['id']} for call in life.calls]
        story.search.append(search_row(life.row, cast))
    story.changes.sort(key=lambda change: change['id'])
    story.calls.sort(key=itemgetter('at'))
    story.calls = [{**call, 'id': number} for number, call in enumerate(story.calls, 1)]
    _put_money(story, lives)
    filed = sorted(
        ({**document, 'claim_id': life.row['id']} for life in lives for document in life.documents),
        key=itemgetter('at'),
    )
    asked = sorted(
        ({**need, 'claim_id': life.row['id']} for life in lives for need in life.needs), key=itemgetter('at')
    )
    story.needs = [{**need, 'id': number} for number, need in enumerate(asked, 1)]
    ids = {(need['claim_id'], need['id']): number for number, need in enumerate(asked, 1)}
    story.documents = [
        {**document, 'id': number, 'need_id': ids.get((document['claim_id'], document['need_id']))}
        for number, document in enumerate(filed, 1)
    ]
    since = fresh_since(now)
    story.threads, story.messages, story.thread_marks = _threads(cast, lives, now)
    story.baseline = min((change['id'] for change in story.changes if change['at'] >= since), default=1) - 1
    story.marks, story.alerts = _readers(rng, cast, lives, story.baseline, now)
    return story


def _file_documents(cast: Cast, lives: Sequence[Life], before: datetime) -> None:
    """A claim whose documents somebody has checked has some; the others have none."""
    people = {person.id: person for readers in (*cast.readers.values(), cast.staff) for person in readers}
    for life in lives:
        moments = [change['at'] for change in life.changes if change['at'] < before]
        if moments and life.row['documents'] != papers.UNCHECKED:
            sides = {True: people[life.row['handler']], False: people[life.row['agent']]}
            lacking = words.SHOWCASE_LACKS if life.row['plate'] == words.SHOWCASE['plate'] else frozenset()
            asked, stood = life.asked_for(before), life.row['documents']
            told = {kind: (at, change['by']) for kind, (at, change) in asked.items()}
            needs = papers.asked_for(life.row, cast.matrix, told)
            if life.row['status'] == SENT_BACK:
                lacking = lacking or frozenset(asked)
            life.file(papers.filed(life.row, cast.matrix, moments, sides, lacking, needs))
            life.need(needs, asked, stood)


def _put_money(story: Story, lives: Sequence[Life]) -> None:
    """Every row with the id it would have been given when it was written."""
    cheques = sorted(
        ((life.row, cheque) for life in lives for cheque in life.cheques), key=lambda pair: pair[1].entered_at
    )
    offers = sorted(((life.row, offer) for life in lives for offer in life.offers), key=lambda pair: pair[1].at)
    story.heads = money.numbered([(life.row, head) for life in lives for head in life.heads])
    story.offers, story.cheques = money.numbered(offers), money.numbered(cheques)
    ids = {(row['id'], cheque.id): number for number, (row, cheque) in enumerate(cheques, 1)}
    for life in lives:
        for change in [change for change in life.changes if 'cheque' in change['fields']]:
            change['fields']['cheque'] = [None, ids[life.row['id'], change['fields']['cheque'][1]]]


def _threads(cast: Cast, lives: Sequence[Life], now: datetime) -> tuple[list[Row], list[Row], list[Row]]:
    said = [{**row, 'claim_id': life.row['id']} for life in lives for row in life.said]
    for office_id, readers in cast.readers.items():
        said += talk.general_rows(office_id, readers[0], cast.staff[0], now)
    readers_of = {
        office_id: {**{reader.id: False for reader in readers}, **{person.id: True for person in cast.staff}}
        for office_id, readers in cast.readers.items()
    }
    return talk.threads_of(said, readers_of, fresh_since(now))


def fresh_since(now: datetime) -> datetime:
    """The moment everybody last read everything: what came later is new to some."""
    line = WorkingDays(now)
    return line.moment(line.end - 1.55)


def _number_claims(rng: Random, lives: Sequence[Life]) -> None:
    """Ids and numbers in the order of opening; the offices of the demo are not the bureau's only ones."""
    last: dict[int, int] = {}
    for place, life in enumerate(lives, 1):
        year = life.row['opened_at'].year % 100
        last[year] = last.get(year, 0) + rng.randint(6, 34)
        claim_no = f'{year:02d}-{last[year]:05d}'
        life.row |= {'id': place, 'claim_no': claim_no, 'claim_no_key': values.search_key(claim_no).replace(' ', '')}
        opened = life.changes[0]
        opened['fields'] = {'claim_no': [None, claim_no], **opened['fields']}


def _number_changes(lives: Sequence[Life], numbered: Callable[[Sequence[datetime]], Sequence[int]]) -> None:
    changes = sorted(
        ((change, life) for life in lives for change in life.changes),
        key=lambda pair: (pair[0]['at'], pair[1].row['id']),
    )
    for (change, life), number in zip(changes, numbered([change['at'] for change, _ in changes]), strict=True):
        change |= {'id': number, 'claim_id': life.row['id']}
        if not change['quiet'] and not change['internal']:
            life.row['seq'] = number


def search_row(row: Row, cast: Cast) -> Row:
    """What a claim is found by, as the session would index it."""
    named = (
        *(cast.garages.get(row['garage'], ''), cast.appraisers.get(row['appraiser'], '')),
        *(cast.insurers.get(row['tp_insurer'], ''), cast.offices[row['office_id']]),
    )
    text = joined_text([*(row[name] for name in SEARCHED), *named])
    same = {name: row[name] for name in ('seq', 'office_id', 'is_open')}
    return {**same, 'claim_id': row['id'], 'text': text}


# ---- who has seen what ------------------------------------------------------------------------------------------------------


def _readers(
    rng: Random, cast: Cast, lives: Sequence[Life], baseline: int, now: datetime
) -> tuple[list[Row], list[Row]]:
    reading = _Reading(rng, baseline, now)
    news = sorted((life for life in lives if life.row['seq'] > baseline), key=lambda life: -life.row['seq'])
    for office_id, readers in cast.readers.items():
        of_office = [life for life in lives if life.row['office_id'] == office_id]
        concerned = [life for life in of_office if life.row['is_open'] or _recent(life, now)]
        for place, reader in enumerate(readers):
            reading.read(reader, concerned, _unread([life for life in news if life in of_office], place))
    for place, reader in enumerate(cast.staff):
        mine = [life for life in lives if life.row['handler'] == reader.id]
        unread = [life for life in news if life in mine and life.news[-1]['user_id'] != reader.id][: 6 + place]
        reading.read(reader, [life for life in lives if (life in mine and life.row['is_open']) or life in news], unread)
    reading.alerts.sort(key=lambda alert: (alert['change_id'], alert['user_id']))
    for number, alert in enumerate(reading.alerts, 1):
        alert['id'] = number
    return reading.marks, reading.alerts


def _unread(news: Sequence[Life], place: int) -> list[Life]:
    """Another handful for each reader of an office, the newest one for everybody."""
    wanted = ((0, 1, 2, 3, 4, 6, 7), (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11), (0, 1, 5, 9))[place % 3]
    return [life for rank, life in enumerate(news) if rank in wanted]


def _recent(life: Life, now: datetime) -> bool:
    return bool(now - life.row['updated_at'] < timedelta(days=40))


@dataclass
class _Reading:
    """Who has read what: his marks and alerts."""

    rng: Random
    baseline: int
    now: datetime
    marks: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)

    def read(self, reader: Person, concerned: Iterable[Life], unread: Sequence[Life]) -> None:
        """What somebody has opened is read, what came since is not; five of the unread ones ring his bell."""
        for life in concerned:
            is_unread = life in unread
            seen = [change for change in life.news if not is_unread or change['id'] <= self.baseline]
            part = {'user_id': reader.id, 'claim_id': life.row['id'], 'office_id': life.row['office_id']}
            if seen:
                looked_at = self._looked_at(seen[-1]['at'], fresh_since(self.now) if is_unread else self.now)
                self.marks.append({**part, 'seq': seen[-1]['id'], 'at': looked_at, 'opened_at': looked_at})
            for change in life.news:
                if change['user_id'] != reader.id and self.now - change['at'] < timedelta(days=6):
                    rings = is_unread and change not in seen and unread.index(life) < 5
                    read_at = None if rings else self._looked_at(change['at'], self.now)
                    self.alerts.append({**part, **_alert(change), 'read_at': read_at})

    def _looked_at(self, after: datetime, before: datetime) -> datetime:
        """Some time in between, rather sooner."""
        return after + min(before - after, timedelta(hours=20)) * (0.05 + 0.9 * self.rng.random() ** 2)


def _alert(change: Row) -> Row:
    kind, key = f'claim.{change["kind"]}', f'change:{change["id"]}'
    event = event_of(kind, change['fields'])
    return {'kind': kind, 'event': event, 'key': key, 'change_id': change['id'], 'at': change['at']}
