"""The dashboard on screen: figures as cards, bars, charts and tables, each leading to the list behind it; live, and calm about it."""

import asyncio
import time
from html import escape
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from components.client_report import clients_way_html
from components.live import Subscription, ask, claims_topic, current_actor, person_topic, words_topic
from components.report_charts import due_options, money_options
from components.report_filters import Choices, filters_html, month_form_html
from components.report_parts import (
    ages_html,
    calendar_html,
    due_html,
    money_line_html,
    months_html,
    numbers_html,
    open_by_insurer_html,
    side_by_side_html,
    statuses_html,
    times_html,
)
from components.shared_words import choices_for
from components.words import t
from db import values
from db.base import now
from db.doorbell import Notice
from db.report_figures import Figures
from db.report_state import ReportState
from db.reports import agents_to_choose, figures_of

# a burst of changes costs one look
BREATH = 2.0
# figures that took long to add up are added up the more seldom: at most this share of the time
SHARE, LONGEST = 0.2, 60.0

# two columns side by side, and what stands below both; on the phone one after the other
_COLUMNS = {
    'mk-rcol': ('statuses', 'calendar', 'ages', 'due'),
    'mk-rcol mk-rwide': ('money', 'people', 'offices', 'months', 'stages'),
    'mk-rcol mk-rhalf': ('open_by_insurer', 'insurers'),
    'mk-rcol mk-rhalf mk-rend': ('appraisers', 'garages'),
}


_TURNED = """(event) => {
    const way = event.target.closest('[data-weeks]');
    if (!way || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    emit(way.dataset.weeks);
}"""


# whoever presses a bar, or above or below it, presses the sum it draws: in the table of the chart, a row for each month and a column for each colour.
# The browser goes there by itself, and nothing it names is believed here
_PRESSED = """(event) => {{
    const chart = getElement({chart})?.chart;
    if (!chart) return;
    const {{left, top}} = chart.getDom().getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let [nearest, row, column] = [8, -1, -1];
    chart.getModel().eachSeries((bars) => {{
        const {{y: above, height}} = bars.coordinateSystem.getArea();
        if (y < above || y > above + height) return;
        const data = bars.getData();
        data.each((place) => {{
            const bar = data.getItemLayout(place);
            const far = Math.abs(x - bar.x - bar.width / 2) - bar.width / 2;
            if (far < nearest) [nearest, row, column] = [far, place, bars.seriesIndex + 1];
        }});
    }});
    const sums = document.querySelector('[data-testid="table-{table}"]')?.tBodies[0];
    sums?.rows[row]?.cells[column].querySelector('a').dispatchEvent(new MouseEvent('click', event));
}}"""
_TABLES = {'money': 'months', 'due': 'due_months'}


class ReportBoard:
    """One person's dashboard on one page."""

    def __init__(self, state: ReportState) -> None:
        """Draw the frame of the board, empty until `load` is awaited."""
        self._actor = current_actor()
        self.state = state
        self._took = 0.0
        self._filters = ui.html(tag='div').classes('mk-rfilters')
        self._numbers = ui.html(tag='div').classes('mk-rnums')
        self._charts: dict[str, Any] = {}
        self._cards: dict[str, ui.html] = {}
        with ui.element('div').classes('mk-rep'):
            for classes, names in _COLUMNS.items():
                with ui.element('div').classes(classes):
                    for name in names:
                        self._card(name)
        # a link that works without, too; here the page stays where it is, and so does the focus
        self._cards['calendar'].on('click', self._turn, js_handler=_TURNED)
        self._month = ui.html(tag='div').classes('mk-contents')
        Subscription([claims_topic(self._actor), person_topic(self._actor), words_topic()], self._ring, breath=BREATH)

    def _card(self, name: str) -> None:
        if name not in _TABLES:
            self._cards[name] = ui.html(tag='section').classes(f'mk-card mk-r-{name}')
            return
        with ui.element('section').classes(f'mk-card mk-r-{name}'):
            self._cards[name] = ui.html(tag='div').classes('mk-contents')
            # an image of numbers that stand in a table beside it; its time runs from left to right
            chart = ui.echart({}, renderer='svg').classes('mk-chart').props('role=img').style('direction:ltr')
            chart.on('click', js_handler=_PRESSED.format(chart=chart.id, table=_TABLES[name]))
            self._charts[name] = chart

    async def load(self) -> None:
        """Ask for the figures and show them."""
        start, state = time.monotonic(), self.state
        figures, choices = await ask(_read, state)
        self._took = time.monotonic() - start
        if not self._filters.is_deleted and state is self.state:
            self._draw(figures, choices)

    async def _turn(self, event: GenericEventArguments) -> None:
        """Show other weeks of cheques."""
        way = 'after' if event.args == 'after' else 'before'
        self.state = self.state.turned(values.israel(now()).date(), back=way == 'before')
        ui.navigate.history.replace(f'/reports?{self.state.address()}')
        await self.load()
        _sent = ui.run_javascript(f"document.querySelector('[data-testid=weeks-{way}]')?.focus()")

    async def _ring(self, _: set[Notice]) -> None:
        await asyncio.sleep(min(self._took / SHARE, LONGEST))
        await self.load()

    # ---- drawing

    def _draw(self, figures: Figures, choices: Choices) -> None:
        for name, html in _html_of(figures).items():
            self._cards[name].set_content(html)
            self._cards[name].set_visibility(bool(html))
        self._filters.set_content(filters_html(figures, choices))
        self._numbers.set_content(numbers_html(figures))
        self._month.set_content(month_form_html(figures, choices) + clients_way_html(figures.state.office))
        self._chart('money', money_options(figures), t('Demanded, approved and received by month'))
        self._chart('due', due_options(figures), t('Cheques due by month, from insurers and from clients'))

    def _chart(self, name: str, options: dict[str, Any], label: str) -> None:
        chart = self._charts[name]
        chart.props(f'aria-label="{escape(label)}"')
        if chart.options != options:
            chart.options.clear()
            chart.options.update(options)
            chart.update()


def _read(session: Any, state: ReportState) -> tuple[Figures, Choices]:
    choices = choices_for(session)
    offices = choices.offices if session.info['actor'].is_bureau else []
    agents = agents_to_choose(session, state)
    return figures_of(session, state, values.israel(now()).date()), Choices(offices, choices.insurers, agents)


def _html_of(figures: Figures) -> dict[str, str]:
    """What stands in each card; a card without anything to say is not shown."""
    return {
        'statuses': statuses_html(figures),
        'money': _chart_head(t('Demanded, approved and received'), t('thousands of ₪ a month'))
        + money_line_html(figures),
        'months': months_html(figures),
        'calendar': calendar_html(figures),
        'due': _chart_head(t('Cheques due by month'), t('thousands of ₪')) + due_html(figures),
        'people': side_by_side_html(figures, 'people'),
        'offices': side_by_side_html(figures, 'offices'),
        'ages': ages_html(figures),
        'stages': times_html(figures, 'stages'),
        'open_by_insurer': open_by_insurer_html(figures),
        'insurers': times_html(figures, 'insurers'),
        'appraisers': times_html(figures, 'appraisers'),
        'garages': times_html(figures, 'garages'),
    }


def _chart_head(title: str, unit: str) -> str:
    return f'<div class="mk-hd"><h2>{escape(title)}</h2><span class="mk-sm mk-t3">{escape(unit)}</span></div>'
