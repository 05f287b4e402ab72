"""A cheque of one claim as its card shows it and as the form holds it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from components.cheque_words import CHEQUE_LOOKS, left_text, left_tone, reason_text
from components.words import isolated, language, signed, t
from db import values
from db.cheques import BANKS, DIRECTIONS, STATES, Cheque

_TONES: Mapping[str, str] = {'qover': 'red', 'qsoon': 'amber', 'qlater': 'slate', '': 'slate'}


def cheque_shown(cheque: Cheque, today: date, images: Mapping[int, str]) -> dict[str, Any]:
    """What a row or a card shows of a cheque; `images` is document id → uuid."""
    reader, look, tone = language(), CHEQUE_LOOKS[cheque.state], left_tone(cheque, today)
    image = images.get(cheque.image_id or 0, '')
    return {
        'id': cheque.id,
        'version': cheque.version,
        'byClient': cheque.by_client,
        'direction': t(DIRECTIONS[cheque.direction]),
        'drawer': cheque.drawer,
        'payee': cheque.payee,
        'no': cheque.cheque_no,
        'bank': bank_line(cheque),
        'amount': values.format_money(cheque.amount, reader),
        'due': values.format_day(cheque.due_date),
        'state': cheque.state,
        'stateLabel': t(STATES[cheque.state]),
        'hue': look.hue,
        'icon': look.icon,
        'live': cheque.live,
        'reason': reason_text(cheque, reader),
        'note': cheque.note,
        'waiver': cheque.waiver,
        'confirmedBy': cheque.waiver_confirmed_by,
        'late': cheque.late and cheque.live,
        'closed': t('The due date is {reason}', reason=t(cheque.closed_note)) if cheque.closed_note else '',
        'image': image,
        'by': f'{isolated(signed(cheque.by, reader))} · {values.format_exact(cheque.entered_at)}',
        'days': cheque.days_left(today),
        'daysText': left_text(cheque, today, reader),
        'daysHue': _TONES[tone],
        'near': tone in ('qover', 'qsoon'),
    }


def bank_line(cheque: Cheque) -> str:
    """Bank, branch and account as they stand on the cheque."""
    name = BANKS.get(cheque.bank)
    bank = t('Bank {name} ({code})', name=name, code=cheque.bank) if name else cheque.bank
    branch = t('branch {branch}', branch=cheque.branch) if cheque.branch else ''
    account = t('account {account}', account=cheque.account) if cheque.account else ''
    return ' · '.join(filter(None, (bank, branch, account)))


def draft_of(cheque: Cheque, images: Mapping[int, str]) -> dict[str, Any]:
    """A cheque as the form holds it."""
    return {
        **{
            name: getattr(cheque, name)
            for name in ('direction', 'drawer', 'payee', 'bank', 'branch', 'account', 'note')
        },
        'chequeNo': cheque.cheque_no,
        'amount': values.format_money(cheque.amount).removeprefix('₪'),
        'due': cheque.due_date.isoformat(),
        'waiver': cheque.waiver,
        'head': cheque.head or '',
        'offer': str(cheque.offer_id or ''),
        'image': images.get(cheque.image_id or 0, ''),
        'state': cheque.state,
    }
