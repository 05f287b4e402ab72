"""The dashboard as managers and the bureau have it open: live, each office its own, and nothing for everybody else."""

import asyncio
import html
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import openpyxl
import pytest
from fastapi import FastAPI
from nicegui import ui

from components import report_board
from db import identity, scope, texts, values
from db.base import now
from db.cheque_board import BoardState, page_of_board
from db.cheques import Slip, enter_cheque
from db.claims import change_status, save_fields
from db.exports import DONE, export_records
from db.habits import ENOUGH
from db.list_counts import count_of
from db.list_state import ListState
from db.reference import Appraiser, Garage
from db.repairs import advance_repair
from db.reports import figures_of
from db.scope import ROLE_CAN, Actor, Can, Role
from db.session import open_session
from jobs.report_book import PARTS, Book
from pages import clients, reports
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon

EXCEL = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'


async def opened(portal: FastAPI, who: str, path: str = '/reports') -> Open:
    user = await signed_in(portal, EMAILS.get(who, who))
    return Open(user, await user.open(path))


def _says(page: Open, *parts: str) -> bool:
    return all(part in page.html() for part in parts)


async def test_a_change_of_a_claim_is_on_the_dashboard_of_whom_it_concerns(
    portal: FastAPI, people: People, monkeypatch
) -> None:
    monkeypatch.setattr(report_board, 'BREATH', 0.0)
    monkeypatch.setattr(report_board, 'LONGEST', 0.0)
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    make_claim(people.cohen, people.staff, insured_name='קנרית', agent=people.rival.user_id)
    manager, staff = await opened(portal, 'manager'), await opened(portal, 'staff')
    assert 'href="/?status=new"' in manager.html()
    assert ('אבי כהן' in manager.html(), 'סוכנות כהן' in manager.html(), 'סוכנות כהן' in staff.html()) == (
        False,
        False,
        True,
    )
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'new', now())
        due = values.israel(now()).date() + timedelta(days=3)
        enter_cheque(session, claim.id, Slip('insurer_to_insured', 777_00, due), 'received', now())
    for page in (manager, staff):
        await soon(partial(_says, page, 'status=submitted', '₪777', f'הקרובה ב-{due:%d/%m}'))
    assert 'status=new' not in manager.html()
    charts = manager.of(ui.echart)
    assert [chart.props['renderer'] for chart in charts] == ['svg', 'svg']
    assert all(chart.options['series'] and chart.props['aria-label'] for chart in charts)
    assert sorted(chart.options['yAxis']['show'] for chart in charts) == [False, True], 'no scale without a bar'


async def test_few_claims_give_no_times_and_no_rates(portal: FastAPI, people: People) -> None:
    claim = make_claim(people.levi, people.staff, submitted_at=values.israel(now()).date(), tp_insurer=1)
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', 'אחר', 'new', now())
    page = (await opened(portal, 'manager')).html()
    assert page.count('אין די נתונים') >= 3
    assert 'view=closed' in page


# ---- lists and workbooks behind ---------------------------------------------------------------------------------------------


@pytest.fixture
def some(people: People) -> People:
    """A little of everything a dashboard tells of, in both offices: too few cases for a time or a rate."""
    today = values.israel(now()).date()
    paid = {'approved_amount': (None, 750_00), 'received_amount': (None, 750_00)}
    with open_session(SYSTEM) as session:
        session.add_all([Garage(id=1, name='מוסך לב'), Appraiser(id=1, name='שמאות הגליל')])
    for office, agent in ((people.levi, people.dana), (people.levi, people.yossi), (people.cohen, people.rival)):
        fields = {'agent': agent.user_id, 'tp_insurer': 1, 'garage': 1, 'appraiser': 1, 'appraised_at': today}
        claim = make_claim(office, people.staff, fields, submitted_at=today, demand_amount=1_000_00)
        with open_session(people.staff) as session:
            save_fields(session, claim.id, paid, now())
            for before, stage in ((None, 'vehicle_received'), ('vehicle_received', 'delivered')):
                advance_repair(session, claim.id, stage, before, now())
                session.flush()
            for way, day, amount in (
                *(
                    ('insurer_to_insured', 3, 777_40),
                    ('insurer_to_garage', 3, 111_40),
                    ('insured_to_garage', 3, 222_00),
                ),
                *(('insurer_to_insured', 0, 333_00), ('insured_to_garage', 4, 444_00)),
            ):
                enter_cheque(session, claim.id, Slip(way, amount, today + timedelta(days=day)), 'received', now())
        if agent is people.dana:
            with open_session(people.staff) as session:
                change_status(session, claim.id, 'closed', 'אחר', 'new', now())
            make_claim(office, people.staff, fields)
    return people


def tags(page: str, test_id: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a page that have this id for tests: what they are, and their attributes."""
    found = re.findall(rf'<(\w+)([^>]*data-testid="{test_id}"[^>]*)>', page)
    return [
        (tag, {name: html.unescape(text) for name, text in re.findall(r'([\w-]+)="([^"]*)"', rest)})
        for tag, rest in found
    ]


def many_behind(actor: Actor, address: str) -> int:
    """How many claims, or cheques, stand in the list an address leads to."""
    path, _, query = address.partition('?')
    with open_session(actor, reading=True) as session:
        if path == '/':
            return count_of(session, ListState.read(dict(parse_qsl(query))))
        assert path == '/cheques'
        return page_of_board(session, BoardState.read(dict(parse_qsl(query))), values.israel(now()).date()).count


async def test_every_figure_of_the_page_opens_the_list_that_it_counts(portal: FastAPI, some: People) -> None:
    for who, actor in (('manager', some.manager), ('staff', some.staff)):
        page = (await opened(portal, who)).html()
        figures = tags(page, 'figure')
        assert len(figures) > 60
        for tag, attributes in figures:
            assert tag == 'a'
            assert many_behind(actor, attributes['href']) == int(attributes['data-figure']), attributes['href']
        assert sum(int(attributes['data-figure']) > 0 for _, attributes in figures) > 40
        for told in ('תביעה אחת שנסגרה', 'תביעות שהוגשו'):
            assert re.search(rf'<a [^>]*href="[^"]+"[^>]*>[^<]*{told}</a>', page), told
        # while there are too few cases for a time or a rate, no number stands beside the links: in a card, a bar or a cell
        cards, *_ = page.split('data-testid="table-')
        cells = re.findall(r'<td>.*?</td>|<b>.*?</b>|<span class="mk-badge">.*?</span>', page)
        for part in (*re.findall(r'<div class="mk-v">.*?</section>', cards), *cells):
            words = re.sub(r'<a .*?</a>', '', part).split('הקרובה ב-')[0]
            assert not re.search(r'\d', re.sub(r'<[^>]*>', '', words)), part


async def test_every_day_of_the_calendar_opens_the_cheques_it_adds_up(portal: FastAPI, some: People) -> None:
    today = values.israel(now()).date()
    for who, actor, claims in (('manager', some.manager, 2), ('staff', some.staff, 3)):
        days = tags((await opened(portal, who, f'/reports?weeks={today}')).html(), 'due-day')
        told = {}
        for tag, attributes in days:
            path, _, query = attributes['href'].partition('?')
            assert (tag, path) == ('a', '/cheques')
            with open_session(actor, reading=True) as session:
                sums = page_of_board(session, BoardState.read(dict(parse_qsl(query))), today).sums
            assert sums
            both = (('מחברות הביטוח', sums.incoming), ('מהלקוחות', sums.outgoing))
            said = ', '.join(f'{label} {values.format_money(sum_, "he", cents=False)}' for label, sum_ in both if sum_)
            assert attributes['aria-label'].endswith(said), (attributes, said)
            told[attributes['aria-label'].partition(':')[0]] = (sums.incoming, sums.outgoing)
        assert told == {
            values.format_day(today + timedelta(days=day)): (claims * incoming, claims * outgoing)
            for day, incoming, outgoing in ((0, 333_00, 0), (3, 888_80, 222_00), (4, 0, 444_00))
        }


async def test_every_table_of_the_page_and_every_part_leaves_as_a_workbook(portal: FastAPI, some: People) -> None:
    left = set()
    for who in ('manager', 'staff'):
        page = await opened(portal, who)
        exports = {name: tags(page.html(), f'export-{name}') for name in PARTS}
        tables = re.findall(r'data-testid="table-(\w+)".*?<tbody>(.*?)</tbody>(.*?)</table>', page.html())
        assert {name for name, *_ in tables} >= {
            'months',
            'stages',
            'insurers',
            'appraisers',
            'garages',
            'weeks',
            'due_months',
        }
        assert all(exports[name] for name, *_ in tables), 'each table has its way to Excel'
        shown = {
            name: len(re.findall('<tr>', body + (foot if name != 'months' else ''))) for name, body, foot in tables
        }
        bars = {'statuses', 'open_by_insurer', 'ages'}
        for name, links in exports.items():
            for _, attributes in links:
                assert attributes['href'].split('?')[0] == f'/reports/tables/{name}.xlsx'
            answer = await page.user.http_client.get(links[0][1]['href'] if links else f'/reports/tables/{name}.xlsx')
            assert (answer.status_code, answer.headers['content-type']) == (200, EXCEL), name
            (sheet,) = openpyxl.load_workbook(BytesIO(answer.content)).worksheets
            rows = [
                row for row in sheet.iter_rows(min_row=4, values_only=True) if any(cell is not None for cell in row)
            ]
            assert [column.value for column in sheet[3]] == [
                texts.t(column.label, 'he') for column in PARTS[name].columns
            ]
            assert name in bars or len(rows) == shown.get(name, 0), name
            if rows:
                left.add(name)
        assert {name for name in PARTS if not exports[name]} == ({'offices'} if who == 'manager' else {'people'})
    assert left == {*PARTS}, 'and none of them is empty'


async def test_the_table_by_agent_says_rates_and_ends_in_a_total(portal: FastAPI, people: People) -> None:
    today = values.israel(now()).date()
    for n in range(ENOUGH + 1):
        agent = people.dana if n < ENOUGH else people.yossi
        claim = make_claim(people.levi, people.staff, agent=agent.user_id, submitted_at=today, demand_amount=1_000_00)
        with open_session(people.staff) as session:
            save_fields(session, claim.id, {'received_amount': (None, 750_00)}, now())
    make_claim(people.levi, people.staff)
    page = await opened(portal, 'manager')
    (table,) = (html.content for html in page.of(ui.html) if 'data-testid="table-people"' in html.content)
    body, foot = table.split('<tfoot>')
    assert '<table class="mk-mt" aria-label="ביצועים לפי סוכן"' in body
    assert (body.count('75%</bdi>'), body.count('אין די נתונים</span></td></tr>'), body.count('—')) == (1, 1, 1)
    assert body.count('mk-rbar') == 1
    assert 'סה״כ הסוכנות' in foot
    assert ('₪11,000' in foot, '₪8,250' in foot, '75%</bdi>' in foot) == (True, True, True)
    (money,) = (html.content for html in page.of(ui.html) if 'data-testid="money-line"' in html.content)
    line = money.split('data-testid="money-line"')[1]
    assert ['3 חודשים' in line, *(line.count(sum_) for sum_ in ('₪11,000', '₪0', '₪8,250', '75%</bdi>'))] == [
        True,
        1,
        1,
        1,
        1,
    ]
    assert line.count('data-testid="figure"') == 4
    assert 'aria-label="75%, לפי 11 תביעות שנדרש או התקבל בהן כסף"' in line, 'and the claims behind the rate'
    days = (await opened(portal, 'manager', '/reports?period=days&from=2026-01-05&to=2026-01-06')).html()
    assert '05/01/2026 – 06/01/2026' in days
    typed = (await opened(portal, 'manager', '/reports?period=days&from=05%2F01%2F2026&to=6.1.26')).html()
    assert '05/01/2026 – 06/01/2026' in typed
    # not as the browser's own language writes days
    assert ('value="05/01/2026"' in typed, 'value="06/01/2026"' in typed) == (True, True)
    staff = (await opened(portal, 'staff')).html()
    assert ('סה״כ הסוכנות' in staff, 'view=unread' in staff) == (False, False)


async def test_cards_tell_the_change_against_the_period_before_but_never_of_too_few(
    portal: FastAPI, people: People
) -> None:
    today = values.israel(now()).date()
    address = f'/reports?period=days&from={today - timedelta(days=9)}&to={today}'

    def claims(many: int, day: date, **sums: Any) -> None:
        for _ in range(many):
            make_claim(people.levi, people.staff, opened_at=day, submitted_at=day, **sums)

    claims(ENOUGH + 5, today, demand_amount=1_000_00, received_amount=500_00)
    claims(ENOUGH - 1, today - timedelta(days=10))
    assert 'data-testid="change"' not in (await opened(portal, 'manager', address)).html(), 'too few before'
    claims(1, today - timedelta(days=19))
    page = await opened(portal, 'manager', address)
    (cards,) = (html.content for html in page.of(ui.html) if 'mk-kpi' in html.content)
    (change,) = cards.split('data-testid="change"')[1:]
    assert ('trending_up' in change, '50%' in change, 'בפתיחות' in change) == (True, True, True), 'of nothing, no rate'
    assert 'לעומת התקופה הקודמת' in change


async def test_a_median_that_fell_is_said_as_good(portal: FastAPI, people: People) -> None:
    def closed(many: int, moment: datetime, took: int) -> None:
        for _ in range(many):
            opened_at = values.israel(moment).date() - timedelta(days=took)
            claim = make_claim(people.levi, people.staff, opened_at=opened_at)
            with open_session(people.staff, at=moment) as session:
                change_status(session, claim.id, 'closed', 'אחר', 'new', moment)

    async def change() -> str:
        page = await opened(portal, 'manager', f'/reports?period=days&from={today - timedelta(days=9)}&to={today}')
        (cards,) = (html.content for html in page.of(ui.html) if 'mk-kpi' in html.content)
        return ''.join(cards.split('data-testid="change"')[1:])

    today = values.israel(now()).date()
    closed(ENOUGH, now(), 50)
    assert not await change()
    closed(ENOUGH, now() - timedelta(days=12), 62)
    fell = await change()
    assert all(part in fell for part in ('mk-rgood', 'ירידה של', '12 יום')), fell
    closed(ENOUGH + 1, now(), 62)
    same = await change()
    assert ('mk-rgood' in same, 'ללא שינוי' in same) == (False, True)
    closed(2 * ENOUGH + 2, now(), 70)
    rose = await change()
    assert ('mk-rgood' in rose, 'עלייה של' in rose, '8 ימים' in rose) == (False, True, True)


async def test_every_card_of_figures_has_its_line_for_the_eye(portal: FastAPI, people: People, monkeypatch) -> None:
    def cards_of(page: Open) -> str:
        (cards,) = (html.content for html in page.of(ui.html) if 'mk-kpi' in html.content)
        return str(cards)

    make_claim(people.levi, people.staff)
    assert 'data-spark' not in cards_of(await opened(portal, 'manager')), 'of too few there is none'
    names = ('open', 'took', 'demanded', 'received', 'soon', 'whole')

    def made(*given: Any) -> Any:
        return replace(
            figures_of(*given), went={name: [5.0, 5.0, 5.0] if name == 'whole' else [1, 2, 3] for name in names}
        )

    monkeypatch.setattr(report_board, 'figures_of', made)
    cards = cards_of(await opened(portal, 'manager')).split('<section')[1:]
    assert [card.split('data-spark="')[1].split('"')[0] for card in cards] == [*names]
    assert all(card.count('aria-hidden="true" data-spark') == 1 for card in cards)
    assert 'M4.0 24.0L29.0 14.0L54.0 4.0' in cards[0], 'from left to right, the latest last'
    assert 'M4.0 14.0L29.0 14.0L54.0 14.0' in cards[5], 'what stayed the same lies in the middle'


async def test_the_calendar_says_on_which_days_nothing_is_paid(portal: FastAPI, people: People, monkeypatch) -> None:
    def cells(page: Open, day: str) -> str:
        (calendar,) = (html.content for html in page.of(ui.html) if 'mk-rcal' in html.content)
        return str(next(cell for cell in calendar.split('class="mk-dy')[1:] if f'>{day}</bdi>' in cell))

    eve, today = date(2026, 9, 11), date(2026, 9, 9)
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        enter_cheque(session, claim.id, Slip('insurer_to_insured', 777_00, eve), 'received', now())
    monkeypatch.setattr(report_board, 'figures_of', lambda session, state, _: figures_of(session, state, today))
    page = await opened(portal, 'manager')
    for cell, parts in (
        (
            cells(page, '11'),
            ('mk-qsoon', 'mk-off', '>ערב ר״ה</span>', '11/09/2026: ערב ראש השנה, '),
        ),
        (cells(page, '12'), (' mk-off', 'aria-hidden="true">ראש השנה</span>', 'title="ראש השנה"')),
        (cells(page, '20'), (' mk-off', 'ערב כיפור', 'ערב יום כיפור')),
    ):
        assert all(part in cell for part in parts), cell
    assert ('>אוק׳</span>' in cells(page, '1'), '>היום</span>' in cells(page, '9')) == (True, True)
    assert '06/09 – 03/10' in page.html(), 'which weeks they are'
    assert all(f'<i class="mk-{tone}"></i>' in page.html() for tone in ('qover', 'qsoon', 'qlater')), (
        'what colours mean'
    )
    saturday = cells(page, '19')
    assert (' mk-off' in saturday, 'mk-hol' in saturday) == (True, False), 'a weekend has no name'
    assert 'mk-off' not in cells(page, '10')


async def test_the_reports_are_not_there_for_agents(portal: FastAPI, people: People) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    for path in ('/reports', '/reports/month.xlsx', '/reports/all.xlsx', '/reports/tables/people.xlsx'):
        assert (await dana.http_client.get(path)).status_code == 404
    assert 'href="/reports"' not in Open(dana, await dana.open('/')).html()
    manager = await signed_in(portal, EMAILS['manager'])
    assert 'href="/reports"' in Open(manager, await manager.open('/')).html()


def cells_in(content: bytes) -> str:
    return str([row for sheet in openpyxl.load_workbook(BytesIO(content)) for row in sheet.values])


async def test_workbooks_have_what_the_page_has(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, agent=people.dana.user_id)
    make_claim(people.cohen, people.staff, insured_name='קנרית', agent=people.rival.user_id)
    manager, staff = await signed_in(portal, EMAILS['manager']), await signed_in(portal, EMAILS['staff'])
    month = values.israel(now()).strftime('%Y-%m')
    for path, status in (
        ('/reports/tables/people.xlsx', 200),
        ('/reports/all.xlsx', 200),
        (f'/reports/month.xlsx?month={month}', 404),
    ):
        address = f'{path}{"&" if "?" in path else "?"}office='
        foreign = await manager.http_client.get(f'{address}{people.cohen}')
        assert foreign.status_code == status, path
        cells = cells_in(foreign.content) if status == 200 else foreign.text
        assert not any(canary in cells for canary in ('דנה ארז', 'אבי כהן', 'קנרית', 'סוכנות כהן')), path
        answer = await manager.http_client.get(f'{address}{people.levi}')
        assert (answer.status_code, answer.headers['content-type']) == (200, EXCEL)
        assert 'attachment' in answer.headers['content-disposition']
        cells = cells_in(answer.content)
        assert 'דנה ארז' in cells
        assert not any(canary in cells for canary in ('אבי כהן', 'קנרית', 'סוכנות כהן'))
    answer = await staff.http_client.get(f'/reports/month.xlsx?month={month}&office={people.cohen}')
    assert 'קנרית' in cells_in(answer.content)
    answer = await staff.http_client.get('/reports/month.xlsx?month=2026-13')
    assert (answer.status_code, 'אין דוח לחודש כזה: 2026-13.' in answer.text) == (400, True)
    for made_up in ('/reports/tables/x.xlsx', '/reports/month.xlsx?office=999'):
        assert (await staff.http_client.get(made_up)).status_code == 404


async def test_workbooks_are_made_one_at_a_time(portal: FastAPI, people: People, monkeypatch) -> None:
    make_claim(people.levi, people.staff)
    manager, at_once, most = await signed_in(portal, EMAILS['manager']), 0, 0

    def slowly(make: Callable[..., Book], *given: Any) -> Book:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.1)
        at_once -= 1
        return make(*given)

    for page, name in (
        (reports, 'month_book'),
        (reports, 'table_book'),
        (reports, 'whole_book'),
        (clients, 'client_book'),
    ):
        monkeypatch.setattr(page, name, partial(slowly, getattr(page, name)))
    paths = ('/reports/month.xlsx', '/reports/tables/people.xlsx', '/reports/all.xlsx', '/reports/clients.xlsx')
    answers = await asyncio.gather(*(manager.http_client.get(path) for path in paths))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert most == 1


async def test_who_takes_a_workbook_stands_in_the_record_of_exports(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    manager, staff, dana = [await signed_in(portal, EMAILS[who]) for who in ('manager', 'staff', 'dana')]
    month = values.israel(now()).strftime('%Y-%m')
    for path in ('/reports/month.xlsx', '/reports/tables/people.xlsx', '/reports/all.xlsx'):
        assert (await dana.http_client.get(path)).status_code == 404
    assert (await staff.http_client.get('/reports/tables/x.xlsx')).status_code == 404
    with open_session(people.admin, reading=True) as session:
        assert export_records(session) == [], 'whoever was refused took nothing'
    await manager.http_client.get('/reports/tables/people.xlsx')
    await staff.http_client.get(f'/reports/month.xlsx?month={month}&office={people.levi}')
    with open_session(people.admin, reading=True) as session:
        by_month, by_people = export_records(session)
    day = values.israel(now()).date().replace(day=1)
    assert (by_people.by, by_people.rows, by_people.state) == ('רות לוי', 2, DONE), 'an agent, and the total'
    assert by_people.what.startswith('ביצועים לפי סוכן · ')
    assert 'Agent' in by_people.columns
    assert by_month.user_id == people.staff.user_id
    assert by_month.what.startswith(f'דוח חודשי · {values.format_day(day)} – ')
    assert by_month.what.endswith('משרד: סוכנות לוי')
    assert by_month.rows > 1
    assert {'Insured', 'Cheque no.'} <= {*by_month.columns}
    admin = await opened(portal, 'admin@bureau.demo', '/admin/exports')
    (shown,) = (element for element in admin.of(ui.html) if 'export-records' in str(element.props))
    assert shown.content.count('data-testid="export-record"') == 2
    for part in ('רות לוי', 'ביצועים לפי סוכן', '2 שורות', 'דוח חודשי', 'סוכנות לוי', 'מבוטח'):
        assert part in shown.content


async def test_workbooks_and_their_record_say_when_a_filter_is_not_listed(portal: FastAPI, people: People) -> None:
    make_claim(people.cohen, people.staff, agent=people.rival.user_id)
    manager = await signed_in(portal, EMAILS['manager'])
    for query, told in (
        (f'office={people.cohen}', 'משרד: לא ברשימה'),
        ('office=98765', 'משרד: לא ברשימה'),
        (f'agent={people.rival.user_id}', 'סוכן: לא ברשימה'),
        ('agent=98765', 'סוכן: לא ברשימה'),
        ('insurer=98765', 'חברת ביטוח: לא ברשימה'),
    ):
        answer = await manager.http_client.get(f'/reports/all.xlsx?{query}')
        assert f'{told} · ' in cells_in(answer.content), query
        with open_session(people.admin, reading=True) as session:
            assert export_records(session)[0].what.endswith(f' · {told}'), query


@pytest.mark.parametrize('right', [Can.SEE_REPORTS, Can.EXPORT])
async def test_without_the_right_to_see_or_to_export_nothing_is_taken(
    portal: FastAPI, people: People, monkeypatch, right: Can
) -> None:
    manager = await signed_in(portal, EMAILS['manager'])
    role = Role.OFFICE_MANAGER
    paths = ('/reports/month.xlsx', '/reports/tables/people.xlsx', '/reports/all.xlsx')
    with monkeypatch.context() as patch:
        patch.setattr(scope, 'ROLE_CAN', {**ROLE_CAN, role: ROLE_CAN[role] - {right}})
        answers = [(await manager.http_client.get(path)).status_code for path in paths]
    assert answers == [404, 404, 404]
    with open_session(people.admin, reading=True) as session:
        assert export_records(session) == []


async def test_all_of_the_dashboard_leaves_as_one_workbook_and_is_recorded(portal: FastAPI, people: People) -> None:
    dana = people.dana.user_id
    make_claim(people.levi, people.staff, agent=dana)
    make_claim(people.levi, people.staff, agent=people.yossi.user_id)
    address = f'period=12m&agent={dana}'
    page = await opened(portal, 'manager', f'/reports?{address}')
    (button,) = page.html().split('data-testid="export-all"')[:-1]
    assert button.endswith('href="/reports/all.xlsx?period=12m&amp;agent=' + f'{dana}" download ')
    assert 'ייצוא הכול לאקסל' in page.html()
    answer = await page.user.http_client.get(f'/reports/all.xlsx?{address}')
    sheets = openpyxl.load_workbook(BytesIO(answer.content)).worksheets
    shown = set(re.findall(r'/reports/tables/(\w+)\.xlsx', page.html()))
    assert (len(sheets), sheets[0].title) == (1 + len(shown), 'נתונים עיקריים'), (
        'the figures, and each table of the page'
    )
    assert sheets[0].cell(4, 2).value == 1
    for sheet in sheets:
        assert str(sheet['A2'].value).startswith('סוכן: דנה ארז · ')
    with open_session(people.admin, reading=True) as session:
        (record,) = export_records(session)
    assert (record.by, record.state) == ('רות לוי', DONE)
    assert record.what.startswith('לוח בקרה · ')
    assert record.what.endswith('סוכן: דנה ארז')
    assert {'What', 'Agent', 'Insurer', 'Month'} <= {*record.columns}


async def test_a_manager_chooses_among_his_agents_and_the_bureau_among_those_of_an_office(
    portal: FastAPI, people: People
) -> None:
    def agents_in(page: str) -> str:
        return page.split('data-testid="filter-agent"')[1].split('</select>', maxsplit=1)[0]

    dana = people.dana.user_id
    claim = make_claim(people.levi, people.staff, agent=dana)
    make_claim(people.levi, people.staff, agent=people.yossi.user_id)
    slip = Slip('insurer_to_insured', 777_00, values.israel(now()).date())
    with open_session(people.staff) as session:
        enter_cheque(session, claim.id, slip, 'received', now())
    page = (await opened(portal, 'manager', f'/reports?agent={dana}')).html()
    offered = agents_in(page)
    assert ('כל הסוכנים' in offered, f'value="{dana}" selected' in offered, 'אבי כהן' in offered) == (True, True, False)
    for part in (f'/?agent={dana}"', f'/cheques?agent={dana}"', '₪777'):
        assert part in page, part
    assert f'people.xlsx?agent={dana}"' in page
    assert not any(part in page for part in ('יוסי מזרחי</span></span>', 'סה״כ הסוכנות'))
    manager = await signed_in(portal, EMAILS['manager'])
    await manager.http_client.get(f'/reports/tables/people.xlsx?agent={dana}')
    with open_session(people.admin, reading=True) as session:
        assert export_records(session)[0].what.endswith('סוכן: דנה ארז')
    staff = await opened(portal, 'staff')
    assert 'filter-agent' not in staff.html(), 'of every office there is no choice of agents'
    of_cohen = agents_in((await opened(portal, 'staff', f'/reports?office={people.cohen}')).html())
    assert ('אבי כהן' in of_cohen, 'דנה ארז' in of_cohen) == (True, False)


async def test_the_address_says_what_is_shown(portal: FastAPI, people: People) -> None:
    insurer = 1
    address = f'/reports?period=12m&insurer={insurer}&office={people.levi}&evil=<b>'
    page = (await opened(portal, 'staff', address)).html()
    assert 'evil' not in page
    assert f'value="{people.levi}" selected' in page
    assert f'value="{insurer}" selected' in page
    assert f'/reports/tables/statuses.xlsx?period=12m&amp;office={people.levi}&amp;insurer={insurer}' in page
    foreign = (await opened(portal, 'manager', f'/reports?period=x&office={people.cohen}&from=<script>')).html()
    assert 'script' not in foreign
    assert f'office={people.cohen}' not in foreign


async def test_an_address_with_a_day_that_is_none_says_which(portal: FastAPI, people: People) -> None:
    days = '/reports?period=days&from=05%2F10%2F2026&to='
    page = (await opened(portal, 'manager', days + '31%2F11%2F2026<b>')).html()
    notice = page.split('data-testid="misread-day"')[1].split('</p>')[0]
    assert 'תאריך לא תקין: <bdi>31/11/2026&lt;b&gt;</bdi>. הנתונים מתייחסים לתקופה' in notice
    assert '05/10/2026 – ' in notice
    assert 'misread-day' not in (await opened(portal, 'manager', days + '30%2F11%2F2026')).html()
    turned = (await opened(portal, 'manager', days + '01%2F10%2F2026')).html()
    assert 'היום האחרון קודם לראשון: <bdi>05/10/2026 – 01/10/2026</bdi>. הנתונים מתייחסים לתקופה' in turned
    assert '01/10/2026 – 05/10/2026' in turned
    far = (await opened(portal, 'manager', '/reports?period=days&from=01%2F01%2F2091&to=02%2F02%2F2091')).html()
    assert 'התקופה שנבחרה עוד לא התחילה, ולכן אין בה נתונים: <bdi>01/01/2091 – 02/02/2091</bdi>.' in far
    long = (await opened(portal, 'manager', '/reports?period=days&from=01%2F01%2F1950&to=02%2F02%2F1991')).html()
    assert '<bdi>01/01/1950 – 02/02/1991</bdi> ארוכה' in long
    assert '01/03/1988 – 02/02/1991' in long
    strange = (await opened(portal, 'manager', '/reports?period=zzz')).html()
    assert 'לא הובן בכתובת: <bdi>zzz</bdi>. הנתונים מתייחסים לתקופה' in strange
    labels = [page.count(f'aria-label="{label}"') for label in ('בחירת תאריך התחלה', 'בחירת תאריך סיום')]
    assert labels == [1, 1], 'each end has its own calendar'


async def test_an_address_with_weeks_that_are_none_says_so(portal: FastAPI, people: People) -> None:
    page = (await opened(portal, 'manager', '/reports?period=12m&weeks=31%2F11%2F2026<b>')).html()
    notice = page.split('data-testid="misread-weeks"')[1].split('</p>')[0]
    assert 'תאריך לא תקין: <bdi>31/11/2026&lt;b&gt;</bdi>. הלוח מתחיל בשבוע הנוכחי.' in notice
    assert 'misread-day' not in page
    assert 'misread' not in (await opened(portal, 'manager', '/reports?weeks=30%2F11%2F2026')).html()


async def test_the_weeks_of_cheques_end_where_there_are_no_others(portal: FastAPI, people: People) -> None:
    for weeks, ways in (('', ['before', 'after']), ('2001-01-01', ['after']), ('2098-01-01', ['before'])):
        page = (await opened(portal, 'manager', f'/reports?weeks={weeks}')).html()
        assert re.findall('data-weeks="(.*?)"', page) == ways


async def test_an_address_that_names_whom_one_cannot_choose_says_so_and_counts_nothing_else(
    portal: FastAPI, people: People
) -> None:
    make_claim(people.levi, people.staff, agent=people.dana.user_id)
    make_claim(people.cohen, people.staff, agent=people.rival.user_id)
    notice = 'data-testid="unknown-filter"'
    known = (f'?agent={people.dana.user_id}', f'?office={people.levi}', '?insurer=1', '')
    for query in known:
        page = (await opened(portal, 'manager', f'/reports{query}')).html()
        assert (notice in page, 'status=new' in page) == (False, query != '?insurer=1'), query
    told = set()
    for query in (f'agent={people.rival.user_id}', 'agent=98765', f'office={people.cohen}', 'office=98765'):
        page = (await opened(portal, 'manager', f'/reports?period=month&{query}')).html()
        assert (notice in page, 'status=new' in page, 'סוכנות כהן' in page) == (True, False, False), query
        told.add(page.split(notice)[1].split('</p>')[0])
    assert len(told) == 1, 'it does not say whether there is one elsewhere'
    assert 'href="/reports?period=month"' in told.pop()
    manager = await signed_in(portal, EMAILS['manager'])
    for office, status in ((people.cohen, 404), (98765, 404), (people.levi, 200)):
        answer = await manager.http_client.get(f'/reports/month.xlsx?office={office}')
        assert answer.status_code == status, office
