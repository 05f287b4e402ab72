"""The reports: figures reckoned by hand, reckoned again from the record, equal to the lists behind them, and each person's own."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from db import claims, repairs
from db.base import Base
from db.calendar import set_calendar_day
from db.changes import history_of
from db.cheque_board import BoardState, page_of_board
from db.cheques import Cheque, Slip, enter_cheque
from db.claims import Claim
from db.habits import ENOUGH
from db.list_claims import claims_in
from db.list_counts import count_of, counts_of
from db.list_state import ListState
from db.lists import page_of
from db.measuring import Measured, israel_day, measured
from db.money import MoneyMove
from db.offices import User
from db.reference import Appraiser, Garage
from db.report_figures import ChequeFigure, Figure, Figures, Line
from db.report_state import PERIODS, ReportState, Span
from db.reports import agents_to_choose, cheques_behind, claims_behind, figures_of
from db.scope import Actor
from db.session import Database, fetch, open_session
from db.texts import ClaimError
from db.values import Malformed, israel
from tests.conftest import People
from tests.db.test_lists import scans_of
from tests.factories import SYSTEM

TODAY = date(2026, 11, 23)
PHOENIX, HAREL = '1', '2'


def at(day: str, hour: int = 9) -> datetime:
    """A moment of 2026, by an Israeli clock that is two hours ahead; three in summer."""
    month, number = map(int, day.split('-'))
    return datetime(2026, month, number, hour, tzinfo=UTC)


@pytest.fixture
def people(people: People) -> People:
    """The people, a garage, and an appraiser: each is number 1."""
    with open_session(SYSTEM) as session:
        session.add_all([Garage(id=1, name='מוסך לב'), Appraiser(id=1, name='שמאות הגליל')])
    return people


def figures(actor: Actor, query: str = '', today: date = TODAY) -> Figures:
    with open_session(actor, reading=True) as session:
        return figures_of(session, ReportState.read(dict(parse_qsl(query))), today)


def opened(people: People, day: str, office: int | None = None, **fields: Any) -> int:
    given = {'insured_name': 'רונית', 'event_date': date(2026, 1, 2), 'opened_at': at(day).date(), **fields}
    with open_session(people.staff, at=at(day)) as session:
        return claims.open_claim(session, office or people.levi, given, at(day)).id


def does(people: People, moment: datetime, order: Callable[..., Any], *given: Any) -> None:
    with open_session(people.staff, at=moment) as session:
        order(session, *given)


def status(people: People, claim_id: int, status: str, moment: datetime, reason: str = '') -> None:
    with open_session(people.staff, at=moment) as session:
        seen = session.get_one(Claim, claim_id).status
        claims.change_status(session, claim_id, status, reason, seen, moment)


def write(people: People, claim_id: int, moment: datetime, **fields: Any) -> None:
    with open_session(people.staff, at=moment) as session:
        claim = session.get_one(Claim, claim_id)
        claims.save_fields(
            session, claim_id, {name: (getattr(claim, name), value) for name, value in fields.items()}, moment
        )


def line(lines: Iterable[Line], key: Any) -> Line:
    return next(line for line in lines if line.key == str(key))


def all_figures(told: Figures) -> list[Figure]:
    tables = (
        told.statuses,
        told.ages,
        told.open_by_insurer,
        told.insurers,
        told.appraisers,
        told.garages,
        told.stages,
        told.months,
        told.people,
        told.offices,
    )
    return [
        figure for table in (*tables, [told.total, told.before]) for one in table for figure in one.figures.values()
    ]


def all_cheques(told: Figures) -> list[ChequeFigure]:
    lines = [*told.weeks, *told.due_months]
    return [told.soon, *(figure for line in lines for figure in (line.incoming, line.outgoing))]


# ---- by hand ----------------------------------------------------------------------------------------------------------------


def test_a_claim_counts_on_the_days_things_happened_to_it(people: People) -> None:
    dana = people.dana.user_id
    mine = opened(people, '9-30', agent=dana, tp_insurer=1)
    opened(people, '11-20', agent=people.yossi.user_id)
    write(people, mine, at('10-05'), submitted_at=date(2026, 10, 4), demand_amount=10_000_00)
    # half past eleven at night in UTC: in Israel November has begun
    write(people, mine, datetime(2026, 10, 31, 22, 30, tzinfo=UTC), approved_amount=8_000_00)
    write(people, mine, at('11-02'), received_amount=3_000_00)
    write(people, mine, at('11-09'), received_amount=8_000_00)
    status(people, mine, 'closed', datetime(2026, 11, 10, 22, 30, tzinfo=UTC), 'paid_in_full')
    told = figures(people.manager, 'period=3m')
    assert told.span == Span(date(2026, 9, 1), TODAY)
    by_month = {one.key: {name: (f.claims, f.amount) for name, f in one.figures.items()} for one in told.months}
    assert by_month == {
        '2026-09': {'demanded': (0, 0), 'approved': (0, 0), 'received': (0, 0)},
        '2026-10': {'demanded': (1, 10_000_00), 'approved': (0, 0), 'received': (0, 0)},
        '2026-11': {'demanded': (0, 0), 'approved': (1, 8_000_00), 'received': (1, 8_000_00)},
    }
    assert (line(told.ages, '0-30').figures['open'].claims, told.total.figures['opened'].claims) == (1, 2)
    took = line(told.insurers, 1).took
    assert took is not None
    assert (took.cases, took.number, took.known) == (1, 42.0, False)  # 30/9 to 11/11, as people in Israel count
    row = line(told.people, dana).figures
    assert [(row[name].claims, row[name].amount) for name in ('open', 'closed', 'demanded', 'received')] == [
        *((0, None), (1, None), (1, 10_000_00), (1, 8_000_00))
    ]
    assert line(told.people, people.yossi.user_id).figures['open'].claims == 1
    november = figures(people.manager, 'period=month').total.figures
    assert (november['demanded'].claims, november['received'].amount, november['opened'].claims) == (0, 8_000_00, 1)


def test_the_period_before_has_as_many_days_right_before_the_first(people: People) -> None:
    assert Span(date(2026, 11, 1), TODAY).before == Span(date(2026, 10, 9), date(2026, 10, 31))
    for day in ('10-08', '10-09', '10-31', '11-01'):
        claim = opened(people, day, submitted_at=at(day).date(), demand_amount=1_000_00, received_amount=700_00)
        status(people, claim, 'closed', at(day), 'paid_in_full')
    told = figures(people.manager, 'period=month')
    for line_, many in ((told.before, 2), (told.total, 1)):
        moved = {name: (line_.figures[name].claims, line_.figures[name].amount) for name in ('opened', 'received')}
        assert moved == {'opened': (many, None), 'received': (many, many * 700_00)}
        assert line_.figures['demanded'].amount == many * 1_000_00
        assert line_.took
        assert line_.took.cases == many
    assert 'open' not in told.before.figures, 'nobody counted what was open then'


def test_money_that_is_corrected_counts_for_what_it_became(people: People) -> None:
    claim = opened(people, '10-01')
    write(people, claim, at('10-10'), received_amount=9_000_00)
    write(people, claim, at('11-10'), received_amount=8_000_00)
    assert [one.figures['received'].amount for one in figures(people.manager).months] == [0, 9_000_00, -1_000_00]


def test_a_demand_that_was_sent_back_is_not_whole_and_stays_so(people: People) -> None:
    sent = [opened(people, '11-01', submitted_at=date(2026, 11, 2)) for _ in range(ENOUGH)]
    opened(people, '11-01')
    status(people, sent[0], 'insurer_requested_info', at('11-03'), 'חסרה חשבונית')
    status(people, sent[0], 'under_insurer_review', at('11-05'))
    for claim in sent[1:]:
        status(people, claim, 'offer_received', at('11-05'))
    told = figures(people.manager)
    assert (told.whole.known, told.whole.number) == (True, 90.0)
    assert [told.total.figures[name].claims for name in ('submitted', 'answered', 'sent_back', 'whole')] == [
        10,
        10,
        1,
        9,
    ]


def test_what_the_insurer_has_not_answered_yet_is_not_whole(people: People) -> None:
    sent = [opened(people, '11-01', submitted_at=date(2026, 11, 2)) for _ in range(ENOUGH + 4)]
    status(people, sent[0], 'insurer_requested_info', at('11-03'), 'חסרה חשבונית')
    steps = (
        'offer_received',
        'in_negotiation',
        'approved_for_payment',
        'partially_paid',
        'rejected',
        'in_legal',
        'closed',
    )
    for claim, step in zip(sent[1:], steps, strict=False):
        reason = {'rejected': 'אין כיסוי', 'partially_paid': 'בלאי', 'closed': 'paid_in_full'}.get(step, '')
        status(people, claim, step, at('11-05'), reason)
    for claim, step in zip(sent[8:], ('submitted', 'under_insurer_review', 'ready_to_submit'), strict=False):
        status(people, claim, step, at('11-05'))
    told = figures(people.manager)
    named = [told.total.figures[name] for name in ('submitted', 'answered', 'sent_back', 'whole')]
    assert [figure.claims for figure in named] == [ENOUGH + 4, 8, 1, 7]
    assert not told.whole.known, 'fourteen were submitted, but eight answers are too few'
    with open_session(people.manager, reading=True) as session:
        assert [count_of(session, figure.behind) for figure in named] == [ENOUGH + 4, 8, 1, 7]


def test_a_collection_rate_is_of_its_own_line_and_of_enough_claims(people: People) -> None:
    dana, yossi = people.dana.user_id, people.yossi.user_id
    for agent, many in ((dana, ENOUGH), (yossi, 1)):
        for _ in range(many):
            claim = opened(people, '11-01', agent=agent, submitted_at=date(2026, 11, 2), demand_amount=1_000_00)
            write(people, claim, at('11-09'), received_amount=600_00)
    opened(people, '11-01')
    told = figures(people.manager)
    rates = [line(told.people, key).collected for key in (dana, yossi, '0')]
    assert [rate and (rate.known, rate.cases, rate.number) for rate in rates] == [
        *((True, ENOUGH, 60.0), (False, 1, 60.0), None)
    ]
    assert told.total.collected
    assert (told.total.collected.cases, told.total.collected.number) == (ENOUGH + 1, 60.0)


def test_a_stage_lasts_from_its_beginning_to_its_end_and_a_slip_is_none(people: People) -> None:
    claim = opened(people, '11-01', garage=1)
    moves = [(None, 'vehicle_received', '11-02'), ('vehicle_received', 'bodywork', '11-05')]
    for seen, stage, day in [*moves, ('bodywork', 'delivered', '11-15')]:
        does(people, at(day), repairs.advance_repair, claim, stage, seen, at(day))
    does(people, at('11-15', 10), repairs.take_back, claim, 'delivered', at('11-15', 9) + timedelta(minutes=3))
    does(people, at('11-19'), repairs.advance_repair, claim, 'paint', 'bodywork', at('11-19'))
    does(people, at('11-21'), repairs.advance_repair, claim, 'delivered', 'paint', at('11-21'))
    told = figures(people.manager)
    took = {one.key: (one.figures['left'].claims, one.took and one.took.number) for one in told.stages}
    assert took == {'vehicle_received': (1, 3.0), 'bodywork': (1, 14.0), 'paint': (1, 2.0)}
    garage = line(told.garages, 1)
    assert (garage.figures['delivered'].claims, garage.took and garage.took.number) == (1, 19.0)


def test_a_car_that_was_entered_as_handed_over_says_nothing_of_the_garage(people: People) -> None:
    opened(people, '11-01', garage=1, repair_stage='delivered')
    garage = line(figures(people.manager).garages, 1)
    assert (garage.figures['delivered'].claims, garage.took and garage.took.cases) == (1, 0)


def test_a_claim_waits_for_the_appraiser_from_its_opening_to_the_inspection(people: People) -> None:
    for n in range(ENOUGH):
        claim = opened(people, '10-20', appraiser=1)
        write(people, claim, at('11-20'), appraised_at=date(2026, 11, 3 if n < ENOUGH // 2 else 5))
        if not n:
            status(people, claim, 'closed', at('11-21'), 'paid_in_full')
    opened(people, '10-20', appraiser=1)
    opened(people, '10-20', appraiser=1, appraised_at=date(2026, 10, 31))
    opened(people, '11-20', appraised_at=date(2026, 11, 10))
    told = figures(people.manager, 'period=month')
    assert [(one.key, one.name, one.figures['appraised'].claims, one.took) for one in told.appraisers] == [
        ('1', 'שמאות הגליל', ENOUGH, Measured(ENOUGH, 15.0)),
        ('0', '', 1, Measured(1, 0.0)),
    ]
    assert [one.took and one.took.known for one in told.appraisers] == [True, False]


def test_open_claims_are_told_by_insurer_whatever_the_period(people: People) -> None:
    for insurer, many in ((PHOENIX, 2), (HAREL, 3), (None, 1)):
        for _ in range(many):
            opened(people, '1-05', tp_insurer=insurer and int(insurer))
    status(people, opened(people, '11-01', tp_insurer=1), 'closed', at('11-02'), 'paid_in_full')
    told = figures(people.manager, 'period=month').open_by_insurer
    assert [(one.key, one.figures['open'].claims) for one in told] == [(HAREL, 3), (PHOENIX, 2), ('0', 1)]
    assert [bool(one.name) for one in told] == [True, True, False]
    only = figures(people.manager, f'insurer={PHOENIX}').open_by_insurer
    assert [(one.key, one.figures['open'].claims) for one in only] == [(PHOENIX, 2)]


def test_cheques_fall_into_weeks_that_begin_on_sunday(people: People) -> None:
    claim = opened(people, '11-01')
    for day, way in (('11-28', 'insurer_to_insured'), ('11-29', 'insured_to_garage'), ('12-30', 'insurer_to_garage')):
        slip = Slip(way, 100_00, at(day).date())
        does(people, at('11-01'), enter_cheque, claim, slip, 'received', at('11-01'))
    told = figures(people.manager)
    assert told.weeks[0].span == Span(date(2026, 11, 22), date(2026, 11, 28))
    assert [(week.incoming.cheques, week.outgoing.cheques) for week in told.weeks] == [
        *((1, 0), (0, 1), (0, 0), (0, 0), (0, 0), (1, 0))
    ]
    assert [(one.incoming.amount, one.outgoing.amount) for one in told.due_months][:2] == [
        (100_00, 100_00),
        (100_00, 0),
    ]
    assert (told.soon.cheques, told.soon.amount, told.next_due) == (2, 200_00, date(2026, 11, 28))
    later = figures(people.manager, today=date(2026, 11, 29))
    assert later.next_due == later.today, 'what falls due today is the next, what is overdue is not'


def test_the_calendar_of_cheques_names_the_days_on_which_nothing_is_paid(people: People) -> None:
    with open_session(SYSTEM) as session:
        set_calendar_day(session, date(2027, 5, 5), works=False, note='יום גיבוש')
        set_calendar_day(session, date(2027, 4, 30), works=True, note='יום שישי עמוס')
    told = figures(people.manager, today=date(2027, 4, 20)).closed_days
    assert list(told)[:2] == [date(2027, 4, 21), date(2027, 4, 22)], 'from the Sunday on, closed days only'
    named = {day: name for day, name in told.items() if name}
    assert [(f'{day:%d/%m}', name) for day, name in named.items() if 'Hol' not in name] == [
        *(('21/04', 'Passover eve'), ('22/04', 'Passover'), ('27/04', 'Eve of the seventh day of Passover')),
        *(('28/04', 'Seventh day of Passover'), ('05/05', 'יום גיבוש'), ('12/05', 'Independence Day')),
    ]
    assert (told[date(2027, 5, 1)], date(2027, 4, 30) in told, date(2027, 5, 11) in told) == ('', False, False)


# ---- how figures went -------------------------------------------------------------------------------------------------------


def finished(people: People, day: str, took: int, **fields: Any) -> int:
    """A claim that was opened so many days before a day, and on it submitted, paid and closed."""
    moment = at(day)
    born = f'{(moment - timedelta(days=took)):%m-%d}'
    claim = opened(people, born, submitted_at=moment.date(), demand_amount=1_000_00, **fields)
    write(people, claim, moment, received_amount=700_00)
    status(people, claim, 'closed', moment, 'paid_in_full')
    return claim


def test_a_line_beside_a_figure_tells_six_parts_of_the_period_or_three(people: People) -> None:
    asked = 'period=days&from=2026-10-25&to=2026-11-23'
    assert [span.days for span in Span(date(2026, 10, 25), TODAY).parts(6)][:2] == [
        (date(2026, 10, 25), date(2026, 10, 29)),
        (date(2026, 10, 30), date(2026, 11, 3)),
    ]
    assert Span(TODAY, TODAY).parts(6) == []
    # five days each: 25-29, 30-3, 4-8, 9-13, 14-18, 19-23
    for day, many, took in (('10-26', 6, 20), ('11-01', 6, 24), ('11-05', 11, 30), ('11-15', 10, 40), ('11-22', 4, 50)):
        for _ in range(many):
            finished(people, day, took)
    for n in range(ENOUGH):
        opened(people, '10-20' if n < 7 else '11-20')
    told = figures(people.manager, asked).went
    assert told['demanded'] == [many * 1_000_00 for many in (6, 6, 11, 0, 10, 4)]
    assert told['received'] == [many * 700_00 for many in (6, 6, 11, 0, 10, 4)]
    assert told['took'] == [22.0, 30.0, 40.0], 'two parts together, where six have too few cases'
    assert told['whole'] == [100.0, 100.0, 100.0]
    assert told['open'] == _open_by_hand(people, asked)
    assert told['open'][-1] == ENOUGH
    assert told['open'][0] > ENOUGH


def _open_by_hand(people: People, asked: str) -> list[int]:
    with open_session(SYSTEM, reading=True) as session:
        rows = list(session.scalars(select(Claim)))
    first, last = figures(people.manager, asked).span.days
    return [
        sum(
            row.opened_at <= part.last and (row.closed_at is None or israel(row.closed_at).date() > part.last)
            for row in rows
        )
        for part in Span(first, last).parts(6)
    ]


def test_of_too_few_cases_there_is_no_line(people: People) -> None:
    for _ in range(ENOUGH - 1):
        finished(people, '11-10', 20)
        opened(people, '11-01')
    assert figures(people.manager).went == {}
    finished(people, '11-10', 20)
    opened(people, '11-01')
    told = figures(people.manager).went
    assert set(told) == {'open', 'demanded', 'received'}, 'a median wants enough in every part'
    assert sum(told['received']) == figures(people.manager).total.figures['received'].amount
    assert figures(people.manager, 'period=days&from=2026-11-20&to=2026-11-23').went == {}, 'too short'


def test_what_was_open_is_told_of_a_period_that_reaches_to_today(people: People) -> None:
    for _ in range(ENOUGH):
        opened(people, '11-01')
    reopened = finished(people, '11-05', 30)
    status(people, reopened, 'new', at('11-20'), 'אחר')
    whole, over = (
        figures(people.manager, f'period=days&from=2026-10-25&to={to}') for to in ('2026-12-31', '2026-11-22')
    )
    assert 'open' not in over.went
    assert whole.went['open'] == [1, ENOUGH + 1, *[ENOUGH + 1] * 4], 'opened again: it was open all the time'


def test_the_line_of_the_cheques_has_the_days_of_the_calendar(people: People) -> None:
    claim = opened(people, '11-01')
    for day, way in (('11-23', 'insurer_to_insured'), ('11-25', 'insured_to_garage'), ('12-08', 'insurer_to_insured')):
        slip = Slip(way, 100_00, at(day).date())
        does(people, at('11-01'), enter_cheque, claim, slip, 'received', at('11-01'))
        if day == '11-25':
            assert 'soon' not in figures(people.manager).went
    assert 'soon' not in figures(people.manager).went, 'two of its days'
    does(
        people,
        at('11-01'),
        enter_cheque,
        claim,
        Slip('insurer_to_insured', 50_00, at('12-07').date()),
        'received',
        at('11-01'),
    )
    assert figures(people.manager).went['soon'] == [100_00, 0, 100_00, *[0] * 11, 50_00]


# ---- by force ---------------------------------------------------------------------------------------------------------------

STATUSES = ('submitted', 'insurer_requested_info', 'under_insurer_review', 'awaiting_payment', 'closed', 'new')
STAGES = ('towing', 'vehicle_received', 'bodywork', 'paint', 'delivered')
INSURERS, GARAGES, APPRAISERS = (1, 2, None), (1, None), (1, 1, None)
MOMENTS = 10


@pytest.fixture
def busy(people: People) -> People:
    """Half a year in which everything happens to some claims, in whatever order."""
    rng = random.Random(7)
    agents = {people.levi: (people.dana.user_id, people.yossi.user_id, None), people.cohen: (people.rival.user_id,)}
    known: list[int] = []
    start = datetime(2026, 6, 1, 20, 30, tzinfo=UTC)
    for n in range(MOMENTS):
        moment = start + timedelta(days=17 * n, minutes=37 * n)
        with open_session(people.staff, at=moment) as session:
            for claim_id in rng.sample(known, len(known) // 2):
                _something_happens(session, rng, session.get_one(Claim, claim_id), moment)
            for _ in range(4):
                office = rng.choice((people.levi, people.levi, people.cohen))
                fields = {
                    'insured_name': 'קנרית' if office == people.cohen else 'רונית',
                    'event_date': date(2026, 5, 1),
                    'agent': rng.choice(agents[office]),
                    'tp_insurer': rng.choice(INSURERS),
                    'garage': rng.choice(GARAGES),
                    'appraiser': rng.choice(APPRAISERS),
                    'repair_stage': rng.choice((None, 'towing')),
                }
                claim = claims.open_claim(session, office, fields, moment)
                slip = Slip(
                    rng.choice(('insurer_to_insured', 'insured_to_garage')),
                    100,
                    TODAY + timedelta(rng.randint(-9, 150)),
                )
                enter_cheque(session, claim.id, slip, 'received', moment)
                known.append(claim.id)
    return people


def _something_happens(session: Any, rng: random.Random, claim: Claim, moment: datetime) -> None:
    for what in rng.sample(('status', 'stage', 'stage', 'money', 'sent', 'inspected'), 2):
        if what == 'status':
            claims.change_status(session, claim.id, rng.choice(STATUSES), 'אחר', claim.status, moment)
        elif what == 'stage':
            before = claim.repair_stage
            repairs.advance_repair(session, claim.id, rng.choice(STAGES), before, moment)
            session.flush()
            if rng.random() < 0.2 and claim.repair_stage != before:
                repairs.take_back(session, claim.id, claim.repair_stage, moment + timedelta(minutes=1))
        elif what == 'money':
            name = rng.choice(('approved_amount', 'received_amount'))
            claims.save_fields(session, claim.id, {name: (getattr(claim, name), rng.randint(0, 50) * 100)}, moment)
        elif what == 'inspected':
            day = israel(moment).date() - timedelta(days=rng.randint(0, 20))
            claims.save_fields(session, claim.id, {'appraised_at': (claim.appraised_at, day)}, moment)
        else:
            day, demand = israel(moment).date(), rng.randint(1, 90) * 100
            fields = {'submitted_at': (claim.submitted_at, day), 'demand_amount': (claim.demand_amount, demand)}
            claims.save_fields(session, claim.id, fields, moment)
        session.flush()


A_WHILE = 'period=days&from=2026-07-02&to=2026-09-13'


def test_every_figure_is_the_count_of_the_list_behind_it(busy: People) -> None:
    some = 0
    queries = {
        busy.manager: ('period=12m', A_WHILE, f'period=12m&insurer=1&agent={busy.dana.user_id}'),
        busy.staff: (
            'period=12m&insurer=1',
            f'period=year&office={busy.cohen}',
            f'period=12m&office={busy.levi}&agent={busy.yossi.user_id}',
        ),
    }
    for actor, asked in queries.items():
        for query in asked:
            told = figures(actor, query)
            with open_session(actor, reading=True) as session:
                for figure in all_figures(told):
                    state = ListState.read(dict(parse_qsl(figure.behind.address())))
                    assert state == figure.behind
                    assert count_of(session, state) == figure.claims, (query, state.address())
                    some += figure.claims > 0
                for cheques in all_cheques(told):
                    page = BoardState.read(dict(parse_qsl(cheques.behind.address())))
                    board = page_of_board(session, page, TODAY)
                    assert board.sums is not None
                    assert (board.count, board.sums.total) == (cheques.cheques, cheques.amount), page.address()
    assert some > 100


def test_every_time_and_every_rate_is_of_the_claims_of_its_list(busy: People) -> None:
    some = 0
    for actor, query in (
        (busy.manager, 'period=12m'),
        (busy.manager, A_WHILE),
        (busy.manager, f'period=12m&agent={busy.dana.user_id}'),
        (busy.staff, 'period=12m'),
        (busy.staff, f'period=12m&office={busy.levi}&insurer=2'),
    ):
        told = figures(actor, query)
        beside = (*told.people, *told.offices, told.total)
        timed = (*told.insurers, *told.appraisers, *told.garages, *told.stages, *beside, told.before)
        with open_session(actor, reading=True) as session:

            def listed(figure: Figure, session: Any = session) -> set[int]:
                return set(session.scalars(claims_in(session, figure.behind)[0]))

            for one in timed:
                assert one.took
                assert (one.took.cases, len(listed(one.timed))) == (one.timed.claims, one.timed.claims), (
                    query,
                    one.key,
                )
                some += one.took.cases > 0
            for one in beside:
                demanded, received, both = (listed(one.figures[name]) for name in ('demanded', 'received', 'collected'))
                assert both == demanded | received, (query, one.key)
                assert one.collected is None or one.collected.cases == len(demanded)
            answered, back, whole = (listed(told.total.figures[name]) for name in ('answered', 'sent_back', 'whole'))
            assert (told.whole.cases, back | whole, back & whole) == (len(answered), answered, set())
    assert some > 40


def test_a_car_that_was_in_a_stage_twice_is_one_case_of_all_its_days_there(people: People) -> None:
    for n in range(ENOUGH):
        claim, seen = opened(people, '11-01', garage=1), None
        days = [('paint', '11-02'), ('delivered', '11-04')]
        if n < 4:  # back to the paint, where one stay of both began in October
            days = [('paint', '10-20'), ('bodywork', '11-03'), ('paint', '11-10'), ('delivered', '11-16')]
        for stage, day in days:
            does(people, at(day), repairs.advance_repair, claim, stage, seen, at(day))
            seen = stage
    (bodywork, paint) = (line(figures(people.manager, 'period=month').stages, key) for key in ('bodywork', 'paint'))
    assert (bodywork.took, paint.took) == (Measured(4, 7.0), Measured(ENOUGH, 2.0))
    with open_session(people.manager, reading=True) as session:
        assert [count_of(session, one.timed.behind) for one in (bodywork, paint)] == [4, ENOUGH]


def test_of_a_stay_whose_beginning_is_not_known_nothing_is_told(people: People, database: Database) -> None:
    known, unknown = opened(people, '11-01'), opened(people, '11-01')
    for claim in (known, unknown):
        for seen, stage, day in ((None, 'paint', '11-02'), ('paint', 'delivered', '11-04')):
            does(people, at(day), repairs.advance_repair, claim, stage, seen, at(day))
    moves = Base.metadata.tables['repair_events']
    with database.writer.begin() as connection:
        left = moves.c.claim_id == unknown, moves.c.before == 'paint'
        connection.execute(update(moves).where(*left).values(since=None))
    (paint,) = figures(people.manager).stages
    assert (paint.figures['left'].claims, paint.took) == (1, Measured(1, 2.0))
    with open_session(people.manager, reading=True) as session:
        assert list(session.scalars(claims_in(session, paint.timed.behind)[0])) == [known]


def test_the_time_at_a_garage_is_of_the_cars_that_had_come_to_one(people: People) -> None:
    came, towed, straight = (opened(people, '11-01', garage=1) for _ in range(3))
    opened(people, '11-01', garage=1, repair_stage='delivered')
    for claim, stages in ((came, ('paint', 'delivered')), (towed, ('towing', 'delivered')), (straight, ('delivered',))):
        seen = None
        for day, stage in enumerate(stages, 5):
            does(people, at(f'11-{day}'), repairs.advance_repair, claim, stage, seen, at(f'11-{day}'))
            seen = stage
    garage = line(figures(people.manager).garages, 1)
    assert (garage.figures['delivered'].claims, garage.timed.claims, garage.took) == (4, 1, Measured(1, 1.0))
    with open_session(people.manager, reading=True) as session:
        assert list(session.scalars(claims_in(session, garage.timed.behind)[0])) == [came]
    with open_session(people.rival, reading=True) as session:
        assert count_of(session, replace(garage.timed.behind, garage=())) == 0, 'of another office there is nothing'


@pytest.mark.parametrize(
    ('name', 'stage', 'index'),
    [
        ('received', '', 'ix_money_moves_at'),
        ('collected', '', 'ix_money_moves_at'),
        ('delivered', '', 'ix_repair_events_delivered'),
        ('repaired', '', 'ix_repair_events_delivered'),
        ('left', 'paint', 'ix_repair_events_left'),
        ('left', '', 'ix_repair_events_left'),
    ],
)
def test_the_list_behind_a_figure_is_found_by_its_days(
    people: People, database: Database, name: str, stage: str, index: str
) -> None:
    opened(people, '11-01')
    asked: list[tuple[str, Any]] = []
    event.listen(
        database.reader, 'before_cursor_execute', lambda _, __, asks, values, *___: asked.append((asks, values))
    )
    days = {f'{name}_from': '2026-10-01', f'{name}_to': '2026-10-31', 'left_stage': stage}
    for actor in (people.staff, people.manager):
        asked.clear()
        with open_session(actor, reading=True) as session:
            state = ListState.read({'view': 'all', **days})
            page_of(session, state)
            counts_of(session, state)
        plans = [scans_of(database, *one)[1] for one in asked if re.search('FROM (repair_events|money_moves)', one[0])]
        assert len(plans) > 1
        for plan in plans:
            assert not re.search(r'Seq Scan on (repair_events|money_moves)|SCAN (repair_events|money_moves)', plan), (
                plan
            )
            # of so few moves PostgreSQL takes whichever index there is
            assert index in plan or database.reader.dialect.name == 'postgresql', plan


def test_the_figures_follow_from_the_record(busy: People) -> None:
    for actor, query in (
        (busy.manager, 'period=12m'),
        (busy.manager, A_WHILE),
        (busy.staff, 'period=12m&insurer=2'),
        (busy.manager, f'period=12m&agent={busy.dana.user_id}'),
    ):
        told = figures(actor, query)
        assert _shown(told) == _reckoned(actor, told)
    told = figures(busy.staff, 'period=12m')
    assert all(any(one.took and one.took.known for one in table) for table in (told.stages, told.appraisers))
    assert sum(one.figures['open'].claims > 0 for one in told.ages) >= 4


def _shown(told: Figures) -> dict[str, Any]:
    return {
        'statuses': {one.key: one.figures['open'].claims for one in told.statuses},
        'ages': [one.figures['open'].claims for one in told.ages],
        'open_by_insurer': {one.key: one.figures['open'].claims for one in told.open_by_insurer},
        'insurers': {one.key: one.took and (one.took.cases, one.took.number) for one in told.insurers},
        'appraisers': {one.key: one.took and (one.took.cases, one.took.number) for one in told.appraisers},
        'stages': {one.key: one.took and (one.took.cases, one.took.number) for one in told.stages},
        'garages': {
            one.key: one.took and (one.figures['delivered'].claims, one.took.cases, one.took.number)
            for one in told.garages
        },
        'approved': [one.figures['approved'].amount for one in told.months],
        'received': [one.figures['received'].amount for one in told.months],
        'demanded': [one.figures['demanded'].amount for one in told.months],
        'sent_back': (told.total.figures['submitted'].claims, told.total.figures['sent_back'].claims),
    }


def _reckoned(  # noqa: C901, PLR0912 - as plain as can be, so that one sees that it is right
    actor: Actor, told: Figures
) -> dict[str, Any]:
    """The same once more, claim by claim, from the rows and the record alone."""
    with open_session(SYSTEM, reading=True) as session:
        everything = select(Claim)
        if not actor.is_bureau:
            everything = everything.where(Claim.office_id == actor.office_id)
        if told.state.agent:
            everything = everything.where(Claim.agent == int(told.state.agent))
        if told.state.insurer:
            everything = everything.where(Claim.tp_insurer == int(told.state.insurer))
        rows = list(session.scalars(everything))
        events = {row.id: fetch(session, repairs.events_of(row.id)) for row in rows}
        record = {row.id: fetch(session, history_of(row.id)) for row in rows}
    first, last = told.span.days
    closed: dict[str, list[int]] = {}
    stays: dict[str, list[int]] = {}
    garages: dict[str, list[int | None]] = {}
    statuses: dict[str, int] = {}
    open_by_insurer: dict[str, int] = {}
    waited: dict[str, list[int]] = {}
    ages = [0, 0, 0, 0, 0]
    back = 0
    for row in rows:
        if row.is_open:
            statuses[row.status] = statuses.get(row.status, 0) + 1
            firm = str(row.tp_insurer or 0)
            open_by_insurer[firm] = open_by_insurer.get(firm, 0) + 1
            ages[sum((told.today - row.opened_at).days > oldest for oldest in (30, 60, 90, 180))] += 1
        elif row.closed_at and first <= israel(row.closed_at).date() <= last:
            took = (israel(row.closed_at).date() - row.opened_at).days
            closed.setdefault(str(row.tp_insurer or 0), []).append(max(took, 0))
        if row.appraised_at and first <= row.appraised_at <= last:
            waited.setdefault(str(row.appraiser or 0), []).append(max((row.appraised_at - row.opened_at).days, 0))
        went = repairs.stays_among(events[row.id])
        of_car: Counter[str] = Counter()
        for stay in went:
            if stay.left and first <= israel(stay.left).date() <= last:
                of_car[stay.stage] += stay.days(stay.left)
        for stage, days_there in of_car.items():
            stays.setdefault(stage, []).append(days_there)
        over = [
            stay.entered for stay in went if stay.stage == 'delivered' and first <= israel(stay.entered).date() <= last
        ]
        came = [stay.entered for stay in went if stay.stage not in ('towing', 'not_arrived', 'delivered')]
        if over:
            days = max((israel(over[-1]).date() - israel(came[0]).date()).days, 0) if came else None
            garages.setdefault(str(row.garage or 0), []).append(days)
        asked = [
            change for change in record[row.id] if change.fields.get('status', [0, 0])[1] == 'insurer_requested_info'
        ]
        back += bool(row.submitted_at and first <= row.submitted_at <= last and asked)
    submitted = [row for row in rows if row.submitted_at and first <= row.submitted_at <= last]
    return {
        'statuses': statuses,
        'ages': ages,
        'open_by_insurer': open_by_insurer,
        'appraisers': {key: (len(days), median(days)) for key, days in waited.items()},
        'insurers': {key: (len(days), median(days)) for key, days in closed.items()},
        'stages': {key: (len(days), median(days)) for key, days in stays.items()},
        'garages': {
            key: (len(days), len(known := [day for day in days if day is not None]), median(known) if known else 0.0)
            for key, days in garages.items()
        },
        **{
            total: [
                sum(
                    (after or 0) - (before or 0)
                    for told_of in record.values()
                    for change in told_of
                    if span.first <= israel(change.at).date() <= span.last
                    for before, after in [change.fields.get(f'{total}_amount', [0, 0])]
                )
                for span in told.span.months
            ]
            for total in ('approved', 'received')
        },
        'demanded': [
            sum(
                row.demand_amount or 0
                for row in submitted
                if row.submitted_at and span.first <= row.submitted_at <= span.last
            )
            for span in told.span.months
        ],
        'sent_back': (len(submitted), back),
    }


# ---- whose ------------------------------------------------------------------------------------------------------------------


def test_a_manager_sees_his_own_office_and_nothing_else(busy: People) -> None:
    told = figures(busy.manager, f'period=12m&office={busy.cohen}')
    assert sum(figure.claims + (figure.amount or 0) for figure in all_figures(told)) == 0
    assert {cheques.cheques for cheques in all_cheques(told)} == {0}
    own = figures(busy.manager, 'period=12m')
    assert not own.offices
    for name in ('open', 'unread', 'opened', 'demanded'):
        assert sum(one.figures[name].claims for one in own.people) == own.total.figures[name].claims > 0, name
    assert 'אבי כהן' not in {one.name for one in own.people}
    with open_session(busy.manager, reading=True) as session:
        assert 'קנרית' not in str(claims_behind(session, own.total.figures['opened']))
        assert 'קנרית' not in str(cheques_behind(session, own.state, own.span))
    whole = figures(busy.staff, 'period=12m')
    assert not whole.people
    assert not any('unread' in one.figures for one in (*whole.offices, whole.total))
    assert {one.key for one in whole.offices} == {str(busy.levi), str(busy.cohen)}
    assert sum(one.figures['received'].amount or 0 for one in whole.offices) == whole.total.figures['received'].amount


def test_an_agent_is_chosen_among_those_of_one_office(busy: People) -> None:
    dana, rival = busy.dana.user_id, busy.rival.user_id
    own = figures(busy.manager, f'period=12m&agent={dana}')
    assert {one.key for one in own.people} == {str(dana)}
    assert own.people[0].figures['open'] == own.total.figures['open']
    assert own.state.agent == str(dana)
    assert figures(busy.staff, f'office={busy.cohen}&agent={rival}').total.figures['open'].claims
    alone = figures(busy.staff, f'period=12m&agent={dana}')
    assert alone.total.figures['open'].claims == own.total.figures['open'].claims
    with open_session(busy.staff, reading=True) as session:
        assert [key for key, _ in agents_to_choose(session, alone.state)] == [dana]
        assert agents_to_choose(session, ReportState()) == []


def test_what_the_address_names_and_nobody_knows_here_counts_nothing(busy: People) -> None:
    dana, rival, nobodys = busy.dana.user_id, busy.rival.user_id, 987_654
    for actor, query in (
        *((busy.manager, f'agent={one}') for one in (rival, nobodys)),
        *((busy.manager, f'office={one}') for one in (busy.cohen, nobodys)),
        *((busy.staff, f'office={busy.cohen}&agent={one}') for one in (dana, nobodys)),
        *((busy.staff, query) for query in (f'agent={nobodys}', f'insurer={nobodys}', f'office={nobodys}')),
        (busy.manager, f'insurer={nobodys}'),
    ):
        told = figures(actor, f'period=12m&{query}')
        assert not any(figure.claims for figure in all_figures(told)), query
        assert not any(cheques.cheques for cheques in all_cheques(told)), query
        assert query.rpartition('=')[2] in told.state.address(), 'it stays what is asked for'


def test_who_went_to_another_office_is_not_taken_for_nobody(people: People) -> None:
    opened(people, '11-01', agent=people.yossi.user_id)
    opened(people, '11-01')
    with open_session(SYSTEM) as session:
        session.get_one(User, people.yossi.user_id).office_id = people.cohen
    names = {one.key: one.name for one in figures(people.manager).people}
    assert names == {str(people.yossi.user_id): 'כבר לא במשרד', '0': ''}


def test_the_reports_are_for_managers_and_the_bureau(people: People) -> None:
    for actor in (people.dana, people.rival):
        with pytest.raises(ClaimError), open_session(actor, reading=True) as session:
            figures_of(session, ReportState(), TODAY)
        with pytest.raises(ClaimError), open_session(actor, reading=True) as session:
            claims_behind(session, Figure(0, ListState()))
        with pytest.raises(ClaimError), open_session(actor, reading=True) as session:
            cheques_behind(session, ReportState(), Span(TODAY, TODAY))


def test_nobody_but_the_session_writes_what_was_received(people: People) -> None:
    claim = opened(people, '11-01', received_amount=5)
    with open_session(SYSTEM, reading=True) as session:
        move = session.scalars(select(MoneyMove)).one()
        assert (move.claim_id, move.total, move.amount) == (claim, 'received', 5)
        assert session.scalars(select(User)).first() is not None


# ---- addresses and days -----------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(('period', 'from', 'to', 'office', 'insurer', 'agent')), st.text(max_size=12)))
def test_no_address_breaks_the_reports(query: dict[str, str]) -> None:
    state = ReportState.read(query)
    assert ReportState.read(dict(parse_qsl(state.address()))) == state
    span = state.span(TODAY)
    assert span.first <= span.last
    assert len(span.months) <= 36


def test_a_day_that_is_none_is_remembered_as_it_was_typed() -> None:
    state = ReportState.read({'period': 'days', 'from': '05/10/2026', 'to': '31/11/2026'})
    assert (state.first, state.last, state.misread) == (date(2026, 10, 5), None, ('31/11/2026',))
    assert state.address() == 'period=days&from=2026-10-05'
    assert ReportState.read({'period': 'days', 'from': '5.10.26', 'to': ''}).misread == ()
    assert ReportState.read({'period': 'month', 'from': 'x'}).misread == ()
    assert ReportState.read({'period': 'zzz', 'insurer': 'x', 'agent': '7'}).unknown == ('zzz', 'x')
    assert ReportState.read({'period': 'days', 'from': '1.12.26', 'to': '30.11.26'}).turned_round is not None
    turned = ReportState.read({'period': 'days', 'from': '1.10.26', 'to': '30.9.26'})
    assert turned.span(TODAY) == Span(date(2026, 9, 30), date(2026, 10, 1))
    assert turned.cut(turned.span(TODAY)) == ()
    weeks = ReportState.read({'weeks': '31/11/2026'})
    assert (weeks.weeks, weeks.misread_weeks, weeks.address()) == (None, ('31/11/2026',), '')
    assert weeks.turned(TODAY, back=True).misread_weeks == ()


def test_days_that_figures_do_not_reach_are_known(people: People) -> None:
    for first, last, reached in (
        ('1.1.1950', '31.12.2099', TODAY),
        ('1.1.1950', '31.12.1953', date(1953, 12, 31)),
        ('1.1.2090', '2.2.2093', date(2092, 12, 31)),
    ):
        state = ReportState.read({'period': 'days', 'from': first, 'to': last})
        assert state.cut(state.span(TODAY)) == (state.first, state.last)
        assert (state.span(TODAY).last, len(state.span(TODAY).months)) == (reached, 36)
    long_since = ReportState.read({'period': 'days', 'from': '1.1.1950'})
    assert long_since.cut(long_since.span(TODAY)) == (date(1950, 1, 1),)


@pytest.mark.parametrize(
    ('ends', 'first', 'last'),
    [
        ({'from': '1.1.2090', 'to': '31.12.2090'}, date(2090, 1, 1), date(2090, 12, 31)),
        ({'from': '31.12.2090', 'to': '1.1.2090'}, date(2090, 1, 1), date(2090, 12, 31)),
        ({'from': '1.2.1900', 'to': '15.3.1900'}, date(1900, 2, 1), date(1900, 3, 15)),
        ({'to': '15.3.1900'}, date(1900, 3, 1), date(1900, 3, 15)),
        ({'from': '5.1.2090'}, date(2090, 1, 5), date(2092, 12, 31)),
        ({'from': '5.6.2099'}, date(2099, 6, 5), date(2099, 12, 31)),
        ({'from': '1.1.1900', 'to': '31.1.1900'}, date(1900, 1, 1), date(1900, 1, 31)),
    ],
)
def test_days_far_away_are_the_days_that_were_asked_for(
    people: People, ends: dict[str, str], first: date, last: date
) -> None:
    state = ReportState.read({'period': 'days', **ends})
    assert (state.span(TODAY), state.cut(state.span(TODAY))) == (Span(first, last), ())
    told = figures(people.manager, state.address())
    assert (told.span, told.total.figures['closed'].claims) == (Span(first, last), 0)


def test_days_of_long_ago_can_be_asked_about(people: People) -> None:
    told = figures(people.manager, 'period=days&from=2001-01-01&to=2001-02-01')
    assert (told.span.last, told.total.figures['closed'].claims) == (date(2001, 2, 1), 0)


@pytest.mark.parametrize(
    ('period', 'first'),
    [('month', date(2026, 11, 1)), ('3m', date(2026, 9, 1)), ('12m', date(2025, 12, 1)), ('year', date(2026, 1, 1))],
)
def test_a_period_is_of_whole_months_up_to_today(period: str, first: date) -> None:
    assert period in PERIODS
    assert ReportState(period).span(TODAY) == Span(first, TODAY)


def test_the_month_of_a_report_is_the_last_one_that_is_over_unless_one_is_asked_for() -> None:
    assert ReportState.of_month('2026-02', '', TODAY).span(TODAY) == Span(date(2026, 2, 1), date(2026, 2, 28))
    assert ReportState.of_month('', '', TODAY).span(TODAY) == Span(date(2026, 10, 1), date(2026, 10, 31))
    for typed in ('2026-13', '2031-01', '1999-12', 'x', '٢٠٢٦-٠١'):
        with pytest.raises(Malformed, match=f'no report of such a month: {typed}'):
            ReportState.of_month(typed, '', TODAY)


def test_a_median_says_nothing_of_too_few() -> None:
    assert not measured({3: ENOUGH - 1}).known
    assert measured({3: ENOUGH // 2, 10: ENOUGH // 2}).number == 6.5
    assert (measured({}).cases, measured({1: 2, 5: 1}).number) == (0, 1.0)


def test_both_databases_know_what_day_it_is_in_israel(people: People) -> None:
    nights = (
        '2026-03-26 21:30',
        '2026-03-26 23:30',
        '2026-10-24 21:30',
        '2026-10-24 22:30',
        '2026-10-25 21:30',
        '2026-07-01 21:00',
    )
    for night in nights:
        moment = datetime.fromisoformat(f'{night}+00:00')
        with open_session(people.staff, at=moment) as session:
            fields = {'insured_name': 'רונית', 'event_date': date(2026, 1, 1)}
            claim_id = claims.open_claim(session, people.levi, fields, moment).id
        with open_session(people.staff, reading=True) as session:
            told = session.scalar(select(israel_day(session, Claim.created_at, TODAY)).where(Claim.id == claim_id))
            assert told == israel(moment).date(), night


def test_a_cheque_that_came_to_its_end_waits_for_no_day(people: People) -> None:
    claim = opened(people, '11-01')
    slip = Slip('insurer_to_insured', 100, TODAY)
    does(people, at('11-01'), enter_cheque, claim, slip, 'received', at('11-01'))
    with open_session(people.staff) as session:
        session.scalars(select(Cheque)).one().state = 'cancelled'
    told = figures(people.manager)
    assert (told.soon.cheques, told.next_due) == (0, None)


def test_the_calendar_shows_whole_weeks_no_more_than_three_years_away():
    today = date(2026, 12, 1)
    assert ReportState.read({}).four_weeks(today).days == (date(2026, 11, 29), date(2026, 12, 26))
    state = ReportState.read({'weeks': '29/12/2026'})
    assert state.four_weeks(today).days == (date(2026, 12, 27), date(2027, 1, 23))
    assert ReportState.read({'weeks': state.address().removeprefix('weeks=')}) == state
    assert ReportState.read({'weeks': '2099-12-31'}).four_weeks(today).first.year == 2029
    assert ReportState.read({'weeks': 'x'}).weeks is None
