"""Whom the demo's bureau and agents called about a claim, when, and what was said."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from db import demo_words as words
from db import values
from db.repairs import BEFORE_THE_GARAGE, DELIVERED

Row = dict[str, Any]


class Ring(NamedTuple):
    """A call, some minutes after what happened before it."""

    minutes: int
    party: str
    outcome: str
    summary: str = ''
    lasted: int | None = None
    follow_days: int | None = None
    inbound: bool = False
    internal: bool = False
    by_agent: bool = False


CALLS: Mapping[str, Sequence[Sequence[Ring]]] = {
    'awaiting_details': (
        (
            Ring(95, 'insured', 'no_answer'),
            Ring(170, 'insured', 'no_answer'),
            Ring(260, 'insured', 'voicemail', 'הושארה הודעה: חסר צילום רישיון הנהיגה.', follow_days=2),
        ),
        (Ring(60, 'insured', 'spoke', 'ישלח עוד היום את פרטי הנהג השני ומספר הפוליסה.', 5, 1),),
    ),
    'awaiting_appraiser': (
        (
            Ring(30, 'appraiser', 'no_answer'),
            Ring(90, 'appraiser', 'spoke', 'יגיע למוסך ביום ראשון בבוקר. ביקש תמונות של הנזק מראש.', 3),
        ),
        (Ring(45, 'garage', 'spoke', 'הרכב נקלט ועומד בחצר. ממתינים לשמאי כדי לפרק.', 2),),
    ),
    'in_repair': (
        (
            Ring(140, 'garage', 'spoke', 'הפנס הקדמי חסר במלאי היבואן, צפי הגעה בעוד שלושה ימים.', 4, 3),
            Ring(35, 'insured', 'spoke', 'עודכן בעיכוב בחלקים. ביקש רכב חלופי לשבוע.', 6),
        ),
        (Ring(200, 'insured', 'spoke', 'הלקוח שאל מתי הרכב מוכן. הבטחתי לחזור אליו עם צפי.', 3, by_agent=True),),
    ),
    'awaiting_documents': (
        (
            Ring(80, 'insured', 'voicemail', 'הושארה הודעה לגבי אישור אי-הגשת תביעה.', follow_days=3),
            Ring(300, 'insured', 'spoke', 'פנה לחברת הביטוח שלו, האישור יישלח ישירות לסוכן.', 4, by_agent=True),
        ),
    ),
    'submitted': ((Ring(150, 'insurer', 'spoke', 'אישרו קבלה של הדרישה. שם המסלק ומספר התביעה נרשמו בתיק.', 6),),),
    'under_insurer_review': (
        (
            Ring(240, 'insurer', 'no_answer'),
            Ring(190, 'insurer', 'no_answer'),
            Ring(320, 'insurer', 'voicemail', 'הושארה הודעה למסלק.', follow_days=4),
        ),
        (Ring(260, 'insurer', 'callback', 'התיק על השולחן, ביקש שנחזור אליו ביום רביעי.', 3, 2),),
    ),
    'offer_received': (
        (
            Ring(40, 'insurer', 'spoke', 'המסלק מוכן לשפר את ההצעה אם יקבל דוח שמאי משלים.', 9, internal=True),
            Ring(70, 'insured', 'spoke', 'הוסברה ההצעה. מעדיף להמתין לתשובה על הערר.', 7),
        ),
    ),
    'awaiting_payment': ((Ring(180, 'insurer', 'spoke', 'ההמחאה הודפסה ותישלח עד סוף השבוע.', 3, 5, inbound=True),),),
    'rejected': ((Ring(60, 'third_party', 'wrong_number'), Ring(25, 'tp_agent', 'no_answer')),),
}
# the claim of the first screen, by what it came to
SHOWCASE: Mapping[str, Sequence[Ring]] = {
    'parts_ordered': (
        Ring(
            25,
            'insurer',
            'spoke',
            'אושר סכום שאינו במחלוקת על סך ₪18,500. המחאה תישלח בתוך שבעה ימי עסקים.',
            11,
            inbound=True,
        ),
    ),
    'bodywork': (
        Ring(50, 'appraiser', 'no_answer'),
        Ring(70, 'appraiser', 'no_answer'),
        Ring(60, 'appraiser', 'voicemail', 'הושארה הודעה בנוגע לדוח הסופי.', follow_days=2),
    ),
    'paint': (
        Ring(40, 'insurer', 'spoke', 'לעניין ירידת הערך מבקשים את הדוח הסופי. יש נכונות לפשרה.', 7, internal=True),
    ),
    'eta': (
        Ring(6, 'garage', 'spoke', 'הצבע הושלם. חלקי הפלסטיק הגיעו, ההרכבה מתחילה מחר בבוקר. מקדימים את המסירה.', 4),
        Ring(
            9,
            'insured',
            'spoke',
            'עודכנה שהמסירה הוקדמה. ביקשה אישור בכתב על רכב חלופי ליום נוסף, אושר מול הסוכנת.',
            4,
        ),
    ),
}
# whom a claim waits for, and how often he is called and does not answer; the last time one leaves word
_WAITED_FOR: Mapping[str, str] = {
    'awaiting_details': 'insured',
    'awaiting_appraiser': 'appraiser',
    'submitted': 'insurer',
    'under_insurer_review': 'insurer',
}
_UNHEARD = (
    Ring(0, '', 'no_answer'),
    Ring(0, '', 'no_answer'),
    Ring(0, '', 'voicemail', 'הושארה הודעה עם בקשה לחזור אלינו.'),
)


def calls_about(rng: Random, status: str, often: float) -> Sequence[Ring]:
    """The calls that a status brings about; mostly none."""
    return rng.choice(CALLS[status]) if status in CALLS and rng.random() < often else ()


def rung(rings: Iterable[Ring], after: datetime, until: datetime) -> list[tuple[datetime, Ring]]:
    """When each call is made; there are no more once something else happens."""
    made, moment = [], after
    for ring in rings:
        moment += timedelta(minutes=ring.minutes)
        if moment < until:
            made.append((moment, ring))
    return made


def in_vain(rng: Random, claim: Row, after: datetime, until: datetime) -> list[tuple[datetime, Ring]]:
    """The calls to whom a claim waits for, some days apart, that nobody answers; of some claims there are none yet."""
    stands_there = claim['repair_stage'] not in {None, *BEFORE_THE_GARAGE, DELIVERED}
    party = 'garage' if stands_there else _WAITED_FOR.get(claim['status'])
    if party is None:
        return []
    made, moment = [], after
    for ring in _UNHEARD[: rng.choice((0, 0, 1, 2, 2, 3))]:
        moment += timedelta(days=rng.choice((2, 3, 4)), minutes=rng.randint(-12, 12))
        moment += timedelta(days={4: 2, 5: 1}.get(values.israel(moment).weekday(), 0))
        if moment < until:
            made.append((moment, ring._replace(party=party)))
    return made


def call_row(at: datetime, user_id: int, by: str, ring: Ring, claim: Row) -> Row:
    """A call's row about a claim as it stands when it is made."""
    person, phone = _contact(ring.party, claim)
    return {
        'party': ring.party,
        'person': person,
        'phone': phone,
        'direction': 'inbound' if ring.inbound else 'outbound',
        'at': at,
        'minutes': ring.lasted,
        'outcome': ring.outcome,
        'summary': values.long_text(ring.summary),
        'follow_up': None if ring.follow_days is None else values.israel(at).date() + timedelta(days=ring.follow_days),
        'user_id': user_id,
        'by': by,
        'logged_at': at,
        'corrects': None,
        'internal': ring.internal,
    }


def _contact(party: str, claim: Row) -> tuple[str, str]:
    if party == 'garage':
        return (words.GARAGES[claim['garage'] - 1][1] if claim['garage'] else ''), ''
    if party == 'appraiser':
        return (words.APPRAISERS[claim['appraiser'] - 1][0] if claim['appraiser'] else ''), ''
    names = {
        'insured': ('insured_name', 'insured_phone'),
        'insurer': ('claims_adjuster', 'claims_adjuster_phone'),
        'third_party': ('tp_policy_holder', 'tp_phone'),
        'tp_agent': ('tp_agent', 'tp_agent_phone'),
    }[party]
    person = claim[names[0]] or ('מחלקת תביעות' if party == 'insurer' else '')
    return person, claim[names[1]]
