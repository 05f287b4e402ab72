"""The alerts page: what happened by day and claim; by theme, unread or claim; and what one does about it."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from components.alerts_list import AlertsList, Asked
from components.bell import Bell
from components.claim_watch import ClaimWatchMenu
from components.theme import EVENT_LOOKS, STATIC_FOLDER
from components.words import _KINDS
from db import alerts
from db.alert_choices import watch_of
from db.alert_kinds import EVENTS, GROUPS, KINDS, events_of
from db.base import now
from db.claims import Claim, save_fields
from db.messages import Letter, ThreadKey, write_message
from db.session import open_session
from tests.conftest import People
from tests.factories import alert_everybody, make_claim
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in
from tests.waiting import soon


async def opened(portal: FastAPI, who: str, query: str = '') -> tuple[Open, AlertsList]:
    user = await signed_in(portal, EMAILS[who])
    page = Open(user, await user.open(f'/alerts{query}'))
    return page, page.of(AlertsList)[0]


def lines(screen: AlertsList) -> list[dict[str, Any]]:
    return [line for group in screen.props['days'] for line in group['lines']]


def claims(screen: AlertsList) -> list[str]:
    return [line['claim_no'] for line in lines(screen)]


def edit(people: People, claim: Claim, make_model: str) -> None:
    with open_session(people.staff) as session:
        before = session.get_one(Claim, claim.id).make_model
        save_fields(session, claim.id, {'make_model': (before, make_model)}, now())


@pytest.fixture
def two(people: People) -> tuple[Claim, Claim]:
    """Two claims everybody has seen: one got a message since, then the other one was edited."""
    written, edited = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff)
    make_claim(people.cohen, people.staff)
    alert_everybody()
    with open_session(people.dana) as session:
        alerts.mark_all_read(session, now())
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(people.levi, written.id), Letter('חסר אישור'), now())
    edit(people, edited, 'מאזדה')
    alert_everybody()
    return written, edited


async def test_alerts_are_found_by_theme_unread_and_claim(portal: FastAPI, two: tuple[Claim, Claim]) -> None:
    written, edited = two
    page, screen = await opened(portal, 'dana')
    assert claims(screen) == [edited.claim_no, written.claim_no]
    counts = {tab['key']: tab['count'] for tab in screen.props['tabs']}
    assert (counts[''], counts['changes'], counts['messages'], counts['cheques']) == (2, 1, 1, 0)
    page.send(screen, 'filter', {'theme': 'messages', 'unread': False, 'claim': ''})
    await soon(lambda: claims(screen) == [written.claim_no])
    assert screen.props['address'] == '/alerts?theme=messages'
    assert lines(screen)[0]['href'].endswith('?tab=messages')
    page.send(screen, 'filter', {'theme': '', 'unread': False, 'claim': edited.claim_no})
    # each alert of the claim for itself
    await soon(lambda: claims(screen) == [edited.claim_no] * 2)
    _, unread = await opened(portal, 'dana', '?unread=1&theme=changes')
    assert claims(unread) == [edited.claim_no]
    _, rivals = await opened(portal, 'rival', f'?claim={edited.claim_no}')
    assert edited.claim_no not in claims(rivals)


async def test_the_name_of_a_client_turns_no_line_around(portal: FastAPI, two: tuple[Claim, Claim]) -> None:
    _, screen = await opened(portal, 'dana')
    for line in lines(screen):
        assert line['name']
        assert line['title'] == f'{line["name"]} · {line["what"]}'
    # each is in a direction of its own; as one text, the first letter of the name would turn all of it
    for part, it in (('alerts_list.js', 'line'), ('bell.js', 'group')):
        drawn = (STATIC_FOLDER.parent / 'components' / part).read_text('utf-8')
        assert f'<bdi>{{{{ {it}.name }}}}</bdi> · <bdi>{{{{ {it}.what }}}}</bdi>' in drawn


async def test_one_line_is_marked_read_and_the_bell_follows(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    written, edited = two
    page, screen = await opened(portal, 'dana')
    page.send(screen, 'read', edited.claim_no)
    await soon(lambda: [line['unread'] for line in lines(screen)] == [False, True])
    await soon(lambda: page.of(Bell)[0].props['count'] == 1)
    edit(people, written, 'סובארו')
    await soon(lambda: claims(screen) == [written.claim_no, edited.claim_no])
    page.send(screen, 'read_all')
    await soon(lambda: not any(line['unread'] for line in lines(screen)))


async def test_a_claim_is_put_aside_from_its_alert(portal: FastAPI, people: People, two: tuple[Claim, Claim]) -> None:
    written, edited = two
    page, screen = await opened(portal, 'dana')
    page.send(screen, 'menu', edited.claim_no)
    menu = page.of(ClaimWatchMenu)[0]
    await soon(lambda: menu.props['turn'] == 1)
    assert menu.props['dialog']
    page.send(menu, 'act', {'act': 'snooze', 'pause': 'day'})
    await soon(lambda: claims(screen) == [written.claim_no, edited.claim_no])
    assert [line['unread'] for line in lines(screen)] == [True, False]
    with open_session(people.dana, reading=True) as session:
        watch = watch_of(session, edited.id)
        assert watch is not None
        assert watch.pause_at(now()) is not None


async def test_a_hostile_browser_gets_and_does_nothing(
    portal: FastAPI, people: People, two: tuple[Claim, Claim]
) -> None:
    strange = make_claim(people.cohen, people.staff)
    page, screen = await opened(portal, 'dana', '?theme=<script>&claim=' + 'x' * 500)
    assert (screen.props['tabs'][0]['on'], len(lines(screen))) == (True, 2)
    hostile: tuple[Any, ...] = (None, 5, [], 'x', strange.claim_no)
    for event in ('filter', 'read', 'menu'):
        for sent in hostile:
            page.send(screen, event, sent)
    page.send(screen, 'filter', {'theme': ['changes'], 'unread': 'x', 'claim': {'a': 1}})
    await soon(lambda: screen.props['unread'])
    page.send(screen, 'filter', {})
    await soon(lambda: len(lines(screen)) == 2)
    assert page.of(ClaimWatchMenu)[0].props['turn'] == 0


def test_the_address_says_what_is_shown() -> None:
    assert Asked.read({'theme': 'cheques', 'unread': '1', 'claim': '26-1'}).address == (
        '/alerts?theme=cheques&unread=1&claim=26-1'
    )
    assert Asked.read({'theme': 'nonsense'}).address == '/alerts'


def test_every_kind_of_alert_has_words_an_icon_and_a_theme() -> None:
    given = {
        'due': '2026-12-07',
        'amount': 1_850_000,
        'days': 14,
        'late': 1,
        'closed': 'Friday',
        'label': {'he': 'הודעה לחברה'},
        'title': 'לחזור ללקוח',
        'day': '2026-11-23',
        'name': 'דנה',
    }
    for name, kind in KINDS.items():
        told = ' '.join(kind.told({**dict.fromkeys(PLACEHOLDERS(kind.title + kind.detail), 'מילה'), **given}, 'he'))
        assert re.search('[א-ת]', told), name
        assert not re.search(r'[{}]|[A-Za-z]{3}', told), told
    for event, about in EVENTS.items():
        assert about.group in GROUPS
        assert EVENT_LOOKS[event].icon in ICONS, event
    for change in (*_KINDS, 'updated', 'opened'):
        assert events_of(f'claim.{change}')[0] in EVENTS, change


PLACEHOLDERS = re.compile(r'\{(\w+)\}').findall
ICONS = set((STATIC_FOLDER / 'fonts' / 'icons.txt').read_text('utf-8').split())
