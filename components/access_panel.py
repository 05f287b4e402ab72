"""The log of access as an admin looks through it: by person, by claim, by what was done, and only what was refused."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from nicegui import ui

from components.claim_rows import title_of as title_of_section
from components.live import ask, work
from components.marks import chip_html, icon_html, num_html
from components.words import isolated, label_of, language, t, tn
from db import values
from db.access_log import (
    LIST,
    NUMBER,
    WHAT,
    Access,
    Asked,
    accesses,
    last_review,
    review_accesses,
)
from db.base import now
from db.claims import FIELDS
from db.list_state import ListState
from db.list_words import Names, filter_names, filters_in_words, title_of

SHOWN = 200


@dataclass(frozen=True)
class Found:
    """What the panel shows: the lines, each with what was looked at in words; whether there are older ones; the last review."""

    lines: list[tuple[Access, str]]
    older: bool
    reviewed: Access | None


def read_accesses(session: Any, asked: Asked, reader: str) -> Found:
    """The newest accesses that are asked for."""
    found = accesses(session, asked, SHOWN + 1)
    names = filter_names(session, reader)
    lines = [(access, _told(session, access, reader, names)) for access in found[:SHOWN]]
    return Found(lines, len(found) > SHOWN, last_review(session))


def _told(session: Any, access: Access, reader: str, names: Names) -> str:
    if access.what == NUMBER and access.told in FIELDS:
        return f'{title_of_section(FIELDS[access.told].section, reader)} · {label_of(access.told, reader)}'
    if access.what != LIST:
        return access.told
    state = ListState.read(dict(parse_qsl(access.told)))
    return ' · '.join([title_of(state, reader), *filters_in_words(session, state, reader, names)])


class AccessPanel:
    """The log, and under it who looked through it last."""

    def __init__(self, asked: Asked, signed: Callable[[], Any], *, due: bool) -> None:
        """Draw the frame; `load` fills it. `due`: the log waits for its monthly look; `signed` is told when somebody has taken it."""
        self._asked, self._signed, self._due = asked, signed, due
        with ui.element('section').classes('mk-card').props('data-testid=access-review'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Monthly review"))}</h2></div>').classes('mk-contents')
            self._reviewed = ui.html('').classes('mk-bd')
            with (
                ui.element('div').classes('mk-bd'),
                ui.element('button').classes('mk-btn mk-s').props('type=button data-testid=access-reviewed') as sign,
            ):
                label = escape(t('I have looked through the log'))
                ui.html(f'{icon_html("task_alt")}<span>{label}</span>').classes('mk-contents')
            sign.on('click', self._sign, args=[])
        self._log = ui.html('').classes('mk-card').props('data-testid=access-log')

    async def load(self) -> None:
        """Read and show."""
        found = await ask(read_accesses, self._asked, language())
        self._reviewed.set_content(_review_html(found.reviewed, due=self._due))
        self._log.set_content(_log_html(found, self._asked))

    async def _sign(self) -> None:
        await work(review_accesses, now())
        self._due = False
        self._signed()
        await self.load()


def _review_html(last: Access | None, *, due: bool) -> str:
    told = t(
        'The log is kept for two years, and is to be looked through once a month: who opened, searched and took what.'
    )
    tone, icon, said = 'slate', 'schedule', t('Nobody has looked through it yet')
    if last is not None:
        tone, icon = 'green', 'task_alt'
        said = t('{name} looked through it on {day}', name=last.by, day=values.format_exact(last.at))
    if due:
        tone, icon = 'amber', 'schedule'
    state = chip_html(tone, icon, said, 'tiny')
    return f'<div class="mk-stack"><p class="mk-t2">{escape(told)}</p><div>{state}</div></div>'


def _log_html(found: Found, asked: Asked) -> str:
    title = f'<div class="mk-hd"><h2>{escape(t("Log of access"))}</h2></div>{_form_html(asked)}'
    if not found.lines:
        empty = escape(t('Nothing was found. Try with fewer conditions.'))
        return f'{title}<p class="mk-empty-line" data-testid="no-accesses">{empty}</p>'
    head = ''.join(f'<th scope="col">{escape(label)}</th>' for label in (t('When'), t('Who'), t('What was done')))
    rows = ''.join(_row_html(access, told) for access, told in found.lines)
    table = (
        f'<table class="mk-hist" aria-label="{escape(t("Log of access"))}">'
        f'<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )
    ways = ''
    if asked.before:
        ways += _way_html(log_address(asked, before=0), t('The newest'), 'newest-accesses')
    if found.older:
        ways += _way_html(log_address(asked, before=found.lines[-1][0].id), t('Earlier ones'), 'older-accesses')
    return f'{title}{table}<div class="mk-tfoot">{ways}</div>' if ways else f'{title}{table}'


def _way_html(address: str, label: str, name: str) -> str:
    return f'<a class="mk-btn mk-g mk-sm" href="{escape(address)}" data-testid="{name}">{escape(label)}</a>'


def _row_html(access: Access, told: str) -> str:
    who = escape(access.by) if access.by else escape(t('Unknown'))
    if access.user_id is not None:
        who = f'<a class="mk-flink" href="{escape(log_address(Asked(user_id=access.user_id)))}"><bdi>{who}</bdi></a>'
    if access.as_name:
        address = escape(log_address(Asked(as_user_id=access.as_user_id)))
        who += (
            f' <a class="mk-flink mk-sm" href="{address}">{escape(t("as {name}", name=isolated(access.as_name)))}</a>'
        )
    parts = [f'<b>{escape(t(WHAT.get(access.what, access.what)))}</b>']
    if access.claim_no:
        address = escape(log_address(Asked(claim_no=access.claim_no)))
        parts.append(f'<a class="mk-flink" href="{address}">{num_html(access.claim_no)}</a>')
    if told:
        parts.append(f'<bdi>{escape(told)}</bdi>')
    if access.address:
        parts.append(f'<span class="mk-t3">{num_html(access.address)}</span>')
    refused = '' if access.granted else f' {chip_html("red", "block", t("Was refused"), "tiny")}'
    return (
        f'<tr data-testid="access" data-what="{escape(access.what)}"><td>{num_html(values.format_exact(access.at))}</td>'
        f'<td>{who}</td><td>{" · ".join(parts)}{refused}</td></tr>'
    )


def log_address(asked: Asked, **other: Any) -> str:
    """Where the log shows what is asked for."""
    told = {
        'who': asked.user_id or '',
        'as': asked.as_user_id or '',
        'name': asked.name,
        'what': asked.what,
        'claim': asked.claim_no,
        'refused': '1' if asked.only_refused else '',
        'before': asked.before or '',
    } | {key: value or '' for key, value in other.items()}
    return '/admin/accesses?' + urlencode({key: value for key, value in told.items() if value})


def _form_html(asked: Asked) -> str:
    everything = escape(t('Everything'))
    choices = ''.join(
        f'<option value="{key}"{" selected" if key == asked.what else ""}>{escape(t(label))}</option>'
        for key, label in WHAT.items()
    )
    person = f'<input type="hidden" name="who" value="{asked.user_id}">' if asked.user_id is not None else ''
    if asked.as_user_id is not None:
        person += f'<input type="hidden" name="as" value="{asked.as_user_id}">'
    checked = ' checked' if asked.only_refused else ''
    narrowed = asked != Asked()
    clear = _way_html('/admin/accesses', t('Clear'), 'clear-accesses') if narrowed else ''
    return (
        f'<form class="mk-bd mk-row mk-wrap2" method="get" action="/admin/accesses" role="search" '
        f'aria-label="{escape(t("Log of access"))}">{person}'
        f'<label class="mk-inp mk-sm"><span class="mk-vh">{escape(t("Name"))}</span>'
        f'<input name="name" value="{escape(asked.name)}" dir="auto" autocomplete="off" maxlength="80" placeholder="{escape(t("Name"))}"></label>'
        f'<label class="mk-inp mk-sm"><span class="mk-vh">{escape(t("Claim no."))}</span>'
        f'<input name="claim" value="{escape(asked.claim_no)}" dir="auto" autocomplete="off" maxlength="80" placeholder="{escape(t("Claim no."))}"></label>'
        f'<select class="mk-size" name="what" aria-label="{escape(t("What was done"))}"><option value="">{everything}</option>{choices}</select>'
        f'<label class="mk-tick"><input class="mk-check" type="checkbox" name="refused" value="1"{checked}>'
        f'<span>{escape(t("Refused only"))}</span></label>'
        f'<button class="mk-btn mk-s">{icon_html("search")}<span>{escape(t("Search"))}</span></button>{clear}</form>'
    )


def of_person_html(signed_in: list[Access], looks: list[Access]) -> str:
    """Somebody's own last sign-ins, with the tries that failed; and when the bureau looked at the portal as him."""
    tries = sum(not access.granted for access in signed_in)
    lines = ''.join(
        f'<li data-testid="own-sign-in"><span class="mk-row mk-wrap2">{num_html(values.format_exact(access.at))} '
        f'<span class="mk-t3">{num_html(access.address)}</span>'
        f'{"" if access.granted else chip_html("red", "block", t("Was refused"), "tiny")}</span></li>'
        for access in signed_in
    )
    failed = tn('One of these tries failed.', '{n} of these tries failed.', tries) if tries else ''
    warned = (
        f'<p class="mk-t2">{escape(failed)} {escape(t("Was it not you? Change your password."))}</p>' if tries else ''
    )
    told = t('Your sign-ins and what you open, search and download here are written down, as the law asks.')
    empty = f'<p class="mk-t3">{escape(t("No sign-in is known yet."))}</p>' if not signed_in else ''
    return (
        f'<div class="mk-hd">{icon_html("history", "mk-lead")}<h2>{escape(t("My last sign-ins"))}</h2></div>'
        f'<div class="mk-bd mk-stack"><p class="mk-t2">{escape(told)}</p>{warned}<ul class="mk-ahist">{lines}</ul>{empty}{_looks_html(looks)}</div>'
    )


def _looks_html(looks: list[Access]) -> str:
    if not looks:
        return ''
    told = t('The claims bureau looked at the portal as you see it, and could change nothing:')
    lines = ''.join(
        f'<li data-testid="own-look"><span class="mk-row mk-wrap2">{num_html(values.format_exact(access.at))} '
        f'<bdi>{escape(access.by)}</bdi></span></li>'
        for access in looks
    )
    return f'<p class="mk-t2">{escape(told)}</p><ul class="mk-ahist">{lines}</ul>'
