"""`/admin/…`: people, offices, reference data, settings, and what was done to all of them."""

import re
from collections.abc import Mapping
from functools import partial
from html import escape
from types import MappingProxyType
from typing import Any

from nicegui import ui
from starlette.requests import Request

from components.access_panel import AccessPanel
from components.admin_list import PeopleScreen, TableScreen
from components.admin_sections import SECTIONS
from components.admin_words import history_lines
from components.export_records import records_html
from components.frame import NotFound, portal_page
from components.health_panel import HealthPanel
from components.live import Subscription, ask, words_topic
from components.marks import chip_html, icon_html
from components.matrix_proposals import MatrixProposals
from components.words import isolated, language, t
from db.access_log import WHAT, Asked, review_is_due
from db.admin_tables import TABLES
from db.base import now
from db.doorbell import Notice
from db.exports import export_records
from db.scope import Can
from db.texts import N_
from jobs import backup, mail
from jobs.receiving import disk, in_thread

HISTORY = 200
_NOTHING: Mapping[str, str] = MappingProxyType({})


@portal_page('/admin', title=N_('Administration'), active='admin', needs=Can.ADMINISTER, flow=True)
async def admin_page() -> None:
    """People come first."""
    await _draw('people')


@portal_page('/admin/{section}', title=N_('Administration'), active='admin', needs=Can.ADMINISTER, flow=True)
async def admin_section(section: str, request: Request, before: str = '') -> None:
    """One section; the history from the line `before` on, where that is one."""
    await _draw(section, _number(before) or 0, request.query_params)


async def _draw(section: str, before: int = 0, query: Mapping[str, str] = _NOTHING) -> None:
    if section not in SECTIONS:
        raise NotFound
    due = await ask(review_is_due, now())
    ui.html(f'<div class="mk-ph"><h1>{escape(t("Administration"))}</h1></div>').classes('mk-contents')
    with ui.element('div').classes('mk-admin'):
        sections = ui.html(_sections_html(section, review_due=due), tag='nav').classes('mk-asecs')
        sections.props(f'aria-label="{t("Sections")}"')
        with ui.element('div').classes('mk-stack'):
            if section == 'history':
                await _history(before)
            elif section == 'accesses':
                done = partial(sections.set_content, _sections_html(section, review_due=False))
                await AccessPanel(_asked(query, before), done, due=due).load()
            elif section == 'exports':
                records = await ask(export_records, HISTORY)
                ui.html(records_html(records)).classes('mk-card').props('data-testid=export-records')
            elif section == 'health':
                await HealthPanel(await in_thread(disk, backup.standing), mail_is_on=mail.is_on()).load()
            else:
                if section == 'requirements':
                    await MatrixProposals().load()
                await (PeopleScreen() if section == 'people' else TableScreen(TABLES[section])).load()


def _number(written: str) -> int | None:
    return int(written) if re.fullmatch('[0-9]{1,15}', written) else None


def _asked(query: Mapping[str, str], before: int) -> Asked:
    """What of the log of access an address asks for; what it does not name it does not narrow."""
    what = query.get('what', '')
    return Asked(
        user_id=_number(query.get('who', '')),
        as_user_id=_number(query.get('as', '')),
        name=query.get('name', '').strip()[:80],
        what=what if what in WHAT else '',
        claim_no=query.get('claim', '').strip()[:80],
        only_refused=query.get('refused') == '1',
        before=before,
    )


async def _history(before: int) -> None:
    shown = ui.html('').classes('mk-card').props('data-testid=admin-history')

    async def load(_: set[Notice] | None = None) -> None:
        lines = await ask(history_lines, (), None, HISTORY + 1, language(), before)
        shown.set_content(_history_html(lines[:HISTORY], older=len(lines) > HISTORY, newer=before > 0))

    Subscription([words_topic()], load)
    await load()


def _sections_html(section: str, *, review_due: bool) -> str:
    marks = {'accesses': chip_html('amber', 'schedule', t('To be looked through'), 'tiny')} if review_due else {}
    return ''.join(
        f'<a class="mk-mi{" mk-cur" if key == section else ""}" href="/admin/{key}"'
        f'{" aria-current=page" if key == section else ""}>{icon_html(shown.icon)}<span>{escape(t(shown.label))}</span>{marks.get(key, "")}</a>'
        for key, shown in SECTIONS.items()
    )


def _headline(line: dict[str, Any]) -> str:
    parts = (line['what'], line['where'], isolated(line['label']) if line['label'] else '')
    return ' · '.join(filter(None, parts))


def _history_html(lines: list[dict[str, Any]], *, older: bool, newer: bool) -> str:
    title = f'<div class="mk-hd"><h2>{escape(t("History of changes"))}</h2></div>'
    if not lines and not newer:
        return f'{title}<p class="mk-empty-line">{escape(t("Nothing was changed under administration yet."))}</p>'
    told = ''.join(
        f'<li data-testid="admin-change"><b>{escape(_headline(line))}</b> '
        f'<span class="mk-t3"><bdi>{escape(line["by"])}</bdi> · {escape(line["when"])}</span>'
        + ''.join(f'<span>{escape(pair)}</span>' for pair in line['pairs'])
        + '</li>'
        for line in lines
    )
    ways = f'<a class="mk-btn mk-g mk-sm" href="/admin/history">{escape(t("The newest changes"))}</a>' if newer else ''
    if older:
        ways += (
            f'<a class="mk-btn mk-g mk-sm" href="/admin/history?before={lines[-1]["id"]}" data-testid="older-changes">'
            f'{escape(t("Earlier changes"))}</a>'
        )
    foot = f'<div class="mk-tfoot">{ways}</div>' if ways else ''
    return f'{title}<ul class="mk-ahist mk-bd">{told}</ul>{foot}'
