"""The list as several people have it open: live, per person, and deaf to whatever a browser makes up."""

import asyncio
import random
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from nicegui import Client, binding
from nicegui.elements.html import Html
from nicegui.testing import User

from components import claims_list, list_sums, live
from components.bell import Bell
from components.bulk_bar import BulkBar
from components.claims_list import ClaimsBar, ClaimsTable
from components.frame import PORTAL_PAGES
from components.list_views import ViewsMenu
from db import alert_choices, alerts, identity, list_counts, list_state, values, views
from db.base import now
from db.changes import date_record
from db.claims import Claim, change_status, mark_checked, open_claim, save_fields
from db.doorbell import Notice
from db.import_runs import Uploaded, start_run
from db.list_state import ListState
from db.messages import note_internally
from db.session import open_session
from tests.conftest import People, made_once
from tests.factories import PASSWORD, SYSTEM, make_claim
from tests.pages.conftest import EMAILS, shown_by
from tests.portal import signed_in
from tests.waiting import soon


class Desk:
    """Somebody's open list."""

    def __init__(self, user: User, client: Client) -> None:
        self.user, self.client = user, client

    def one(self, kind: type) -> Any:
        return next(element for element in self.client.elements.values() if isinstance(element, kind))

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(shown_by(self.one(ClaimsTable), 'rows'))

    @property
    def numbers(self) -> list[str]:
        return [row['no'] for row in self.rows]

    @property
    def counts(self) -> dict[str, str]:
        return {view['name']: view['count'] for view in self.one(ClaimsBar).props['views']}

    def send(self, kind: type, event: str, args: Any = None) -> None:
        interaction: Any = self.user.find(kind=kind)
        interaction.elements = {self.one(kind)}
        interaction.trigger(event, args)


async def desk(portal: FastAPI, who: str, path: str = '/') -> Desk:
    user = await signed_in(portal, EMAILS[who])
    return Desk(user, await user.open(path))


def without_nonce(html: str) -> str:
    return re.sub(r'nonce="[^"]+"', '', html)


@made_once
def two(people: People) -> tuple[Claim, Claim]:
    return make_claim(people.levi, people.staff, insured_name='משה אוחיון'), make_claim(people.levi, people.staff)


async def test_the_list_follows_the_bureau(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    older, newer = two
    for actor in (people.dana, people.manager):
        with open_session(actor) as session:
            alerts.mark_all_read(session, now())
    dana, manager, rival = await desk(portal, 'dana'), await desk(portal, 'manager'), await desk(portal, 'rival')
    assert dana.numbers == [newer.claim_no, older.claim_no]
    with open_session(people.staff) as session:
        change_status(session, older.id, 'approved_for_payment', '', 'new', now())
    await soon(lambda: dana.numbers == [older.claim_no, newer.claim_no] == manager.numbers)
    first = dana.rows[0]
    assert first['unread']
    assert (first['hint']['label'], first['hint']['before'], first['hint']['after']) == (
        'סטטוס',
        'חדשה',
        'אושרה לתשלום',
    )
    assert dana.counts['unread'] == '1'
    assert rival.numbers == []
    assert rival.counts['all'] == '0'

    with open_session(people.dana) as session:
        alerts.visit(session, older.id, now())
    await soon(lambda: not dana.rows[0]['unread'])
    assert manager.rows[0]['unread'], 'still bold for her colleague'


async def test_the_claims_one_follows_come_and_go_as_one_follows_them(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    manager = await desk(portal, 'manager', '/?view=all&quick=followed')
    assert manager.numbers == []
    with open_session(people.manager) as session:
        alert_choices.follow(session, two[0].id)
    await soon(lambda: manager.numbers == [two[0].claim_no])
    with open_session(people.dana) as session:
        alert_choices.follow(session, two[1].id)
    with open_session(people.manager) as session:
        alert_choices.follow(session, two[0].id, follows=False)
    await soon(lambda: manager.numbers == [])


async def test_a_row_has_the_whole_of_a_note_that_it_says_the_beginning_of(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    long = 'השמאי סיים את הבדיקה והגיש דוח מלא, והחלקים הוזמנו מהיבואן ויגיעו עד סוף השבוע. ' * 3
    for claim, note in zip(two, ('החלקים הגיעו', long), strict=True):
        with open_session(people.staff) as session:
            save_fields(session, claim.id, {'daily_note': ('', note)}, now())
    hints = [row['hint'] for row in (await desk(portal, 'dana')).rows]
    assert hints[0]['after'].endswith('…')
    assert hints[0]['whole'] == long.strip()
    assert (hints[1]['after'], hints[1].get('whole')) == ('החלקים הגיעו', None), (
        'what is said in full is not sent twice'
    )


async def test_an_open_claim_of_which_nobody_spoke_for_a_week_is_marked(portal: FastAPI, people: People) -> None:
    def opened(days: int, **fields: Any) -> Claim:
        then = now() - timedelta(days=days)
        with open_session(people.staff) as session:
            date_record(session, then)
            return open_claim(
                session, people.levi, {'insured_name': 'רונית', 'event_date': then.date(), **fields}, then
            )

    claims = {opened(days).claim_no: told for days, told in ((6, ''), (8, 'עודכן לאחרונה לפני 8 ימים'))}
    claims[opened(30, status='closed', status_reason='no_cover').claim_no] = ''
    checked = opened(20)
    with open_session(people.staff) as session:
        mark_checked(session, checked.id, now())
    dana = await desk(portal, 'dana', '/?view=all')
    assert {row['no']: (row['stale'] or {}).get('told', '') for row in dana.rows} == {**claims, checked.claim_no: ''}


async def test_checked_and_internal_notes_move_nothing(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    dana = await desk(portal, 'dana')
    before = dana.rows
    with open_session(people.staff) as session:
        mark_checked(session, two[0].id, now())
        note_internally(session, two[0].id, 'הלקוח כועס', now())
    await asyncio.sleep(0.4)
    assert [(row['no'], row['seq'], row['hint']) for row in dana.rows] == [
        (row['no'], row['seq'], row['hint']) for row in before
    ]
    assert 'כועס' not in str(dana.rows)


async def test_under_a_search_it_says_that_there_are_more_where_counting_ends(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_state, 'FOUND_UP_TO', 1)
    with open_session(people.dana) as session:
        key = views.save_view(session, 'של לוי', ListState(q='2173'), now()).key
    dana = await desk(portal, 'dana', '/?q=2173&size=10')
    shown = [dana.counts['open'], dana.one(ClaimsTable).props['range'], dana.one(BulkBar).props['totalText']]
    assert shown == ['1+', 'מוצגות 1–2 מתוך 1+ תביעות', '1+']
    assert dana.one(ClaimsBar).props['most'] == 1
    dana.send(ViewsMenu, 'seen', True)
    await soon(lambda: dana.one(ViewsMenu).props['counts'].get(key) == '1+')
    dana.send(ClaimsBar, 'change', {'q': ''})
    await soon(lambda: dana.counts['open'] == '2')
    assert dana.one(ClaimsBar).props['most'] == list_state.COUNTED_UP_TO


async def test_signs_alone_say_that_there_is_nothing_to_look_for(portal: FastAPI, two: tuple[Claim, Claim]) -> None:
    dana = await desk(portal, 'dana', '/?q=🚗')
    assert (dana.numbers, dana.counts['open'], dana.counts['all']) == ([], '0', '0')
    assert dana.one(ClaimsTable).props['message']['title'] == 'אין מה לחפש'
    dana.send(ClaimsBar, 'clear', 1)
    await soon(lambda: len(dana.numbers) == 2)


async def test_search_filter_sort_and_back(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    dana = await desk(portal, 'dana')
    dana.send(ClaimsBar, 'change', {'q': 'אוחיון'})
    await soon(lambda: dana.numbers == [two[0].claim_no])
    dana.send(ClaimsBar, 'clear', 1)
    await soon(lambda: len(dana.numbers) == 2)
    dana.send(ClaimsBar, 'filter', ['status', ['in_repair'], 1])
    await soon(lambda: dana.one(ClaimsTable).props['state'] == 'empty')
    dana.send(ClaimsBar, 'restore', ['sort=insured_name', 1])
    await soon(lambda: dana.numbers == [two[0].claim_no, two[1].claim_no])
    dana.send(ClaimsBar, 'filter', ['event_from', ['1.11.26'], 1])
    await soon(lambda: '2026-11-01' in [shown.get('from') for shown in shown_by(dana.one(ClaimsBar), 'filters')])
    dana.send(ClaimsBar, 'filter', ['event_from', ['31/02/2026'], 1])
    dana.send(ClaimsBar, 'filter', ['event_to', ['30/11/2026'], 1])
    await soon(lambda: '2026-11-30' in [shown.get('to') for shown in shown_by(dana.one(ClaimsBar), 'filters')])
    assert '2026-11-01' in [shown.get('from') for shown in shown_by(dana.one(ClaimsBar), 'filters')]


def demanded_on(page: Desk) -> str:
    """The sum in the foot of a list, as it is read."""
    found = [e for e in page.client.elements.values() if isinstance(e, Html) and 'mk-sum' in e.classes]
    return re.sub('<[^>]+>', '', found[0].content) if found else ''


@pytest.fixture
def no_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until a sum may move again."""
    monkeypatch.setattr(list_sums, 'BREATH', 0.05)


def summed_up() -> bool:
    return not any(room._asking for room in list_sums._rooms.values())


def demand(people: People, claim: Claim, shekels: str) -> None:
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'demand_amount': (None, values.money(shekels))}, now())


def submit(people: People, claim: Claim) -> None:
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'new', now())


async def test_what_is_demanded_in_a_list_is_asked_once_for_all_who_see_it_and_follows(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], no_breath: None
) -> None:
    demand(people, two[0], '1000')
    dana, manager = await desk(portal, 'dana'), await desk(portal, 'manager', '/?sort=plate')
    rival, closed = await desk(portal, 'rival'), await desk(portal, 'dana', '/?view=closed')
    assert [demanded_on(page) for page in (dana, manager, rival, closed)] == ['סה״כ נדרש ₪1,000'] * 2 + [''] * 2
    assert len(list_sums._rooms) == 3, 'the two who see the same share theirs'
    demand(people, two[1], '250')
    await soon(lambda: demanded_on(dana) == demanded_on(manager) == 'סה״כ נדרש ₪1,250')
    assert not demanded_on(rival)
    dana.send(ClaimsBar, 'filter', ['status', ['submitted'], 1])
    await soon(lambda: not demanded_on(dana))
    assert demanded_on(manager) == 'סה״כ נדרש ₪1,250'
    submit(people, two[1])
    await soon(lambda: demanded_on(dana) == 'סה״כ נדרש ₪250')
    before = len(list_sums._rooms)
    dana.client.delete()
    assert len(list_sums._rooms) == before - 1, 'what nobody looks at is not summed up'


async def test_who_finds_another_sum_has_it_told_to_all_who_see_the_same(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], no_breath: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(people, two[0], '1000')
    dana = await desk(portal, 'dana', '/?sort=plate')
    await soon(summed_up)
    with monkeypatch.context() as meanwhile:  # a day went by, say, and nothing rang
        meanwhile.setattr(list_sums._Room, 'ring', lambda *_: None)
        demand(people, two[1], '250')
        await soon(lambda: len(dana.rows) == 2 and '250' in str(dana.rows))
    assert demanded_on(dana) == 'סה״כ נדרש ₪1,000'
    manager = await desk(portal, 'manager')
    assert demanded_on(manager) == 'סה״כ נדרש ₪1,250'
    await soon(lambda: demanded_on(dana) == 'סה״כ נדרש ₪1,250')


async def test_a_new_word_of_the_bureau_may_change_a_sum(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], no_breath: None
) -> None:
    demand(people, two[0], '1000')
    dana = await desk(portal, 'dana', '/?quick=stuck&view=all')
    await soon(summed_up)
    room = next(iter(list_sums._rooms.values()))
    room._amount = 1
    live._dispatch(Notice('words'))
    await soon(lambda: room._amount is None)
    assert demanded_on(dana) == ''


async def test_a_page_that_was_cut_off_while_it_was_made_is_not_summed_up(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    dana = await desk(portal, 'dana')
    shown = list_sums.ListSum(dana.one(ClaimsTable), people.dana)
    dana.client.delete()
    shown.follow(ListState(), 2, 100, live.rung())
    assert not list_sums._rooms


async def test_rows_follow_at_once_also_while_a_menu_is_open(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_list, 'MENU_BREATH', 60)
    dana = await desk(portal, 'dana', '/?sort=plate')
    dana.send(ClaimsBar, 'menu', 'status')
    await soon(lambda: dana.one(ClaimsBar).props.get('counts'))

    def statuses() -> list[str]:
        return [row['status']['label'] for row in dana.rows]

    submit(people, two[0])
    await soon(lambda: statuses().count('הוגשה לחברת הביטוח') == 1)
    submit(people, two[1])
    await soon(lambda: statuses().count('הוגשה לחברת הביטוח') == 2)


async def test_a_list_that_is_not_counted_to_its_end_has_no_sum(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_state, 'COUNTED_UP_TO', 1)
    demand(people, two[0], '1000')
    assert demanded_on(await desk(portal, 'dana')) == ''
    assert not list_sums._rooms, 'nor is it asked for'


async def test_an_open_menu_says_how_many_claims_each_choice_has_and_a_shut_one_asks_nothing(
    portal: FastAPI, people: People, two: tuple[Claim, Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def choices_counted(session: Any, state: ListState, name: str, keys: list[str]) -> dict[str, int]:
        counted.append(name)
        return honest(session, state, name, keys)

    honest = list_counts.choices_counted
    monkeypatch.setattr(list_counts, 'choices_counted', choices_counted)
    monkeypatch.setattr(claims_list, 'MENU_BREATH', 0.05)

    def numbers() -> dict[str, str]:
        shown = dana.one(ClaimsBar).props.get('counts') or {}
        return {key: count for key, count in shown.get('choices', {}).items() if count != '0'}

    dana = await desk(portal, 'dana', '/?status=submitted')
    assert not counted
    dana.send(ClaimsBar, 'menu', 'status')
    await soon(lambda: numbers() == {'new': '2'})
    submit(people, two[1])
    await soon(lambda: numbers() == {'new': '1', 'submitted': '1'})
    for hostile in ('', 'event', 'office', 'no such', 7, None, ['status']):
        dana.send(ClaimsBar, 'menu', hostile)
    await asyncio.sleep(0.2)
    assert set(counted) == {'status'}
    counted.clear()
    submit(people, two[0])
    await soon(lambda: len(dana.numbers) == 2)
    assert not counted


async def test_an_address_with_a_day_that_is_none_says_which_until_one_asks_anew(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    dana = await desk(portal, 'dana', '/?event_from=31%2F02%2F2026&event_to=2026-11-31&updated_from=2020-01-01')
    bar = dana.one(ClaimsBar)
    said = 'תאריך לא תקין: \u206831/02/2026\u2069, \u20682026-11-31\u2069. הרשימה אינה מסוננת לפיו.'
    assert bar.props['misread'] == said
    dana.send(ClaimsBar, 'filter', ['event_from', ['2026-02-28'], 1])
    await soon(lambda: bar.props['misread'] == '')
    dana.send(ClaimsBar, 'restore', ['event_from=x', 1])
    await soon(lambda: '\u2068x\u2069' in bar.props['misread'])


async def test_an_address_that_fits_nothing_says_why(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    dana = await desk(portal, 'dana', '/?view=zzz&status=zzz,new&updated_from=2026-12-05&updated_to=2026-12-01')
    bar = dana.one(ClaimsBar)
    said = [
        'לא הובן בכתובת: \u2068zzz\u2069. העמוד מוצג בלעדיו.',
        'אינו ברשימת האפשרויות: \u2068סטטוס: zzz\u2069. מוצגות רק תביעות שיש בהן ערך זה.',
        'היום האחרון קודם לראשון: \u206805/12/2026 – 01/12/2026\u2069. אין מה למצוא ביניהם.',
    ]
    assert bar.props['misread'] == ' '.join(said)
    # however much of it there is, the first few say enough
    dana.send(ClaimsBar, 'restore', ['status=' + ','.join('ABCDE') + '&event_from=x', 1])
    named = ', '.join(f'\u2068{key}\u2069' for key in 'ABC')
    await soon(lambda: f'לא הובן בכתובת: {named} ועוד 2. ' in bar.props['misread'])
    dana.send(ClaimsBar, 'restore', ['status=zzz&updated_from=2026-12-05&updated_to=2026-12-01', 1])
    await soon(lambda: bar.props['misread'] == ' '.join(said[1:]))
    # what was not understood is told once, the filters as long as they are on
    dana.send(ClaimsBar, 'filter', ['updated_to', ['2026-12-06'], 1])
    await soon(lambda: bar.props['misread'] == said[1])
    dana.send(ClaimsBar, 'clear', 1)
    await soon(lambda: bar.props['misread'] == '')


async def test_a_page_past_the_last_one_and_an_office_one_cannot_choose_are_told(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    past = await desk(portal, 'dana', f'/?office={people.cohen}&page=999')
    bar = past.one(ClaimsBar)
    assert (
        bar.props['misread']
        == f'לא הובן בכתובת: \u2068{people.cohen}\u2069. העמוד מוצג בלעדיו. אין עמוד 999. מוצג העמוד האחרון.'
    )
    assert sorted(past.numbers) == sorted(claim.claim_no for claim in two)
    past.send(ClaimsBar, 'restore', ['page=7', 1])
    await soon(lambda: bar.props['misread'] == 'אין עמוד 7. מוצג העמוד האחרון.')
    past.send(ClaimsBar, 'restore', ['page=1', 2])
    await soon(lambda: bar.props['misread'] == '')


async def test_no_event_of_a_hostile_browser_breaks_or_leaks(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    foreign = make_claim(people.cohen, people.staff, insured_name='סודי ביותר')
    dana = await desk(portal, 'dana')
    chance = random.Random(7)
    made_up: list[Any] = [
        *(
            None,
            True,
            -1,
            0,
            1e308,
            'x' * 5000,
            '\u202e"<img src=x onerror=alert(1)>',
            [],
            {},
            [[]],
            ['agent', ['1;--'], 1],
            ['office', [1, 2], {}],
        ),
        *(
            {'view': 'nope', 'q': 'סודי'},
            {'q': ['list']},
            {'scope': {'a': 1}},
            ['status', {}, 1],
            ['office=2&view=all', 1],
            ['size=9999&page=-3', 1e308],
        ),
        *(['event_from', ['31/02/2026'], 1], foreign.claim_no, {'no': foreign.claim_no}),
    ]
    for kind, events in (
        (ClaimsBar, ('change', 'filter', 'clear', 'restore')),
        (ClaimsTable, ('sort', 'page', 'size', 'rescue')),
    ):
        for event in events:
            for args in chance.sample(made_up, len(made_up)):
                dana.send(kind, event, args)
    await asyncio.sleep(0.5)
    dana.send(ClaimsBar, 'restore', ['view=all', 1])
    await soon(lambda: sorted(dana.numbers) == sorted(claim.claim_no for claim in two))
    assert 'סודי' not in str([element.props for element in dana.client.elements.values()])


async def test_no_page_polls(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    """Everything is pushed: no page leaves an active link behind, on any address."""
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    with open_session(people.admin) as session:
        number = start_run(session, Uploaded('רשימה.xlsx', '0' * 64, 1, ['גיליון']), now()).id
    admin = await signed_in(portal, 'admin@bureau.demo')  # who may open every page
    for path in PORTAL_PAGES:
        await admin.open(path.replace(':path', '').format(claim_no=two[0].claim_no, section='people', number=number))
        assert not binding.active_links, path


async def test_an_agent_writes_to_the_bureau_from_the_list(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    to_the_bureau = f'/messages?office={people.dana.office_id}'
    dana, staff = [await signed_in(portal, EMAILS[who]) for who in ('dana', 'staff')]
    assert to_the_bureau in (hers := (await dana.http_client.get('/')).text)
    assert '/claims/new' in hers
    assert (await dana.http_client.get(to_the_bureau)).status_code == 200
    shown = (await staff.http_client.get('/')).text
    assert '/claims/new' in shown
    assert '/messages?office=' not in shown


async def test_pages_are_for_those_with_the_right(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    assert (await dana.http_client.get('/work')).status_code == 404
    rival = await signed_in(portal, EMAILS['rival'])
    answer = await rival.http_client.get(f'/claims/{two[0].claim_no}')
    assert answer.status_code == 404
    nobody = await rival.http_client.get('/claims/99-99999')
    assert without_nonce(answer.text) == without_nonce(nobody.text), 'not yours and not there look the same'


async def test_an_address_that_leads_nowhere_is_answered_like_a_claim_that_is_not_there(
    portal: FastAPI, two: tuple[Claim, Claim]
) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    nowhere, nobody = [await dana.http_client.get(address) for address in ('/nothing/here', '/claims/99-99999')]
    assert (nowhere.status_code, without_nonce(nowhere.text)) == (404, without_nonce(nobody.text))
    assert 'href="/"' in nowhere.text
    assert 'לתביעות' in nowhere.text


async def test_the_bell_counts_claims_and_forgets_what_was_opened(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    dana = await desk(portal, 'dana', '/alerts')
    for status in ('in_repair', 'awaiting_documents'):
        with open_session(people.staff) as session:
            claim = session.get_one(Claim, two[0].id)
            change_status(session, claim.id, status, '', claim.status, now())
    await soon(lambda: dana.one(Bell).props['count'] == 1)
    dana.send(Bell, 'open')
    await soon(lambda: dana.one(Bell).props['groups'])
    assert dana.one(Bell).props['groups'][0]['unread']
    with open_session(people.dana) as session:
        alerts.visit(session, two[0].id, now())
    await soon(lambda: dana.one(Bell).props['count'] == 0)


async def test_many_claims_are_changed_at_once_and_the_page_may_be_left(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    numbers = [claim.claim_no for claim in two]
    with open_session(people.staff) as session:
        change_status(session, two[0].id, 'submitted', '', 'new', now())
    staff, dana = await desk(portal, 'staff'), await desk(portal, 'dana')
    bar = staff.one(BulkBar)
    assert [action['key'] for action in bar.props['actions']] == [
        *('assign', 'status', 'checked', 'message', 'read', 'unread', 'pack')
    ]
    assert [action['key'] for action in dana.one(BulkBar).props['actions']] == ['read', 'unread', 'pack']
    assert shown_by(dana.one(BulkBar), 'choices') == {}

    await soon(lambda: shown_by(bar, 'choices'))
    letters = {letter['key']: letter['body'] for letter in shown_by(bar, 'choices')['message']}
    assert letters['thanks'].startswith('תודה, התקבל. ממשיכים בטיפול בתיק «מס׳ תביעה»')
    assert 'client_reminder' not in letters, 'that one is for the client'
    wish = {'turn': 3, 'action': 'status', 'value': 'submitted', 'reason': '', 'numbers': [*numbers, 'x' * 99, 7]}
    staff.send(BulkBar, 'plan', wish)
    await soon(lambda: bar.props['plan'])
    plan: dict[str, Any] = bar.props['plan']
    assert (plan['ready'], plan['title'], plan['left']) == (1, 'הפעולה תחול על תביעה אחת', 'אחת תישאר כמו שהיא')
    assert [(group['why'], group['numbers']) for group in plan['groups']] == [('כבר בסטטוס הזה', [numbers[0]])]
    staff.send(BulkBar, 'order', {'turn': 2, 'key': 'k'})
    await asyncio.sleep(0.1)
    assert not bar.props['order'], 'what it would do was not shown'
    for _ in range(2):
        staff.send(BulkBar, 'order', {'turn': 3, 'key': 'k'})
    await soon(lambda: bar.props['order'] and not bar.props['order']['running'])
    done: Any = bar.props['order']
    assert done['title'] == 'תביעה אחת עודכנה'
    await soon(
        lambda: dana.rows[0]['no'] == numbers[1] and dana.rows[0]['status']['label'] == staff.rows[0]['status']['label']
    )

    later = await desk(portal, 'staff')
    await soon(lambda: later.one(BulkBar).props['order'])
    later.send(BulkBar, 'away')
    await soon(lambda: later.one(BulkBar).props['order'] is None and bar.props['order'] is None)


async def test_a_browser_that_makes_up_orders_changes_nothing(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    rival, staff = await desk(portal, 'rival'), await desk(portal, 'staff')
    bar = rival.one(BulkBar)
    forbidden: list[dict[str, Any]] = [
        {'action': 'status', 'value': 'submitted'},
        {'action': 'x'},
        {'action': ['read']},
    ]
    for wish in forbidden:
        bar.props['plan'] = {}
        rival.send(BulkBar, 'plan', {**wish, 'turn': 1, 'numbers': [two[0].claim_no]})
        await soon(lambda: bar.props['plan'])
        assert bar.props['plan']['error']
    rival.send(BulkBar, 'plan', {'action': 'read', 'turn': 9, 'numbers': [two[0].claim_no]})
    await soon(lambda: bar.props['plan']['turn'] == 9)
    assert (bar.props['plan']['ready'], bar.props['plan']['groups']) == (0, [])
    made_up: list[Any] = [None, 'x', [], {'turn': 9}, {'numbers': 'x', 'all': 'yes'}]
    for nonsense in made_up:
        rival.send(BulkBar, 'plan', nonsense)
        rival.send(BulkBar, 'order', nonsense)
    rival.send(BulkBar, 'away')
    staff.send(BulkBar, 'plan', {'turn': 1, 'action': 'status', 'value': 'rejected', 'all': True})
    await soon(lambda: staff.one(BulkBar).props['plan'])
    assert 'סיבה' in staff.one(BulkBar).props['plan']['error']
    staff.send(BulkBar, 'plan', {'turn': 2, 'action': 'checked', 'all': True})
    await soon(lambda: staff.one(BulkBar).props['plan'].get('ready') == 2)
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(Claim, two[0].id).status == 'new'
