"""The portal in a page test: signed-in people, the pages they have open, and what stands on them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from nicegui import Client
from nicegui.elements.html import Html
from nicegui.testing import User

from components import frame, live
from components.claim_head import TABS, ClaimHead
from components.claim_sections import ClaimSections
from db import identity
from db.base import now
from db.claims import Claim
from db.session import connect, open_session
from tests.conftest import People, copy_of
from tests.factories import PASSWORD, SYSTEM
from tests.portal import signed_in, simulated_portal
from tests.waiting import soon


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind is enough here: the questions and verbs are tested on both."""
    return sqlite_url


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pages tell in passing, of what nobody answered."""
    told: list[str] = []
    monkeypatch.setattr(frame, 'say', lambda text, **_: told.append(text))
    return told


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, '_HASHES', identity._HASHES.copy(argon2__memory_cost=64, argon2__time_cost=1))


@pytest.fixture(scope='session')
def sqlite_people(
    sqlite_people: tuple[str, People], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, People]]:
    """The people of the tests, some of whom have a password."""
    empty, people = sqlite_people
    with copy_of(empty, tmp_path_factory.mktemp('people')) as url:
        connected = connect(url)
        with open_session(SYSTEM) as session:
            for actor in (people.manager, people.dana, people.rival, people.staff, people.staff2):
                identity.set_password(session, actor.user_id or 0, PASSWORD, now())
        connected.close()
        yield url, people


@pytest.fixture
async def portal(database_url: str, people: People) -> AsyncIterator[FastAPI]:
    async with simulated_portal(database_url) as portal:
        yield portal


EMAILS = {
    'manager': 'manager@levi.demo',
    'dana': 'dana@levi.demo',
    'rival': 'agent@cohen.demo',
    'staff': 'staff@bureau.demo',
    'staff2': 'staff2@bureau.demo',
}


@pytest.fixture
async def admin(portal: FastAPI, people: People) -> AsyncIterator[User]:
    """Who administers, signed in."""
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    user = await signed_in(portal, 'admin@bureau.demo')
    yield user
    await user.http_client.aclose()


@dataclass
class Open:
    """A claim page somebody has open."""

    user: User
    client: Client

    def of(self, kind: type) -> list[Any]:
        return [element for element in self.client.elements.values() if isinstance(element, kind)]

    @property
    def sections(self) -> ClaimSections:
        found: ClaimSections = self.of(ClaimSections)[0]
        return found

    def section(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = shown_by(self.sections, 'sections')[name]
        return found

    def rows(self) -> dict[str, dict[str, Any]]:
        """All rows of the sections, with what this page was answered."""
        rows = [row for section in shown_by(self.sections, 'sections').values() for row in section['fields']]
        return {row['name']: row | self.sections.props['touched'].get(row['name'], {}) for row in rows}

    def row(self, name: str) -> dict[str, Any]:
        return self.rows().get(name, {})

    def html(self) -> str:
        """What is written as HTML: the record of a claim."""
        return ''.join(shown_by(element, 'innerHTML') for element in self.of(Html))

    def everything(self) -> str:
        shown = [{name: shown_by(element, name) for name in element.props} for element in self.client.elements.values()]
        return str(shown)

    async def open_tabs(self, *tabs: str) -> None:
        """Open these tabs of a claim's page one after the other, all of them when none is named; each is drawn when it is opened first."""
        for tab in tabs or (*TABS, 'overview'):
            panel = next(part for part in self.client.elements.values() if part.props.get('id') == f'panel-{tab}')
            self.send(self.of(ClaimHead)[0], 'tab', tab)
            await soon(partial(_is_open, panel))
        await asyncio.sleep(0.1)

    def send(self, element: Any, event: str, args: Any = None) -> None:
        interaction = self.user.find(kind=type(element))
        interaction.elements = {element}
        interaction.trigger(event, args)

    async def answer(self, element: Any, event: str, args: Any = None) -> dict[str, Any]:
        """Send it; what the form is answered. The browser heeds an answer by its turn, which grows with each."""
        turn = _turn(element)
        self.send(element, event, args)
        await soon(lambda: _turn(element) > turn)
        answer: dict[str, Any] = element.props['answer']
        return answer

    async def save(self, name: str, raw: str, **more: Any) -> dict[str, Any]:
        row = self.row(name)
        turn = row.get('turn', 0)
        asked = {'name': name, 'seen': row['value'], 'raw': raw, 'reason': '', 'anyway': False, **more}
        self.send(self.sections, 'save', asked)
        await soon(lambda: self.row(name).get('turn', 0) > turn)
        return self.row(name)


def shown_by(element: Any, name: str) -> Any:
    """What an element shows, also when it keeps it as it travels."""
    return orjson.loads(orjson.dumps(element.props[name]))


def _turn(element: Any) -> int:
    answer = element.props['answer']
    return answer['turn'] if answer else 0


def _is_open(panel: Any) -> bool:
    return bool(panel.visible and panel.default_slot.children)


async def calm() -> None:
    """Until nothing has rung for a while: what follows a change (tasks, alerts, silences) rings too."""
    rung = -1
    while rung != live.rung():
        rung = live.rung()
        await asyncio.sleep(0.3)


Opener = Callable[..., Awaitable[Open]]


@pytest.fixture
def tab() -> str:
    """Which tab claim pages are opened with; what is told of another one has a fixture of its own."""
    return ''


@pytest.fixture
async def open_page(portal: FastAPI, tab: str) -> AsyncIterator[Opener]:
    users: dict[str, User] = {}

    async def opened(who: str, claim: Claim, query: str = '') -> Open:
        if who not in users:
            users[who] = await signed_in(portal, EMAILS[who])
        user = users[who]
        asked = query or (f'?tab={tab}' if tab else '')
        return Open(user, await user.open(f'/claims/{claim.claim_no}{asked}'))

    yield opened
    for user in users.values():
        await user.http_client.aclose()
