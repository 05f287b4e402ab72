"""The cheque a row of a bureau's workbook tells of: what its cells say, what of it is news beside the claim's cheques, and writing it down.

A row tells of one cheque: its number, its sum and its day. With a sum and a day it becomes a cheque of the product, so that its two
weeks are counted; the rest stays word for word in the internal note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from db import values
from db.changes import Change, plain
from db.cheques import DIRECTIONS, Cheque, Slip, change_cheque, cheques_of, enter_cheque
from db.session import fetch
from db.texts import LANGUAGES, N_, t
from db.values import Malformed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# the columns that tell of it, and what each says of a slip
CELLS: Mapping[str, str] = {
    'cheque_no': 'cheque_no',
    'cheque_amount': 'amount',
    'cheque_due': 'due_date',
    'cheque_direction': 'direction',
}
# who pays whom where the file does not say: the columns stand beside what was demanded of the insurer and what came
USUAL_DIRECTION = 'insurer_to_insured'
# a claim of these is settled: a cheque of it whose day passed is of the past
SETTLED = frozenset({'paid', 'closed'})


@dataclass(frozen=True)
class ChequeNews:
    """What a row would do about a cheque: the one it means (None: there is none yet), and how it would stand written down."""

    known: Cheque | None
    slip: Slip

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """By the name of the column: what stands there and what would."""
        return {
            cell: (getattr(self.known, name, None), getattr(self.slip, name))
            for cell, name in CELLS.items()
            if getattr(self.known, name, None) != getattr(self.slip, name) != ''
        }


# ---- what cells say ---------------------------------------------------------------------------------------------------------


def direction_called(said: str) -> str:
    """Who pays whom, by its name in any language of the product. Raises `Malformed`."""
    known = {
        values.search_key(t(label, language)): direction
        for direction, label in DIRECTIONS.items()
        for language in LANGUAGES
    }
    if (direction := known.get(values.search_key(said))) is None:
        raise Malformed(N_('Please choose who pays whom.'))
    return direction


def slip_in(said: Mapping[str, Any]) -> Slip | None:
    """The cheque that a row's cells make up; None without a sum or a day."""
    if not said.get('cheque_amount') or not said.get('cheque_due'):
        return None
    told = {CELLS[name]: value for name, value in said.items()}
    return Slip(**{'direction': USUAL_DIRECTION, **told})


def why_noted(slip: Slip | None, status: str | None, today: date) -> str:
    """Why what a row says of a cheque stays in the note, as a text; '' when it becomes a cheque."""
    if slip is None:
        return N_('A cheque needs a sum and a due date. What there is of it was kept in the internal note.')
    if status in SETTLED and slip.due_date < today:
        return N_('The cheque is of the past, on a claim that is settled. It was kept in the internal note.')
    return ''


# ---- beside what is there ---------------------------------------------------------------------------------------------------


def weigh_cheque(session: 'Session', slip: Slip, claim_id: int, imported: Sequence[Change]) -> ChequeNews | None:
    """What is news in a row's cheque; None when it stands there so, came to its end, or the row says what the last import wrote.

    `imported` is what imports changed in the claim, newest first: what the bureau changed since is left alone.
    """
    known = _meant(fetch(session, cheques_of(claim_id)), slip)
    if known is None:
        return ChequeNews(None, slip)
    kept = Slip(**{field.name: getattr(known, field.name) for field in fields(Slip)})
    wanted = replace(kept, amount=slip.amount, due_date=slip.due_date, cheque_no=kept.cheque_no or slip.cheque_no)
    says_no_more = wanted.cheque_no == kept.cheque_no
    left_alone = says_no_more and _last_imported(imported, known) == [plain(slip.amount), plain(slip.due_date)]
    return None if wanted == kept or not known.live or left_alone else ChequeNews(known, wanted)


def _meant(cheques: Sequence[Cheque], slip: Slip) -> Cheque | None:
    """The cheque a row means: by the number it came with, by the one it has now, or the one that was expected without a number."""

    def is_expected(one: Cheque) -> bool:
        return (
            one.key == _key_of('') and not one.cheque_no and (one.amount, one.due_date) == (slip.amount, slip.due_date)
        )

    for means in (
        lambda one: one.key == _key_of(slip.cheque_no),
        lambda one: bool(slip.cheque_no) and one.cheque_no == slip.cheque_no,
        is_expected,
    ):
        if found := next(filter(means, cheques), None):
            return found
    return None


def _last_imported(imported: Sequence[Change], known: Cheque) -> list[Any]:
    """The sum and the day that the last import wrote there, as the record keeps them."""
    for change in imported:
        told = {name: pair[1] for name, pair in change.fields.items()}
        entered = change.kind == 'cheque' and known.key == _key_of(told.get('cheque_no') or '')
        if entered or (change.kind == 'cheque.changed' and told['cheque'] == known.id):
            return [told['amount'], told['due_date']]
    return []


def _key_of(number: str) -> str:
    """The same cheque in a later file is the same cheque, whatever its number was put right to."""
    return f'import:{number}'


# ---- writing it down --------------------------------------------------------------------------------------------------------


def write_cheque(session: 'Session', claim_id: int, news: ChequeNews, now: datetime) -> None:
    """Enter the cheque, or put it right. A cheque with a number was drawn; one without is expected."""
    if news.known is None:
        state = 'issued' if news.slip.cheque_no else 'expected'
        enter_cheque(session, claim_id, news.slip, state, now, key=_key_of(news.slip.cheque_no))
    else:
        change_cheque(session, news.known.id, news.slip, news.known.version, now)
