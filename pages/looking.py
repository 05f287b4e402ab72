"""`/look-as`: the bureau looks at the portal as an agent, to see what he sees; `POST /look-as` begins it, `POST /look-as/end` ends it."""

from collections.abc import Sequence
from html import escape
from typing import Annotated

import structlog
from fastapi import FastAPI, Form, Request
from nicegui import ui
from starlette.responses import RedirectResponse, Response

from components import accesses, sessions
from components.accesses import Seen
from components.frame import not_found, not_understood, portal_page
from components.live import ask, work_as
from components.looking import LOOK_AS, STOP_LOOKING
from components.marks import icon_html
from components.words import t
from db.access_log import LOOK
from db.accounts import ROLES
from db.base import now
from db.identity import SignedIn
from db.looking import REASON_AT_MOST, begin_look, end_look, people_to_look_as
from db.offices import User
from db.scope import Can, Role
from db.texts import N_, ClaimError

log = structlog.get_logger(__name__)
Field = Annotated[str, Form()]


@portal_page(LOOK_AS, title=N_('Look as an agent'), active='', needs=Can.LOOK_AS, flow=True)
async def look_page(person: str = '') -> None:
    """As whom, and why."""
    people = await ask(people_to_look_as)
    ui.html(f'<div class="mk-ph"><h1>{escape(t("Look as an agent"))}</h1></div>').classes('mk-contents')
    with ui.element('div').classes('mk-page'):
        ui.html(_form_html(people, person)).classes('mk-card')


def add_routes(portal: FastAPI) -> None:
    """Register what the page and the banner post to."""

    @portal.post(LOOK_AS)
    async def begin(request: Request, person: Field = '', reason: Field = '') -> Response:
        present: SignedIn = request.state.session
        actor, user_id = present.actor, int(person) if person.isdecimal() and len(person) < 10 else 0
        refused = Seen(LOOK, reason, granted=False, as_whom=user_id or None)
        if not actor.may(Can.LOOK_AS):
            accesses.note(actor, refused)
            return not_found(actor.language)
        try:
            await work_as(actor, begin_look, present.token_hash, user_id, reason, now())
        except ClaimError as refusal:
            accesses.note(actor, refused)
            return not_understood(actor.language, refusal.told(actor.language), f'{LOOK_AS}?person={user_id}')
        log.info('looks as an agent', looks_as=user_id)
        sessions.forget()
        return RedirectResponse('/', 303)

    @portal.post(STOP_LOOKING)
    async def end(request: Request) -> Response:
        present: SignedIn = request.state.session
        await work_as(present.actor.really, end_look, present.token_hash, now())
        sessions.forget()
        return RedirectResponse('/', 303)


def _form_html(people: Sequence[tuple[str, Sequence[User]]], chosen: str) -> str:
    told = (
        t('You see the portal just as this person sees it, and can change nothing meanwhile.'),
        t('The log of access keeps who looked, as whom and why, and what was opened. The person sees when you looked.'),
    )
    groups = ''.join(
        f'<optgroup label="{escape(office)}">{"".join(_option_html(user, chosen) for user in users)}</optgroup>'
        for office, users in people
    )
    return (
        f'<div class="mk-hd">{icon_html("visibility", "mk-lead")}<h2>{escape(t("Read only, for half an hour"))}</h2></div>'
        f'<form class="mk-bd mk-stack" method="post" action="{LOOK_AS}" data-testid="look-as">'
        + ''.join(f'<p class="mk-t2">{escape(line)}</p>' for line in told)
        + f'<label class="mk-fld"><span class="mk-sm mk-b">{escape(t("As whom"))}</span>'
        f'<select class="mk-size" name="person" required><option value=""></option>{groups}</select></label>'
        f'<label class="mk-fld"><span class="mk-sm mk-b">{escape(t("Why"))}</span><span class="mk-inp">'
        f'<input name="reason" required maxlength="{REASON_AT_MOST}" dir="auto" autocomplete="off"></span></label>'
        f'<div class="mk-row"><button class="mk-btn mk-p">{icon_html("visibility")}'
        f'<span>{escape(t("Begin to look"))}</span></button></div></form>'
    )


def _option_html(user: User, chosen: str) -> str:
    on = ' selected' if str(user.id) == chosen else ''
    return f'<option value="{user.id}"{on}>{escape(user.name)} · {escape(t(ROLES[Role(user.role)]))}</option>'
