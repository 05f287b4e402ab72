"""My account: what I am alerted of is mine to choose, except what must not be missed."""

from functools import partial
from typing import Any

from fastapi import FastAPI

from components import accesses
from components.accesses import Seen
from components.alert_choices import AlertChoices
from db import alert_choices
from db.access_log import SIGN_IN
from db.alert_kinds import APP, EVENTS, MAIL
from db.offices import AgentOffice, User
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


async def account(portal: FastAPI, who: str) -> tuple[Open, AlertChoices]:
    user = await signed_in(portal, EMAILS[who])
    page = Open(user, await user.open('/account'))
    return page, page.of(AlertChoices)[0]


def rows(matrix: AlertChoices) -> dict[str, dict[str, Any]]:
    return {row['event']: row for group in matrix.props['groups'] for row in group['rows']}


def wants(actor: Actor, event: str, channel: str) -> bool:
    with open_session(actor, reading=True) as session:
        return alert_choices.wants(session, actor.user_id or 0, event, channel)


async def test_every_event_stands_in_the_matrix_and_a_choice_is_saved_at_once(portal: FastAPI, people: People) -> None:
    page, matrix = await account(portal, 'dana')
    assert set(rows(matrix)) == set(EVENTS)
    page.send(matrix, 'choose', {'event': 'calls', 'channel': APP, 'wanted': False})
    await soon(lambda: matrix.props['saved'] == 1)
    await soon(lambda: rows(matrix)['calls']['on'] == {APP: False, MAIL: False})
    assert not wants(people.dana, 'calls', APP)
    assert wants(people.yossi, 'calls', APP)


async def test_what_must_not_be_missed_is_locked_and_says_why(portal: FastAPI, people: People) -> None:
    page, matrix = await account(portal, 'dana')
    for event in ('money', 'cheques'):
        assert rows(matrix)[event]['locked'] == {APP: True, MAIL: False}
        assert 'מוצג תמיד' in rows(matrix)[event]['why']
    page.send(matrix, 'choose', {'event': 'cheques', 'channel': APP, 'wanted': False})
    page.send(matrix, 'choose', {'event': 'cheques', 'channel': MAIL, 'wanted': False})
    await soon(lambda: matrix.props['saved'] == 1)
    await soon(lambda: rows(matrix)['cheques']['on'] == {APP: True, MAIL: False})
    assert wants(people.dana, 'cheques', APP)


async def test_one_sees_ones_own_sign_ins_and_the_tries_that_failed(portal: FastAPI, people: People) -> None:
    for person, granted in ((people.dana, False), (people.yossi, True)):
        accesses.note(person, Seen(SIGN_IN, address='10.9.9.9', granted=granted))
    accesses.write()
    page, _ = await account(portal, 'dana')
    shown = page.everything()
    assert shown.count('10.9.9.9') == 1
    assert 'אחד הניסיונות נכשל' in shown


HOSTILE: tuple[Any, ...] = (
    *(None, 'calls', [], {}),
    *({'event': event, 'channel': APP, 'wanted': False} for event in (['calls'], 'x', None)),
    *({'event': 'calls', 'channel': channel, 'wanted': False} for channel in ('fax', 'APP', None)),
    {'event': 'calls', 'channel': APP, 'wanted': 'no'},
)


def _saved(matrix: Any, times: int) -> bool:
    return bool(matrix.props['saved'] == times)


async def test_a_hostile_browser_chooses_nothing(portal: FastAPI, people: People) -> None:
    page, matrix = await account(portal, 'dana')
    for times, sent in enumerate(HOSTILE, 1):
        page.send(matrix, 'choose', sent)
        page.send(matrix, 'claims', sent)
        page.send(matrix, 'choose', {'event': 'tasks', 'channel': APP, 'wanted': times % 2 == 0})
        await soon(partial(_saved, matrix, times))
        assert wants(people.dana, 'calls', APP), sent


async def test_of_which_claims_is_asked_where_there_is_a_choice(portal: FastAPI, people: People) -> None:
    page, matrix = await account(portal, 'dana')
    assert matrix.props['claims'] == 'all'
    page.send(matrix, 'claims', 'own')
    await soon(lambda: matrix.props['claims'] == 'own')
    with open_session(people.dana, reading=True) as session:
        assert session.get_one(User, people.dana.user_id).only_own_alerts
    _, of_staff = await account(portal, 'staff')
    assert of_staff.props['claims'] == ''
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    _, again = await account(portal, 'dana')
    assert again.props['claims'] == ''
