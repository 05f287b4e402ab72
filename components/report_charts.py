"""The charts of the dashboard: what ECharts is told. Colours are tokens, which the drawing (SVG) reads anew when the theme changes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from components.words import t
from db.report_figures import Figures
from db.texts import N_

FONT = 'Heebo, Arial, sans-serif'
SHORT_MONTHS = (
    *(N_('Jan'), N_('Feb'), N_('Mar'), N_('Apr'), N_('May'), N_('Jun')),
    *(N_('Jul'), N_('Aug'), N_('Sep'), N_('Oct'), N_('Nov'), N_('Dec')),
)


def month_label(day: date, *, with_year: bool = False) -> str:
    """A month in few letters."""
    name = t(SHORT_MONTHS[day.month - 1])
    return f'{name} {day.year % 100:02}' if with_year else name


def money_options(figures: Figures) -> dict[str, Any]:
    """What was demanded, approved and received in each month of the period."""
    days = [date.fromisoformat(f'{line.key}-01') for line in figures.months]
    series = [
        _bars(t(label), [line.figures[name].amount or 0 for line in figures.months], name)
        for name, label in (('demanded', 'Demanded'), ('approved', 'Approved'), ('received', 'Received'))
    ]
    return _options(_labels(days), series)


def due_options(figures: Figures) -> dict[str, Any]:
    """What falls due in each of the next months, in both directions."""
    incoming = _bars(t('From insurers'), [line.incoming.amount for line in figures.due_months], 'received')
    outgoing = _bars(t('From clients'), [line.outgoing.amount for line in figures.due_months], 'outgoing')
    return _options(_labels([line.span.first for line in figures.due_months]), [incoming, outgoing])


def _labels(days: Sequence[date]) -> list[str]:
    several_years = len({day.year for day in days}) > 1
    return [month_label(day, with_year=several_years) for day in days]


_FILLS = {
    'demanded': ('var(--mk-bar-a)', 'var(--mk-bar-al)'),
    'approved': ('var(--mk-teal-dot)', 'var(--mk-teal-dot)'),
    'received': ('var(--mk-brand)', 'var(--mk-brand)'),
    'outgoing': ('var(--mk-orange-dot)', 'var(--mk-orange-dot)'),
}


def _bars(name: str, agorot: Sequence[int], fill: str) -> dict[str, Any]:
    color, line = _FILLS[fill]
    return {
        'name': name,
        'type': 'bar',
        'data': [round(amount / 100_000, 1) for amount in agorot],
        'barMaxWidth': 26,
        'barGap': '8%',
        'itemStyle': {'color': color, 'borderColor': line, 'borderWidth': 1, 'borderRadius': [4, 4, 0, 0]},
        'emphasis': {'disabled': True},
    }


def _options(labels: Sequence[str], series: Sequence[dict[str, Any]]) -> dict[str, Any]:
    quiet = {'color': 'var(--mk-text-3)', 'fontFamily': FONT, 'fontSize': 12}
    return {
        'animation': False,
        'textStyle': {'fontFamily': FONT},
        'grid': {'top': 40, 'bottom': 6, 'left': 4, 'right': 8, 'containLabel': True},
        'legend': {
            'top': 0,
            'right': 4,
            'itemWidth': 11,
            'itemHeight': 11,
            'itemGap': 14,
            'textStyle': {**quiet, 'color': 'var(--mk-text-2)'},
        },
        'tooltip': {
            'trigger': 'axis',
            'axisPointer': {'type': 'none'},
            'confine': True,
            'backgroundColor': 'var(--mk-surface)',
            'borderColor': 'var(--mk-line-2)',
            'textStyle': {'color': 'var(--mk-text)', 'fontFamily': FONT, 'fontSize': 13},
        },
        'xAxis': {
            'type': 'category',
            'data': list(labels),
            'axisLabel': quiet,
            'axisTick': {'show': False},
            'axisLine': {'lineStyle': {'color': 'var(--mk-line-2)'}},
        },
        'yAxis': {
            'type': 'value',
            # without a bar there is no scale
            'show': any(any(bars['data']) for bars in series),
            'axisLabel': quiet,
            'splitLine': {'lineStyle': {'color': 'var(--mk-line)'}},
        },
        'series': list(series),
    }
