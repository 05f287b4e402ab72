"""The list as one likes it: columns, saved and quick views, and the palette; whatever a browser makes up changes nothing."""

import asyncio
import io
import json
import zipfile
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI
from nicegui import ui
from nicegui.testing import User

from components.bulk_bar import BulkBar
from components.claims_list import ClaimsBar, ClaimsTable
from components.list_columns import ColumnsMenu
from components.list_views import ViewsMenu
from components.palette import Palette
from db import alerts, list_state, views
from db import papers as taken
from db.base import now
from db.list_state import ListState
from db.session import open_session
from tests import papers
from tests.conftest import People
from tests.factories import make_claim
from tests.pages.conftest import shown_by
from tests.pages.test_claims import Desk, desk
from tests.pages.test_files import send
from tests.waiting import soon


def shown(page: Desk) -> list[str]:
    return [column['name'] for column in shown_by(page.one(ClaimsTable), 'columns')]


def saved(page: Desk) -> dict[str, str]:
    """Name → key of the saved views in the menu."""
    return {view['label']: view['key'] for group in page.one(ViewsMenu).props['groups'] for view in group['views']}


async def test_columns_are_chosen_once_and_stay(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, insurer_claim_no='998877', next_action='לחזור למוסך')
    dana = await desk(portal, 'dana')
    assert shown(dana) == list(list_state.DEFAULT_COLUMNS)
    assert 'insurer_claim_no' not in dana.rows[0], 'what is not shown does not travel'
    dana.send(ColumnsMenu, 'columns', ['next_action', 'insured_id_no', 'insurer_claim_no', 'office', 7])
    await soon(lambda: shown(dana) == ['insured_name', 'next_action', 'insurer_claim_no'])
    assert (dana.rows[0]['next_action'], dana.rows[0]['insurer_claim_no']) == ('לחזור למוסך', '998877')
    dana.send(ColumnsMenu, 'density', 'dense')
    await soon(lambda: dana.one(ClaimsTable).props['dense'])
    again, other = await desk(portal, 'dana'), await desk(portal, 'manager')
    assert (shown(again), again.one(ClaimsTable).props['dense']) == (shown(dana), True)
    assert shown(other) == list(list_state.DEFAULT_COLUMNS)
    assert shown(await desk(portal, 'dana', '/?columns=plate,garage')) == ['insured_name', 'plate', 'garage']
    named = await desk(portal, 'dana', '/?columns=plate,garage')
    again.send(ColumnsMenu, 'columns', [])
    again.send(ColumnsMenu, 'density', 'usual')
    await soon(lambda: shown(again) == list(list_state.DEFAULT_COLUMNS))
    # what one chooses in one window, one has in the other, but where its address says otherwise
    await soon(lambda: shown(dana) == shown(again) and not dana.one(ClaimsTable).props['dense'])
    chosen = [column['name'] for column in shown_by(dana.one(ColumnsMenu), 'columns') if column['on']]
    assert chosen == list(list_state.DEFAULT_COLUMNS)
    assert shown(named) == ['insured_name', 'plate', 'garage']


async def test_a_view_is_saved_opened_pinned_changed_and_forgotten(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff, status='in_repair', repair_stage='paint', plate='7654321')
    make_claim(people.levi, people.staff)
    dana = await desk(portal, 'dana', '/?status=in_repair&sort=plate&columns=plate,garage&page=1')
    assert len(dana.rows) == 1
    dana.send(ViewsMenu, 'save', {'name': ' בתיקון ', 'shared': False})
    await soon(lambda: 'בתיקון' in saved(dana))
    key = saved(dana)['בתיקון']
    assert dana.one(ViewsMenu).props['here'] == key

    later = await desk(portal, 'dana')
    later.send(ViewsMenu, 'open', key)
    await soon(lambda: len(later.rows) == 1)
    assert shown(later) == ['insured_name', 'plate', 'garage']
    later.send(ViewsMenu, 'edit', {'key': key, 'order': 'pin'})
    await soon(lambda: dana.one(ViewsMenu).props['pins'] == [key])
    later.send(ViewsMenu, 'edit', {'key': 'stuck', 'order': 'pin'})
    await soon(lambda: dana.one(ViewsMenu).props['pins'] == [key, 'stuck'])
    later.send(ViewsMenu, 'order', ['stuck', None, key, {}])
    await soon(lambda: dana.one(ViewsMenu).props['pins'] == ['stuck', key])
    assert (await desk(portal, 'dana')).one(ViewsMenu).props['pins'] == ['stuck', key]
    later.send(ClaimsBar, 'clear', 1)
    await soon(lambda: len(later.rows) == 2 and later.one(ViewsMenu).props['here'] == '')
    later.send(ViewsMenu, 'edit', {'key': key, 'order': 'update'})
    later.send(ViewsMenu, 'edit', {'key': key, 'order': 'rename', 'name': 'הכל'})
    await soon(lambda: saved(dana) == {'הכל': key})
    with open_session(people.dana, reading=True) as session:
        assert views.views_of(session)[0].state.status == ()
    later.send(ViewsMenu, 'edit', {'key': key, 'order': 'delete'})
    await soon(lambda: saved(dana) == {} == saved(later))


async def test_only_those_who_may_share_a_view_and_nobody_touches_anothers(portal: FastAPI, people: People) -> None:
    with open_session(people.manager) as session:
        key = views.save_view(session, 'של המשרד', ListState(), now(), shared=True).key
    dana, rival = await desk(portal, 'dana'), await desk(portal, 'rival')
    assert (dana.one(ViewsMenu).props['mayShare'], list(saved(dana)), saved(rival)) == (False, ['של המשרד'], {})
    made_up: list[Any] = [None, 'x', [], {'key': key}, {'key': key, 'order': 'drop'}, {'key': ['x'], 'order': 'pin'}]
    orders = ('rename', 'update', 'pin_for_all', 'unpin_for_all', 'delete')
    forbidden = [{'key': key, 'order': order, 'name': 'x'} for order in orders]
    for page in (dana, rival):
        page.send(ViewsMenu, 'save', {'name': 'לכולם', 'shared': True})
        for nonsense in [*made_up, *forbidden]:
            page.send(ViewsMenu, 'edit', nonsense)
            page.send(ViewsMenu, 'open', nonsense)
            page.send(ViewsMenu, 'seen', nonsense)
            page.send(ViewsMenu, 'order', nonsense)
    await asyncio.sleep(0.3)
    with open_session(people.manager, reading=True) as session:
        assert [
            (view.name, isinstance(view, views.SharedView) and view.pinned) for view in views.views_of(session)
        ] == [('של המשרד', False)]


async def test_quick_views_say_how_many_while_one_looks_and_follow_the_bureau(portal: FastAPI, people: People) -> None:
    dana = await desk(portal, 'dana')
    menu = dana.one(ViewsMenu)
    assert menu.props['counts'] == {}, 'nobody looks: nothing is counted'
    dana.send(ViewsMenu, 'seen', True)
    await soon(lambda: menu.props['counts'].get('for_me') == '0')
    make_claim(people.levi, people.staff, waiting_on='agent')
    make_claim(people.levi, people.staff, waiting_on='garage')
    await soon(lambda: menu.props['counts']['for_me'] == '1')
    dana.send(ViewsMenu, 'open', 'for_me')
    await soon(lambda: len(dana.rows) == 1 and menu.props['here'] == 'for_me')
    chip = next(chip for chip in shown_by(dana.one(ClaimsBar), 'filters') if chip['name'] == 'quick')
    assert chip['chosen'] == 'מחכים לי'
    dana.send(ClaimsBar, 'filter', ['quick', [], 1])
    await soon(lambda: len(dana.rows) == 2)


async def test_everything_is_marked_read_at_once(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff)
    dana, manager = await desk(portal, 'dana', '/?view=unread'), await desk(portal, 'manager')
    assert dana.counts['unread'] == '1'
    dana.send(ClaimsBar, 'read_all')
    await soon(lambda: dana.counts['unread'] == '0')
    assert manager.counts['unread'] == '1', 'mine is mine'


async def test_some_are_made_bold_again_at_once(portal: FastAPI, people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    dana = await desk(portal, 'dana')
    bar = dana.one(BulkBar)
    dana.send(BulkBar, 'plan', {'turn': 1, 'action': 'unread', 'numbers': [claim.claim_no]})
    await soon(lambda: bar.props['plan'] and bar.props['plan']['ready'] == 1)
    dana.send(BulkBar, 'order', {'turn': 1, 'key': 'k'})
    await soon(lambda: dana.rows[0]['unread'] and dana.counts['unread'] == '1')


async def test_some_are_read_at_once(portal: FastAPI, people: People) -> None:
    first, _ = (make_claim(people.levi, people.staff) for _ in range(2))
    dana = await desk(portal, 'dana')
    bar = dana.one(BulkBar)
    assert [(row['unread'], dana.counts['unread']) for row in dana.rows] == [(True, '2')] * 2
    dana.send(BulkBar, 'plan', {'turn': 1, 'action': 'read', 'numbers': [first.claim_no]})
    await soon(lambda: bar.props['plan'] and bar.props['plan']['ready'] == 1)
    dana.send(BulkBar, 'order', {'turn': 1, 'key': 'k'})
    await soon(lambda: dana.counts['unread'] == '1')
    assert {row['no'] for row in dana.rows if not row['unread']} == {first.claim_no}


async def test_the_documents_of_what_is_selected_come_as_one_zip_or_it_is_said_why_not(
    portal: FastAPI, people: People, toasts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(3)]
    foreign = make_claim(people.cohen, people.staff)
    dana, rival = await desk(portal, 'dana'), await desk(portal, 'rival')
    for sender, claim in ((dana, claims[0]), (dana, claims[1]), (rival, foreign)):
        assert (await send(sender.user.http_client, claim, 'a.jpg', papers.jpeg())).status_code == 201
    fetched: list[str] = []
    monkeypatch.setattr(ui, 'run_javascript', fetched.append)

    async def inside() -> set[str]:
        await soon(lambda: fetched)
        address = json.loads(fetched.pop().removeprefix('location.assign(').removesuffix(')'))
        answer = await dana.user.http_client.get(address)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return {name.partition('_')[0] for name in archive.namelist()}

    dana.send(BulkBar, 'pack', {'all': False, 'numbers': [claims[0].claim_no, claims[2].claim_no, foreign.claim_no]})
    assert await inside() == {claims[0].claim_no}
    dana.send(BulkBar, 'pack', {'all': True, 'numbers': []})
    assert await inside() == {claims[0].claim_no, claims[1].claim_no}
    made_up: list[Any] = [None, [], {'numbers': 'x'}, {'numbers': [None, 5]}]
    for empty in (*made_up, {'numbers': [claims[2].claim_no, foreign.claim_no]}):
        dana.send(BulkBar, 'pack', empty)
    await soon(lambda: len(toasts) == 5)
    assert {*toasts} == {'אין מסמכים בתביעות האלה.'}
    monkeypatch.setattr(taken, 'CLAIMS_AT_MOST', 2)
    dana.send(BulkBar, 'pack', {'all': True})
    await soon(lambda: len(toasts) == 6)
    assert toasts[-1] == 'אפשר להוריד בקובץ אחד מסמכים של עד 2 תביעות. נא לבחור פחות.'
    assert fetched == []


async def test_the_palette_leads_to_pages_that_stand_in_no_menu(portal: FastAPI, people: People, admin: User) -> None:
    dana, admins = await desk(portal, 'dana', '/account'), Desk(admin, await admin.open('/help'))
    assert await _pages_called(dana, 'תביעה חדשה') == ['/claims/new']
    assert await _pages_called(dana, 'יומן גישה') == []
    assert await _pages_called(admins, 'יומן גישה') == ['/admin/accesses']


async def _pages_called(page: Desk, typed: str) -> list[str]:
    palette = page.one(Palette)
    turn = palette.props['answer']['turn'] + 1
    page.send(Palette, 'ask', {'turn': turn, 'text': typed})
    await soon(lambda: palette.props['answer']['turn'] == turn)
    groups = {group['name']: group['items'] for group in palette.props['answer']['groups']}
    return [item['href'] for item in groups.get('pages', [])]


async def test_the_palette_answers_the_newest_question_under_scope(portal: FastAPI, people: People) -> None:
    mine = make_claim(people.levi, people.staff, insured_name='ורד שחר')
    make_claim(people.cohen, people.staff, insured_name='ורד אחרת')
    with open_session(people.dana) as session:
        views.save_view(session, 'ורדים', ListState(q='ורד'), now())
        alerts.visit(session, mine.id, now())
    dana = await desk(portal, 'dana', '/account')
    palette = dana.one(Palette)
    for nonsense in (None, 'x', {'turn': 'x', 'text': 'ורד'}, {'turn': True}, {'text': 'ורד'}):
        dana.send(Palette, 'ask', nonsense)
    dana.send(Palette, 'ask', {'turn': 1, 'text': ''})
    await soon(lambda: palette.props['answer']['turn'] == 1)
    groups = {group['name']: group['items'] for group in palette.props['answer']['groups']}
    assert [item['number'] for item in groups['claims']] == [mine.claim_no]
    assert {'/cheques', '/alerts'} <= {item['href'] for item in groups['pages']}
    assert '/admin' not in {item['href'] for item in groups['pages']}
    for turn, text in ((2, 'יוסי'), (3, ' ורד  ')):
        dana.send(Palette, 'ask', {'turn': turn, 'text': text})
    await soon(lambda: palette.props['answer']['turn'] == 3)
    groups = {group['name']: group['items'] for group in palette.props['answer']['groups']}
    assert [item['label'] for item in groups['claims']] == ['ורד שחר']
    assert [dict(parse_qsl(item['href'][2:])) for item in groups['views']] == [{'q': 'ורד'}]
    assert dict(parse_qsl(groups['search'][0]['href'][2:])) == {'view': 'all', 'q': 'ורד'}
    dana.send(Palette, 'ask', {'turn': 4, 'text': 'פניקס'})
    await soon(lambda: palette.props['answer']['turn'] == 4)
    groups = {group['name']: group['items'] for group in palette.props['answer']['groups']}
    assert [item['label'] for item in groups['firms']] == ['הפניקס']
    assert dict(parse_qsl(groups['firms'][0]['href'][2:])).keys() == {'view', 'insurer'}
    dana.send(Palette, 'ask', {'turn': 5, 'text': ' 🚗! '})
    await soon(lambda: palette.props['answer']['turn'] == 5)
    assert palette.props['answer']['groups'] == []
    assert 'אין במה שהוקלד אות או ספרה' in palette.props['answer']['told']
    dana.send(Palette, 'ask', {'turn': 2, 'text': 'יוסי'})
    await asyncio.sleep(0.2)
    assert palette.props['answer']['turn'] == 5, 'late questions are not asked again'
