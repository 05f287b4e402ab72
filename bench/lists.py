"""The claims list as people use it: filters, searches, deep pages, counts and saves, beside 50 rows fetched by their keys."""

import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session, UOWTransaction

from bench.figures import Report, Size, p95
from bench.grounds import Audience, Sample, audiences, postgres_ground, sqlite_ground
from db import search, values
from db.base import now
from db.claims import Claim, save_fields
from db.list_counts import count_of, counts_of
from db.list_state import COUNTED_UP_TO, ListState
from db.lists import page_of
from db.session import Database, ScopedSession, connect, open_session

Ask = Callable[[Audience, Sample], Any]
Make = Callable[[Sample], Mapping[str, Any]]

ROWS = 50
LIMIT = '50 rows by their keys'
# enough samples for a 95th percentile, unless a question is so slow that a few say it all
SAMPLES, PATIENCE_SECONDS, SAVES = 40, 6.0, 60
SMALL, SUSTAINED_SECONDS = 10_000, 5.0


@dataclass(frozen=True)
class Kind:
    """A kind of question. The goals are for the 95th percentile, in units of the limit's and in ms."""

    name: str
    times: float
    at_most: float
    questions: Mapping[str, Ask]


# BENCH_CLOCK=cpu counts this thread's own work: on SQLite that is all of it, whatever else the machine does meanwhile
CLOCK = time.thread_time if os.environ.get('BENCH_CLOCK') == 'cpu' else time.perf_counter
_GROUNDS = {'SQLite': sqlite_ground, **({} if CLOCK is time.thread_time else {'PostgreSQL': postgres_ground})}


def measure(size: Size) -> Report:
    """Ask everything on both databases, and the same of ten thousand claims."""
    report = Report('lists', size)
    random.seed(26)
    small = replace(size, claims=SMALL, offices=20)
    for name, ground in _GROUNDS.items():
        with ground(size) as url, ground(small) as small_url:
            if url is None or small_url is None:
                print('No PostgreSQL server answers: not measured on it.')
                continue
            _measure_on(report, name, url)
            if size.claims > SMALL:
                _measure_flat(report, name, small_url, url)
    report.save()
    return report


def _measure_on(report: Report, database_name: str, url: str) -> None:
    database = connect(url)
    everybody = audiences(database)
    for audience in everybody:
        kinds = _kinds(database_name, audience)
        times = _ask_in_turns(database, audience, kinds)
        _report(report, f'{database_name}, {audience.name} ({audience.claims:,})', kinds, times)
    _measure_layers(report, database_name, database, everybody[0])
    _measure_saves(report, database_name, everybody[0])
    database.close()


def _measure_layers(report: Report, name: str, database: Database, audience: Audience) -> None:
    """A page through sessions, scope and models, beside its statements asked of the driver alone."""
    page = _asking(_page(lambda _: {}), audience)
    statements: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, given: Any, *more: Any) -> None:
        statements.append((statement, given))

    event.listen(database.reader, 'before_cursor_execute', note)
    page()
    event.remove(database.reader, 'before_cursor_execute', note)

    def by_driver() -> None:
        connection = database.reader.raw_connection()
        cursor = connection.cursor()
        for statement, given in statements:
            if not statement.startswith('BEGIN'):
                cursor.execute(statement, given)
                cursor.fetchall()
        connection.close()

    ours, theirs = [], []
    for _ in range(SAMPLES):
        theirs.append(_timed(by_driver))
        ours.append(_timed(page))
    limit = statistics.median(theirs)
    report.add(
        f'{name}: a page, beside its statements by the driver, p50', statistics.median(ours), 'ms', limit=limit, times=2
    )


def _measure_flat(report: Report, name: str, small_url: str, url: str) -> None:
    """The same questions of the bureau to few claims and to many, in turns."""
    asks: dict[str, Ask] = {
        'a list': _page(lambda _: {}),
        'a status': _page(_FILTERS['a status']),
        'a garage': _page(_FILTERS['a garage']),
        'a deep page': _page(lambda sample: {'page': 9, 'after': sample.seq}),
        '30 days': _page(_DAYS['30 days']),
        'a surname': _page(_SEARCHES['surname']),
        'a claim no.': _page(_SEARCHES['claim no.']),
        'a count': _count(_FILTERS['a status']),
    }
    times: dict[tuple[str, str], list[float]] = {(place, ask): [] for place in (small_url, url) for ask in asks}
    lookers: dict[str, Audience] = {}
    for place in (small_url, url) * 5:
        database = connect(place)
        if place not in lookers:
            lookers[place] = audiences(database)[0]
        for what, ask in asks.items():
            question = _asking(ask, lookers[place])
            question()
            times[place, what] += [_timed(question) for _ in range(8)]
        database.close()
    for what in asks:
        few, many = (statistics.median(times[place, what]) for place in (small_url, url))
        report.add(f'{name}: {what}, beside {SMALL:,} claims, p50', many, 'ms', limit=few, times=2)


def _ask_in_turns(database: Database, audience: Audience, kinds: Sequence[Kind]) -> dict[str, list[float]]:
    """Ask every question once a round, the limit in between; drop out of the rounds what takes too long."""
    asks: dict[str, Callable[[], Any]] = {LIMIT: lambda: _rows_by_key(database, audience)}
    for kind in kinds:
        asks |= {f'{kind.name}: {name}': _asking(ask, audience) for name, ask in kind.questions.items()}
    times: dict[str, list[float]] = {name: [] for name in asks}
    for ask in asks.values():
        ask()
    for _ in range(SAMPLES):
        for name, ask in asks.items():
            if sum(times[name]) < PATIENCE_SECONDS * 1000:
                times[name].append(_timed(ask))
    return times


def _asking(ask: Ask, audience: Audience) -> Callable[[], Any]:
    return lambda: ask(audience, random.choice(audience.samples))


def _report(report: Report, ground: str, kinds: Sequence[Kind], times: Mapping[str, list[float]]) -> None:
    """All questions of a kind together; those that miss the goal by themselves are named."""
    report.raw[ground] = {name: sorted(found) for name, found in times.items()}
    limit = times[LIMIT]
    for kind in kinds:
        found = {name: times[f'{kind.name}: {name}'] for name in kind.questions}
        together = [one for single in found.values() for one in single]
        report.add(f'{ground}: {kind.name}, p50', statistics.median(together), 'ms', limit=statistics.median(limit))
        goals: dict[str, float] = {'limit': p95(limit), 'times': kind.times, 'at_most': kind.at_most}
        report.add(f'{ground}: {kind.name}, p95', p95(together), 'ms', **goals)
        slow = sorted(((p95(single), name) for name, single in found.items()), reverse=True)
        named = [f'{name} {ms:.0f} ms' for ms, name in slow if ms > kind.at_most * report.size.slack]
        if named:
            print(f'    slow: {", ".join(named)}', flush=True)


def _timed(ask: Callable[[], Any]) -> float:
    before = CLOCK()
    ask()
    return (CLOCK() - before) * 1000


def _rows_by_key(database: Database, audience: Audience) -> None:
    """The limit: whole rows, by the driver alone."""
    keys = ', '.join(str(random.randint(1, audience.claims)) for _ in range(ROWS))
    connection = database.reader.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f'SELECT * FROM claims WHERE id IN ({keys})')
        cursor.fetchall()
    finally:
        connection.close()


# ---- what is asked ----------------------------------------------------------------------------------------------------------


def _page(make: Make) -> Ask:
    """The rows of a page; how many there are is counted apart, as the screen does."""

    def ask(audience: Audience, sample: Sample) -> None:
        with open_session(audience.actor, reading=True) as session:
            page_of(session, replace(ListState(view='all', size=ROWS), **make(sample)), COUNTED_UP_TO + 1)

    return ask


def _count(make: Make) -> Ask:
    def ask(audience: Audience, sample: Sample) -> None:
        with open_session(audience.actor, reading=True) as session:
            count_of(session, replace(ListState(view='all', size=ROWS), **make(sample)))

    return ask


def _counts(make: Make) -> Ask:
    def ask(audience: Audience, sample: Sample) -> None:
        with open_session(audience.actor, reading=True) as session:
            counts_of(session, replace(ListState(size=ROWS), **make(sample)))

    return ask


def _pages(makes: Mapping[str, Make]) -> dict[str, Ask]:
    return {name: _page(make) for name, make in makes.items()}


def _kinds(database_name: str, audience: Audience) -> list[Kind]:
    deep: dict[str, Make] = {
        # turned to, as one does: behind the row the page before ended with
        'anywhere': lambda sample: {'page': 9, 'after': sample.seq},
        'anywhere, by name': lambda sample: {'page': 9, 'after': sample.seq, 'sort': 'insured_name'},
        'near the end': lambda _: {'page': 9, 'after': min(one.seq for one in audience.samples)},
    }
    times, at_most = _SEARCH_GOALS[database_name][audience.name]
    filters = _FILTERS if audience.actor.is_bureau else {k: make for k, make in _FILTERS.items() if k != 'an office'}
    counted: dict[str, Make] = {
        'open': lambda _: {},
        'a status': lambda _: {'status': ('in_repair',)},
        'common word': _SEARCHES['common word'],
    }
    return [
        Kind('list, any filter', 3, 20, _pages(filters)),
        Kind('list, other orders', 3, 20, _pages(_ORDERS)),
        Kind('list, deep pages', 3, 20, _pages(deep)),
        Kind('total shown with a page', 2, 20, {name: _count(make) for name, make in _FILTERED.items()}),
        Kind('list, days of the event', 15, 20, _pages(_DAYS)),
        Kind('search', times, at_most, _pages(_SEARCHES)),
        Kind('search in one field', times, at_most, _pages(_FIELD_SEARCHES)),
        Kind('counts of the four views', 8, 20, {name: _counts(make) for name, make in counted.items()}),
    ]


def _days(days: int) -> Make:
    return lambda sample: {'event_from': sample.event_date, 'event_to': sample.event_date + timedelta(days=days)}


_SEARCH_GOALS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    'SQLite': {'bureau': (15, 20), 'big office': (40, 20), 'small office': (5, 20)},
    'PostgreSQL': {'bureau': (30, 30), 'big office': (30, 30), 'small office': (5, 30)},
}
_FILTERS: Mapping[str, Make] = {
    'none': lambda _: {},
    'open': lambda _: {'view': 'open'},
    'unread': lambda _: {'view': 'unread'},
    'closed': lambda _: {'view': 'closed'},
    'a status': lambda _: {'status': ('in_repair',)},
    'four statuses': lambda _: {'status': ('in_repair', 'new', 'submitted', 'rejected')},
    'a rare status': lambda _: {'status': ('in_legal',)},
    'open, a status': lambda _: {'view': 'open', 'status': ('in_repair',)},
    'an insurer': lambda sample: {'insurer': (sample.insurer,)},
    'status and insurer': lambda sample: {'status': ('in_repair',), 'insurer': (sample.insurer,)},
    'a garage': lambda sample: {'garage': (sample.garage,)},
    'garage and insurer': lambda sample: {'garage': (sample.garage,), 'insurer': (sample.insurer,)},
    'an agent': lambda sample: {'agent': (sample.agent,)},
    'waiting on': lambda _: {'waiting_on': ('garage',)},
    'an office': lambda sample: {'office': (sample.office,)},
}
_ORDERS: Mapping[str, Make] = {
    'oldest': lambda _: {'sort': 'updated_at'},
    'insured_name': lambda _: {'sort': 'insured_name'},
    'event date': lambda _: {'sort': '-event_date'},
    'claim no.': lambda _: {'sort': '-claim_no'},
    'status': lambda _: {'sort': 'status'},
    'repair stage': lambda _: {'sort': '-repair_stage'},
    'demand': lambda _: {'sort': '-demand_amount'},
    'insurer': lambda _: {'sort': 'tp_insurer'},
}
_FILTERED: Mapping[str, Make] = {
    name: _FILTERS[name] for name in ('none', 'open', 'a status', 'a garage', 'waiting on')
}
_DAYS: Mapping[str, Make] = {f'{days} days': _days(days) for days in (1, 30, 365, 1500)}
_SEARCHES: Mapping[str, Make] = {
    'two letters': lambda sample: {'q': sample.insured_name[:2]},
    'common word': lambda sample: {'q': sample.address.split()[-1]},
    'surname': lambda sample: {'q': sample.insured_name.split()[-1]},
    'full name': lambda sample: {'q': sample.insured_name},
    'vehicle no. with dashes': lambda sample: {'q': values.format_plate(sample.plate)},
    'end of a vehicle no.': lambda sample: {'q': sample.plate[-5:]},
    'claim no.': lambda sample: {'q': sample.claim_no},
    'claim no. without dash': lambda sample: {'q': sample.claim_no.replace('-', '')},
    'end of a claim no.': lambda sample: {'q': sample.claim_no[-5:]},
    'phone': lambda sample: {'q': values.format_phone(sample.phone)},
    'no match': lambda _: {'q': 'זזזצצצ'},
}
_FIELD_SEARCHES: Mapping[str, Make] = {
    'in claim no.': lambda sample: {'q': sample.claim_no[-5:], 'scope': 'claim_no'},
    'in vehicle no.': lambda sample: {'q': sample.plate, 'scope': 'plate'},
    'in client name': lambda sample: {'q': sample.insured_name.split()[-1], 'scope': 'insured_name'},
}


# ---- saving -----------------------------------------------------------------------------------------------------------------


def _measure_saves(report: Report, kind: str, bureau: Audience) -> None:
    """One field of one claim in a transaction of its own; the limit is the same save without its part for the search."""
    saves, without, part = [], [], [0.0]
    save = _saving(bureau)

    def index(session: Session, context: UOWTransaction) -> None:
        part[0] += _timed(lambda: search.index_claims(session, context))

    event.remove(ScopedSession, 'after_flush', search.index_claims)
    event.listen(ScopedSession, 'after_flush', index)
    for _ in range(SAVES):
        part[0] = 0.0
        saves.append(_timed(save))
        without.append(saves[-1] - part[0])
    event.remove(ScopedSession, 'after_flush', index)
    event.listen(ScopedSession, 'after_flush', search.index_claims)
    limit, slow = statistics.median(without), p95(without)
    report.add(f'{kind}: save of a field, p50', statistics.median(saves), 'ms', limit=limit, times=3)
    report.add(f'{kind}: save of a field, p95', p95(saves), 'ms', limit=slow, at_most=100)
    done, until = 0, time.monotonic() + SUSTAINED_SECONDS
    while time.monotonic() < until:
        save()
        done += 1
    each = SUSTAINED_SECONDS * 1000 / done
    report.add(f'{kind}: saves one after the other, each (5 ms are 200 a second)', each, 'ms', at_most=5)


def _saving(audience: Audience) -> Callable[[], None]:
    """A save as a page makes it: it knows what the field held when it was shown."""
    with open_session(audience.actor, reading=True) as session:
        ids = [sample.id for sample in audience.samples]
        shown = {claim.id: claim.daily_note for claim in session.scalars(select(Claim).where(Claim.id.in_(ids)))}

    def save() -> None:
        claim_id, note = random.choice(ids), f'bench {random.random()}'
        with open_session(audience.actor) as session:
            save_fields(session, claim_id, {'daily_note': (shown[claim_id], note)}, now())
        shown[claim_id] = note

    return save
