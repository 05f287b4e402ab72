"""The parts of the dashboard as HTML: what each card says, with the list behind every figure and the workbook behind every table."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from html import escape

from components.cheque_words import short_occasion, tone_of
from components.marks import avatar_html, icon_html, notice_html, num_html
from components.report_charts import month_label
from components.report_filters import days_html, period_html, workbook_address
from components.theme import status_look
from components.words import language, t, tn
from db import values
from db.cheques import WARN_DAYS
from db.measuring import Measured
from db.report_figures import ChequeFigure, DueLine, Figure, Figures, Line
from db.report_state import ReportState
from db.texts import N_

SHOWN = 12
_DAYS = (N_('Su'), N_('Mo'), N_('Tu'), N_('We'), N_('Th'), N_('Fr'), N_('Sa'))


# ---- small things -----------------------------------------------------------------------------------------------------------


def _money(agorot: int) -> str:
    return num_html(values.format_money(agorot, language(), cents=False))


def _link(address: str, inner: str, figure: int, said: str = '') -> str:
    called = f' aria-label="{escape(said)}" title="{escape(said)}"' if said else ''
    return (
        f'<a class="mk-flink" href="{escape(address)}" data-testid="figure" data-figure="{figure}"{called}>{inner}</a>'
    )


def _claims(figure: Figure, inner: str | None = None, said: str = '') -> str:
    """A figure that opens its list; `said` where what stands there does not tell what it is of."""
    return _link(f'/?{figure.behind.address()}', inner or num_html(f'{figure.claims:,}'), figure.claims, said)


def _sum(figure: Figure) -> str:
    return _claims(figure, _money(figure.amount or 0))


def _cheques(figure: ChequeFigure, inner: str) -> str:
    return _link(f'/cheques?{figure.behind.address()}', inner, figure.cheques)


def _too_few() -> str:
    return f'<span class="mk-t3">{escape(t("Not enough data"))}</span>'


def _days(line: Line, beside: Figure) -> str:
    """The median of how many days, and of how many claims where that is not what stands beside it; or that there is not enough to say one."""
    took = line.took
    if took is None or not took.known:
        return _too_few()
    of_fewer = f' <span class="mk-t3">{num_html(f"({took.cases})")}</span>' if took.cases != beside.claims else ''
    return f'<span class="mk-nb">{_median(line, took)}{of_fewer}</span>'


def _median(line: Line, took: Measured) -> str:
    days = _days_text(took.number)
    said = tn('{days}, the median of {n} claim', '{days}, the median of {n} claims', took.cases, days=days)
    return _claims(line.timed, escape(days), said)


def _rate(line: Line) -> str:
    """A collection rate; or that there is none, or not enough to say one."""
    collected = line.collected
    if collected is None:
        return '<span class="mk-t3">—</span>'
    return _percent(line, collected) if collected.known else _too_few()


def _percent(line: Line, collected: Measured) -> str:
    """A collection rate that opens the claims that were demanded for and those that money came for."""
    percent, behind = f'{collected.number:.0f}%', line.figures['collected']
    said = tn(
        '{percent}, of {n} claim with money demanded or received',
        '{percent}, of {n} claims with money demanded or received',
        behind.claims,
        percent=percent,
    )
    return _claims(behind, num_html(percent), said)


def _days_text(number: float) -> str:
    if number == int(number):
        return tn('{n} day', '{n} days', int(number))
    return t('{number} days', number=f'{number:g}')


def _name(line: Line) -> str:
    return line.name or t('None chosen')


def _named(line: Line) -> str:
    return escape(_name(line))


def _export(figures: Figures, name: str, label: str) -> str:
    """The way to the workbook of a table."""
    return (
        f'<a class="mk-ib mk-sm" href="{workbook_address(f"tables/{name}.xlsx", figures)}" download data-testid="export-{name}" '
        f'aria-label="{escape(t("Export to Excel"))}: {escape(label)}" title="{escape(t("Export to Excel"))}">{icon_html("download")}</a>'
    )


def _head(figures: Figures, name: str, label: str, icon: str = '', beside: str = '') -> str:
    lead = icon_html(icon, 'mk-lead') if icon else ''
    return (
        f'<div class="mk-hd">{lead}<h2>{escape(label)}</h2>{beside}<span class="mk-sp"></span>'
        f'{_export(figures, name, label)}</div>'
    )


def _table(
    name: str, label: str, headers: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()
) -> str:
    head = ''.join(f'<th scope="col">{escape(header)}</th>' for header in headers)
    body = ''.join(
        f'<tr><th scope="row">{row[0]}</th>' + ''.join(f'<td>{cell}</td>' for cell in row[1:]) + '</tr>' for row in rows
    )
    last = f'<tfoot><tr>{"".join(f"<td>{cell}</td>" for cell in foot)}</tr></tfoot>' if foot else ''
    return (
        f'<div class="mk-rtab" tabindex="0" role="region" aria-label="{escape(label)}"><table class="mk-mt" aria-label="{escape(label)}" data-testid="table-{name}">'
        f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{last}</table></div>'
    )


def _unit(text: str) -> str:
    """What the numbers of a card are, beside its heading."""
    return f'<span class="mk-sm mk-t3">{escape(text)}</span>'


def _none(text: str) -> str:
    return f'<p class="mk-rnone">{escape(text)}</p>'


def _more(lines: Sequence[Line]) -> str:
    """What a long table leaves to its workbook."""
    left = len(lines) - SHOWN
    return (
        f'<p class="mk-rnone">{escape(tn("{n} more is in the Excel file", "{n} more are in the Excel file", left))}</p>'
        if left > 0
        else ''
    )


# ---- numbers on top ---------------------------------------------------------------------------------------------------------


def numbers_html(figures: Figures) -> str:
    """The six numbers that one looks at first."""
    told = figures.total.figures
    took = figures.total.took or Measured()
    rate = figures.total.collected
    moved = f'{escape(t("Claims opened"))} {_claims(told["opened"])} · {escape(t("Claims closed"))} {_claims(told["closed"])}'
    closed = _claims(told['closed'], escape(tn('of {n} claim closed', 'of {n} claims closed', took.cases)))
    sent = escape(tn('in {n} claim submitted', 'in {n} claims submitted', told['demanded'].claims))
    of_demand = f'{_percent(figures.total, rate)} {escape(t("of what was demanded"))}' if rate and rate.known else ''
    answered = escape(tn('of {n} answered', 'of {n} answered', told['answered'].claims))
    return ''.join(
        (
            _card(
                'directions_car',
                t('Open claims'),
                _claims(told['open']),
                moved,
                _spark(figures, 'open', 'brand'),
                _change(figures, 'opened', t('in claims opened')),
            ),
            _card(
                'schedule',
                t('Days to close, median'),
                _median(figures.total, took) if took.known else _thin(),
                closed,
                _spark(figures, 'took', 'violet-dot'),
                _days_change(figures),
            ),
            _card(
                'request_quote',
                t('Demanded'),
                _sum(told['demanded']),
                _claims(told['demanded'], sent),
                _spark(figures, 'demanded', 'brand'),
                _change(figures, 'demanded'),
            ),
            _card(
                'savings',
                t('Received'),
                _sum(told['received']),
                of_demand,
                _spark(figures, 'received', 'green-dot'),
                _change(figures, 'received'),
            ),
            _card(
                'payments',
                t('Cheques in {n} days', n=WARN_DAYS),
                _cheques(figures.soon, _money(figures.soon.amount)),
                _soon(figures),
                _spark(figures, 'soon', 'amber-dot'),
            ),
            _card(
                'fact_check',
                t('Whole at the first submission'),
                _whole(figures) if figures.whole.known else _thin(),
                f'{_claims(told["whole"])} {_claims(told["answered"], answered)} · '
                f'<span class="mk-nb">{escape(t("Sent back to be completed"))} {_claims(told["sent_back"])}</span>',
                _spark(figures, 'whole', 'teal-dot'),
            ),
        )
    )


def _whole(figures: Figures) -> str:
    """How many of the answered came whole, in percent: it is made of all that were answered."""
    percent, answered = f'{figures.whole.number:.0f}%', figures.total.figures['answered']
    said = tn('{percent}, of {n} claim answered', '{percent}, of {n} claims answered', answered.claims, percent=percent)
    return _claims(answered, num_html(percent), said)


def _soon(figures: Figures) -> str:
    """How many cheques, and when the next one falls due."""
    many = _cheques(figures.soon, escape(tn('{n} cheque', '{n} cheques', figures.soon.cheques)))
    if figures.next_due is None:
        return many
    next_one = escape(t('the next on {day}', day=f'{figures.next_due:%d/%m}'))
    return f'{many} · <a class="mk-flink" href="{_due_address(figures, figures.next_due)}">{next_one}</a>'


def _due_address(figures: Figures, day: date) -> str:
    """The page of the cheques that wait for a day."""
    return escape(f'/cheques?{replace(figures.soon.behind, view="open", due_from=day, due_to=day).address()}')


def _thin() -> str:
    return f'<small>{escape(t("Not enough data"))}</small>'


def _change(figures: Figures, name: str, of_what: str = '') -> str:
    """By how much a figure changed against the period before, where there is enough to say so."""
    percent = figures.changed(name)
    if percent is None:
        return ''
    shown = ' '.join(filter(None, (num_html(f'{abs(percent)}%'), escape(of_what))))
    return _against_before(percent, shown, figures.before.figures[name], good=name == 'received' and percent > 0)


def _days_change(figures: Figures) -> str:
    """By how many days the median changed against the period before, where there is enough to say so."""
    days = figures.days_changed
    return (
        ''
        if days is None
        else _against_before(days, escape(_days_text(abs(days))), figures.before.timed, good=days < 0)
    )


def _against_before(by: float, shown: str, before: Figure, *, good: bool) -> str:
    """An arrow up or down with a change, as against the period before, which opens what it was then."""
    against = t('against the period before') if by else t('No change against the period before')
    said = tn('{text}, when there was {n} claim', '{text}, when there were {n} claims', before.claims, text=against)
    against = _claims(before, escape(against), said)
    if not by:
        return f'<div class="mk-dl" data-testid="change">{against}</div>'
    icon, way = ('trending_up', t('up by')) if by > 0 else ('trending_down', t('down by'))
    tone = ' class="mk-rgood"' if good else ''
    return (
        f'<div class="mk-dl" data-testid="change"><b{tone}>{icon_html(icon, "mk-s16")}<span class="mk-vh">{escape(way)}</span> '
        f'{shown}</b> {against}</div>'
    )


def _card(icon: str, label: str, value: str, below: str, beside: str = '', change: str = '') -> str:
    return (
        f'<section class="mk-card mk-kpi"><h2 class="mk-k">{icon_html(icon)}{escape(label)}</h2>'
        f'<div class="mk-row"><div class="mk-v">{value}</div><span class="mk-sp"></span>{beside}</div><div class="mk-dl"><span>{below}</span></div>{change}</section>'
    )


def _spark(figures: Figures, name: str, color: str) -> str:
    """How a figure went, as a small line from left to right: for the eye, the numbers stand in the tables."""
    went = figures.went.get(name, ())
    if not went:
        return ''
    low, high = min(went), max(went)
    points = [
        (4 + 50 * place / (len(went) - 1), 24 - 20 * ((value - low) / (high - low) if high > low else 0.5))
        for place, value in enumerate(went)
    ]
    path, stroke = 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points), f'var(--mk-{color})'
    return (
        f'<svg width="58" height="28" viewBox="0 0 58 28" direction="ltr" aria-hidden="true" data-spark="{name}"><path d="{path}L54 28L4 28z" fill="{stroke}" opacity=".1"/>'
        f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"/>'
        f'<circle cx="54" cy="{points[-1][1]:.1f}" r="3" fill="{stroke}"/></svg>'
    )


# ---- cards ------------------------------------------------------------------------------------------------------------------


def statuses_html(figures: Figures) -> str:
    """Open claims by status, as bars."""
    whole = _open_badge(figures)
    most = max((line.figures['open'].claims for line in figures.statuses), default=1)
    bars = ''.join(
        _bar(line, line.name, _status_label(line), status_look(line.key).hue, most) for line in figures.statuses
    ) or _none(t('No open claims'))
    return _head(figures, 'statuses', t('Open by status'), beside=whole) + f'<div class="mk-bd">{bars}</div>'


def _open_badge(figures: Figures) -> str:
    """All that are open, beside the heading of bars that they are parted into."""
    return f'<span class="mk-badge">{_claims(figures.total.figures["open"])}</span>'


def _status_label(line: Line) -> str:
    return f'{icon_html(status_look(line.key).icon)}<span class="mk-ell">{escape(line.name)}</span>'


def _bar(line: Line, name: str, label: str, hue: str, most: int) -> str:
    figure = line.figures['open']
    width = 100 * figure.claims / most if most else 0
    return (
        f'<div class="mk-hb mk-hue-{hue}"><span class="mk-l">{label}</span>'
        f'<span class="mk-t" aria-hidden="true"><i style="width:{width:.1f}%"></i></span><b>{_claims(figure, said=f"{name}: {figure.claims:,}")}</b></div>'
    )


def open_by_insurer_html(figures: Figures) -> str:
    """Open claims by insurer, as bars."""
    lines, label = figures.open_by_insurer, t('Open by insurer')
    most = max((line.figures['open'].claims for line in lines), default=1)
    bars = ''.join(
        _bar(line, _name(line), f'<span class="mk-ell">{_named(line)}</span>', 'blue', most) for line in lines[:SHOWN]
    ) or _none(t('No open claims'))
    head = _head(figures, 'open_by_insurer', label, 'shield', _open_badge(figures))
    return f'{head}<div class="mk-bd">{bars}</div>{_more(lines)}'


_AGE_HUES = ('green', 'teal', 'amber', 'orange', 'red')


def ages_html(figures: Figures) -> str:
    """How long open claims have been open, as bars."""
    most = max((line.figures['open'].claims for line in figures.ages), default=1)
    bars = ''.join(
        _bar(line, t('{number} days', number=_age(line)), num_html(_age(line)), hue, most)
        for line, hue in zip(figures.ages, _AGE_HUES, strict=True)
    )
    label = t('Age of open claims')
    unit = _unit(t('days since the opening'))
    return _head(figures, 'ages', label, 'hourglass_top', unit) + f'<div class="mk-bd">{bars}</div>'


def _age(line: Line) -> str:
    youngest, _, oldest = line.key.partition('-')
    return f'{youngest}–{oldest}' if oldest else f'{youngest}+'


def months_html(figures: Figures) -> str:
    """The numbers of the chart of the money, and the lists behind them."""
    label = t('Money by month')
    several_years = len({line.key[:4] for line in figures.months}) > 1
    rows = [
        (
            escape(month_label(date.fromisoformat(f'{line.key}-01'), with_year=several_years)),
            *(_sum(line.figures[name]) for name in ('demanded', 'approved', 'received')),
        )
        for line in figures.months
    ]
    told = figures.total.figures
    foot = (escape(t('Total')), *(_sum(told[name]) for name in ('demanded', 'approved', 'received')))
    headers = (t('Month'), t('Demanded'), t('Approved'), t('Received'))
    return _head(figures, 'months', label) + _table('months', label, headers, rows, foot)


def money_line_html(figures: Figures) -> str:
    """What the chart of the money comes to, below it."""
    told = figures.total.figures
    labels = (('demanded', t('Demanded')), ('approved', t('Approved')), ('received', t('Received')))
    sums = ''.join(f'<span>{escape(label)} {_sum(told[name])}</span>' for name, label in labels)
    rate = f'<span>{escape(t("Collection rate"))} {_rate(figures.total)}</span>'
    return f'<div class="mk-rline" data-testid="money-line"><span class="mk-t3">{period_html(figures)}:</span>{sums}{rate}</div>'


# what is measured, its sign, of whom, how many are counted, and which figure counts them
_TIMES = {
    'stages': (N_('Days in each repair stage'), 'build', N_('Repair stage'), N_('Cars that left it'), 'left'),
    'insurers': (N_('Days to close, by insurer'), 'shield', N_('Insurer'), N_('Claims closed'), 'closed'),
    'appraisers': (
        N_('Days waiting for the appraiser'),
        *('fact_check', N_('Appraiser'), N_('Cars inspected'), 'appraised'),
    ),
    'garages': (N_('Days at the garage'), 'garage', N_('Garage'), N_('Cars handed over'), 'delivered'),
}


def times_html(figures: Figures, name: str) -> str:
    """How long something took, by stage, insurer, appraiser or garage."""
    label, icon, first, counted, figure = _TIMES[name]
    lines: Sequence[Line] = getattr(figures, name)
    unit = _unit(t('from the opening to the inspection')) if name == 'appraisers' else ''
    head = _head(figures, name, t(label), icon, unit)
    if not lines:
        return head + _none(t('Nothing of this happened in the period.'))
    rows = [(_named(line), _claims(line.figures[figure]), _days(line, line.figures[figure])) for line in lines[:SHOWN]]
    return head + _table(name, t(label), (t(first), t(counted), t('Days, median')), rows) + _more(lines)


def side_by_side_html(figures: Figures, name: str) -> str:
    """A line for each agent, or each office."""
    lines: Sequence[Line] = getattr(figures, name)
    if not lines:
        return ''
    of_people = name == 'people'
    label, first = (t('By agent'), t('Agent')) if of_people else (t('By office'), t('Office'))
    counted = ('open', *(('unread',) if of_people else ()), 'closed')
    headers = (
        first,
        t('Open'),
        *((t('Unread by me'),) if of_people else ()),
        *(t('Claims closed'), t('Days, median'), t('Demanded'), t('Received'), t('Collection rate')),
    )

    def cells(line: Line) -> tuple[str, ...]:
        sums = (_sum(line.figures[one]) for one in ('demanded', 'received'))
        return *(_claims(line.figures[one]) for one in counted), _days(line, line.figures['closed']), *sums

    rows = [
        (_person(line) if of_people else _named(line), *cells(line), _rate_bar(line.collected) + _rate(line))
        for line in lines[:SHOWN]
    ]
    everybody = t(figures.total_label(name))
    foot = (escape(everybody), *cells(figures.total), _rate(figures.total))
    return (
        _head(figures, name, label, 'group' if of_people else 'apartment')
        + _table(name, label, headers, rows, foot)
        + _more(lines)
    )


def _rate_bar(collected: Measured | None) -> str:
    """How full a collection rate is, to the eye."""
    if collected is None or not collected.known:
        return ''
    width = min(max(collected.number, 0), 100)
    return f'<span class="mk-rbar" aria-hidden="true"><i style="width:{width:.0f}%"></i></span>'


def _person(line: Line) -> str:
    name = _name(line)
    return f'<span class="mk-row mk-rwho">{avatar_html(name, "mk-s28")}<span>{escape(name)}</span></span>'


# ---- cheques ----------------------------------------------------------------------------------------------------------------


def calendar_html(figures: Figures) -> str:
    """Four weeks of cheques, Sunday first; each day with any opens it."""
    label = t('Calendar of cheques')
    names = ''.join(f'<span class="mk-wd" aria-hidden="true">{escape(t(day))}</span>' for day in _DAYS)
    days = ''.join(_day(figures, day, *sums) for day, sums in figures.due_days.items())
    tones = ''.join(
        f'<span><i class="mk-{tone}"></i>{escape(said)}</span>'
        for tone, said in (('qover', t('Overdue')), ('qsoon', t('Within 14 days')), ('qlater', t('Later')))
    )
    sides = (
        f'<span>{icon_html("call_received", "mk-s16 mk-flip")}{escape(t("From insurers"))}</span>'
        f'<span>{icon_html("call_made", "mk-s16 mk-flip")}{escape(t("From clients"))}</span>'
    )
    return (
        _head(figures, 'weeks', label, 'calendar_month', _weeks_html(figures))
        + _misread_weeks_html(figures.state)
        + f'<div class="mk-bd"><div class="mk-cal mk-rcal">{names}{days}</div><div class="mk-callegend">{tones}{sides}</div></div>'
    )


def _misread_weeks_html(state: ReportState) -> str:
    """Says so when the address names weeks by a day that is none: it shows others than were meant."""
    if not state.misread_weeks:
        return ''
    text = t('Not a date: {days}. The calendar begins with this week.', days='{days}')
    return notice_html('misread-weeks', escape(text).format(days=days_html(state.misread_weeks)))


def _weeks_html(figures: Figures) -> str:
    """Which weeks the calendar shows, between the ways to those before and after."""
    first, last = min(figures.due_days), max(figures.due_days)
    here = first <= figures.today <= last
    ends = ' – '.join(f'{day:%d/%m}' if here else values.format_day(day) for day in (first, last))
    before = _turn_html(figures, 'before', 'chevron_right', t('Four weeks before'))
    after = _turn_html(figures, 'after', 'chevron_left', t('Four weeks after'))
    return f'<span class="mk-row mk-rweeks">{before}<span class="mk-sm mk-t3" role="status" data-testid="weeks">{num_html(ends)}</span>{after}</span>'


def _turn_html(figures: Figures, way: str, icon: str, label: str) -> str:
    """The way to other weeks, where there are any."""
    there = figures.state.turned(figures.today, back=way == 'before')
    if there.four_weeks(figures.today) == figures.state.four_weeks(figures.today):
        return ''
    return (
        f'<a class="mk-ib mk-sm" href="/reports?{escape(there.address())}" data-testid="weeks-{way}" data-weeks="{way}" '
        f'aria-label="{escape(label)}" title="{escape(label)}">{icon_html(icon, "mk-dir")}</a>'
    )


def _day(figures: Figures, day: date, incoming: int, outgoing: int) -> str:
    left, closed = (day - figures.today).days, figures.closed_days.get(day, '')
    looks = ' mk-today' * (left == 0) + ' mk-off' * (day in figures.closed_days)
    called = t(closed) if closed else t('Today') if left == 0 else ''
    short = short_occasion(closed, language()) if closed else called
    month = f' <span class="mk-mon">{escape(month_label(day))}</span>' if day.day == 1 else ''
    number = f'<span class="mk-n"><span>{num_html(str(day.day))}{month}</span></span>'
    named = f'<span class="mk-hol" aria-hidden="true">{escape(short)}</span>' if called else ''
    if not incoming and not outgoing:
        said = f'<span class="mk-vh">{escape(called)}</span>' if called else ''
        return f'<span class="mk-dy{looks}"{_titled(called)}>{number}{named}{said}</span>'
    sums = ''.join(
        f'<span class="mk-a">{icon_html(icon)}{num_html(f"{round(amount / 100):,}")}</span>'
        for icon, amount in (('call_received', incoming), ('call_made', outgoing))
        if amount
    )
    both = (
        f'{label} {values.format_money(amount, language(), cents=False)}'
        for label, amount in ((t('From insurers'), incoming), (t('From clients'), outgoing))
        if amount
    )
    said = ', '.join(filter(None, (called, *both)))
    return (
        f'<a class="mk-dy mk-{tone_of(left)}{looks}" href="{_due_address(figures, day)}" data-testid="due-day" '
        f'aria-label="{escape(f"{values.format_day(day)}: {said}")}"{_titled(called)}>{number}{named}{sums}</a>'
    )


def _titled(text: str) -> str:
    return f' title="{escape(text)}"' if text else ''


def due_html(figures: Figures) -> str:
    """The weeks and months to come as a table, in front of their chart."""
    label = t('Cheques due by week')
    headers = (t('Due date'), t('From insurers'), t('From clients'))
    weeks = [(_week(line), *_sides(line)) for line in figures.weeks]
    months = [
        (escape(f'{month_label(line.span.first)} {line.span.first.year}'), *_sides(line)) for line in figures.due_months
    ]
    by_month = t('Cheques due by month')
    return (
        f'<details class="mk-rmore"><summary>{escape(t("Weeks and months as a table"))}</summary>'
        f'<div class="mk-rmore-h">{escape(label)}<span class="mk-sp"></span>{_export(figures, "weeks", label)}</div>{_table("weeks", label, headers, weeks)}'
        f'<div class="mk-rmore-h">{escape(by_month)}<span class="mk-sp"></span>{_export(figures, "due_months", by_month)}</div>'
        f'{_table("due_months", by_month, headers, months)}</details>'
    )


def _week(line: DueLine) -> str:
    first, last = line.span.days
    return num_html(f'{first:%d/%m} – {last:%d/%m}')


def _sides(line: DueLine) -> tuple[str, str]:
    return tuple(  # type: ignore[return-value]
        _cheques(side, f'{_money(side.amount)} <span class="mk-t3">{num_html(f"({side.cheques})")}</span>')
        for side in (line.incoming, line.outgoing)
    )
