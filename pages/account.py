"""`/account`: who I am here, how I like to see things, what I am alerted of, my password, and where I am signed in."""

from html import escape
from typing import Any

from fastapi import FastAPI, Form, Request
from nicegui import ui
from starlette.responses import RedirectResponse

from components import guard
from components.access_panel import of_person_html
from components.alert_choices import AlertChoices
from components.frame import portal_page
from components.keys_card import keys_html
from components.live import ask, current_actor, work_as
from components.marks import avatar_html, chip_html, icon_html, num_html
from components.words import t
from db import values
from db.access_log import Access, own_looks, own_sign_ins
from db.accounts import ROLES
from db.api_keys import OwnKey, own_keys
from db.base import now
from db.mail import prefer_mail
from db.offices import AgentOffice, User, prefer
from db.scope import Actor, Can
from db.texts import N_
from db.two_factor import Standing, own_standing
from jobs import mail


def add_routes(portal: FastAPI) -> None:
    """Register what the account menu posts to."""

    @portal.post('/account/preferences')
    async def preferences(
        request: Request, language: str | None = Form(None), theme: str | None = Form(None), back: str = Form('/')
    ) -> RedirectResponse:
        actor: Actor = request.state.session.actor
        await work_as(actor, prefer, actor.user_id or 0, language=language, theme=theme)
        guard.forget_sessions_of(actor.user_id)
        return RedirectResponse(guard.same_site_path(back), 303)

    @portal.post('/account/mail')
    async def mail_choices(
        request: Request, digest: str | None = Form(None), any_time: str | None = Form(None)
    ) -> RedirectResponse:
        await work_as(request.state.session.actor, prefer_mail, digest=bool(digest), any_time=bool(any_time))
        return RedirectResponse('/account', 303)


@portal_page('/account', title=N_('My account'), active='account', needs=Can.FOLLOW, flow=True)
async def account_page() -> None:
    """The person's own account."""
    user, office, two_factor, signed_in, looks, keys = await ask(_me)
    ui.html(f'<div class="mk-ph"><h1>{escape(t("My account"))}</h1></div>').classes('mk-contents')
    with ui.element('div').classes('mk-page'):
        ui.html(_person_html(user, office)).classes('mk-card')
        choices = AlertChoices()
        ui.html(_mail_html(user)).classes('mk-card')
        ui.html(_safety_html(two_factor)).classes('mk-card')
        if current_actor().may(Can.USE_API):
            ui.html(keys_html(keys)).classes('mk-card')
        ui.html(of_person_html(signed_in, looks)).classes('mk-card')
    await choices.load()


def _me(session: Any) -> tuple[User, str, Standing, list[Access], list[Access], list[OwnKey]]:
    actor: Actor = session.info['actor']
    office = session.get(AgentOffice, actor.office_id) if actor.office_id else None
    return (
        session.get_one(User, actor.user_id),
        office.name if office else '',
        own_standing(session, now()),
        own_sign_ins(session),
        own_looks(session),
        own_keys(session, now()),
    )


def _person_html(user: User, office: str) -> str:
    role = t(ROLES[current_actor().role])
    lines = (
        (t('Office'), escape(office or t('Claims bureau'))),
        (t('Role'), escape(role)),
        (t('E-mail'), num_html(user.email or '')),
        (t('Since'), num_html(values.format_day(values.israel(user.created_at).date()))),
    )
    listed = ''.join(f'<div><dt>{escape(label)}</dt><dd>{value}</dd></div>' for label, value in lines)
    return (
        f'<div class="mk-hd">{avatar_html(user.name, "mk-s40")}<h2>{escape(user.name)}</h2></div>'
        f'<div class="mk-bd"><dl class="mk-dlist">{listed}</dl></div>'
    )


def _mail_html(user: User) -> str:
    told = t('Mail names a claim by its number only, and rests at night, on Shabbat and on feasts.')
    off = '' if mail.is_on() else f'<p class="mk-t2">{escape(t("Mail is off for everybody at the moment."))}</p>'
    lines = (
        ('digest', user.digest, t('A summary each working morning of what is new and what is due')),
        ('any_time', user.mail_any_time, t('Mail at any hour, also at night, on Shabbat and on feasts')),
    )
    boxes = ''.join(
        f'<label class="mk-tick"><input type="checkbox" class="mk-check" name="{name}" value="yes"{" checked" if on else ""}>'
        f'<span>{escape(label)}</span></label>'
        for name, on, label in lines
    )
    return (
        f'<div class="mk-hd">{icon_html("mail", "mk-lead")}<h2>{escape(t("Mail"))}</h2></div>'
        f'<form class="mk-bd mk-stack" method="post" action="/account/mail" data-testid="mail-choices">'
        f'<p class="mk-t2">{escape(told)}</p>{off}{boxes}<div class="mk-row">'
        f'<button class="mk-btn mk-s">{icon_html("check")}<span>{escape(t("Save"))}</span></button></div></form>'
    )


def _safety_html(two_factor: Standing) -> str:
    explained = t('Signing out everywhere ends every open page of yours at once, on every device.')
    chip = (
        chip_html('green', 'verified_user', t('On'), 'tiny')
        if two_factor.since
        else chip_html('slate', 'shield', t('Off'), 'tiny')
    )
    return (
        f'<div class="mk-hd">{icon_html("lock", "mk-lead")}<h2>{escape(t("Password and devices"))}</h2></div>'
        f'<div class="mk-bd mk-stack"><div class="mk-row mk-wrap2" data-testid="two-factor"><span>{escape(t("Two-step verification"))}</span>'
        f'{chip}<a class="mk-btn mk-s" href="{guard.SET_UP}">{icon_html("verified_user")}'
        f'<span>{escape(t("Manage two-step verification") if two_factor.since else t("Turn on two-step verification"))}</span></a></div>'
        f'<p class="mk-t2">{escape(explained)}</p><div class="mk-row mk-wrap2">'
        f'<a class="mk-btn mk-s" href="/account/password">{icon_html("key")}<span>{escape(t("Change password"))}</span></a>'
        f'<form method="post" action="/logout-everywhere"><button class="mk-btn mk-s" data-testid="logout-everywhere">'
        f'{icon_html("devices")}<span>{escape(t("Sign out everywhere"))}</span></button></form></div></div>'
    )
