"""The frame of every page: who may open it, the rail and top bar around it, and the one place where errors are told."""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from functools import wraps
from html import escape
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from nicegui import app, ui
from nicegui.translations import translations
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from components import accesses
from components.accesses import Seen
from components.admin_sections import SECTIONS
from components.bell import Bell
from components.live import ask, current_actor, jot, rung, written_html
from components.looking import LOOK_AS
from components.marks import avatar_html, icon_html, logo_svg, notice_html
from components.messages_link import MessagesLink
from components.palette import Palette
from components.plain import plain_page
from components.theme import amiss_html, asset, head_html
from components.words import day_words, html_once, language, t, unknown_text
from db import texts
from db.access_log import PAGE
from db.identity import SignedIn
from db.messages import mark_messages_delivered
from db.scope import Actor, Can
from db.standing import standing_of
from db.texts import N_, Told

log = logging.getLogger(__name__)

translations['he'] = {
    'connection_lost': 'החיבור נותק.',
    'trying_to_reconnect': 'מתחבר מחדש…',
    'message_too_long': 'ההודעה ארוכה מדי',
    'message_too_long_body': 'ההודעה גדולה מדי לשליחה. נא לקצר אותה.',
}


class Place(NamedTuple):
    """A place in the navigation."""

    key: str
    address: str
    icon: str
    label: str
    needs: Can
    on_phone: bool = True  # in the bar below; the others stand in the account menu there


# Where people can go; a place appears here when it exists.
PLACES = (
    Place('claims', '/', 'directions_car', N_('Claims'), Can.SEE_CLAIMS),
    Place('work', '/work', 'assignment', N_('Work'), Can.SEE_INTERNAL),
    Place('messages', '/messages', 'chat', N_('Messages'), Can.FOLLOW),
    Place('cheques', '/cheques', 'payments', N_('Cheques'), Can.FOLLOW),
    Place('reports', '/reports', 'monitoring', N_('Dashboard'), Can.SEE_REPORTS, on_phone=False),
    Place('alerts', '/alerts', 'notifications', N_('Alerts'), Can.FOLLOW),
    Place('import', '/import', 'upload_file', N_('Import'), Can.IMPORT, on_phone=False),
    Place('admin', '/admin', 'settings', N_('Administration'), Can.ADMINISTER),
    Place('help', '/help', 'help', N_('Help'), Can.SEE_CLAIMS, on_phone=False),
    Place('account', '/account', 'person', N_('Settings'), Can.FOLLOW),
)
# where only the palette and links lead
_BESIDE = (
    Place('new', '/claims/new', 'add', N_('New claim'), Can.OPEN_CLAIM),
    Place('clients', '/reports/clients', 'badge', N_('Clients for renewal'), Can.SEE_CLAIMS),
    *(Place(key, f'/admin/{key}', shown.icon, shown.label, Can.ADMINISTER) for key, shown in SECTIONS.items()),
)


class NotFound(Exception):  # noqa: N818 - an answer, not a failure
    """What was asked for does not exist, or belongs to somebody else: the answer is the same."""


# seconds a page may take; then the person is told in our words, before NiceGUI tells him in its own
SLOWEST = 15
PORTAL_PAGES: dict[str, Can] = {}
# the list and the claim say themselves what is opened; the others show nobody but the person himself
_NOTED_OTHERWISE = frozenset({'claims', 'account', 'help'})


def portal_page(
    path: str, *, title: str, active: str, needs: Can = Can.SEE_CLAIMS, flow: bool = False
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[Response | None]]]:
    """Register a page of the portal at `path`, drawn inside the frame for those with the right; 404 for others.

    `flow` pages scroll as a whole; the others keep their frame still and scroll inside.
    """
    PORTAL_PAGES[path] = needs

    def register(build: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[Response | None]]:
        @wraps(build)
        async def page(*args: Any, **kwargs: Any) -> Response | None:
            actor, shown = current_actor(), True
            try:
                if not actor.may(needs):
                    raise NotFound
                _settle(actor, title)
                async with asyncio.timeout(SLOWEST) as patience:
                    with await _frame(actor, active, flow=flow):
                        await build(*args, **kwargs)
            except NotFound:
                shown = False
                return not_found(actor.language)
            except TimeoutError:
                if not patience.expired():
                    raise
                return _too_slow(actor.language, ui.context.client.request.url.path)
            finally:
                if active not in _NOTED_OTHERWISE or not actor.may(needs):
                    _note(actor, ui.context.client.request, shown=shown)
            return None

        ui.page(path, response_timeout=SLOWEST + 1)(page)
        return page

    return register


def _note(actor: Actor, request: Request, *, shown: bool) -> None:
    """Have the log of access say which page somebody opened, with what it was asked for, or was not let."""
    asked_for = unquote_plus(request.url.query)
    address = f'{request.url.path}?{asked_for}' if asked_for else request.url.path
    accesses.note(actor, Seen(PAGE, address, request.query_params.get('claim', ''), granted=shown))


def not_found(reader: str) -> Response:
    """The page for what is not there or not yours: one text for both."""
    return _message(
        404,
        reader,
        title=texts.t('Not found', reader),
        text=texts.t('The page or the claim was not found or does not belong to your office.', reader),
        button=texts.t('To the claims', reader),
        address='/',
    )


def not_understood(reader: str, text: str, address: str) -> Response:
    """The page for an address that asks for what there is not; `address` leads to where one asks anew."""
    title, button = texts.t('Not understood', reader), texts.t('Back', reader)
    return _message(400, reader, title=title, text=text, button=button, address=address)


def misread_note(unknown: Sequence[str]) -> None:
    """Say what of a page's address was not understood."""
    if unknown:
        ui.html(notice_html('misread', escape(unknown_text(unknown)))).classes('mk-misread')


def _too_slow(reader: str, address: str) -> Response:
    return _message(
        503,
        reader,
        title=texts.t('We could not load the page', reader),
        text=texts.t('It takes too long at the moment. Your data is safe; please try again in a minute.', reader),
        kind='error',
        button=texts.t('Try again', reader),
        address=address,
    )


def _message(status: int, reader: str, **told: str) -> Response:
    return HTMLResponse(plain_page('message.html', reader, **told), status)


def _settle(actor: Actor, title: str) -> None:
    client = ui.context.client
    client.page = copy(client.page)  # language and colours are the person's, the page is everybody's
    client.page.language = 'he' if actor.language == 'he' else 'en-US'
    client.page.dark = {'dark': True, 'light': False}.get(client.request.state.session.theme)
    ui.page_title(f'{t(title)} · {t("Maakav")}')
    ui.add_head_html(head_html(actor.language))
    looks = ' data-looks' if actor.only_looks else ''
    ui.add_body_html(
        f'{amiss_html(actor.language)}{_browser_words_html()}<script src="{asset("js/maakav.js")}"></script>'
        f'<script src="{asset("js/typed.js")}" data-person="{actor.user_id}"{looks}></script>'
    )
    ui.on_exception(tell)


@html_once
def _browser_words_html() -> str:
    words = {
        'now': t('now'),
        'minute': t('a minute ago'),
        'minutes': t('{n} min ago', n='{n}'),
        'hour': t('an hour ago'),
        'twoHours': t('two hours ago'),
        'today': t('today, {time}', time='{time}'),
        'yesterday': t('yesterday, {time}', time='{time}'),
        'live': t('Updating live'),
        'offline': t('Offline'),
        'copied': t('Copied'),
        'typed': t('The page was loaded anew. What you were typing is here again.'),
        'notCopied': t('Could not copy. Please select the text and copy it.'),
        'cut': t('What was pasted was cut: at most {limit} characters fit here.', limit='{limit}'),
        'close': t('Close'),
        **day_words(language()),
    }
    written = json.dumps(words, ensure_ascii=False).replace('<', '\\u003c')
    return f'<script type="application/json" id="maakav-words">{written}</script>'


# ---- errors -----------------------------------------------------------------------------------------------------------------


def tell(error: Exception) -> None:
    """Tell the person what went wrong."""
    say(told_of(error, language(), N_('Something went wrong on our side. Error no. {number}')), error=True)


def told_of(
    error: Exception,
    reader: str,
    text: str = N_('Something went wrong on our side, and nothing was changed. Error no. {number}'),
) -> str:
    """What went wrong: a broken rule in words, anything else as a number that stands in the log."""
    if isinstance(error, Told):
        return error.told(reader)
    return texts.t(text, reader, number=log_error(error))


def log_error(error: Exception) -> str:
    """Log an unexpected error under a short number and return the number."""
    number = secrets.token_hex(4)
    log.error('error %s', number, exc_info=error)
    return number


def say(text: str, *, error: bool = False) -> None:
    """Show a toast to the person of this page."""
    _sent = ui.run_javascript(f'maakav.say({json.dumps(text)}, {json.dumps(error)})')  # nobody waits for a toast


def register_errors() -> None:
    """Answer a page that failed to build with a number instead of its traceback, and an address that leads nowhere in our words."""

    def show(error: Exception) -> None:
        session: SignedIn | None = ui.context.client.request.state.session
        reader = session.actor.language if session is not None else 'he'
        ui.add_head_html(head_html(reader))
        title, number = texts.t('We could not load the page', reader), log_error(error)
        ui.page_title(f'{title} · {texts.t("Maakav", reader)}')
        with ui.element('main').classes('mk-empty'):
            ui.label(title).props('role=heading aria-level=1')
            ui.label(texts.t('Our fault, your data is safe. Error no. {number}', reader, number=number))

    app.on_page_exception(show)
    app.add_exception_handler(404, _nowhere)
    logging.getLogger('nicegui').addFilter(_is_no_refusal)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Whether the framework logs more than that somebody was told why not, which is what it should do."""
    return not isinstance(record.msg, Told)


async def _nowhere(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and request.scope.get('endpoint') not in (None, app):
        return await http_exception_handler(request, error)  # a file that is missing: nobody reads that as a page
    session = request.state.session
    return not_found(session.actor.language if session is not None else 'he')


# ---- the shell --------------------------------------------------------------------------------------------------------------


async def _frame(actor: Actor, active: str, *, flow: bool) -> Any:
    since, read = rung(), await ask(standing_of)
    if read.undelivered:
        await jot(mark_messages_delivered)
    counts = min(read.alerts, 99), min(read.messages, 99)
    places = _places(actor)
    here = ui.context.client.request
    with ui.element('div').classes('mk-app mk-flow' if flow else 'mk-app'):
        written_html(_rail_html(places, active, counts), tag='nav', ours=True).classes('mk-rail').props(
            f'aria-label="{t("Main navigation")}"'
        )
        with ui.element('header').classes('mk-top'):
            # what he prefers is the agent's own: who only looks changes none of it
            theme_html = '' if actor.only_looks else _theme_html(here.url.path)
            written_html(_search_html() + _find_html() + theme_html, ours=True).classes('mk-contents')
            MessagesLink(read.messages, since)
            Bell(read.alerts, since)
            office, theme = read.office or t('Claims bureau'), here.state.session.theme
            person = _person_html(actor, office, theme, here.url.path)
            written_html(person).classes('mk-contents')
        beside = (place for place in _BESIDE if actor.may(place.needs))
        Palette((place.address, place.icon, place.label) for place in (*places, *beside))
        main = ui.element('main').classes('mk-panel mk-pg' if flow else 'mk-panel').props('id=main tabindex=-1')
        with main:
            written_html(_offline_html(), ours=True).classes('mk-contents')
        written_html(
            _nav_html(tuple(place for place in places if place.on_phone), active, counts), tag='nav', ours=True
        ).classes('mk-bnav').props(f'aria-label="{t("Main navigation")}"')
    return main


# the parts that keep the numbers right find them by these names
_COUNTED = {'alerts': 'data-bell-count', 'messages': 'data-messages-count'}


@html_once
def _nav_html(places: tuple[Place, ...], active: str, counts: tuple[int, int]) -> str:
    items, counted = [], dict(zip(_COUNTED, counts, strict=True))
    for place in places:
        on = place.key == active
        badge = (
            f'<b class="mk-cnt" {_COUNTED[place.key]}{"" if counted[place.key] else " hidden"}>{counted[place.key]}</b>'
            if place.key in _COUNTED
            else ''
        )
        items.append(
            f'<a class="mk-navi{" mk-on" if on else ""}" href="{place.address}"{" aria-current=page" if on else ""}>'
            f'{icon_html(place.icon)}<span>{escape(t(place.label))}</span>{badge}</a>'
        )
    return ''.join(items)


@html_once
def _rail_html(places: tuple[Place, ...], active: str, counts: tuple[int, int]) -> str:
    home = f'<a class="mk-logo" href="/" aria-label="{escape(t("Maakav, home"))}">{logo_svg()}</a>'
    skip = f'<a class="mk-skip" href="#main">{escape(t("Skip to the content"))}</a>'
    return skip + home + _nav_html(places, active, counts)


@html_once
def _search_html() -> str:
    hint = escape(t('Search claim, plate or client'))
    return (
        f'<a class="mk-logo" href="/" aria-label="{escape(t("Maakav, home"))}">{logo_svg()}</a>'
        f'<form class="mk-gsearch" role="search" action="/" method="get">{icon_html("search")}'
        f'<input type="hidden" name="view" value="all">'
        f'<input type="search" name="q" maxlength="100" autocomplete="off" placeholder="{hint}" aria-label="{hint}">'
        f'<button type="button" class="mk-kbd" data-palette aria-label="{escape(t("Go to"))}">Ctrl K</button></form>'
        f'<span class="mk-sp"></span>'
    )


@html_once
def _find_html() -> str:
    return (
        f'<button type="button" class="mk-ib mk-only-xs" data-palette data-testid="find" aria-label="{escape(t("Go to"))}">'
        f'{icon_html("search")}</button>'
    )


def _preference_html(button: str, back: str) -> str:
    return (
        f'<form method="post" action="/account/preferences"><input type="hidden" name="back" '
        f'value="{escape(back)}">{button}</form>'
    )


@html_once
def _theme_html(back: str) -> str:
    """Light and dark by one click; the stylesheet shows the one that is not on."""

    def button(value: str, label: str, icon: str) -> str:
        return (
            f'<button class="mk-ib mk-hide-sm mk-to-{value}" name="theme" value="{value}" aria-label="{escape(label)}" '
            f'title="{escape(label)}">{icon_html(icon)}</button>'
        )

    return _preference_html(
        button('dark', t('Dark display'), 'dark_mode') + button('light', t('Light display'), 'light_mode'), back
    )


def _places(actor: Actor) -> tuple[Place, ...]:
    """Where somebody can go; the account is for the person himself alone."""
    open_to_him = (place for place in PLACES if actor.may(place.needs))
    return tuple(place for place in open_to_him if not actor.only_looks or place.key != 'account')


@html_once
def _person_html(actor: Actor, office: str, theme: str, back: str) -> str:
    name = escape(actor.name)
    elsewhere = [(place.address, place.icon, place.label) for place in _places(actor) if not place.on_phone]
    links = [] if actor.only_looks else [('/account', 'person', N_('My account'), '')]
    if actor.may(Can.LOOK_AS):
        links.append((LOOK_AS, 'visibility', N_('Look as an agent'), ''))
    links += [(address, icon, label, ' mk-only-sm') for address, icon, label in elsewhere]
    links.append(('/accessibility', 'visibility', N_('Accessibility statement'), ''))
    return (
        f'<span class="mk-vr"></span><details class="mk-drop"><summary class="mk-user" aria-label="{escape(t("Account menu"))}">'
        f'{avatar_html(actor.name)}<span><span class="mk-nm">{name}</span>'
        f'<span class="mk-org">{escape(office)}</span></span>{icon_html("expand_more", "mk-s18 mk-t3")}</summary>'
        f'<div class="mk-pop mk-menu">'
        + ''.join(
            f'<a class="mk-mi{only}" href="{address}">{icon_html(icon)}<span>{escape(t(label))}</span></a>'
            for address, icon, label, only in links
        )
        + ('' if actor.only_looks else _choices_html(theme, back))
        + f'<div class="mk-hr"></div><form method="post" action="/logout"><button class="mk-mi" data-testid="logout">'
        f'{icon_html("logout", "mk-flip")}<span>{escape(t("Log out"))}</span></button></form></div></details>'
    )


def _choices_html(theme: str, back: str) -> str:
    def choice(what: str, value: str, label: str, icon: str, *, on: bool) -> str:
        mark = icon_html('check') if on else ''
        return _preference_html(
            f'<button class="mk-mi{" mk-cur" if on else ""}" name="{what}" value="{value}">{icon_html(icon)}'
            f'<span class="mk-grow">{escape(label)}</span>{mark}</button>',
            back,
        )

    themes = (
        ('auto', t('As the device'), 'devices'),
        ('light', t('Light'), 'light_mode'),
        ('dark', t('Dark'), 'dark_mode'),
    )
    languages = (('he', 'עברית'), ('en', 'English'))
    return (
        f'<div class="mk-hr"></div>'
        f'<div class="mk-gh">{escape(t("Display"))}</div>'
        + ''.join(choice('theme', value, label, icon, on=theme == value) for value, label, icon in themes)
        + f'<div class="mk-gh">{escape(t("Language"))}</div>'
        + ''.join(choice('language', value, label, 'translate', on=language() == value) for value, label in languages)
    )


@html_once
def _offline_html() -> str:
    shown = escape(t('Showing the state of {time}. You can go on reading.', time='{time}'))
    since = '<bdi class="mk-num" dir="ltr" data-since></bdi>'
    return (
        f'<div class="mk-offb" role="status" data-offline hidden>{icon_html("cloud_off")}'
        f'<span><b>{escape(t("Connection lost, reconnecting…"))}</b> '
        f'{shown.replace("{time}", since)}</span><span class="mk-sp"></span>'
        f'<button type="button" class="mk-btn mk-sm" data-reconnect>{escape(t("Try again"))}</button></div>'
    )
