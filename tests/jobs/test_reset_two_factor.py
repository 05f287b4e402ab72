"""Of the last admin who lost his phone: whoever keeps the machine lets him in again."""

import pytest

from db import identity
from db.admin_changes import admin_history
from db.base import now
from db.session import connect, fetch, open_session
from db.two_factor import is_on
from jobs import reset_two_factor
from tests.conftest import People
from tests.factories import SYSTEM, turn_on_two_factor


@pytest.fixture(autouse=True)
def installation(people: People, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('DATABASE_URL', database_url)
    for person in (people.admin, people.dana):
        with open_session(SYSTEM) as session:
            identity.keep_password(session, person.user_id or 0, 'hash', now())
        turn_on_two_factor(person, now())


def test_the_password_is_enough_again_and_the_record_says_who_did_it(
    people: People, database_url: str, capsys: pytest.CaptureFixture[str]
):
    reset_two_factor.main(['Admin@bureau.demo'])
    assert 'admin@bureau.demo' in capsys.readouterr().out.casefold()
    connect(database_url)
    with open_session(SYSTEM, reading=True) as session:
        assert not is_on(session, people.admin.user_id or 0)
        assert is_on(session, people.dana.user_id or 0)
        newest = fetch(session, admin_history(['users']))[0]
    assert (newest.kind, newest.by, newest.row_key) == ('two_factor_reset', 'terminal', str(people.admin.user_id))


@pytest.mark.parametrize('email', ['nobody@levi.demo', 'yossi@levi.demo', ''])
def test_whom_it_does_not_know_or_who_has_none_is_said(email: str):
    with pytest.raises(SystemExit) as end:
        reset_two_factor.main([email])
    assert str(end.value) not in ('', '0')
