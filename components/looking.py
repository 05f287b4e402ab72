"""Looking at the portal as an agent: the banner on every page meanwhile, and the answer to whoever tries to change something."""

from html import escape

from starlette.responses import HTMLResponse, JSONResponse, Response

from components.marks import icon_html
from components.plain import plain_page
from db import values
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
    shown = t('You are looking as {name}', reader, name=actor.name)
    time = values.israel(until)
    ends = t('Nothing can be changed. Ends by itself at {time}.', reader, time=f'{time:%H:%M}')
    return (
        f'<div class="mk-look" role="status" data-testid="looking">{icon_html("visibility")}'
        f'<span><b>{escape(shown)}</b> <span>{escape(ends)}</span></span>'
        f'<form method="post" action="{STOP_LOOKING}"><button class="mk-btn mk-sm" data-testid="stop-looking">'
        f'{escape(t("Stop looking", reader))}</button></form></div>'
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
