"""A client as one printed page for the meeting about renewing his policy, and the list of an office's clients, as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import quote

from components.marks import icon_html, num_html
from components.theme import status_look
from components.words import language, t, tn
from db import texts, values
from db.clients import ALL, NOT_SAID, NOT_USED, ON_PAGE, SORTS, USED, YEAR, Client, ClientLine, Clients, ClientsState
from db.reference import Reference
from db.report_state import Span
from db.texts import N_

_PERIODS: Mapping[str, str] = {YEAR: N_('The last 12 months'), ALL: N_('All time')}
_KNOWN_BY: Mapping[str, str] = {
    'id_no': N_('Counted are the claims of this office with this ID no., of those you may see.'),
    'name_and_phone': N_(
        'There is no ID no. on the claim. Counted are the claims of this office without one that have the same name and the same phone, of those you may see.'
    ),
    'claim': N_('There is neither an ID no. nor a phone on the claim, so this claim alone is counted.'),
}


def renewal_address(claim_no: str, period: str = YEAR) -> str:
    """Where the page of the client stands whose claim this is."""
    return f'/claims/{quote(claim_no, safe="")}/renewal' + (f'?period={period}' if period != YEAR else '')


def renewal_way_html(claim_no: str) -> str:
    """The way there from a claim."""
    return (
        f'<a class="mk-btn mk-s mk-sm mk-renew-way" href="{escape(renewal_address(claim_no))}" target="_blank" rel="noopener" data-testid="renewal">'
        f'{icon_html("badge")}<span>{escape(t("Renewal report of the client"))}</span></a>'
    )


def clients_way_html(office: str) -> str:
    """The way from the dashboard to the clients of an office, for the meetings about their renewals."""
    told = t(
        'Each client with his claims, what was demanded and received for him, and whether his own policy was used.'
    )
    return (
        f'<section class="mk-card mk-rmonth"><div class="mk-hd">{icon_html("badge", "mk-lead")}<h2>{escape(t("Clients for renewal"))}</h2></div>'
        f'<div class="mk-rform mk-bd"><p class="mk-grow">{escape(told)}</p>'
        f'<a class="mk-btn mk-s mk-sm" href="{escape(_address(ClientsState(office=office)))}" data-testid="to-clients">{escape(t("To the clients"))}</a></div></section>'
    )


# ---- one client -------------------------------------------------------------------------------------------------------------


def client_told(client: Client, claim_no: str, period: str, words: Reference, reader: str) -> dict[str, Any]:
    """What the page of a client is told."""
    return {
        'client': client,
        'phone': values.format_phone(client.phone) if client.phone else '',
        'periods': [
            (texts.t(label, reader), renewal_address(claim_no, key), key == period) for key, label in _PERIODS.items()
        ],
        'days': days_text(client.span, reader),
        'claims': texts.tn('{n} claim', '{n} claims', client.claims, reader),
        'states': _states(client, reader),
        'received': _money(client.received, reader),
        'demanded': _money(client.demanded, reader),
        'took': _took(client, reader),
        'usual': _usual(client, reader),
        'policy': _policy(client, reader),
        'lines': [_line(one, words, reader) for one in client.shown],
        'notes': [*_notes(client, reader), texts.t(_KNOWN_BY[client.known_by], reader)],
    }


def days_text(span: Span | None, reader: str) -> str:
    """From when to when claims were opened."""
    return ' – '.join(map(values.format_day, span.days)) if span else texts.t(_PERIODS[ALL], reader)


def _states(client: Client, reader: str) -> str:
    opened, settled = client.opened, client.claims - client.opened
    told = (
        (opened, texts.tn('{n} is open', '{n} are open', opened, reader)),
        (settled, texts.tn('{n} is settled', '{n} are settled', settled, reader)),
    )
    return ' · '.join(text for many, text in told if many)


def _money(agorot: int | None, reader: str) -> str:
    return '' if agorot is None else values.format_money(agorot, reader)


def _took(client: Client, reader: str) -> str:
    """How many days it took, or from how many to how many: of few claims no middle is told."""
    if not client.days:
        return ''
    least, most = client.days[0], client.days[-1]
    if least == most:
        return texts.tn('{n} day', '{n} days', most, reader)
    return texts.t('{least} to {most} days', reader, least=least, most=most)


def _usual(client: Client, reader: str) -> str:
    usual = client.usual
    if not client.days:
        return texts.t('No payment of a known day yet', reader)
    if not usual.known:
        return texts.t('What is usual: not enough data', reader)
    said = texts.t('Usually {days} days, the median of {n} claims', reader, days=f'{usual.number:g}', n=usual.cases)
    sooner = texts.t('sooner in {n} of {all}', reader, n=client.sooner, all=len(client.days))
    return f'{said} · {sooner}'


def _policy(client: Client, reader: str) -> tuple[str, str] | None:
    """Whether the own policy was used: in one line, and what follows from it."""
    policy, confirmed = client.policy, client.confirmed
    if not policy.claims:
        return None
    if policy.untouched:
        title = texts.t('The own policy was not used', reader)
        text = texts.tn(
            'Nothing was claimed of it for this claim, and the record without claims was kept.',
            'Nothing was claimed of it for any of the {n} claims, and the record without claims was kept.',
            policy.claims,
            reader,
        )
    else:
        title = (
            texts.tn(
                'The own policy was used in {n} claim', 'The own policy was used in {n} claims', policy.used, reader
            )
            if policy.used
            else texts.t('Whether the own policy was used is not known of every claim', reader)
        )
        text = _not_said(client, reader)
    seen = texts.tn(
        'The own insurer confirmed it for {n} claim.', 'The own insurer confirmed it for {n} claims.', confirmed, reader
    )
    return title, ' '.join(filter(None, (text, seen if confirmed and policy.untouched else '')))


def _not_said(client: Client, reader: str) -> str:
    policy = client.policy
    spared = policy.claims - policy.used - policy.unsaid
    parts = (
        (spared, texts.tn('In {n} claim it was not used.', 'In {n} claims it was not used.', spared, reader)),
        (
            policy.unsaid,
            texts.tn(
                'Of {n} claim it was not written down.', 'Of {n} claims it was not written down.', policy.unsaid, reader
            ),
        ),
    )
    return ' '.join(text for many, text in parts if many)


def _line(one: Any, words: Reference, reader: str) -> dict[str, Any]:
    status, look = words.statuses.get(one.status), status_look(one.status)
    return {
        'claim': one,
        'address': f'/claims/{quote(one.claim_no, safe="")}',
        'plate': values.format_plate(one.plate) if one.plate else '',
        'event': values.format_day(one.event_date),
        'status': status.label_in(reader) if status else one.status,
        'look': look,
        'demanded': _money(one.demanded, reader),
        'received': _money(one.received, reader),
        'took': '' if one.days is None else texts.tn('{n} day', '{n} days', one.days, reader),
        'policy': texts.t({True: USED, False: NOT_USED, None: NOT_SAID}[one.own_policy_used], reader),
    }


def _notes(client: Client, reader: str) -> list[str]:
    """What one has to know to read the page rightly."""
    left = client.claims - len(client.shown)
    told = (
        (
            left,
            texts.tn(
                'One more claim is in the sums and not in the table.',
                '{n} more claims are in the sums and not in the table.',
                left,
                reader,
            ),
        ),
        (
            client.before,
            texts.tn(
                'One claim that was opened earlier is not counted here.',
                '{n} claims that were opened earlier are not counted here.',
                client.before,
                reader,
            ),
        ),
        (
            client.undemanded,
            texts.tn(
                'For one claim nothing was demanded yet.',
                'For {n} claims nothing was demanded yet.',
                client.undemanded,
                reader,
            ),
        ),
        (
            client.mistakes,
            texts.tn(
                'One claim that was opened by mistake is not counted.',
                '{n} claims that were opened by mistake are not counted.',
                client.mistakes,
                reader,
            ),
        ),
    )
    names = ', '.join(client.other_names)
    other = texts.t('Other names with the same ID no.: {names}.', reader, names=names) if names else ''
    return [*(text for many, text in told if many), *([other] if other else [])]


# ---- the clients of an office -----------------------------------------------------------------------------------------------

_SORTED: Mapping[str, str] = {
    'received': N_('By what was received'),
    'claims': N_('By the number of claims'),
    'name': N_('By name'),
}


def clients_head_html(state: ClientsState, offices: Sequence[tuple[int, str]], *, exports: bool) -> str:
    """The period, the order and the office, as links and a form, and the way to the workbook."""
    query = state.address(page=1)
    workbook = (
        f'<a class="mk-btn mk-s mk-sm mk-rall" href="/reports/clients.xlsx{escape("?" + query if query else "")}" download data-testid="export-clients">'
        f'{icon_html("download")}{escape(t("Export to Excel"))}</a>'
    )
    periods = _choice(state, 'period', {key: t(label) for key, label in _PERIODS.items()}, t('Period'))
    sorts = _choice(state, 'sort', {key: t(_SORTED[key]) for key in SORTS}, t('Sorting'))
    ready = exports and (bool(state.office) or not offices)
    return periods + sorts + (_offices(state, offices) if offices else '') + (workbook if ready else '')


def _choice(state: ClientsState, name: str, offered: Mapping[str, str], label: str) -> str:
    def one(key: str, text: str) -> str:
        on = ' class="mk-on" aria-current="true"' if getattr(state, name) == key else ''
        return f'<a href="{escape(_address(state, **{name: key, "page": 1}))}" data-testid="{name}-{key}"{on}>{escape(text)}</a>'

    links = ''.join(one(key, text) for key, text in offered.items())
    return f'<div class="mk-seg" role="group" aria-label="{escape(label)}">{links}</div>'


def _address(state: ClientsState, **over: Any) -> str:
    query = state.address(**over)
    return f'/reports/clients{"?" + query if query else ""}'


def _offices(state: ClientsState, offices: Sequence[tuple[int, str]]) -> str:
    kept = replace(state, office='', page=1)
    hidden = ''.join(
        f'<input type="hidden" name="{name}" value="{escape(getattr(kept, name))}">' for name in ('period', 'sort')
    )
    offered = ''.join(
        f'<option value="{key}"{" selected" if str(key) == state.office else ""}>{escape(name)}</option>'
        for key, name in offices
    )
    return (
        f'<form action="/reports/clients" method="get" class="mk-rform">{hidden}'
        f'<select class="mk-size" name="office" aria-label="{escape(t("Office"))}" data-testid="filter-office">'
        f'<option value="">{escape(t("Choose an office"))}</option>{offered}</select>'
        f'<button class="mk-btn mk-s mk-sm" data-testid="show-office">{escape(t("Show"))}</button></form>'
    )


def clients_html(found: Clients, state: ClientsState) -> str:
    """The clients, a line each; the way to the page of each of them, and to the other lines."""
    label = t('Clients for renewal')
    headers = (
        *(t('Insured'), t('ID no.'), t('Mobile'), t('Agent'), t('Claims'), t('Open')),
        *(t('Demanded'), t('Received'), t('Own policy'), t('Last opened')),
    )
    head = ''.join(f'<th scope="col">{escape(header)}</th>' for header in headers)
    body = ''.join(_row(line, state, headers) for line in found.lines)
    return (
        f'<section class="mk-card mk-clc"><div class="mk-hd">{icon_html("badge", "mk-lead")}<h2>{escape(label)}</h2>'
        f'<span class="mk-sm mk-t3" data-testid="clients-total">{escape(tn("{n} client", "{n} clients", found.total))}</span></div>'
        f'<div class="mk-rtab" tabindex="0" role="region" aria-label="{escape(label)}"><table class="mk-mt mk-clt" aria-label="{escape(label)}" data-testid="table-clients">'
        f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{_pages(found, state)}</section>'
    )


def _row(line: ClientLine, state: ClientsState, headers: Sequence[str]) -> str:
    reader = language()
    name = (
        f'<a class="mk-flink" href="{escape(renewal_address(line.claim_no, state.period))}" data-testid="client">'
        f'<span dir="auto">{escape(line.name)}</span></a>'
    )
    cells = (
        num_html(line.id_no),
        num_html(values.format_phone(line.phone) if line.phone else ''),
        f'<span dir="auto">{escape(line.agent or "—")}</span>',
        *(num_html(f'{number:,}') for number in (line.claims, line.opened)),
        *(num_html(values.format_money(amount, reader, cents=False)) for amount in (line.demanded, line.received)),
        escape(line.policy.told(reader)),
        num_html(values.format_day(line.last_opened)),
    )
    told = ''.join(
        f'<td data-label="{escape(label)}">{cell}</td>' for label, cell in zip(headers[1:], cells, strict=True)
    )
    return f'<tr><th scope="row">{name}</th>{told}</tr>'


def _pages(found: Clients, state: ClientsState) -> str:
    last = max((found.total - 1) // ON_PAGE, 0) + 1
    here = min(state.page, last)
    if last == 1:
        return ''
    ways = ''.join(
        f'<a class="mk-btn mk-s mk-sm" href="{escape(_address(state, page=page))}" data-testid="clients-{name}">{escape(label)}</a>'
        for name, label, page in (('before', t('Previous page'), here - 1), ('after', t('Next page'), here + 1))
        if 1 <= page <= last
    )
    place = t('Page {page} of {pages}', page=here, pages=last)
    return f'<div class="mk-row mk-clp"><span class="mk-sm mk-t3">{escape(place)}</span><span class="mk-sp"></span>{ways}</div>'
