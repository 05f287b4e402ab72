"""The health of the product: for machines without a word too much, for admins with what to do."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from nicegui import ui
from nicegui.testing import User

from components import accesses
from components.health_panel import backups_html, jobs_html
from db import access_seals, identity
from db.access_log import SEARCH, keep_accesses
from db.access_seals import seal_accesses
from db.base import now
from db.copies import BackupsKept
from db.engines import make_engine
from db.session import connect, fetch, open_session
from db.timetable import JobRun, heartbeats
from pages import health, metrics
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM
from tests.pages.conftest import Open
from tests.portal import signed_in
from tests.waiting import soon

HOUR = timedelta(hours=1)


async def stale(name: str) -> None:
    """Once the portal's own timetable stands, add a job that nobody runs."""
    for _ in range(20):
        with suppress(TimeoutError):
            await soon(lambda: len(jobs()) > 3)
    with open_session(SYSTEM) as session:
        session.add(JobRun(name=name, every_seconds=60, at_night=True, known_since=now() - HOUR))


def jobs() -> list[JobRun]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, heartbeats())


async def test_a_late_job_turns_the_probe_red_and_tells_strangers_nothing(portal: FastAPI, people: People) -> None:
    user = await signed_in(portal, 'dana@levi.demo')
    assert (await user.http_client.get('/readyz')).text == 'ready'
    await stale('made_up')
    for _ in range(30):  # an answer is believed for a second
        answer = await user.http_client.get('/readyz')
        if answer.status_code == 503:
            break
        await asyncio.sleep(0.1)
    assert (answer.status_code, answer.text) == (503, 'not ready')
    assert (await user.http_client.get('/healthz')).status_code == 200, 'it still serves'
    await user.http_client.aclose()


async def test_a_writer_that_gets_no_turn_is_told_in_time(
    portal: FastAPI, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, 'PATIENCE_SECONDS', 0.3)
    monkeypatch.setattr('jobs.health.BELIEVED_SECONDS', -1.0)
    user, engine = await signed_in(portal, 'dana@levi.demo'), make_engine(portal.state.settings.database_url)
    with engine.begin():
        asked = time.monotonic()
        answer = await user.http_client.get('/readyz')
        assert (answer.status_code, answer.text) == (503, 'not ready')
        assert time.monotonic() - asked < 2
    engine.dispose()
    monkeypatch.setattr(health, 'PATIENCE_SECONDS', 20.0)
    assert (await user.http_client.get('/readyz')).text == 'ready'
    await user.http_client.aclose()


async def test_a_loop_that_comes_late_is_told(portal: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, 'LAG_SECONDS', 0.1)

    async def hold_up() -> None:
        while True:
            time.sleep(0.2)  # noqa: ASYNC251 - that is what is wrong with it
            await asyncio.sleep(0)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url='http://test') as probe:
        held = asyncio.create_task(hold_up())
        answer = await probe.get('/healthz')
        held.cancel()
        assert (answer.status_code, answer.text) == (503, 'slow')
        monkeypatch.setattr(health, 'LAG_SECONDS', 1.0)
        answer = await probe.get('/healthz')
        assert (answer.status_code, answer.text) == (200, 'ok')


async def test_the_admin_sees_which_job_is_late_and_what_to_do(portal: FastAPI, people: People) -> None:
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    await stale('made_up')
    admin = await signed_in(portal, 'admin@bureau.demo')
    page = Open(admin, await admin.open('/admin/health'))
    shown = ' '.join(element.content for element in page.of(ui.html))
    assert all(part in shown for part in ('data-job="made_up"', 'באיחור', 'להפעיל את מעקב מחדש', 'התראות על המחאות'))
    await admin.http_client.aclose()
    for email in ('dana@levi.demo', 'manager@levi.demo', 'staff@bureau.demo'):
        user = await signed_in(portal, email)
        assert (await user.http_client.get('/admin/health')).status_code == 404
        await user.http_client.aclose()


async def test_the_admin_is_told_when_the_last_backup_is_too_old(portal: FastAPI, people: People) -> None:
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
    admin = await signed_in(portal, 'admin@bureau.demo')
    folder = portal.state.settings.backup_dir

    async def told() -> str:
        page = Open(admin, await admin.open('/admin/health'))
        return ' '.join(element.content for element in page.of(ui.html))

    assert 'הגיבוי הראשון ייעשה מעצמו' in await told(), 'a new installation is not frightened'
    folder.mkdir(parents=True)
    for ago, expected in ((48 * HOUR, 'ישן מדי'), (HOUR, 'הגיבוי האחרון:')):
        (folder / f'maakav-{now() - ago:%Y%m%dT%H%M%SZ}.tar').touch()
        (folder / f'maakav-{now():%Y%m%dT%H%M%SZ}-before-upgrade.tar').touch()
        assert expected in await told()
    assert 'ישן מדי' not in await told()
    assert 'השינויים שמאז נשמרו:' not in await told()
    (folder / f'maakav-{now():%Y%m%dT%H%M%SZ}-since-{now() - HOUR:%Y%m%dT%H%M%SZ}.tar').touch()
    assert 'השינויים שמאז נשמרו:' in await told()
    await admin.http_client.aclose()


def test_a_backup_is_too_old_after_half_as_much_again(monkeypatch) -> None:
    monkeypatch.setattr('components.words.language', lambda: 'he')
    moment = now()

    def told(newest: timedelta | None, hours: int = 24, waits: timedelta = HOUR) -> str:
        kept = BackupsKept(None if newest is None else moment - newest, 3, hours)
        return backups_html(kept, moment - waits, moment, 'he')

    assert 'תקין<' in told(35 * HOUR)
    assert 'ישן מדי' in told(37 * HOUR)
    assert 'ישן מדי' in told(10 * HOUR, 6)
    assert 'ישן מדי' in told(None, waits=37 * HOUR)
    assert 'עדיין אין' in told(None)
    assert 'BACKUP_HOURS=0' in told(None, 0)
    assert 'תקין<' in told(HOUR, 0), 'somebody else sees to it, every night'
    assert 'ישן מדי' in told(37 * HOUR, 0)


async def test_what_needs_help_comes_first(portal: FastAPI, people: People, monkeypatch) -> None:
    monkeypatch.setattr('components.words.language', lambda: 'he')
    moment = now()

    def job(name: str, **over: object) -> JobRun:
        return JobRun(
            name=name, every_seconds=60, at_night=True, known_since=moment, took_ms=200, **{'fails': 0, **over}
        )

    fine = job('alert_all', started_at=moment, ended_at=moment)
    running = job('follow_edits', started_at=moment, ended_at=moment - HOUR / 60)
    failed = job('empty_trash', fails=2, error='<b>1234', ended_at=moment)
    late = job('sweep_cheques', ended_at=moment - HOUR, fails=3, error='abcd5678')
    fresh = job('own_name')
    html = jobs_html([fine, running, fresh, failed, late], moment, 'he')
    assert [html.index(word) for word in ('באיחור', 'נכשלה ותנוסה', 'תקינה')] == sorted(
        html.index(word) for word in ('באיחור', 'נכשלה ותנוסה', 'תקינה')
    )
    assert all(part in html for part in ('abcd5678', '&lt;b&gt;1234', 'own_name', 'טרם רצה', 'רצה כעת', 'בכל דקה'))
    assert '<b>1234' not in html
    assert 'עדיין לא רצה' in jobs_html([], moment, 'he')


def test_a_database_that_is_away_takes_along_only_its_own_figures(tmp_path: Path, caplog) -> None:
    connected = connect(f'sqlite:///{tmp_path}/without-a-table.db')
    told = [figure.name for figure in metrics._Now().collect()]
    assert told == ['maakav_pages', 'maakav_sockets', 'maakav_guard_refused']
    assert 'no such table' in caplog.text
    connected.close()


def test_a_bug_in_the_figures_is_not_taken_for_a_database_that_is_away(monkeypatch) -> None:
    monkeypatch.setattr(metrics, '_of_the_database', lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        list(metrics._Now().collect())


async def test_a_log_of_access_that_stands_still_is_red_with_what_to_do(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told() -> str:
        page = Open(admin, await admin.open('/admin/health'))
        card = next(
            element for element in page.client.elements.values() if element.props.get('data-testid') == 'access-health'
        )
        return ''.join(part.content for part in card.descendants() if isinstance(part, ui.html))

    with open_session(SYSTEM) as session:
        keep_accesses(session, [{'at': now(), 'user_id': None, 'what': SEARCH}])
        session.flush()
        seal = seal_accesses(session, now(), 100)
    assert seal is not None
    assert seal.hash in await told()
    assert 'נעצר' not in await told()
    monkeypatch.setattr(access_seals, 'STOPPED', -HOUR)
    with open_session(SYSTEM) as session:
        keep_accesses(session, [{'at': now(), 'user_id': None, 'what': SEARCH}])
    assert 'אינו נחתם' in await told()
    monkeypatch.setattr(accesses, 'is_written', lambda: False)
    assert 'לא ניתן לכתוב ליומן הגישה' in await told()
