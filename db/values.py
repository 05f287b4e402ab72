"""Values as people type them and as we keep them: names, ID numbers, plates, phones, sums, dates; pure functions."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from stdnum.il import idnr

from db.texts import N_, Told, t, tn

ISRAEL = ZoneInfo('Asia/Jerusalem')
TEXT_LIMIT = 200
LONG_TEXT_LIMIT = 4000
EMAIL_LIMIT = 254
MONEY_LIMIT = 10**8  # shekels; with agorot ten digits, and more is no property claim but a slip of the hand
QUERY_WORDS = 8
QUERY_LENGTH = 100


class Malformed(Told, ValueError):  # noqa: N818  an adjective of the value, read as 'except Malformed'
    """A value that cannot be kept as typed; the text says what is wrong and what to do."""


# Text

_QUOTES = str.maketrans(dict.fromkeys('״“”„‟«»″', '"') | dict.fromkeys('׳‘’‚‛`´′', "'") | {'\u05be': '-'})
_NIQQUD = re.compile(r'[\u0591-\u05bd\u05bf-\u05c7]')
_LINE_BREAKS = re.compile(r'\r\n?|[\v\f\x85\u2028\u2029]')
_SPACES = re.compile(r'[^\S\n]')
_BLANK_LINES = re.compile(r'\n{3,}')
_INVISIBLE = re.compile(
    r'[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]'  # controls; a NUL stops PostgreSQL, the others Excel
    r'|[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]'  # no characters at all
    r'|[\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]'  # no width, bidi
    r'|(?<![\u2600-\U0001faff])\u200d'  # a joiner, unless it holds a family emoji together
)


def visible(text: str) -> str:
    """As it was written, without what nobody sees and no database takes."""
    return _INVISIBLE.sub('', text)


def normalise(text: str) -> str:
    """One line as we keep it: one spelling of quotes and letters, nothing invisible, single spaces."""
    # quotes first: NFKC takes an acute accent for a space with a mark on it
    composed = unicodedata.normalize('NFKC', text.translate(_QUOTES)).translate(_QUOTES)
    seen = visible(_NIQQUD.sub('', composed))
    return ' '.join(unicodedata.normalize('NFC', seen).split())


# before the last letter of an abbreviation, an ending aside
_GERSHAYIM = re.compile(r'(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea](?:ים|ות|ית|י)?(?![\u05d0-\u05ea"]))')
# what stands between two of them is quoted
_GERESH = re.compile(r"(?<!\w)'[^']*'(?!\w)|(?<=[\u05d0-\u05ea])'")


def printed(label: str) -> str:
    """Hebrew as it is printed: with the signs of its abbreviations, which are kept as a keyboard writes them."""
    if '"' not in label and "'" not in label:
        return label
    return _GERESH.sub(lambda sign: '׳' if sign[0] == "'" else sign[0], _GERSHAYIM.sub('״', label))


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """A field of one line; nothing entered is an empty text."""
    return _within(normalise(_written(value)), limit)


def long_text(value: object, limit: int = LONG_TEXT_LIMIT) -> str:
    """A note or message: the words and line breaks as written, without invisible characters."""
    seen = visible(_LINE_BREAKS.sub('\n', unicodedata.normalize('NFC', _written(value))))
    lines = [line.rstrip() for line in _SPACES.sub(' ', seen).split('\n')]
    return _within(_BLANK_LINES.sub('\n\n', '\n'.join(lines)).strip(), limit)


def email(value: object) -> str:
    address = normalise(_required(value)).casefold().removeprefix('mailto:')
    if not _EMAIL.fullmatch(address) or len(address) > EMAIL_LIMIT or '..' in address:
        raise Malformed(N_('This is not an e-mail address. Write it as name@example.co.il.'))
    return address


_EMAIL = re.compile(r"[a-z0-9_][a-z0-9._%+'-]*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}")


def _within(written: str, limit: int) -> str:
    if len(written) > limit:
        raise Malformed(
            N_('The text has {length} characters, at most {limit} fit. Please shorten it.'),
            length=len(written),
            limit=limit,
        )
    return written


def _written(value: object) -> str:
    """What stands in the cell: spreadsheets hand over numbers where people see digits."""
    if value is None:
        return ''
    if isinstance(value, float):
        return _number_as_shown(value)
    return str(value)


def _number_as_shown(value: float) -> str:
    if not math.isfinite(value):
        return ''  # an empty cell, to pandas
    return str(int(value)) if value.is_integer() else str(value)


def _required(value: object) -> str:
    written = normalise(_written(value))
    if not written:
        raise Malformed(N_('Nothing was entered. Please fill in this field.'))
    return written


# Search

_DASHES = re.compile(r'[-\u05be\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]+')
_COUNTRY_CODE = re.compile(r'(?<!\w)(?:\+|00)972[-\s.()]*(?:0[-\s.()]*)?(?=\d)|(?<!\w)972(?=5\d{8}(?!\w))')
_SPACED_PLATE = re.compile(r'(?<!\S)(?:(\d\d) (\d{3}) (\d\d)|(\d{3}) (\d\d) (\d{3}))(?!\S)')
_INSIDE_NUMBER = re.compile(r'(?<=\d)-+|-+(?=\d)|(?<=\d)[./](?=\d)')
_BETWEEN_WORDS = re.compile(r'[-,;:()\[\]{}<>|\\/!?]|\.(?!\w)|(?<!\w)\.')


def search_key(text: str) -> str:
    """What a search compares, on both sides: lower case, no quotes, numbers without dashes, single spaces."""
    folded = normalise(normalise(text).casefold()).translate(_NO_QUOTES)
    local = _COUNTRY_CODE.sub('0', _DASHES.sub('-', folded))
    numbers = _INSIDE_NUMBER.sub('', local)
    words = ' '.join(_BETWEEN_WORDS.sub(' ', numbers).split())
    return _SPACED_PLATE.sub(lambda match: match[0].replace(' ', ''), words)


def search_words(query: str) -> list[str]:
    """The words of a typed query; each of them must stand somewhere in the `search_key` of what is found."""
    room = QUERY_LENGTH
    words: list[str] = []
    for word in search_key(query[: 4 * QUERY_LENGTH]).split()[:QUERY_WORDS]:
        if room > 0:
            words.append(word[:room])
        room -= len(word)
    return words


def has_a_word(query: str) -> bool:
    """Whether a typed query has a letter or a digit: of signs alone there is nothing to look for."""
    return any(sign.isalnum() for sign in query)


_NO_QUOTES = str.maketrans('', '', '\'"')


# People and vehicles

_SEPARATORS = re.compile(r'[\s./()\-\u2010-\u2015\u2212]+')
_PASSPORT = re.compile(r'(?=[A-Z]*\d)[A-Z0-9]{5,20}')


def id_number(value: object) -> str:
    """An Israeli ID or company number as 9 digits, or a foreign passport in capital letters."""
    compact = _SEPARATORS.sub('', _required(value)).upper()
    if re.fullmatch(r'[0-9]+', compact):
        return _nine_digits(compact)
    if not _PASSPORT.fullmatch(compact):
        raise Malformed(N_('An ID or company number has up to 9 digits. A passport has Latin letters and digits.'))
    return compact


def id_number_doubt(value: str) -> str | None:
    """Why a well-formed number may still be a slip; it may be saved all the same."""
    if not re.fullmatch(r'[0-9]{9}', value):
        return N_('This is not an Israeli ID number. If it is a passport number, it can be saved.')
    if not idnr.is_valid(value):
        return N_('The check digit does not match. Please check the number, or save it as it is.')
    return None


def _nine_digits(digits: str) -> str:
    if not int(digits):
        raise Malformed(N_('An ID number cannot be all zeros. Please check it.'))
    if not 5 <= len(digits) <= 9:
        raise Malformed(
            N_('An ID or company number has 9 digits, {count} were entered. Please check it.'), count=len(digits)
        )
    return digits.zfill(9)


def plate(value: object) -> str:
    """A vehicle plate as digits only."""
    digits = _SEPARATORS.sub('', _required(value))
    if not re.fullmatch(r'[0-9]{5,8}', digits) or not int(digits):
        raise Malformed(N_('A plate has 7 or 8 digits, such as 12-345-67 or 123-45-678. Please check it.'))
    return digits


def plate_doubt(value: str) -> str | None:
    if len(value) < 7:
        return N_('A plate usually has 7 or 8 digits. An old or special plate can be saved as it is.')
    return None


def format_size(size: int) -> str:
    return f'{size / 1024 / 1024:.1f} MB' if size >= 1024 * 1024 else f'{max(1, round(size / 1024))} KB'


def format_plate(value: str) -> str:
    cuts = {5: (2, 5), 6: (3, 6), 7: (2, 5), 8: (3, 5)}.get(len(value))
    if cuts is None:
        return value
    first, second = cuts
    return '-'.join(part for part in (value[:first], value[first:second], value[second:]) if part)


# Phones

_PHONE = re.compile(r'05\d{8}|0[23489]\d{7}|07[2-9]\d{7}|1(?:700|800|599)\d{6}|\*\d{3,5}', re.ASCII)
_MOBILE = re.compile(r'05\d{8}', re.ASCII)
_LOST_ZERO = re.compile(r'^(?=5\d{8}$|[23489]\d{7}$|7[2-9]\d{7}$)', re.ASCII)
_ISRAEL_CODE = re.compile(r'^(?:\+|00)?9720?(?=[2-9]\d{7,8}$)', re.ASCII)


def phone(value: object) -> str:
    """A phone number as dialled inside Israel, digits only (`*3739` keeps its star)."""
    compact = _SEPARATORS.sub('', _required(value)).removeprefix('tel:')
    if re.fullmatch(r'\d{3,5}\*', compact):  # a star number pasted from right-to-left text
        compact = '*' + compact[:-1]
    local = _LOST_ZERO.sub('0', _ISRAEL_CODE.sub('0', compact), count=1)
    if not _PHONE.fullmatch(local):
        raise Malformed(N_('This is not an Israeli phone number. Write it as 052-1234567, 03-1234567 or *1234.'))
    return local


def format_phone(value: str) -> str:
    if value.startswith('1') and len(value) == 10:
        return f'{value[0]}-{value[1:4]}-{value[4:7]}-{value[7:]}'
    if not value.startswith('0'):
        return value
    return f'{value[:-7]}-{value[-7:]}'


def whatsapp_number(value: str) -> str | None:
    """The number wa.me wants; only mobiles have one."""
    return f'972{value[1:]}' if _MOBILE.fullmatch(value) else None


def tel_uri(value: str) -> str:
    return f'tel:+972{value[1:]}' if value.startswith('0') else f'tel:{value}'


def way_to(address: str) -> str:
    """Where a phone leads to an address on the road."""
    return f'https://waze.com/ul?q={quote(address, safe="")}&navigate=yes'


# Money

_CURRENCY = re.compile(r'₪|ש"?ח|NIS|ILS', re.IGNORECASE)
_SUM = re.compile(  # not 1.234: a thousand to some, one shekel to others
    r'(?P<minus>-?)(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.(?!\d{3}$)\d*)?|\.\d{1,2})(?P<minus_at_end>-?)', re.ASCII
)


def money(value: object, *, negative: bool = False) -> int:
    """A sum in shekels, as a whole number of agorot."""
    shekels = _shekels(value)
    if shekels < 0 and not negative:
        raise Malformed(N_('A sum cannot be below zero. Write it without a minus.'))
    if abs(shekels) >= MONEY_LIMIT:
        raise Malformed(N_('The sum is too large. Please check the number of digits.'))
    return int((shekels * 100).quantize(Decimal(1), ROUND_HALF_UP))


@lru_cache(maxsize=10_000)
def format_money(agorot: int, language: str = 'he', *, cents: bool | None = None) -> str:
    """`₪38,640`, with agorot where there are any; `cents` says always or never."""
    with_cents = bool(agorot % 100) if cents is None else cents
    shekels = (Decimal(abs(agorot)) / 100).quantize(Decimal('0.01') if with_cents else Decimal(1), ROUND_HALF_UP)
    digits = format_decimal(shekels, '#,##0.00' if with_cents else '#,##0', locale=language)
    return f'{"-" if agorot < 0 and shekels else ""}₪{digits}'


def _shekels(value: object) -> Decimal:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and math.isfinite(value):
        return Decimal(str(value))
    written = _CURRENCY.sub('', _required(value)).replace(' ', '').replace('\u2212', '-')
    match = _SUM.fullmatch(written)
    if match is None or (match['minus'] and match['minus_at_end']):
        raise Malformed(N_('This is not a sum. Write digits only, such as 15,435.35.'))
    shekels = Decimal(match['digits'].replace(',', ''))
    return -shekels if match['minus'] or match['minus_at_end'] else shekels


# Counts and years


def whole(value: object) -> int:
    """A count, or the number of something chosen from a list."""
    digits = _required(value)
    if not re.fullmatch(r'[0-9]{1,9}', digits):
        raise Malformed(N_('This is not a whole number. Write digits only, without a sign or a point.'))
    return int(digits)


_YES_NO = {'yes': True, 'true': True, '1': True, 'כן': True, 'no': False, 'false': False, '0': False, 'לא': False}


def yes_no(value: object) -> bool:
    """An answer in either language."""
    answer = value if isinstance(value, bool) else _YES_NO.get(_required(value).casefold())
    if answer is None:
        raise Malformed(N_('Please answer yes or no.'))
    return answer


def year(value: object) -> int:
    """The year a vehicle was made in."""
    digits = _required(value)
    if not re.fullmatch(r'(?:19|20)[0-9]{2}', digits):
        raise Malformed(N_('This is not a year. Write four digits, such as 2019.'))
    return int(digits)


# Dates and times

_TIME = r'(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?'
_DAY_FIRST = re.compile(r'(\d{1,2}) ?([./-]) ?(\d{1,2}) ?\2 ?(\d{4}|\d{2})' + _TIME, re.ASCII)
# what keys of digits write; never a year first, by its month
_DIGITS_ONLY = re.compile(r'(\d{2})()(\d{2})(\d{4})', re.ASCII)
_YEAR_FIRST = re.compile(r'(\d{4})([./-])(\d{1,2})\2(\d{1,2})' + _TIME, re.ASCII)
# a day beyond these is a slip of the hand
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)
NO_DAY = N_('This is not a date. Write day, month and year, such as 23/11/2026.')
TOO_EARLY = N_('This date is too early. It can be {day} or later.')
TOO_LATE = N_('This date is too late. It can be {day} or earlier.')
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_DAYS = range(29221, 73051)  # 1980 to 2099; smaller numbers are more likely something else


def day(value: object) -> date:
    """A date from a typed text, a spreadsheet number or a date."""
    if isinstance(value, datetime):
        return israel(value).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _excel_day(value)
    return _written_day(_required(value))


def day_in(given: str | None) -> date | None:
    """A day of an address; None when it is none."""
    try:
        return day(given) if given else None
    except Malformed:
        return None


def misread_days(query: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    """The days of an address that are none, as they stand there."""
    return tuple(as_given(given) for name in names if (given := query.get(name, '').strip()) and not day_in(given))


def misread_choices(query: Mapping[str, str], choices: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """What an address asks for that is none of the choices, as it stands there."""
    asked = ((query.get(name, ''), known) for name, known in choices.items())
    return tuple(as_given(given) for given, known in asked if given and given not in known)


def as_given(given: str) -> str:
    """What stands in an address, as a page can show it."""
    return ''.join(sign if sign.isprintable() else '\ufffd' for sign in given[:40])


def _excel_day(serial: float) -> date:
    if not math.isfinite(serial) or int(serial) not in _EXCEL_DAYS:
        raise _no_date()
    return _EXCEL_EPOCH + timedelta(days=int(serial))


def _written_day(written: str) -> date:
    if match := _DAY_FIRST.fullmatch(written) or _DIGITS_ONLY.fullmatch(written):
        return _calendar_day(_full_year(match[4]), int(match[3]), int(match[1]), written)
    if match := _YEAR_FIRST.fullmatch(written):
        return _calendar_day(int(match[1]), int(match[3]), int(match[4]), written)
    raise _no_date()


def _full_year(written: str) -> int:
    number = int(written)
    if len(written) == 4:
        return number
    return 2000 + number if number < 70 else 1900 + number


def _calendar_day(in_year: int, month: int, day_of_month: int, written: str) -> date:
    try:
        found = date(in_year, month, day_of_month)
    except ValueError:
        raise Malformed(N_('There is no date {date}. Please check day, month and year.'), date=written) from None
    if found < FIRST_DAY:
        raise Malformed(TOO_EARLY, day=format_day(FIRST_DAY))
    if found > LAST_DAY:
        raise Malformed(TOO_LATE, day=format_day(LAST_DAY))
    return found


def _no_date() -> Malformed:
    return Malformed(NO_DAY)


def israel(at: datetime) -> datetime:
    """The same moment on an Israeli clock; a time without a zone is UTC, as the database keeps it."""
    return _aware(at).astimezone(ISRAEL)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def format_day(on: date, today: date | None = None) -> str:
    """dd/mm/yyyy; given `today`, dates of the same year are shown as dd/mm."""
    if today is not None and on.year == today.year:
        return f'{on:%d/%m}'
    return f'{on.day:02}/{on.month:02}/{on.year:04}'


def format_time(at: datetime) -> str:
    return f'{israel(at):%H:%M}'


def format_exact(at: datetime) -> str:
    """The full moment, for a hint on a relative one and for the history."""
    return f'{format_day(israel(at).date())} {format_time(at)}'


def format_moment(at: datetime, now: datetime, language: str = 'he') -> str:
    """How long ago, then the time of today or yesterday, then the date."""
    # not between two Israeli times: within one zone Python subtracts clock faces, wrong when the clock is changed
    minutes = (_aware(now) - _aware(at).astimezone(UTC)) // timedelta(minutes=1)
    if -1 <= minutes < 1:
        return t('now', language)
    if 0 < minutes < 60:
        return tn('a minute ago', '{n} min ago', minutes, language)
    if 0 < minutes < 180:
        return tn('an hour ago', '{n} hours ago', minutes // 60, language)
    return _calendar_moment(at, israel(now).date(), language)


@lru_cache(maxsize=5000)  # the same few claims stand at the head of many lists
def _calendar_moment(at: datetime, today: date, language: str) -> str:
    days = (israel(at).date() - today).days
    if days == 0:
        return t('today, {time}', language, time=format_time(at))
    if days == -1:
        return t('yesterday, {time}', language, time=format_time(at))
    if days == 1:
        return t('tomorrow, {time}', language, time=format_time(at))
    return format_day(israel(at).date())
