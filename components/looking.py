"""Looking at the portal as an agent: the banner on every page meanwhile, and the answer to whoever tries to change something."""

from datetime import timedelta
from html import escape
from math import ceil

from starlette.responses import HTMLResponse, JSONResponse, Response

from components.marks import icon_html
from components.plain import plain_page
from components.theme import direction_of
from components.words import isolated
from db import values
from db.base import now
from db.identity import SignedIn
from db.scope import ONLY_LOOKING, Actor
from db.texts import t

LOOK_AS = '/look-as'
STOP_LOOKING = '/look-as/end'


def banner_html(session: SignedIn) -> str:
    """What stands above every page while somebody looks as an agent; nothing for everybody else."""
    actor, until = session.actor, session.looks_until
    if actor.looker is None or until is None:
        return ''
    reader = actor.looker.language
    shown = t('You are looking as {name}', reader, name=isolated(actor.name))
    told = t(
        'Nothing can be changed · {n} min left, until {time}', reader, time=f'{values.israel(until):%H:%M}', n='{n}'
    )
    minutes = max(1, ceil((until - now()) / timedelta(minutes=1)))
    left = (
        f'<span data-looks-until="{until.isoformat()}" data-told="{escape(told)}">'
        f'{escape(told.replace("{n}", str(minutes)))}</span>'
    )
    return (
        f'<aside class="mk-look" aria-label="{escape(t("Look as an agent", reader))}" dir="{direction_of(reader)}" lang="{reader}" data-testid="looking">'
        f'{icon_html("visibility")}<p><b>{escape(shown)}</b>{left}</p>'
        f'<form method="post" action="{STOP_LOOKING}"><button class="mk-btn mk-sm" data-testid="stop-looking">'
        f'{escape(t("Stop looking", reader))}</button></form></aside>'
    )


def looking_refused(actor: Actor, *, as_page: bool, reads: bool) -> Response:
    """The answer to what somebody who only looks may not do, or see."""
    reader = actor.language
    text = t('The account is for the person himself alone.', reader) if reads else t(ONLY_LOOKING, reader)
    status = 404 if reads else 403
    if not as_page:
        return JSONResponse({'error': text}, status)
    title, button = t('Not found', reader) if reads else t('Nothing was changed', reader), t('To the claims', reader)
    page = plain_page('message.html', reader, title=title, text=text, button=button, address='/')
    return HTMLResponse(page, status)
