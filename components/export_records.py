"""What left the product as a workbook: who took which claims or report, which columns, when, and how many; for admins."""

from html import escape

from components.marks import chip_html, num_html
from components.words import t, tn
from db import values
from db.exports import CANCELLED, DONE, EXPIRED, FAILED, LABELS, OF_REPORTS, ExportRecord
from db.texts import N_

_STATES = {
    DONE: ('green', 'task_alt', N_('Made')),
    EXPIRED: ('green', 'task_alt', N_('Made')),
    FAILED: ('red', 'error', N_('Failed')),
    CANCELLED: ('slate', 'block', N_('Cancelled')),
}
_UNDER_WAY = ('blue', 'pending', N_('Under way'))


def records_html(records: list[ExportRecord]) -> str:
    """The record, newest first."""
    title = f'<div class="mk-hd"><h2>{escape(t("Exports"))}</h2></div>'
    if not records:
        return f'{title}<p class="mk-empty-line">{escape(t("Nobody has exported anything yet."))}</p>'
    return f'{title}<ul class="mk-hlth mk-bd">{"".join(_record_html(record) for record in records)}</ul>'


def _record_html(record: ExportRecord) -> str:
    hue, icon, label = _STATES.get(record.state, _UNDER_WAY)
    told = f'{record.rows:,}'
    if record.export_id == OF_REPORTS:
        rows = escape(tn('One row', '{n} rows', record.rows, n=told))
    else:
        rows = escape(tn('One claim', '{n} claims', record.rows, n=told))
    more = [t('Selected claims')] if record.picked else []
    more += [t('After the password was entered')] if record.confirmed else []
    columns = ', '.join(t(LABELS.get(name, name)) for name in record.columns)
    return (
        f'<li data-testid="export-record"><div class="mk-row"><b>{escape(record.by)}</b> '
        f'{num_html(values.format_exact(record.at))} <b>{rows}</b> {chip_html(hue, icon, t(label), "tiny")}</div>'
        f'<p>{escape(" · ".join([record.what, *more]))}</p>'
        f'<p class="mk-t3">{escape(t("Columns:"))} {escape(columns)}</p></li>'
    )
