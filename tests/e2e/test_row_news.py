"""A changed row on the wire: everybody who sees the claim is told, byte for byte nobody else is, and nobody who is gone."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from db.base import now
from db.claims import Claim, save_fields
from db.identity import account_of, sessions_of
from db.offices import actor_of
from db.scope import Actor
from db.session import connect, open_session
from tests.e2e.browsing import PASSWORD
from tests.e2e.conftest import Page, Server, Socket, Visitor, serving

pytestmark = pytest.mark.e2e
SYSTEM = Actor.system('test')


@pytest.fixture(scope='module')
def server(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The portal on demo data that the test writes to as another process does."""
    folder = tmp_path_factory.mktemp('news')
    shutil.copytree(demo_data, folder, dirs_exist_ok=True)
    url = f'sqlite:///{folder}/maakav.db'
    database = connect(url)
    with serving('app', folder, DATABASE_URL=url) as running:
        yield running
    database.close()


class Listener:
    """Somebody with the list open."""

    def __init__(self, server: Server, email: str) -> None:
        self.visitor = Visitor(server).sign_in(email, PASSWORD)
        self.page: Page = self.visitor.open()
        self.socket = Socket(server, self.page.query, self.visitor.cookie)
        assert self.socket.admitted

    def hears(self, claim_no: str, word: str) -> str:
        """The frame that tells of a claim in these words."""
        return self.socket.listen(lambda text: text.startswith('42["news"') and claim_no in text and word in text)

    def heard_since(self, seconds: float) -> str:
        """Everything that came within some seconds, whoever says it."""
        begun = len(self.socket.heard)
        with suppress(TimeoutError, ConnectionClosed):
            self.socket.listen(lambda _: False, seconds)
        return '\n'.join(text for _, text in self.socket.heard[begun:])


def changed(word: str) -> str:
    """A member of the bureau writes the daily update of a claim of the first office; its number."""
    with open_session(SYSTEM, reading=True) as session:
        staff = actor_of(session, account_of(session, 'staff@bureau.demo')[0] or 0)
        claim = session.scalars(select(Claim).where(Claim.office_id == 1, Claim.is_open).order_by(Claim.id)).first()
    assert staff is not None
    assert claim is not None
    with open_session(staff) as session:
        seen = session.get_one(Claim, claim.id).daily_note
        save_fields(session, claim.id, {'daily_note': (seen, word)}, now())
    return claim.claim_no


def test_another_office_never_hears_a_byte_of_it(server: Server) -> None:
    dana, colleague, bureau = (
        Listener(server, email) for email in ('dana@levi.demo', 'manager@levi.demo', 'staff2@bureau.demo')
    )
    rival = Listener(server, 'agent@cohen.demo')
    claim_no = changed('מילה-ראשונה')
    frame = dana.hears(claim_no, 'מילה-ראשונה')
    assert colleague.hears(claim_no, 'מילה-ראשונה') == frame
    [_, told] = json.loads(frame.removeprefix('42'))
    assert told['row']['unread']
    assert json.loads(bureau.hears(claim_no, 'מילה-ראשונה').removeprefix('42'))[1]['row']['seq'] == told['row']['seq']
    everything = rival.heard_since(1)
    assert claim_no not in everything
    assert 'מילה-ראשונה' not in everything
    assert '"news"' not in everything


def test_who_signed_out_hears_nothing_more(server: Server) -> None:
    dana, gone = Listener(server, 'dana@levi.demo'), Listener(server, 'yossi@levi.demo')
    with open_session(SYSTEM) as session:
        for kept in session.scalars(sessions_of(account_of(session, 'yossi@levi.demo')[0] or 0)):
            session.delete(kept)
    moment = time.monotonic()
    assert gone.socket.listen_to_the_end() - moment < 3, 'ended by another process'
    claim_no = changed('מילה-שנייה')
    dana.hears(claim_no, 'מילה-שנייה')
    assert 'מילה-שנייה' not in str(gone.socket.heard)


def test_a_frame_of_ones_own_making_tells_nobody_anything(server: Server) -> None:
    dana, rival = Listener(server, 'dana@levi.demo'), Listener(server, 'agent@cohen.demo')
    rival.socket.emit('news', {'number': 10**9, 'row': {'no': 'x', 'name': 'זיוף'}, 'fresh': True, 'quiet': False})
    assert 'זיוף' not in dana.heard_since(1)
    assert dana.hears(changed('מילה-שלישית'), 'מילה-שלישית'), 'her page goes on'
