"""What a list of claims asks for: its view, search, filters, order, columns and page, as they stand in an address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from db import values
from db.claims import DOCUMENTS, YES_NO
from db.list_orders import SORTS, falls, sorted_by
from db.scope import Actor
from db.texts import N_

VIEWS = ('open', 'unread', 'closed', 'all')
SCOPES = ('all', 'claim_no', 'plate', 'insured_name')
# told where somebody typed signs alone
NO_WORD = N_('What was typed has no letter and no digit. Type a name, a vehicle number or a claim number.')
PAGE_SIZES = (10, 25, 50, 100)
# beyond it a list says «1,000+», under a search «200+»: finding costs more than walking an index, and whoever searches reads no
# two hundred. The place of a claim among its neighbours is counted further
COUNTED_UP_TO, FOUND_UP_TO, PLACED_UP_TO = 1000, 200, 9999
MANY = (
    *('status', 'insurer', 'agent', 'garage', 'waiting_on', 'office', 'documents'),
    *('repair_stage', 'appraiser', 'quick', 'left_stage', 'sent_back'),
)
# what happened to a claim between two days: each has a first day and a last one; `left` is the repair stages of `left_stage`,
# `repaired` that it was handed over after it had come to a garage, `collected` that money was demanded for it or received
RANGES = (
    *('event', 'updated', 'opened', 'appraised', 'submitted', 'closed'),
    *('approved', 'received', 'collected', 'delivered', 'repaired', 'left'),
)
DAYS = tuple(f'{name}_{side}' for name in RANGES for side in ('from', 'to'))
# among agents, insurers and garages: of whom a claim has none
NOBODY = '0'
# what changes by itself from day to day, or from one person to the next: each narrows the list further
QUICK: Mapping[str, str] = MappingProxyType(
    {
        'for_me': N_('Waiting for me'),
        'followed': N_('Claims I follow'),
        'cheques': N_('Cheques within 14 days'),
        'stuck': N_('Stuck'),
        'closed_this_month': N_('Closed this month'),
    }
)
# what a list may show of a claim, in the order in which it is offered; `office` is for those who see several
COLUMNS = (
    *('insured_name', 'claim_no', 'plate', 'event_date', 'status', 'repair_stage', 'waiting_on', 'tp_insurer'),
    *(
        'demand_amount',
        'agent',
        'updated_at',
        'office',
        'handler',
        'garage',
        'appraiser',
        'insurer_claim_no',
        'policy_no',
    ),
    *('documents', 'next_action', 'next_action_due', 'approved_amount', 'received_amount', 'opened_at'),
)
# the column that is always there, and first: the way to the claim
ANCHOR = 'insured_name'
DEFAULT_COLUMNS = (
    *(ANCHOR, 'claim_no', 'plate', 'event_date', 'status', 'repair_stage', 'tp_insurer', 'demand_amount'),
    *('agent', 'updated_at'),
)
DENSITIES = ('usual', 'dense')
NUMBERED = frozenset({'insurer', 'agent', 'garage', 'office', 'appraiser'})


_NUMBER, _KEY = re.compile(r'0|[1-9][0-9]{0,8}'), re.compile(r'[a-z0-9_]{1,60}')
_SEQ = re.compile(r'-?[0-9]{1,15}')


@dataclass(frozen=True)
class ListState:
    """Everything that decides which rows a list shows; it stands in the address, so reload, back and sharing work."""

    view: str = 'open'
    q: str = ''
    scope: str = 'all'
    status: tuple[str, ...] = ()
    insurer: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    garage: tuple[str, ...] = ()
    waiting_on: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    repair_stage: tuple[str, ...] = ()
    appraiser: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    left_stage: tuple[str, ...] = ()
    sent_back: tuple[str, ...] = ()
    event_from: date | None = None
    event_to: date | None = None
    updated_from: date | None = None
    updated_to: date | None = None
    opened_from: date | None = None
    opened_to: date | None = None
    appraised_from: date | None = None
    appraised_to: date | None = None
    submitted_from: date | None = None
    submitted_to: date | None = None
    closed_from: date | None = None
    closed_to: date | None = None
    approved_from: date | None = None
    approved_to: date | None = None
    received_from: date | None = None
    received_to: date | None = None
    collected_from: date | None = None
    collected_to: date | None = None
    delivered_from: date | None = None
    delivered_to: date | None = None
    repaired_from: date | None = None
    repaired_to: date | None = None
    left_from: date | None = None
    left_to: date | None = None
    sort: str = '-updated_at'
    # which columns are shown, in order; empty: those the person is used to
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = 25
    # where a page begins that one turned to: behind the claim with this `seq`, or before it; without one it is counted off
    after: int | None = None
    before: int | None = None

    def __post_init__(self) -> None:
        """The first page begins at the beginning."""
        if self.page == 1 and (self.after, self.before) != (None, None):
            object.__setattr__(self, 'after', None)
            object.__setattr__(self, 'before', None)

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'ListState':
        """From an address. Anything hostile or outdated falls back to the default; it never raises."""
        days = {name: values.day_in(query.get(name)) for name in DAYS}
        state = cls(
            view=one_of(query.get('view'), VIEWS),
            q=query_in(query.get('q', '')),
            scope=one_of(query.get('scope'), SCOPES),
            sort=query.get('sort', '') if sorted_by(query.get('sort', '')) in SORTS else '-updated_at',
            columns=columns_named(_keys(query, 'columns')),
            page=_number(query.get('page'), 1, 100_000),
            size=_number(query.get('size'), 25, PAGE_SIZES[-1]),
        )
        many = {name: _keys(query, name)[:40] for name in MANY}
        for name, keys in many.items():
            many[name] = tuple(key for key in keys if (_NUMBER if name in NUMBERED else _KEY).fullmatch(key))
        for name, known in (('documents', DOCUMENTS), ('quick', QUICK), ('sent_back', YES_NO)):
            many[name] = tuple(key for key in many[name] if key in known)
        choices: dict[str, Any] = {**many, **days, 'size': state.size if state.size in PAGE_SIZES else 25}
        choices |= {'after': _seq(query.get('after')), 'before': _seq(query.get('before'))}
        return replace(state, **choices)

    def address(self) -> str:
        """The query string of this state, without what is at its default."""
        shown = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value != item.default:
                shown[item.name] = ','.join(value) if isinstance(value, tuple) else str(value)
        return urlencode(shown)

    def turned_to(self, page: int, ends: tuple[int, int] | None) -> 'ListState':
        """Another page of the list of which rows are shown; the next one and the one before begin at their `ends` (first and last `seq`)."""
        after = ends[1] if ends and page == self.page + 1 else None
        before = ends[0] if ends and page == self.page - 1 else None
        return replace(self, page=page, after=after, before=before)

    @property
    def turned_round(self) -> tuple[tuple[date, date], ...]:
        """The stretches of days that end before they begin: nothing happened in one."""
        pairs = ((getattr(self, f'{name}_from'), getattr(self, f'{name}_to')) for name in RANGES)
        return tuple((start, end) for start, end in pairs if start and end and start > end)

    @property
    def searches(self) -> bool:
        """Whether something was typed."""
        return bool(self.q.strip())

    @property
    def is_wordless(self) -> bool:
        """Whether what was typed has no letter and no digit: there is nothing in it to look for."""
        return self.searches and not values.has_a_word(self.q)

    @property
    def sorted_by(self) -> str:
        """By what it is sorted, whichever way."""
        return sorted_by(self.sort)

    @property
    def falls(self) -> bool:
        """Whether the greatest comes first."""
        return falls(self.sort)

    @property
    def counted_up_to(self) -> int:
        """How far its claims are counted."""
        return FOUND_UP_TO if self.searches else COUNTED_UP_TO

    @cached_property
    def filters(self) -> Mapping[str, Any]:
        """The filters that are on, by name."""
        return {name: value for name in (*MANY, *DAYS) if (value := getattr(self, name))}

    @cached_property
    def begins_with_news(self) -> bool:
        """Whether the newest claims of its view stand in it as they come, with nothing that narrows them down."""
        return self.page == 1 and self.sort == '-updated_at' and not (self.filters or self.q)

    @cached_property
    def meant(self) -> str:
        """Which claims it means, however they are sorted and shown."""
        return replace(self, page=1, size=ListState.size, sort=ListState.sort, columns=()).address()

    @property
    def is_personal(self) -> bool:
        """Whether even those who see the same claims have others of them in it: what each has not read, what waits for each."""
        return self.view == 'unread' or not {'for_me', 'followed'}.isdisjoint(self.quick)

    def without_filters(self) -> 'ListState':
        """The same list with no filter and no search."""
        return ListState(view=self.view, sort=self.sort, columns=self.columns, size=self.size)


def read_by(actor: Actor, query: Mapping[str, str]) -> ListState:
    """From an address, as somebody may ask: offices are for those who see several."""
    state = ListState.read(query)
    if actor.is_bureau:
        return state
    return replace(state, office=(), columns=columns_named(name for name in state.columns if name != 'office'))


def misread(query: Mapping[str, str], state: ListState) -> tuple[str, ...]:
    """What an address asks for that the list it was read into has not, as it stands there; its days aside."""
    kept = {**{name: getattr(state, name) for name in MANY}, 'columns': (ANCHOR, *state.columns)}
    wrong = tuple(values.as_given(key) for name in kept for key in _keys(query, name) if key not in kept[name])
    numbers = {'page': (str(state.page),), 'size': (str(state.size),)}
    return values.misread_choices(query, {'view': VIEWS, 'scope': SCOPES, 'sort': (state.sort,), **numbers}) + wrong


def _keys(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The keys that stand under a name of an address, one after the other."""
    return tuple(filter(None, query.get(name, '')[:400].split(',')))


def columns_named(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of these names, each once and the anchor first; empty when there is none among them."""
    named = [name for name in dict.fromkeys(names) if name in COLUMNS and name != ANCHOR]
    return (ANCHOR, *named) if named else ()


def columns_shown(state: ListState, usual: Sequence[str], actor: Actor) -> tuple[str, ...]:
    """The columns somebody sees: those of the state, else those he is `usual`ly shown, else everybody's."""
    return _columns_shown(state.columns, tuple(usual), actor.is_bureau)


@lru_cache(maxsize=256)
def _columns_shown(named: tuple[str, ...], usual: tuple[str, ...], is_bureau: bool) -> tuple[str, ...]:
    # every open list says with every change which columns it shows
    names = named or columns_named(usual) or DEFAULT_COLUMNS
    return tuple(name for name in names if name != 'office' or is_bureau)


def one_of(given: str | None, allowed: Sequence[str]) -> str:
    """What was given when it is allowed, else the first that is."""
    return given if given is not None and given in allowed else allowed[0]


def _number(given: str | None, default: int, most: int) -> int:
    if not given or not given.isascii() or not given.isdigit() or len(given) > 7:
        return default
    return min(max(int(given), 1), most)


def _seq(given: str | None) -> int | None:
    return int(given) if given and _SEQ.fullmatch(given) else None


def query_in(given: str) -> str:
    """What somebody typed, as far as it is searched for: without what no database keeps and no address carries."""
    kept = (' ' if sign.isspace() else sign for sign in given if sign.isspace() or sign.isprintable())
    return ''.join(kept)[: values.QUERY_LENGTH]
