"""Cheques in words: how a state looks, how long is left, who pays whom, and where a cheque may go next."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from components.theme import Look
from components.words import weekday_of
from db import values
from db.cheques import DIRECTIONS, REASONS, STATES, USUAL, WARN_DAYS, Cheque, next_states
from db.claims import Claim
from db.texts import N_, t, tn

CHEQUE_LOOKS: Mapping[str, Look] = {
    'expected': Look('slate', 'hourglass_top'),
    'issued': Look('violet', 'print'),
    'received': Look('blue', 'inbox'),
    'handed_over': Look('cyan', 'handshake'),
    'deposited': Look('teal', 'account_balance'),
    'cleared': Look('green', 'check_circle'),
    'bounced': Look('red', 'replay'),
    'cancelled': Look('slate', 'cancel'),
    'replaced': Look('slate', 'swap_horiz'),
}
# what one says on a button that takes a cheque there
_ORDERS: Mapping[str, str] = {
    'issued': N_('Was issued'),
    'received': N_('Was received'),
    'handed_over': N_('Was handed over'),
    'deposited': N_('Was deposited'),
    'cleared': N_('Was cleared'),
    'bounced': N_('Bounced'),
    'cancelled': N_('Was cancelled'),
}

# days on which nothing is paid, as they fit into a cell of a calendar on the phone
_SHORT_OCCASIONS: Mapping[str, str] = {
    'Passover': N_('Pesach'),
    'Passover eve': N_('Pesach eve'),
    'Seventh day of Passover': N_('7th of Pesach'),
    'Eve of the seventh day of Passover': N_('Feast eve'),
    'Independence Day': N_('Indep. Day'),
    'Rosh Hashanah': N_('Rosh Hash.'),
    'Rosh Hashanah eve': N_('R.H. eve'),
    'Memorial Day': N_('Mem. Day'),
    'Yom Kippur': N_('Kippur'),
    'Yom Kippur eve': N_('Kippur eve'),
    'Simchat Torah eve': N_('Feast eve'),
    'Hol HaMoed Passover': N_('Hol HaMoed'),
    'Hol HaMoed Sukkot': N_('Hol HaMoed'),
}
_WHY: Mapping[str, str] = {'bounced': N_('Why did it bounce?'), 'cancelled': N_('Why is it cancelled?')}


def cheque_row(
    cheque: Cheque, claim: Claim, office: str, today: date, reader: str, *, editable: bool
) -> dict[str, Any]:
    """A cheque as the browser draws it. `editable`: whether the reader takes it further."""
    look = CHEQUE_LOOKS[cheque.state]
    return {
        'id': cheque.id,
        'href': f'/claims/{quote(claim.claim_no, safe="")}?tab=money',
        'claim_no': claim.claim_no,
        'name': claim.insured_name,
        'plate': values.format_plate(claim.plate) if claim.plate else '',
        'office': office,
        'due': values.format_day(cheque.due_date),
        'weekday': weekday_of(cheque.due_date, reader),
        'closed': _occasion(cheque, reader),
        'left': left_text(cheque, today, reader),
        'tone': left_tone(cheque, today),
        'number': abs(cheque.days_left(today)),
        'out': cheque.by_client,
        'way': t(DIRECTIONS[cheque.direction], reader),
        'payee': cheque.payee,
        'drawer': cheque.drawer,
        'cheque_no': cheque.cheque_no,
        'amount': values.format_money(cheque.amount, reader),
        'late': cheque.late and cheque.live,
        'waiver': cheque.waiver,
        'state': {'id': cheque.state, 'hue': look.hue, 'icon': look.icon, 'label': t(STATES[cheque.state], reader)},
        'reason': reason_text(cheque, reader),
        'live': cheque.live,
        'steps': steps_of_cheque(cheque, reader) if editable else [],
    }


def _occasion(cheque: Cheque, reader: str) -> str:
    """Why nobody works on the day it is due; not that it is a Friday or a Saturday: the weekday stands there anyway."""
    note = t(cheque.closed_note, reader)
    return '' if note == weekday_of(cheque.due_date, reader) else note


def short_occasion(occasion: str, reader: str) -> str:
    """What a day is, in as few letters as one still knows it by."""
    return t(_SHORT_OCCASIONS.get(occasion, occasion), reader)


def left_text(cheque: Cheque, today: date, reader: str) -> str:
    """How long is left, as one says it; '' of a cheque that came to its end."""
    days = cheque.days_left(today)
    if not cheque.live:
        return ''
    if days < 0:
        return tn('{n} day overdue', '{n} days overdue', -days, reader)
    return tn('{n} day left', '{n} days left', days, reader) if days else t('Due today', reader)


def left_tone(cheque: Cheque, today: date) -> str:
    """How much it presses: over, soon, later; '' of a cheque that came to its end."""
    return tone_of(cheque.days_left(today)) if cheque.live else ''


def tone_of(days: int) -> str:
    """How much a day that is so many days away presses: the end of a class of its look."""
    return 'qover' if days < 0 else 'qsoon' if days <= WARN_DAYS else 'qlater'


def reason_text(cheque: Cheque, reader: str) -> str:
    """Why it is where it is, when that was asked."""
    return t(REASONS.get(cheque.state, {}).get(cheque.reason, ''), reader)


def steps_of_cheque(cheque: Cheque, reader: str) -> list[dict[str, Any]]:
    """Where a click may take it, the usual way first: with the reasons one chooses from, and whether one has to confirm a waiver."""
    known = sorted(next_states(cheque), key=lambda state: USUAL.index(state) if state in USUAL else len(USUAL))
    return [
        {
            'state': state,
            'label': t(_ORDERS[state], reader),
            'icon': CHEQUE_LOOKS[state].icon,
            'danger': state not in USUAL,
            'why': t(_WHY.get(state, ''), reader),
            'reasons': [[key, t(text, reader)] for key, text in REASONS.get(state, {}).items()],
            'waiver': state in ('deposited', 'cleared') and cheque.waiver and not cheque.waiver_confirmed_by,
        }
        for state in known
    ]
