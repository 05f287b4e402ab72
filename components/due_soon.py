"""The cheques that fall due next, in the two lines of the bell's popover."""

from datetime import date, timedelta
from typing import Any

from db import texts, values
from db.cheques import WARN_DAYS, cheques_due, count_and_sum, with_claims

NAMED = 2


def next_due_cheques(session: Any, today: date, reader: str) -> dict[str, Any] | None:
    """The nearest day within the two weeks of the warning: how far, how many, whose; None when nothing falls due."""
    nearest = session.scalars(cheques_due(today, today + timedelta(days=WARN_DAYS)).limit(1)).first()
    if nearest is None:
        return None
    of_the_day = cheques_due(nearest.due_date, nearest.due_date)
    count, total = count_and_sum(session, of_the_day)
    first = session.execute(with_claims(of_the_day).limit(NAMED)).all()
    days, day = nearest.days_left(today), values.format_day(nearest.due_date, today)
    names, amount = ', '.join(dict.fromkeys(claim.insured_name for _, claim in first)), values.format_money(total)
    return {
        # small numbers are words of their own
        'days': '' if days == 0 or (days <= 2 and reader == 'he') else str(days),
        'left': texts.tn('day', 'days', days, reader) if days else texts.t('Today', reader),
        'title': texts.tn('A cheque is due on {day}', '{n} cheques are due on {day}', count, reader, day=day),
        'detail': f'{amount} · {names}{"…" if count > NAMED else ""}',
    }
