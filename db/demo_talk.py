"""What the demo's offices and the bureau write to each other, and the rows that make threads of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any, NamedTuple

from db import values

Row = dict[str, Any]


class Line(NamedTuple):
    """Something said, some minutes after what was said before it."""

    minutes: int
    from_bureau: bool
    text: str
    internal: bool = False


def _office(minutes: int, text: str) -> Line:
    return Line(minutes, False, text)


def _bureau(minutes: int, text: str) -> Line:
    return Line(minutes, True, text)


def _note(minutes: int, text: str) -> Line:
    return Line(minutes, True, text, internal=True)


TALKS: Mapping[str, Sequence[Sequence[Line]]] = {
    'awaiting_details': (
        (
            _bureau(35, 'שלום, חסרים לנו פרטי צד ג׳: מספר הרכב ושם הנהג. אפשר לבדוק עם הלקוח?'),
            _office(190, 'דיברתי איתו, הוא צילם את הרישיון של הנהג השני. אשלח עד מחר.'),
            _bureau(14, 'מצוין, תודה.'),
        ),
        (_bureau(20, 'חסר תאריך ושעה מדויקים של האירוע. נשמח להשלמה.'), _office(75, 'האירוע היה בסביבות 8:15 בבוקר.')),
    ),
    'awaiting_appraiser': (
        (
            _office(60, 'הלקוח שואל מתי השמאי מגיע. יש מועד?'),
            _bureau(42, 'השמאי תיאם עם המוסך, יגיע בימים הקרובים. נעדכן כאן ברגע שיבדוק.'),
        ),
    ),
    'in_repair': (
        (
            _office(120, 'המבוטח צריך את הרכב לנסיעה בשבוע הבא. יש צפי?'),
            _bureau(55, 'דיברנו עם המוסך: החלפים הוזמנו. כשיגיעו תהיה הערכה מדויקת יותר.'),
            _office(9, 'תודה על העדכון המהיר.'),
        ),
        (
            _bureau(80, 'המוסך מבקש אישור להחליף פנס במקום לתקן. העברנו לשמאי.'),
            _note(6, 'לוודא שהתוספת לא נבלעת בהשתתפות העצמית.'),
            _office(30, 'מצוין, הלקוח מעודכן.'),
        ),
    ),
    'awaiting_documents': (
        (
            _bureau(25, 'להגשה חסר אישור אי-הגשת תביעה מהמבטחת של הלקוח. אפשר להעלות אותו בלשונית המסמכים.'),
            _office(260, 'ביקשתי מחברת הביטוח, אמרו יומיים.'),
        ),
        (
            _bureau(45, 'חשבונית התיקון שהתקבלה היא העתק. חברת הביטוח דורשת מקור או נאמן למקור.'),
            _office(95, 'אבקש מהמוסך.'),
            _bureau(11, 'תודה. אם נוח יותר, נפנה אליהם ישירות.'),
            _office(18, 'עדיף שאתם, תודה רבה.'),
        ),
    ),
    'submitted': ((_bureau(15, 'הדרישה הוגשה היום לחברת הביטוח. נעקוב ונעדכן כשתהיה התייחסות.'),),),
    'under_insurer_review': (
        (
            _office(300, 'יש חדש מהמבטחת?'),
            _bureau(65, 'שוחחנו עם המסלק, התיק אצלו בבדיקה. נשלחה גם תזכורת בכתב.'),
        ),
    ),
    'offer_received': (
        (
            _bureau(30, 'התקבלה הצעה מהמבטחת. לדעתנו היא נמוכה ואפשר לשפר, ממליצים לא לקבל בשלב זה.'),
            _note(4, 'המסלק רמז שיש מרווח נוסף. לא לציין מול המשרד לפני אישור בכתב.'),
            _office(140, 'הלקוח מסכים, אפשר להמשיך במו״מ.'),
        ),
    ),
    'awaiting_payment': ((_office(500, 'הלקוח שואל מתי הכסף נכנס.'), _bureau(35, 'לפי המבטחת בתוך 10 ימי עסקים.')),),
    'rejected': (
        (
            _bureau(50, 'המבטחת דחתה את הדרישה בטענה לחבות. מכינים ערר, אין צורך בפעולה מצד המשרד.'),
            _office(33, 'תודה. אעדכן את הלקוח שזה בטיפול.'),
        ),
    ),
}
UNANSWERED = (
    'הלקוח התקשר ושואל אם יש חדש. מה אפשר לומר לו?',
    'אפשר לקבל עדכון? הלקוח ממתין לתשובה.',
    'הלקוח שלח לי היום צילום נוסף של הנזק. לאן להעלות?',
)
SHOWCASE = (
    _office(25, 'היי שירה, הלקוחה שואלת אם הרכב יהיה מוכן לפני שבת. יש צפי מהמוסך?'),
    _bureau(20, 'שלום דנה, דיברתי עם סמיר ממוסך גלבוע. הצבע הושלם והחלפים הגיעו, אז הקדימו את המסירה ליום חמישי.'),
    _note(3, 'סמיר מבקש לוודא שההשתתפות העצמית תשולם ישירות למוסך.'),
    _office(9, 'מעולה, תודה. אעדכן את רונית.'),
)
SHOWCASE_NEWS = (
    'בוקר טוב דנה, הדוח הסופי של השמאי התקבל. נעדכן כאן כשהדרישה תוגש.',
    'חסר לנו אישור אי-הגשת תביעה מהמבטחת של רונית. אפשר להעלות אותו היום?',
)
# to the office as a whole: days before now
GENERAL: Sequence[tuple[float, Line]] = (
    (19, _bureau(0, 'שלום לכולם, מהחודש אפשר להעלות מסמכים ישירות מהטלפון, מתוך התיק.')),
    (18.9, _office(0, 'נהדר, זה יחסוך לנו הרבה מיילים.')),
    (6, _office(0, 'האם אתם עובדים רגיל בשבוע הבא?')),
    (5.97, _bureau(0, 'כן, ימים ראשון עד חמישי כרגיל. ביום שלישי נסיים בשעה 15:00.')),
)


def talk_about(rng: Random, status: str, often: float) -> Sequence[Line]:
    """What is said when a claim comes to a status; mostly nothing."""
    return rng.choice(TALKS[status]) if status in TALKS and rng.random() < often else ()


def spoken(lines: Iterable[Line], after: datetime, until: datetime) -> list[tuple[datetime, Line]]:
    """When each line is said; the conversation ends where something else happens."""
    said, moment = [], after
    for line in lines:
        moment += timedelta(minutes=line.minutes)
        if moment < until:
            said.append((moment, line))
    return said


def said_row(at: datetime, user_id: int, by: str, line: Line) -> Row:
    """A message's row as far as it is known when it is said."""
    body = values.long_text(line.text)
    return {
        'at': at,
        'user_id': user_id,
        'by': by,
        'body': body,
        'search_key': f' {values.search_key(body)}',
        'from_bureau': line.from_bureau,
        'internal': line.internal,
        'mentions': [],
        'key': None,
    }


def general_rows(office_id: int, office: tuple[int, str], bureau: tuple[int, str], now: datetime) -> list[Row]:
    """What an office and the bureau wrote to each other about no claim in particular."""
    rows = []
    for days, line in GENERAL:
        user_id, name = bureau if line.from_bureau else office
        said = said_row(now - timedelta(days=days), user_id, name, line)
        rows.append({**said, 'claim_id': None, 'office_id': office_id})
    return rows


def threads_of(
    said: Sequence[Row], readers: Mapping[int, Mapping[int, bool]], read: datetime
) -> tuple[list[Row], list[Row], list[Row]]:
    """Threads, messages and marks. `readers` is office → user → whether he is the bureau's; all until `read` is read."""
    ordered = [{**row, 'id': place} for place, row in enumerate(sorted(said, key=lambda row: row['at']), 1)]
    ordered.sort(key=lambda row: (row['office_id'], row['claim_id'] or 0, row['id']))
    groups = groupby(ordered, key=lambda row: (row['office_id'], row['claim_id']))
    threads: list[Row] = []
    messages: list[Row] = []
    marks: list[Row] = []
    for thread_id, ((office_id, claim_id), group) in enumerate(groups, 1):
        rows = list(group)
        part = {'office_id': office_id, 'claim_id': claim_id}
        threads.append({**part, 'id': thread_id, **_thread([row for row in rows if not row['internal']])})
        messages += [{**row, 'thread_id': thread_id} for row in rows]
        marks += [
            {
                **part,
                'thread_id': thread_id,
                'user_id': user_id,
                'of_bureau': of_bureau,
                **_reached(rows, user_id, read),
            }
            for user_id, of_bureau in readers[office_id].items()
        ]
    return threads, sorted(messages, key=lambda row: row['id']), marks


def _thread(heard: Sequence[Row]) -> Row:
    ids = {side: max((row['id'] for row in heard if row['from_bureau'] is side), default=0) for side in (True, False)}
    return {
        'last_id': max(ids.values()),
        'last_at': heard[-1]['at'] if heard else None,
        'last_of_bureau': ids[True],
        'last_of_office': ids[False],
        'waits_for_bureau': ids[False] > ids[True],
    }


def _reached(rows: Sequence[Row], user_id: int, read: datetime) -> Row:
    seen = [row['id'] for row in rows if row['at'] < read or row['user_id'] == user_id]
    return {'delivered_id': max(seen, default=0), 'read_id': max(seen, default=0)}
