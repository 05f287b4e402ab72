"""The list: the same rows whatever the way to them, page by page without a gap, and nothing an address can say breaks it."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import cycle, pairwise, product
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select

from db import (
    alerts,
    changes,
    list_claims,
    list_counts,
    list_orders,
    list_pages,
    list_rows,
    list_state,
    lists,
    search,
    seen_marks,
    views,
)
from db.base import Base, now
from db.claims import Claim, change_status, open_claim, save_fields
from db.list_claims import claims_in
from db.list_rows import Row
from db.list_state import QUICK, ListState
from db.lists import FilterChoices, Page
from db.offices import User
from db.reference import Garage, Insurer
from db.scope import Actor, Role
from db.session import Database, open_session
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_user

TODAY = date(2026, 11, 1)


@made_once
def many(people: People) -> list[Claim]:
    """Claims of two offices, different in everything one can sort and filter by, with many ties."""
    rng = random.Random(26)
    with open_session(SYSTEM) as session:
        garages = [Garage(name=name) for name in ('מוסך א', 'מוסך ב')]
        session.add_all(garages)
    with open_session(people.staff) as session:
        made = []
        for n in range(36):
            office, agents = rng.choice([(people.levi, [people.dana, people.yossi]), (people.cohen, [people.rival])])
            fields = {
                'insured_name': rng.choice(['דנה לוי', 'אבי כהן', "צ'רלי", 'Zoe']),
                'insured_address': 'רחוב הגפן',
                'event_date': TODAY - timedelta(days=rng.randrange(5)),
                'plate': rng.choice(['', '1234567', '21734801']),
                'status': rng.choice(['new', 'submitted', 'in_repair', 'closed']),
                'status_reason': 'כי כך',
                'waiting_on': rng.choice([None, 'garage', 'agent']),
                'documents': rng.choice([None, 'missing', 'missing_blocking', 'complete']),
                'repair_stage': rng.choice([None, 'paint', 'delivered', 'not_arrived']),
                'tp_insurer': rng.choice([None, 1, 2]),
                'agent': rng.choice([None, *(agent.user_id for agent in agents)]),
                'garage': rng.choice([None, *(garage.id for garage in garages)]),
                'demand_amount': rng.choice([None, 0, 100, 5_000_000_000]),
                'claim_no': rng.choice([None, f'AB-{n}', f'{n}/7']),
            }
            made.append(open_claim(session, office, fields, now()))
    return made


def page(actor: Actor, state: ListState) -> Page:
    with open_session(actor, reading=True) as session:
        return lists.page_of(session, state)


def every_page(actor: Actor, state: ListState) -> list[Row]:
    rows: list[Row] = []
    while True:
        found = page(actor, replace(state, page=len(rows) // state.size + 1))
        rows += found.rows
        if len(rows) >= found.total:
            return rows


def counts(actor: Actor, state: ListState | None = None) -> dict[str, int]:
    with open_session(actor, reading=True) as session:
        return list_counts.counts_of(session, state or ListState())


# ---- views ------------------------------------------------------------------------------------------------------------------


def test_views_and_their_counters_agree(people, many):
    for actor, office in ((people.dana, people.levi), (people.rival, people.cohen), (people.staff2, None)):
        mine = [claim for claim in many if office in (None, claim.office_id)]
        expected = {
            'all': {claim.id for claim in mine},
            'open': {claim.id for claim in mine if claim.is_open},
            'closed': {claim.id for claim in mine if not claim.is_open},
            'unread': {claim.id for claim in mine},
        }
        assert counts(actor) == {view: len(ids) for view, ids in expected.items()}
        for view, ids in expected.items():
            assert {row.claim_id for row in every_page(actor, ListState(view=view, size=10))} == ids


def test_the_one_who_wrote_it_has_nothing_to_read(people, many):
    assert counts(people.staff)['unread'] == 0


def test_a_newcomer_finds_no_old_news(people, many):
    with open_session(SYSTEM, reading=True) as session:
        newest = changes.latest_seq(session)
    newcomer = make_user('חדשה', Role.AGENT, people.levi, baseline_seq=newest)
    assert counts(newcomer)['unread'] == 0
    claim = next(claim for claim in many if claim.office_id == people.levi)
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'make_model': ('', 'מאזדה')}, now())
    (row,) = page(newcomer, ListState(view='unread')).rows
    assert (row.claim_id, row.unread) == (claim.id, True)
    assert row.change is not None
    assert row.change.fields == {'make_model': ['', 'מאזדה']}
    with open_session(newcomer) as session:
        alerts.visit(session, claim.id, now())
    assert counts(newcomer)['unread'] == 0


def test_what_one_makes_bold_again_stays_in_the_unread_view(people, many):
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    assert counts(people.dana)['unread'] == 0
    oldest = min((claim for claim in many if claim.office_id == people.levi), key=lambda claim: claim.seq)
    with open_session(people.dana) as session:
        seen_marks.mark_unseen(session, oldest.id, now())
    assert [row.claim_id for row in page(people.dana, ListState(view='unread')).rows] == [oldest.id]
    assert counts(people.dana)['unread'] == 1
    bold = [row.claim_id for row in every_page(people.dana, ListState(view='all')) if row.unread]
    assert bold == [oldest.id]
    assert counts(people.yossi)['unread'] > 1, 'mine is mine'


def test_a_bold_row_says_what_changed_last_and_a_read_one_nothing(people):
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'new', now())
    (row,) = page(people.dana, ListState()).rows
    assert row.change is not None
    assert row.change.id == row.seq
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    assert page(people.dana, ListState()).rows[0].change is None


def test_news_moves_a_claim_to_the_top(people, many):
    lowest = min((claim for claim in many if claim.is_open), key=lambda claim: claim.seq)
    with open_session(people.staff) as session:
        save_fields(session, lowest.id, {'make_model': ('', 'מאזדה')}, now())
    assert page(people.staff, ListState()).rows[0].claim_id == lowest.id


# ---- order and pages --------------------------------------------------------------------------------------------------------

BOTH_WAYS = [f'{sign}{name}' for name in list_orders.SORTS for sign in ('', '-')]
COMPARABLE: dict[str, Callable[[Row], Any]] = {
    'updated_at': lambda row: row.seq,
    'event_date': lambda row: row.event_date,
    'plate': lambda row: row.plate,
    'demand_amount': lambda row: -1 if row.demand_amount is None else row.demand_amount,
}


def test_pages_neither_overlap_nor_leave_a_gap(people, many):
    for sort in BOTH_WAYS:
        check_pages(people, many, sort)


def check_pages(people: People, many: Sequence[Claim], sort: str) -> None:
    state = ListState(view='all', sort=sort, size=10)
    rows = every_page(people.staff, state)
    assert Counter(row.claim_id for row in rows) == Counter(claim.id for claim in many)
    name, backwards = sort.removeprefix('-'), sort.startswith('-')
    if key := COMPARABLE.get(name):
        assert [key(row) for row in rows] == sorted((key(row) for row in rows), reverse=backwards)
    if name != 'updated_at':
        other = every_page(people.staff, replace(state, sort=name if backwards else f'-{name}'))
        shown: Callable[[Row], Any] = lambda row: getattr(row, name)  # noqa: E731
        ends = [[shown(row) for row in some] for some in (rows, other)]
        assert list(dict.fromkeys(ends[0])) == list(dict.fromkeys(ends[1]))[::-1], 'the other way round'
        for before, after in pairwise(rows):
            assert shown(before) != shown(after) or before.seq > after.seq, 'ties: newest first'


def test_pages_one_turns_to_are_those_one_counts_off_whichever_way_one_goes(people, many):
    for sort in BOTH_WAYS:
        for q in ('', 'סוכנות'):
            state = ListState(view='all', sort=sort, size=10, q=q)
            counted = [page(people.staff, replace(state, page=number)) for number in (1, 2, 3, 4)]
            turned = [counted[0]]
            for number in (2, 3, 4, 3, 2, 1):
                address = turned[-1].state.turned_to(number, turned[-1].ends).address()
                turned.append(page(people.staff, ListState.read(dict(parse_qsl(address)))))
            expected = [counted[place].rows for place in (0, 1, 2, 3, 2, 1, 0)]
            assert [one.rows for one in turned] == expected, (sort, q)


NARROWED: list[dict[str, Any]] = [
    *({'view': 'all'}, {}, {'view': 'closed'}, {'repair_stage': ('paint',)}),
    *({'status': ('new', 'closed'), 'view': 'all'}, {'insurer': ('0', '2')}, {'agent': ('0',), 'view': 'all'}),
    *({'garage': ('0', '1'), 'view': 'all'}, {'documents': ('missing',), 'waiting_on': ('garage', 'agent')}),
    {'event_from': TODAY - timedelta(days=3), 'status': ('new', 'submitted', 'closed'), 'view': 'all'},
]


@pytest.mark.parametrize('sort', [sort for sort in BOTH_WAYS if sort.removeprefix('-') != 'updated_at'])
def test_a_long_list_is_the_sorted_one_whatever_the_way_to_it(people, many, monkeypatch, sort):
    backwards = sort.startswith('-')
    namesake = make_user(people.dana.name, Role.AGENT, people.cohen)
    with open_session(people.staff) as session:
        for claim in many[:9]:
            if claim.office_id == people.cohen:
                save_fields(session, claim.id, {'agent': (claim.agent, namesake.user_id)}, now())
    monkeypatch.setattr(list_orders, '_VALUES_AT_ONCE', 2)
    ways = ((3, 9), 0), ((1, 2), 1000), ((1, 40), 3)
    asked = [(people.staff, more) for more in NARROWED] + [(people.dana, more) for more in NARROWED[:4]]
    # each order meets each filter, forwards or backwards
    for (actor, more), (walks, many_are) in zip(asked[backwards::2], cycle(ways), strict=False):
        state = ListState(sort=sort, size=7, **more)
        whole = page(actor, replace(state, size=100)).rows
        with monkeypatch.context() as patch:
            patch.setattr(list_state, 'COUNTED_UP_TO', 0)  # as many as are not sorted any more
            patch.setattr(list_pages, 'SORTED_UP_TO', many_are)
            patch.setattr(list_pages, '_WALKS', walks)
            pages = [page(actor, state)]
            for number in range(2, -(-len(whole) // 7) + 1):
                pages.append(page(actor, pages[-1].state.turned_to(number, pages[-1].ends)))
            back = [page(actor, one.state.turned_to(one.state.page - 1, one.ends)) for one in pages[1:]]
        assert [row for one in pages for row in one.rows] == list(whole), more
        assert [one.rows for one in back] == [one.rows for one in pages[:-1]], more
        if key := COMPARABLE.get(sort.removeprefix('-')):
            falling = -1 if backwards else 1
            keys = sorted({key(row) for row in whole})
            assert list(whole) == sorted(whole, key=lambda row: (falling * keys.index(key(row)), -row.seq))


def test_a_page_one_turned_to_stays_where_it_is_while_news_arrive_above(people, many):
    first = page(people.staff, ListState(view='all', size=10))
    second = page(people.staff, first.state.turned_to(2, first.ends))
    last = page(people.staff, ListState(view='all', size=10, page=4)).rows[-1]
    with open_session(people.staff) as session:
        save_fields(session, last.claim_id, {'daily_note': ('', 'חדש')}, now())
    assert page(people.staff, second.state).rows == second.rows
    for gone in ({'after': first.rows[-1].seq}, {'before': -5}, {'after': 10**9}, {'after': -5, 'sort': 'plate'}):
        assert page(people.staff, ListState(view='all', size=10, page=2, **gone)).rows, gone


def test_the_newest_between_two_days_are_found_day_by_day(people, many, monkeypatch):
    spans = [(None, TODAY), (TODAY - timedelta(days=3), None), (TODAY - timedelta(days=3), TODAY), (TODAY, TODAY)]
    states = [
        ListState(view=view, event_from=first, event_to=last, size=size, page=number)
        for view in list_state.VIEWS
        for first, last in spans
        for size, number in ((1, 1), (2, 1), (3, 2), (10, 1), (10, 2))  # fewer than there are days, and more
    ]
    by_day = [page(people.staff, state).rows for state in states]
    monkeypatch.setattr(list_pages, '_SHALLOW', 0)
    assert by_day == [page(people.staff, state).rows for state in states]
    assert [len(rows) for rows in by_day].count(10) > 3


def test_of_many_days_the_newest_claims_are_met_first_and_if_they_are_too_few_each_day_is_asked(
    people, many, monkeypatch
):
    state = ListState(view='all', event_from=TODAY - timedelta(days=4), event_to=TODAY - timedelta(days=1), size=3)
    states = [replace(state, page=number, view=view) for view in ('all', 'open') for number in (1, 2)]
    wanted = [page(people.staff, state).rows for state in states]
    by_day, asked = list_pages._of_days, list[Any]()

    def noted(*of_what: Any) -> list[int]:
        asked.append(of_what)
        return by_day(*of_what)

    monkeypatch.setattr(list_pages, '_of_days', noted)
    monkeypatch.setattr(list_pages, '_FEW_DAYS', 3)
    for far, days_asked in ((len(many), 0), (2, len(states)), (len(many) * 2, 0)):
        monkeypatch.setattr(list_pages, '_WALKS', (far, far))
        asked.clear()
        assert [page(people.staff, state).rows for state in states] == wanted
        assert len(asked) == days_asked


def test_between_many_days_hardly_more_claims_are_read_than_stand_on_the_page(people, many):
    state = ListState(view='all', event_from=TODAY - timedelta(days=4), event_to=TODAY, size=2)
    with open_session(people.staff, reading=True) as session:
        days = list_pages._days_of(session, state) or []
        statement, newest = list_claims.claims_in(session, state)
        found = list_pages._only_newest_of(days, statement, session, state).order_by(newest.desc())
        newest_of_each = Counter(claim.event_date for claim in many)
        assert len(newest_of_each) == 5
        ids = list(session.scalars(found))
    assert ids[:2] == [row.claim_id for row in page(people.staff, state).rows]
    assert len(ids) < 2 * len(newest_of_each), 'not the newest two of each day'


def test_the_claims_before_and_after_are_those_of_the_list(people, many):
    for sort in BOTH_WAYS:
        check_neighbours(
            people.dana if sort.startswith('-') else people.staff, ListState(view='open', sort=sort, size=100)
        )


def check_neighbours(actor: Actor, state: ListState) -> None:
    numbers = [(row.claim_no, row.claim_id) for row in page(actor, state).rows]
    with open_session(actor, reading=True) as session:
        for place in {*range(6), len(numbers) - 2, len(numbers) - 1}:
            assert lists.neighbours_of(session, state, numbers[place][1]) == lists.Neighbours(
                numbers[place - 1][0] if place else None,
                numbers[place + 1][0] if place + 1 < len(numbers) else None,
                place + 1,
                len(numbers),
            )


def test_a_claim_outside_the_list_has_no_neighbours(people, many):
    closed = next(claim for claim in many if not claim.is_open)
    foreign = next(claim for claim in many if claim.office_id == people.cohen and claim.is_open)
    with open_session(people.dana, reading=True) as session:
        for claim_id in (closed.id, foreign.id, 999_999):
            assert lists.neighbours_of(session, ListState(), claim_id) is None
        one = page(people.dana, ListState()).rows[0]
        alone = lists.neighbours_of(session, ListState(q=one.claim_no), one.claim_id)
    assert alone == lists.Neighbours(None, None, 1, 1)


def test_a_page_past_the_end_answers_the_last_one(people, many, monkeypatch):
    last = page(people.staff, ListState(view='all', size=10, page=99))
    assert (last.state.page, len(last.rows), last.total) == (4, 6, 36)
    nothing = page(people.staff, ListState(q='אין כזה', page=7))
    assert (nothing.state.page, nothing.rows, nothing.total, nothing.total_is_exact) == (1, [], 0, True)
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', 20)
    beyond = page(people.staff, ListState(view='all', size=10, page=4))
    assert (beyond.state.page, len(beyond.rows), beyond.total, beyond.total_is_exact) == (4, 6, 36, True)
    past = page(people.staff, ListState(view='all', size=10, page=100_000))
    assert (past.state.page, len(past.rows), past.total, past.total_is_exact) == (4, 6, 36, True)


def test_under_a_search_less_is_counted_and_nothing_is_lost(people, many, monkeypatch):
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', 30)
    monkeypatch.setattr(list_state, 'FOUND_UP_TO', 12)
    assert page(people.staff, ListState(view='all')).total == 31
    for actor, walk in product((people.staff, people.dana), (0, 8000)):
        for module in (list_claims, search):
            monkeypatch.setattr(module, 'WALK_UP_TO', walk)
        listed = [claim.id for claim in many if actor is people.staff or claim.office_id == people.levi]
        for sort in ('-updated_at', 'plate', 'status'):
            state = ListState(view='all', q='הגפן', sort=sort, size=5)
            assert counts(actor, state)['all'] == 13
            last = -(-len(listed) // 5)
            typed = [page(actor, replace(state, page=number)) for number in range(1, last + 1)]
            totals = [(one.total, one.total_is_exact) for one in typed]
            assert totals == [*[(13, False)] * (last - 1), (len(listed), True)], (
                'the last page knows how many there are'
            )
            assert sorted(row.claim_id for one in typed for row in one.rows) == sorted(listed)
            turned = [typed[0]]
            for number in (*range(2, last + 1), *range(last - 1, 0, -1)):
                turned.append(page(actor, turned[-1].state.turned_to(number, turned[-1].ends)))
            assert [one.rows for one in turned] == [one.rows for one in (*typed, *typed[-2::-1])]
            past = page(actor, replace(state, page=99))
            assert (past.state.page, past.rows, past.total) == (last, typed[-1].rows, len(listed))
            check_neighbours(actor, replace(state, size=100))
    exact = page(people.staff, ListState(view='all', q='AB-1', scope='claim_no', size=5, page=99))
    assert (exact.total_is_exact, exact.total) == (True, len(exact.rows) + 5 * (exact.state.page - 1))


# ---- filters ----------------------------------------------------------------------------------------------------------------

PREDICATES: dict[str, tuple[Any, Callable[[Claim], bool]]] = {
    'status': (('new', 'submitted'), lambda claim: claim.status in ('new', 'submitted')),
    'insurer': (('1',), lambda claim: claim.tp_insurer == 1),
    'waiting_on': (('garage', 'nobody'), lambda claim: claim.waiting_on == 'garage'),
    'documents': (('missing',), lambda claim: claim.documents in ('missing', 'missing_blocking')),
    'repair_stage': (('paint', 'delivered'), lambda claim: claim.repair_stage in ('paint', 'delivered')),
    'appraiser': (('7',), lambda claim: claim.appraiser == 7),
    # an agent's matter only: nothing of it waits for the bureau; the other quick ones have a story of their own in test_views
    'quick': (('for_me',), lambda claim: False),
    'updated_from': (date(2020, 1, 1), lambda claim: True),
    'updated_to': (date(2020, 1, 1), lambda claim: False),
    'event_from': (TODAY - timedelta(days=3), lambda claim: claim.event_date >= TODAY - timedelta(days=3)),
    'event_to': (TODAY - timedelta(days=1), lambda claim: claim.event_date <= TODAY - timedelta(days=1)),
}


def expected(many: Sequence[Claim], filters: dict[str, Any], people: People) -> set[int]:
    predicates = {**PREDICATES, **people_and_firms(people, many)}
    return {claim.id for claim in many if all(predicates[name][1](claim) for name in filters)}


def people_and_firms(people: People, many: Sequence[Claim]) -> dict[str, tuple[Any, Callable[[Claim], bool]]]:
    garage = next(claim.garage for claim in many if claim.garage)
    return {
        'agent': ((str(people.dana.user_id),), lambda claim: claim.agent == people.dana.user_id),
        'office': ((str(people.levi),), lambda claim: claim.office_id == people.levi),
        'garage': ((str(garage),), lambda claim: claim.garage == garage),
    }


# what only a figure of the reports leads to: its stories are in test_reports
OF_REPORTS = {'left_stage', 'sent_back'} | {
    name for name in list_state.DAYS if name.split('_')[0] not in ('event', 'updated')
}


def test_filters_one_by_one_and_together(people, many):
    choices = {**PREDICATES, **people_and_firms(people, many)}
    assert set(choices) == {*list_state.MANY, *list_state.DAYS} - OF_REPORTS
    pairs = [(one, other) for one in choices for other in choices if one <= other]
    for names in [*pairs, tuple(choices)]:
        filters = {name: choices[name][0] for name in names}
        state = ListState(view='all', size=100, **filters)
        found = page(people.staff, state)
        assert {row.claim_id for row in found.rows} == expected(many, filters, people), names
        assert found.total == len(found.rows)
        assert state.filters == filters
        assert counts(people.staff, state)['all'] == found.total
    assert ListState(q='x', view='all', sort='plate', **filters).without_filters() == ListState(
        view='all', sort='plate'
    )


OTHERS = [
    ListState(),
    ListState(view='all', status=('new', 'closed'), documents=('missing',)),
    ListState(view='unread', insurer=('1',), event_from=TODAY - timedelta(days=3)),
    ListState(view='all', quick=('for_me',), agent=('0',), repair_stage=('paint', 'delivered')),
    ListState(view='closed', q='דנה', sort='plate'),
]
OFFERED: dict[str, Sequence[str]] = {
    'status': ('new', 'submitted', 'in_repair', 'closed', 'rejected'),
    'insurer': ('1', '2', '3', '0'),
    'waiting_on': ('garage', 'agent', 'court'),
    'documents': ('missing', 'missing_blocking', 'complete'),
    'repair_stage': ('paint', 'delivered', 'not_arrived', 'wash'),
    'quick': ('for_me', 'cheques', 'stuck'),
}


@pytest.mark.parametrize('in_one_look', [20_000, 1])
@pytest.mark.parametrize('state', OTHERS, ids=lambda state: state.address() or 'open')
def test_a_choice_of_a_menu_has_as_many_claims_as_its_list(people, many, monkeypatch, state, in_one_look):
    """Whoever asks: what is counted stands in the list that the choice leads to, and nothing of another office in either."""
    monkeypatch.setattr(list_counts, '_IN_ONE_LOOK', in_one_look)
    for actor in (people.staff, people.dana, replace(people.yossi, sees_own_only=True), people.rival):
        offered = {**OFFERED, 'agent': (str(people.dana.user_id), str(people.rival.user_id), '0')}
        offered |= {'office': (str(people.levi), str(people.cohen))} if actor.is_bureau else {}
        for name, keys in offered.items():
            chosen = state.quick if name == 'quick' else ()
            lists_of = {key: replace(state, **{name: tuple({*chosen, key})}) for key in keys}
            with open_session(actor, reading=True) as session:
                counted = list_counts.choices_counted(session, state, name, keys)
                listed = {key: list_counts.count_of(session, one) for key, one in lists_of.items()}
            assert counted == listed, (actor.name, name)


def test_a_menu_is_counted_as_far_as_a_list_and_not_at_all_where_it_takes_too_long(people, many, monkeypatch):
    def counted(name: str, *keys: str, **narrowed: Any) -> dict[str, int]:
        with open_session(people.staff, reading=True) as session:
            return list_counts.choices_counted(session, ListState(view='all', **narrowed), name, keys)

    monkeypatch.setattr(list_counts, '_IN_ONE_LOOK', 10)
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', 3)
    assert counted('status', 'new', 'rejected') == {'new': 4, 'rejected': 0}, 'one more than is counted'
    monkeypatch.setattr(list_counts, '_ONE_BY_ONE', 1)
    assert counted('status', 'new', 'rejected') == {}
    monkeypatch.setattr(list_counts, '_TOLD_APART', 2)
    assert counted('status', 'new', q='דנה') == {}


@pytest.mark.parametrize('state', OTHERS, ids=lambda state: state.address() or 'open')
def test_what_is_demanded_is_the_sum_of_the_list(people, many, state):
    for actor in (people.staff, people.dana, replace(people.yossi, sees_own_only=True), people.rival):
        with open_session(actor, reading=True) as session:
            total = list_counts.demanded_in(session, state)
        demanded = [row.demand_amount for row in every_page(actor, state) if row.demand_amount is not None]
        assert total == (sum(demanded) if demanded else None), actor.name


def test_what_is_demanded_is_summed_up_no_further_than_a_list_is_counted(people, many, monkeypatch):
    def demanded() -> int | None:
        with open_session(people.staff, reading=True) as session:
            return list_counts.demanded_in(session, ListState(view='all'))

    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', len(many))
    assert demanded() == sum(claim.demand_amount or 0 for claim in many)
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', len(many) - 1)
    assert demanded() is None, 'a part of a sum is no sum'


def test_the_menus_offer_what_one_may_know(people, many):
    with open_session(people.dana, reading=True) as session:
        mine = lists.filter_choices(session)
    with open_session(people.staff, reading=True) as session:
        everything: FilterChoices = lists.filter_choices(session)
    assert {name for _, name in mine.agents} == {'דנה ארז', 'יוסי מזרחי', 'רות לוי'}
    assert {name for _, name in everything.agents} == {'דנה ארז', 'יוסי מזרחי', 'רות לוי', 'אבי כהן'}
    assert [name for _, name in mine.garages] == ['מוסך א', 'מוסך ב']
    assert mine.insurers == everything.insurers


def test_rows_say_names_not_numbers(people):
    with open_session(SYSTEM) as session:
        garage = Garage(name='מוסך הצפון')
        session.add(garage)
    given = {'agent': people.yossi.user_id, 'tp_insurer': 1, 'garage': garage.id}
    claim = make_claim(people.levi, people.staff, given)
    bare = make_claim(people.levi, people.staff)
    with open_session(people.dana, reading=True) as session:
        rows = list_rows.rows_of(session, [claim.id, bare.id, 999_999])
        insurer = session.scalar(select(Insurer.name).where(Insurer.id == 1))
    assert (rows[claim.id].agent, rows[claim.id].garage, rows[claim.id].tp_insurer) == (
        'יוסי מזרחי',
        'מוסך הצפון',
        insurer,
    )
    assert (rows[bare.id].agent, rows[bare.id].garage, rows[bare.id].tp_insurer) == ('', '', '')
    assert set(rows) == {claim.id, bare.id}


def test_the_agent_of_a_claim_is_named_when_he_has_left(people):
    claim = make_claim(people.levi, people.staff, agent=people.yossi.user_id)
    with open_session(people.admin) as session:
        session.get_one(User, people.yossi.user_id).active = False
    assert [row.agent for row in page(people.dana, ListState()).rows] == ['יוסי מזרחי']
    assert claim.agent == people.yossi.user_id


# ---- addresses --------------------------------------------------------------------------------------------------------------

NAMES = ['view', 'q', 'scope', *list_state.MANY, *list_state.DAYS, 'sort', 'columns', 'page', 'size', 'nonsense']
HOSTILE = [
    *('', '0', '-1', '1e9', '9' * 30, '٣', '²', '1;DROP TABLE claims', "' OR 1=1 --", '%00', '\0', '\ud800', 'a\0b'),
    *(
        'open',
        'unread',
        '-claim_no',
        '--claim_no',
        'seq',
        'id',
        'office_id',
        'new',
        'new,closed',
        ',,,',
        '1,2,x',
        'א' * 500,
    ),
    *(
        '2026-10-28',
        '28/10/2026',
        '31/02/2026',
        '0001-01-01',
        '9999-12-31',
        'None',
        '[]',
        '../..',
        '<script>',
        '%',
        '_',
        '\u202e',
    ),
]
queries = st.dictionaries(st.sampled_from(NAMES), st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40)), max_size=8)


@given(queries)
@settings(max_examples=300, deadline=None)
def test_no_address_breaks_the_list(query):
    state = ListState.read(query)
    assert ListState.read(dict(parse_qsl(state.address()))) == state, 'reload, back and sharing show the same'
    assert state.view in list_state.VIEWS
    assert state.sort.removeprefix('-') in list_orders.SORTS
    assert 1 <= state.page <= 100_000
    assert state.size in list_state.PAGE_SIZES


@given(queries)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_address_can_be_answered(people, query):
    found = page(people.dana, ListState.read(query))
    assert found.total == 0


def test_what_an_address_asks_for_that_no_list_has_is_remembered(people):
    asked = {
        'view': 'zzz',
        'scope': 'all',
        'sort': 'x',
        'status': 'new,N!',
        'agent': '7,x',
        'quick': 'stuck,\x00',
        'q': 'y',
    }
    assert list_state.misread(asked, ListState.read(asked)) == ('zzz', 'x', 'N!', 'x', '\ufffd')
    asked = {'page': '-3', 'size': '7', 'columns': 'zzz,plate,office'}
    assert list_state.misread(asked, ListState.read(asked)) == ('-3', '7', 'zzz')
    assert list_state.misread(asked, list_state.read_by(people.dana, asked)) == ('-3', '7', 'zzz', 'office')
    asked = {'view': 'closed', 'status': 'new', 'office': '1', 'page': '2', 'size': '50', 'columns': 'insured_name'}
    assert list_state.misread(asked, list_state.read_by(people.staff, asked)) == ()
    assert list_state.misread(asked, list_state.read_by(people.dana, asked)) == ('1',)


def test_hostile_addresses_answer_only_ones_own(people, many):
    mine = {claim.id for claim in many if claim.office_id == people.levi}
    tries = [dict.fromkeys(NAMES, value) for value in HOSTILE] + [
        {name: HOSTILE[n % len(HOSTILE)]} for n, name in enumerate(NAMES)
    ]
    for query in tries:
        found = page(people.dana, ListState.read({**query, 'view': 'all', 'size': '100'}))
        assert {row.claim_id for row in found.rows} <= mine, query
    foreign = ListState.read({'view': 'all', 'office': str(people.cohen), 'agent': str(people.rival.user_id)})
    assert page(people.dana, foreign).total == 0


def test_columns_are_from_the_list_each_once_and_the_way_to_the_claim_first():
    state = ListState.read({'columns': 'garage,id,plate,insured_name,plate,insured_id_no'})
    assert state.columns == ('insured_name', 'garage', 'plate')
    assert ListState.read(dict(parse_qsl(state.address()))) == state
    assert ListState.read({'columns': 'id,version'}).columns == ()
    assert set(list_state.DEFAULT_COLUMNS) <= set(list_state.COLUMNS) <= {item.name for item in fields(Row)}


def test_an_office_is_a_column_for_the_bureau_only(people):
    state = ListState.read({'columns': 'office,plate'})
    assert list_state.columns_shown(state, [], people.staff) == ('insured_name', 'office', 'plate')
    assert list_state.columns_shown(state, ['garage'], people.dana) == ('insured_name', 'plate')
    assert list_state.columns_shown(ListState(), ['garage'], people.dana) == ('insured_name', 'garage')
    assert list_state.columns_shown(ListState(), ['no such'], people.dana) == list_state.DEFAULT_COLUMNS


def test_an_address_says_only_what_is_not_usual():
    assert ListState().address() == ''
    state = ListState(view='unread', q='רונית לוי', status=('new', 'closed'), event_from=date(2026, 10, 1), page=3)
    assert ListState.read(dict(parse_qsl(state.address()))) == state
    assert 'size' not in state.address()


# ---- how the database goes about it -----------------------------------------------------------------------------------------


@made_once
def crowd(people: People, database: Database) -> int:
    """Some thousands of claims, put there past the sessions."""
    sample = make_claim(people.levi, people.staff, insured_name='דנה לוי')
    claims, found_by = (Base.metadata.tables[name] for name in ('claims', 'claim_search'))
    statuses = ['new', 'submitted', 'in_repair', 'paid', 'closed']
    parties = ['garage', 'agent', 'insured', 'bureau', 'court', 'attorney', 'tp_insurer']
    with database.writer.begin() as connection:
        like = dict(connection.execute(select(claims).where(claims.c.id == sample.id)).mappings().one())
        rows = [
            like
            | {
                'id': n,
                'seq': n,
                'claim_no': f'{n}',
                'claim_no_key': f'{n}',
                'office_id': people.cohen if n % 10 else people.levi,
            }
            | {
                'status': statuses[n % 5],
                'is_open': n % 5 == 0,
                'waiting_on': parties[n % 7],
                'tp_insurer_id': n % 7 + 1,
                'agent_id': None,
            }
            for n in range(100, 4100)
        ]
        connection.execute(insert(claims), rows)
        texts = [
            {name: row[name] for name in ('seq', 'office_id', 'is_open')} | {'claim_id': row['id'], 'text': ' דנה לוי'}
            for row in rows
        ]
        connection.execute(insert(found_by), texts)
        connection.exec_driver_sql('ANALYZE')
    return len(rows)


SORTED = ('status', '-repair_stage', 'tp_insurer', 'waiting_on', '-demand_amount', 'demand_amount')
SHAPES: dict[str, ListState] = {
    'open': ListState(),
    'all': ListState(view='all'),
    'closed': ListState(view='closed'),
    'unread': ListState(view='unread'),
    'status': ListState(status=('submitted',)),
    'insurer': ListState(insurer=('3',)),
    'waiting': ListState(view='all', waiting_on=('garage',)),
    'a deep page': ListState(page=12),
    'stage': ListState(view='all', repair_stage=('paint',)),
    'appraiser': ListState(view='all', appraiser=('3',)),
    'documents': ListState(documents=('missing',)),
    'updated': ListState(view='all', updated_from=date(2099, 1, 1)),
    **{
        f'{name} in a month': ListState.read(
            {'view': 'all', f'{name}_from': '2026-10-01', f'{name}_to': '2026-10-31', 'left_stage': stage}
        )
        for name, stage in (*product(('received', 'collected', 'delivered', 'repaired'), ('',)), ('left', 'paint'))
    },
    **{name: state for name, (_, state) in views.QUICK_VIEWS.items()},
    **{f'by {name}': ListState(view='closed', sort=name) for name in SORTED},
    'search': ListState(q='לוי'),
    'search for what is not there': ListState(q='קרפדון'),
    'search for two words': ListState(q='דנה לוי', status=('submitted',)),
}


# almost every claim matches, so that counting soon stops at its limit
COUNTED_AS_THEY_COME = ('all', 'closed', *(f'by {name}' for name in SORTED))


def test_no_list_reads_every_claim(people, database, crowd):
    assert crowd > 3000
    asked: list[tuple[str, Any]] = []
    for actor in (people.dana, people.admin):
        with open_session(actor) as session:
            alerts.mark_all_read(session, now())
    event.listen(
        database.reader, 'before_cursor_execute', lambda _, __, asks, values, *___: asked.append((asks, values))
    )
    for name, state in SHAPES.items():
        asked.clear()
        for actor in (people.dana, people.admin):
            page(actor, state)
        questions = [(asks, values) for asks, values in asked if asks.startswith('SELECT')]
        assert len(questions) > 3
        for asks, values in questions:
            if 'count(' not in asks or name not in COUNTED_AS_THEY_COME:
                scans, plan = scans_of(database, asks, values)
                assert not scans, f'{name}\n{asks}\n{plan}'


@pytest.mark.parametrize('sort', list_orders.FEW_VALUES)
def test_of_many_claims_none_is_sorted_that_stands_in_an_index_by_its_value(people, database, crowd, monkeypatch, sort):
    asked: list[str] = []
    event.listen(database.reader, 'before_cursor_execute', lambda _, __, asks, *___: asked.append(asks))
    sorts = ListState(view='all', sort=sort), ListState(view='all', sort=f'-{sort}', status=('paid', 'new'))
    for state, many in product(sorts, (1000, 5000)):
        monkeypatch.setattr(list_pages, 'SORTED_UP_TO', many)
        asked.clear()
        first = page(people.admin, state)
        assert len(page(people.admin, first.state.turned_to(2, first.ends)).rows) == 25
        sorting = [asks for asks in asked if re.search('FROM claims.* JOIN .*ORDER BY', asks, re.DOTALL)]
        sorting = [asks for asks in sorting if 'agent_id IN' not in asks]  # some agents, who have few
        few_by_another_filter = many == 5000 and sort != 'status' and bool(state.status)
        assert bool(sorting) is few_by_another_filter, (state, many)


@pytest.mark.parametrize(
    ('sort', 'index'),
    [
        ('-claim_no', 'ix_claims_office_claim_no'),
        ('plate', 'ix_claims_office_plate'),
        ('insured_name', 'ix_claims_insured'),
    ],
)
@pytest.mark.parametrize('more', [{}, {'status': ('new', 'submitted')}], ids=['all of them', 'of two statuses'])
@pytest.mark.usefixtures('crowd')
def test_the_claims_of_an_office_stand_in_order_in_its_index(people, database, monkeypatch, sort, index, more):
    asked = asked_in_order(people, database, monkeypatch, {'sort': sort, **more})
    plans = [scans_of(database, *one)[1] for one in asked if 'ORDER BY claims.' in one[0]]
    assert any(index in plan for plan in plans), plans


@pytest.mark.parametrize(
    ('index', 'wanted'),
    [
        ('ix_claims_office_event', {'sort': '-event_date'}),
        ('ix_claims_office_status', {'sort': 'status'}),
        ('ix_claims_office_stage', {'sort': '-repair_stage'}),
        ('ix_claims_office_insurer', {'sort': 'tp_insurer', 'insurer': ('1', '2')}),
        ('ix_claims_office_waiting', {'sort': 'waiting_on', 'view': 'open'}),
        # most claims may have this status: to sort them none is read
        ('COVERING INDEX ix_claims_office_seq', {'sort': 'tp_insurer', 'status': ('submitted', 'new')}),
        ('COVERING INDEX ix_claims_office_seq', {'sort': '-event_date', 'waiting_on': ('garage', 'insurer')}),
    ],
)
@pytest.mark.usefixtures('crowd')
def test_the_claims_of_an_office_stand_by_value_and_by_day_in_its_indexes(people, database, monkeypatch, index, wanted):
    asked = asked_in_order(people, database, monkeypatch, wanted)
    plans = [scans_of(database, *one)[1] for one in asked if 'FROM claims' in one[0] and 'ORDER BY' in one[0]]
    assert plans
    assert all(index in plan for plan in plans), plans


def asked_in_order(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]
) -> list[tuple[str, Any]]:
    """What SQLite is asked, with its values, for a page of an office's list that has more claims than are sorted."""
    if database.reader.dialect.name == 'postgresql':
        pytest.skip('PostgreSQL goes by its own figures, which so few claims tell nothing of')
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', 0)  # as many as are not sorted any more
    asked: list[tuple[str, Any]] = []
    event.listen(
        database.reader, 'before_cursor_execute', lambda _, __, asks, values, *___: asked.append((asks, values))
    )
    page(people.dana, ListState(**{'view': 'all'} | wanted))
    return asked


def scans_of(database: Database, asks: str, values: Any) -> tuple[list[str], str]:
    """Where a question reads a whole table of claims, and how the database goes about it all."""
    how = 'EXPLAIN QUERY PLAN '
    with database.writer.connect() as connection:
        if connection.dialect.name == 'postgresql':
            # so few rows are read faster without an index; that there is one is what counts
            connection.exec_driver_sql('SET LOCAL enable_seqscan = off')
            how = 'EXPLAIN '
        plan = [str(line[-1]) for line in connection.exec_driver_sql(how + asks, values)]
    return [
        line for line in plan if re.search(r'Seq Scan on claims|^SCAN (claims|claim_search)(?! USING)', line)
    ], '\n'.join(plan)


def test_claims_are_named_by_number_plate_or_name_and_only_of_the_office_asked_for(people: People) -> None:
    mine = make_claim(people.levi, people.staff, insured_name='ורד שחר', plate='7654321')
    newer = make_claim(people.levi, people.staff, insured_name='ורד אחרת')
    others = make_claim(people.cohen, people.staff, insured_name='ורד שחר', plate='7654321')
    for typed, expected in (
        (mine.claim_no, [mine.id]),
        ('76-543-21', [mine.id]),
        ('ורד', [newer.id, mine.id]),
        ('', [newer.id, mine.id]),
        ('אין כזאת', []),
        (others.claim_no, []),
    ):
        for asker in (people.dana, people.staff):
            with open_session(asker, reading=True) as session:
                found = lists.claims_named(session, people.levi, typed, 8)
                assert [claim.id for claim in found] == expected, (typed, asker.name)
    with open_session(people.rival, reading=True) as session:
        assert not lists.claims_named(session, people.levi, 'ורד', 8)
    with open_session(people.staff, reading=True) as session:
        assert len(lists.claims_named(session, people.levi, '', 1)) == 1


@pytest.mark.parametrize('query', [{}, {'view': 'unread'}, *({'quick': name} for name in QUICK)], ids=str)
def test_whoever_sees_the_same_claims_finds_the_same_in_a_list_that_is_not_personal(people, query):
    state = ListState.read(query)
    asked = []
    for colleague in (people.manager, people.dana):
        with open_session(colleague, reading=True) as session:
            asked.append(claims_in(session, state)[0].compile().params)
    assert (asked[0] != asked[1]) is state.is_personal
