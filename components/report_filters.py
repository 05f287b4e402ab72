"""What the dashboard is asked for, as HTML: the period, the office, the insurer and the agent, what of the address was not understood, and the workbooks of it all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape
from urllib.parse import parse_qsl

from components.marks import day_input_html, icon_html, notice_html, num_html
from components.report_charts import month_label
from components.words import t
from db import values
from db.report_figures import Figures
from db.report_state import PERIODS, ReportState
from db.texts import N_

_PERIODS = {
    'month': N_('This month'),
    '3m': N_('3 months'),
    '12m': N_('12 months'),
    'year': N_('This year'),
}


@dataclass(frozen=True)
class Choices:
    """What one may choose among: people of an office have no choice of offices, and agents are those of one office."""

    offices: Sequence[tuple[int, str]]
    insurers: Sequence[tuple[int, str]]
    agents: Sequence[tuple[int, str]]


def filters_html(figures: Figures, choices: Choices) -> str:
    """The period, the office, the insurer and the agent: plain links and forms, so that the address says it all.

    Not which weeks of cheques are shown: turning them would draw anew what somebody is choosing here.
    """
    state = replace(figures.state, weeks=None)
    figures = replace(figures, state=state)
    chosen = _periods_html(state) + _ends_html(figures) + _firms_html(state, choices)
    return chosen + _all_html(figures) + _misread_html(figures) + _unknown_html(state, choices)


def _misread_html(figures: Figures) -> str:
    """Says so when the address has a day that is none, or something else that is: the figures are of other days than were meant."""
    state = figures.state
    ends, cut, ahead = (
        [' – '.join(map(values.format_day, days))] if days else []
        for days in (
            state.turned_round,
            state.cut(figures.span),
            figures.span.days if figures.span.first > figures.today else (),
        )
    )
    told = (
        (state.misread, t('Not a date: {days}. The figures are of {period}.', days='{days}', period='{period}')),
        (ends, t('The last day is before the first: {days}. The figures are of {period}.', days='{days}', period='{period}')),
        (cut, t('Figures are of three years at most: {days}. The figures are of {period}.', days='{days}', period='{period}')),
        (ahead, t('Nothing can have happened yet in the days that were chosen: {days}.', days='{days}')),
        (state.unknown, t('Not understood in the address: {days}. The figures are of {period}.', days='{days}', period='{period}')),
    )  # fmt: skip
    return ''.join(
        notice_html('misread-day', escape(text).format(days=days_html(given), period=period_html(figures)))
        for given, text in told
        if given
    )


def days_html(days: Sequence[str]) -> str:
    return ', '.join(f'<bdi>{escape(day)}</bdi>' for day in days)


def _unknown_html(state: ReportState, choices: Choices) -> str:
    """Says so when the address names whom one cannot choose here: the figures are of him, so of nothing mostly."""
    named = ((state.office, choices.offices), (state.insurer, choices.insurers), (state.agent, choices.agents))
    if all(not key or key in {str(known) for known, _ in offered} for key, offered in named):
        return ''
    text = t(
        'The address names an office, an insurer or an agent that is not listed here. The figures are of that one only.'
    )
    everything = replace(state, office='', insurer='', agent='').address()
    return notice_html(
        'unknown-filter',
        f'{escape(text)} <a href="/reports{escape("?" + everything if everything else "")}">{escape(t("Show everything"))}</a>',
    )


def _all_html(figures: Figures) -> str:
    """The way to one workbook of all that is shown."""
    return (
        f'<a class="mk-btn mk-s mk-sm mk-rall" href="{workbook_address("all.xlsx", figures)}" download data-testid="export-all">'
        f'{icon_html("download")}{escape(t("Export everything to Excel"))}</a>'
    )


def workbook_address(path: str, figures: Figures) -> str:
    """The address of a workbook of these days and filters."""
    query = figures.state.address()
    return escape(f'/reports/{path}' + (f'?{query}' if query else ''))


def _periods_html(state: ReportState) -> str:
    def one(period: str) -> str:
        here = replace(state, period=period, first=None, last=None).address()
        on = ' class="mk-on" aria-current="true"' if period == state.period else ''
        return f'<a href="/reports{escape("?" + here if here else "")}" data-testid="period-{period}"{on}>{escape(t(_PERIODS[period]))}</a>'

    links = ''.join(one(period) for period in PERIODS if period in _PERIODS)
    return f'<div class="mk-seg" role="group" aria-label="{escape(t("Period"))}">{links}</div>'


def _ends_html(figures: Figures) -> str:
    state = figures.state
    ends = (
        ('from', t('From'), t('Choose the first day'), figures.span.first),
        ('to', t('To'), t('Choose the last day'), figures.span.last),
    )
    fields = ''.join(
        f'<label class="mk-rday"><span>{escape(label)}</span>'
        f'{day_input_html(name, label, pick, values.format_day(day))}</label>'
        for name, label, pick, day in ends
    )
    kept = _hidden(replace(state, period='days', first=None, last=None))
    return (
        f'<form action="/reports" method="get" class="mk-rform">{kept}{fields}'
        f'<button class="mk-btn mk-s mk-sm" data-testid="show-days">{escape(t("Show the days"))}</button></form>'
    )


def _firms_html(state: ReportState, choices: Choices) -> str:
    offices = (
        _select('office', t('Office'), t('Every office'), choices.offices, state.office) if choices.offices else ''
    )
    insurers = _select('insurer', t('Insurer'), t('Every insurer'), choices.insurers, state.insurer)
    agents = _select('agent', t('Agent'), t('Every agent'), choices.agents, state.agent) if choices.agents else ''
    return (
        f'<form action="/reports" method="get" class="mk-rform">{_hidden(replace(state, office="", insurer="", agent=""))}{offices}{insurers}{agents}'
        f'<button class="mk-btn mk-s mk-sm" data-testid="show-firms">{escape(t("Filter"))}</button></form>'
    )


def _hidden(state: ReportState) -> str:
    """The rest of the address, for a form that changes a part of it."""
    return ''.join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in parse_qsl(state.address())
    )


def _select(name: str, label: str, everything: str, choices: Sequence[tuple[int, str]], chosen: str) -> str:
    offered = ''.join(
        f'<option value="{key}"{" selected" if str(key) == chosen else ""}>{escape(text)}</option>'
        for key, text in choices
    )
    return (
        f'<select class="mk-size" name="{name}" aria-label="{escape(label)}" data-testid="filter-{name}">'
        f'<option value="">{escape(everything)}</option>{offered}</select>'
    )


def month_form_html(figures: Figures, choices: Choices) -> str:
    """The report of a month, to take home."""
    this = figures.today.replace(day=1)
    months = [this]
    while len(months) < 24:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    last = months[1].isoformat()[:7]
    offered = ''.join(
        f'<option value="{day.isoformat()[:7]}"{" selected" if day.isoformat()[:7] == last else ""}>{escape(month_label(day))} {day.year}</option>'
        for day in months
    )
    offices = (
        _select('office', t('Office'), t('Every office'), choices.offices, figures.state.office)
        if choices.offices
        else ''
    )
    return (
        f'<section class="mk-card mk-rmonth"><div class="mk-hd">{icon_html("table_view", "mk-lead")}<h2>{escape(t("Monthly report"))}</h2></div>'
        f'<form action="/reports/month.xlsx" method="get" class="mk-rform mk-bd">'
        f'<p class="mk-grow">{escape(t("One workbook: summary, claims opened and closed, money, cheques due, and by agent."))}</p>'
        f'<select class="mk-size" name="month" aria-label="{escape(t("Month"))}" data-testid="month">{offered}</select>{offices}'
        f'<button class="mk-btn mk-p mk-sm" data-testid="export-month">{icon_html("download")}{escape(t("Download"))}</button></form></section>'
    )


def period_html(figures: Figures) -> str:
    state = figures.state
    if state.period in _PERIODS:
        return escape(t(_PERIODS[state.period]))
    return num_html(' – '.join(values.format_day(day) for day in figures.span.days))
