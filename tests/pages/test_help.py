"""The help page: every status in words, how things are done by those who may do them, and the keys."""

from html import escape

from fastapi import FastAPI

from db.offices import User
from db.reference import reference
from db.scope import Role
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM
from tests.pages.conftest import EMAILS, Open
from tests.portal import signed_in


async def help_of(portal: FastAPI, who: str) -> str:
    user = await signed_in(portal, EMAILS[who])
    return Open(user, await user.open('/help')).html()


async def test_every_status_and_stage_is_explained(portal: FastAPI) -> None:
    shown = await help_of(portal, 'dana')
    with open_session(SYSTEM) as session:
        words = reference(session)
        statuses = [(status.label, status.explanation) for status in words.statuses.values() if status.active]
        stages = [stage.label for stage in words.stages.values() if stage.active and stage.shown]
    assert statuses
    assert stages
    for label, explanation in statuses:
        assert f'>{escape(label)}</span>' in shown
        assert escape(explanation) in shown
    assert all(f'<li>{escape(stage)}</li>' in shown for stage in stages)
    assert 'לרוב בטיפול צוות התביעות' in shown
    assert 'לרוב אצל —' not in shown, 'a closed claim waits for nobody'
    assert '<kbd class=mk-kbd>Ctrl</kbd>' in shown


async def test_who_may_not_do_a_thing_is_not_told_how(portal: FastAPI, people: People) -> None:
    assert 'איך מוציאים טבלה לאקסל?' in await help_of(portal, 'dana')
    with open_session(SYSTEM) as session:
        session.get_one(User, people.dana.user_id).role = Role.READ_ONLY
    assert 'איך שואלים את צוות התביעות?' not in await help_of(portal, 'staff')
    shown = await help_of(portal, 'dana')
    assert 'איך מוצאים תביעה?' in shown
    assert 'איך מוציאים טבלה לאקסל?' not in shown
    assert 'איך שולחים מסמכים?' not in shown
