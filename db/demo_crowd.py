"""The crowd around the stories: as many claims and offices as one likes, with short histories, made fast in several processes."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import accumulate
from operator import itemgetter
from random import Random
from typing import Any

from db import bulk, values
from db import demo_words as words
from db.changes import Change, plain
from db.claims import FIELDS, SENT_BACK, Claim
from db.demo_stories import OPEN_SHARES, Row
from db.money import MOVED, MoneyMove
from db.search import SEARCHED, ClaimSearch

CHUNK = 20_000
_TWICE = 0.7  # the share of claims that changed once after they were opened
_HEAD_START = 3  # flattens the curve of office sizes: the largest office has about 4 % of the claims
_REPAIR = ('parts_ordered', 'awaiting_parts', 'bodywork', 'paint', 'reassembly', 'quality_control')
_CLAIM = tuple(bulk.blank(Claim))
_CHANGE = ('id', 'claim_id', 'office_id', 'at', 'user_id', 'by', 'kind', 'quiet', 'internal', 'fields')
_SEARCH = ('seq', 'claim_id', 'office_id', 'is_open', 'text')
_MOVE = ('claim_id', 'office_id', 'total', 'amount', 'at')


@dataclass(frozen=True)
class Crowd:
    """What a process needs to make any part of the crowd. Moments are whole microseconds since 1970."""

    backend: str
    seed: int
    claims: int
    first_id: int
    offices: Mapping[int, str]
    agents: Mapping[int, Sequence[int]]
    staff: Sequence[int]
    garages: Mapping[int, str]
    appraisers: Mapping[int, str]
    insurers: Mapping[int, str]
    market: Mapping[str, int]
    statuses: Mapping[str, tuple[str, str]]
    first: int
    last: int
    story: Sequence[int] = field(default=(), repr=False)

    @cached_property
    def changes(self) -> int:
        """How many changes the crowd has."""
        return self._slots_before(self.claims)

    @cached_property
    def step(self) -> int:
        """The time between two changes of the crowd."""
        return max((self.last - self.first) // max(self.changes, 1), 1)

    def chunks(self) -> range:
        """The parts it can be made in."""
        return range(-(-self.claims // CHUNK))

    def numbered(self, moments: Sequence[datetime]) -> list[int]:
        """The ids of the story's changes, in order, among those of the crowd."""
        before = [self._crowd_before(micros(at)) for at in moments]
        return [place + crowd for place, crowd in enumerate(before, 1)]

    def change_id(self, slot: int) -> int:
        """The id of the crowd's change in a slot: after everything of the story that happened before it."""
        return slot + 1 + bisect_right(self.story, self.first + slot * self.step)

    def moment(self, slot: int) -> datetime:
        """When it happened."""
        return _EPOCH + timedelta(microseconds=self.first + slot * self.step)

    def slots_of(self, chunk: int) -> range:
        """The slots of one part: every part has a stretch of time of its own."""
        first, last = chunk * CHUNK, min((chunk + 1) * CHUNK, self.claims)
        return range(self._slots_before(first), self._slots_before(last))

    def _slots_before(self, claims: int) -> int:
        return claims + int(claims * _TWICE)

    def _crowd_before(self, moment: int) -> int:
        return min(max(-(-(moment - self.first) // self.step), 0), self.changes)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def office_shares(offices: int) -> list[float]:
    """How large each office is compared with the others: a few are large, most are small."""
    return [1 / (place + _HEAD_START) for place in range(1, offices + 1)]


def batches(crowd: Crowd, chunk: int) -> list[bulk.Batch]:
    """One part of the crowd, ready to be poured."""
    claims: list[Any] = []
    changes: list[Any] = []
    search: list[Any] = []
    moves: list[Any] = []
    claim_row, change_row, search_row = itemgetter(*_CLAIM), itemgetter(*_CHANGE), itemgetter(*_SEARCH)
    for row, news, found in _members(crowd, chunk):
        claims.append(claim_row(row))
        changes += map(change_row, news)
        search.append(search_row(found))
        moves += _moves(row)
    changes.sort(key=itemgetter(0))
    search.sort(key=itemgetter(0))
    return [
        bulk.packed(crowd.backend, Claim, _CLAIM, claims),
        bulk.packed(crowd.backend, Change, _CHANGE, changes),
        bulk.packed(crowd.backend, ClaimSearch, _SEARCH, search),
        bulk.packed(crowd.backend, MoneyMove, _MOVE, moves),
    ]


def _moves(row: Row) -> Iterator[tuple[Any, ...]]:
    """What was approved and received of a claim was so when it was opened, as its record says."""
    for total, name in MOVED.items():
        if row[name]:
            yield row['id'], row['office_id'], total, row[name], row['created_at']


def _members(crowd: Crowd, chunk: int) -> Iterator[tuple[Row, list[Row], Row]]:
    rng = Random(f'{crowd.seed} {chunk}')
    slots = list(crowd.slots_of(chunk))
    first_claim = chunk * CHUNK
    how_many = min(CHUNK, crowd.claims - first_claim)
    rng.shuffle(slots)
    twice = len(slots) - how_many
    lives = [sorted(slots[2 * place : 2 * place + 2]) for place in range(twice)] + [
        [slot] for slot in slots[2 * twice :]
    ]
    lives.sort()
    offices = list(crowd.offices)
    shares = list(accumulate(office_shares(len(offices))))
    template = bulk.blank(Claim)
    for place, life in enumerate(lives, crowd.first_id + first_claim):
        office_id = rng.choices(offices, cum_weights=shares)[0]
        yield _member(crowd, rng, {**template, 'id': place, 'office_id': office_id}, life)


def _member(crowd: Crowd, rng: Random, row: Row, life: Sequence[int]) -> tuple[Row, list[Row], Row]:
    """One claim: its row, its record and what it is found by."""
    opened = crowd.moment(life[0])
    today = values.israel(opened).date()
    row |= _known(crowd, rng, row['id'], row['office_id'], today)
    row |= {'created_at': opened, 'opened_at': today, 'version': len(life)}
    closes = rng.random() < 0.73
    until = 'closed' if closes else rng.choices(_OPEN_NAMES, cum_weights=_OPEN_SHARES)[0]
    row |= _as_far_as(rng, until)
    if until not in _UNSENT:
        row |= {'submitted_at': today, 'sent_back_at': opened if until == SENT_BACK else None}
    _enter(crowd, row, 'paid' if closes and len(life) == 2 else until, opened)
    initial = {name: [None, plain(row[name])] for name in _RECORDED if row[name] not in (None, '')}
    news = [_change(crowd, row, life[0], 'opened', initial)]
    if len(life) == 2:
        before, at = dict(row), crowd.moment(life[1])
        _go_on(crowd, rng, row, until, at)
        edited = {name: [plain(before[name]), plain(row[name])] for name in FIELDS if before[name] != row[name]}
        news.append(_change(crowd, row, life[1], 'updated', edited))
    row |= {'seq': news[-1]['id'], 'updated_at': news[-1]['at']}
    return row, news, _search_row(crowd, row)


def _go_on(crowd: Crowd, rng: Random, row: Row, until: str, at: datetime) -> None:
    """The one change after the opening."""
    if until == 'closed':
        _enter(crowd, row, 'closed', at)
    elif until == 'in_repair':
        row |= {'repair_stage': rng.choice(_REPAIR), 'stage_since': at}
    else:
        text = rng.choice(words.DAILY_NOTES[until]).replace('{sum}', values.format_money(row['demand_amount'] or 0))
        row |= {'daily_note': text, 'daily_note_at': at, 'daily_note_by': words.IMPORT_NAME}


def _enter(crowd: Crowd, row: Row, status: str, at: datetime) -> None:
    row |= {'status': status, 'status_since': at, 'is_open': status != 'closed'}
    row['status_reason'] = _REASONS.get(status, '')
    row['closed_at'] = None if row['is_open'] else at
    waiting_on = crowd.statuses[status][1]
    if row['waiting_on'] != waiting_on:
        row |= {'waiting_on': waiting_on, 'waiting_since': at}


def _change(crowd: Crowd, row: Row, slot: int, kind: str, fields: Row) -> Row:
    part = {'id': crowd.change_id(slot), 'claim_id': row['id'], 'office_id': row['office_id'], 'at': crowd.moment(slot)}
    author = {'user_id': None, 'by': words.IMPORT_NAME, 'kind': kind, 'quiet': False, 'internal': False}
    return {**part, **author, 'fields': fields}


def _known(crowd: Crowd, rng: Random, claim_id: int, office_id: int, today: date) -> Row:
    year = 2008 + _below(rng, 18)
    insured, driver, holder = rng.choice(_PEOPLE), rng.choice(_PEOPLE), rng.choice(_PEOPLE)
    claim_no = f'{today.year % 100:02d}-{claim_id:07d}'
    return {
        'claim_no': claim_no,
        'claim_no_key': claim_no.replace('-', ''),
        'agent': rng.choice(crowd.agents[office_id]),
        'handler': rng.choice(crowd.staff),
        'insured_name': insured,
        'insured_key': _key(insured),
        'insured_id_no': _id_number(_below(rng, 40_000_000)),
        'insured_phone': _mobile(rng),
        'insured_address': f'{rng.choice(_STREETS)} {1 + _below(rng, 120)}, {rng.choice(_CITIES)}',
        'plate': _plate(rng, year),
        'make_model': rng.choice(_CARS),
        'model_year': year,
        'policy_no': f'{2 + _below(rng, 8)}-{_below(rng, 1000):03}-{_below(rng, 10**6):06}',
        'own_insurer': crowd.market[rng.choices(_MARKET, cum_weights=_MARKET_SHARES)[0]],
        'event_date': today - timedelta(days=1 + _below(rng, 30)),
        'driver': insured if rng.random() < 0.6 else driver,
        'tp_policy_holder': holder,
        'tp_phone': _mobile(rng),
        'tp_plate': _plate(rng, 2006 + _below(rng, 20)),
        'tp_insurer': crowd.market[rng.choices(_MARKET, cum_weights=_MARKET_SHARES)[0]],
        'tp_policy_no': f'{10 + _below(rng, 90)}-{_below(rng, 10**4):04}-{_below(rng, 10**5):05}',
        'tp_driver': holder,
        'garage': 1 + _below(rng, len(crowd.garages)),
        'appraiser': 1 + _below(rng, len(crowd.appraisers)),
    }


def _below(rng: Random, end: int) -> int:
    """As `randrange`, in a third of the time."""
    return int(rng.random() * end)


def _id_number(first: int) -> str:
    digits = f'{first + 1:08}'
    total = sum(int(digit) if place % 2 == 0 else _DOUBLED[digit] for place, digit in enumerate(digits))
    return f'{digits}{-total % 10}'


def _mobile(rng: Random) -> str:
    return f'05{rng.choice("023458")}555{_below(rng, 10**4):04}'


def _plate(rng: Random, year: int) -> str:
    return str(10**7 + _below(rng, 3 * 10**7) if year > 2016 else 10**6 + _below(rng, 8 * 10**6))


def _as_far_as(rng: Random, until: str) -> Row:
    """What is known only when a claim has come so far."""
    if until in _EARLY:
        return {'repair_stage': _EARLY[until]}
    demand = (400 + _below(rng, 5600)) * 1000
    known = {
        'repair_stage': 'delivered',
        'demand_amount': demand,
        'insurer_claim_no': str(10**6 + _below(rng, 9 * 10**6)),
    }
    if until in _PAID:
        known |= {'approved_amount': demand, 'received_amount': demand * _PAID[until] // 2}
    return known


def _search_row(crowd: Crowd, row: Row) -> Row:
    """The text `joined_text` would make: numbers are their own keys."""
    parts = [_key(row[name]) for name in SEARCHED if row[name]]
    parts += [_key(crowd.garages[row['garage']]), _key(crowd.appraisers[row['appraiser']])]
    parts += [_key(crowd.insurers[row['tp_insurer']]), _key(crowd.offices[row['office_id']])]
    same = {name: row[name] for name in ('seq', 'office_id', 'is_open')}
    return {**same, 'claim_id': row['id'], 'text': ' ' + ' '.join(parts)}


def _key(text: str) -> str:
    """A number with dashes is its digits; anything else is looked up, for the same words come again and again."""
    digits = text.replace('-', '')
    return digits if digits.isdecimal() and not digits.startswith('00972') else _words_key(text)


@cache
def _words_key(text: str) -> str:
    return values.search_key(text)


_RECORDED = tuple(name for name in FIELDS if name not in ('documents', 'track'))
_REASONS = {
    'closed': 'paid_in_full',
    'rejected': words.REJECTED_BECAUSE[0],
    'moved_to_legal': words.LEGAL_REASONS[0],
} | {
    'partially_paid': words.PAID_IN_PART_BECAUSE[0],
    'insurer_requested_info': words.ASKED_FOR[0],
}
_EARLY = {
    'new': 'not_arrived',
    'awaiting_details': 'not_arrived',
    'awaiting_appraiser': 'appraiser_inspection',
    'in_repair': 'awaiting_repair_approval',
}
_UNSENT = (*_EARLY, 'awaiting_documents', 'ready_to_submit')
_PAID = {'closed': 2, 'paid': 2, 'partially_paid': 1}  # in halves
_CARS = tuple(values.text(car) for car, _ in words.CARS)
_OPEN_NAMES = tuple(name for name, _ in OPEN_SHARES)
_OPEN_SHARES = tuple(accumulate(share for _, share in OPEN_SHARES))
_MARKET = tuple(name for name, _ in words.MARKET)
_MARKET_SHARES = tuple(accumulate(share for _, share in words.MARKET))
# as long as the communities are large
_PEOPLE = tuple(
    f'{name} {family}' for _, names, families in words.COMMUNITIES for name, _ in names for family in families
)
_CITIES = tuple(words.CITIES)
_STREETS = tuple(street for _, streets in words.CITIES.values() for street in streets)
_DOUBLED = {str(digit): sum(map(int, str(2 * digit))) for digit in range(10)}
