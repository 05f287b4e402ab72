"""Values as people type them: what is taken, what is refused and how it is shown."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db import values
from db.reference import WaitingParty
from db.values import Malformed

TYPED = st.text(
    st.one_of(
        st.sampled_from('אבגדהשתםץ׳״־"\'-–./+*()₪ 0123456789972abcTG@,\u200f\u200e\u05b8\n\t\x00'), st.characters()
    ),
    max_size=60,
)
quick = settings(max_examples=60, deadline=None)


# Text


@pytest.mark.parametrize(
    ('typed', 'kept'),
    [
        ('  דנה   כהן ', 'דנה כהן'),
        ('צ”ג', 'צ"ג'),
        ('דו״ח', 'דו"ח'),
        ('ג׳ורג´', "ג'ורג'"),
        ('בית־שמש', 'בית-שמש'),
        ('שָׁלוֹם', 'שלום'),
        ('\ufb2aלום', 'שלום'),
        ('\u200f12-345-67\u200e', '12-345-67'),
        ('שורה\nשורה\tטאב', 'שורה שורה טאב'),
        ('א\x00ב\x1bג\ud800', 'אבג'),
        ('Toyota COROLLA', 'Toyota COROLLA'),
        ('תודה 👨‍👩‍👧 ❤️', 'תודה 👨‍👩‍👧 ❤️'),
        ('\u200d\u200b', ''),
        ('\uff11\uff12', '12'),
    ],
)
def test_a_line_is_kept_in_one_spelling(typed, kept):
    assert values.normalise(typed) == values.text(typed) == kept


@quick
@given(TYPED)
def test_normalising_twice_changes_nothing_and_the_result_can_be_stored(typed):
    once = values.normalise(typed)
    assert values.normalise(once) == once
    assert '\x00' not in once
    assert once.encode() is not None


def test_a_text_may_be_empty_or_a_number_from_a_spreadsheet():
    assert values.text(None) == values.text('  ') == values.text(float('nan')) == ''
    assert values.text(7) == values.text(7.0) == '7'
    assert values.text(7.5) == '7.5'


@pytest.mark.parametrize(
    ('kept', 'printed'),
    [
        ("חברת הביטוח של צד ג'", 'חברת הביטוח של צד ג׳'),
        ('סוכן צ"ג', 'סוכן צ״ג'),
        ("צ'רלי", 'צ׳רלי'),
        ('המתנה ל"אישור"', 'המתנה ל"אישור"'),
        ("המתנה: 'אישור סופי' של צד ג'", "המתנה: 'אישור סופי' של צד ג׳"),
        ('דו"חות של מנכ"לית', 'דו״חות של מנכ״לית'),
        ("Appraiser's fee", "Appraiser's fee"),
    ],
)
def test_a_label_is_printed_with_the_signs_of_hebrew_abbreviations(kept, printed):
    row = WaitingParty(label=kept, label_en=kept)
    assert (row.label_in('he'), row.label_in('en')) == (printed, kept)
    assert values.normalise(printed) == kept, 'as it is kept'


def test_a_text_too_long_is_refused_with_both_numbers():
    with pytest.raises(Malformed) as refused:
        values.text('א' * 201)
    assert refused.value.values == {'length': 201, 'limit': 200}
    assert '201' in refused.value.told('he')
    assert len(values.text('א' * 20, limit=20)) == 20
    with pytest.raises(Malformed):
        values.long_text('א' * 11, limit=10)


def test_a_note_keeps_its_words_and_lines():
    assert values.long_text(' דו״ח שמאי…\r\nשורה\x00 שנייה  \n\n\n\nסוף\u202e\n') == 'דו״ח שמאי…\nשורה שנייה\n\nסוף'
    assert values.long_text('שורה\u2028שורה\xa0ב') == 'שורה\nשורה ב'
    assert values.long_text(None) == ''


def test_an_email_is_kept_in_lower_case():
    assert values.email(' mailto:Dana.Cohen@Example.co.il\u200f') == 'dana.cohen@example.co.il'


@pytest.mark.parametrize(
    'typed', ['', 'dana', 'dana@', '@example.com', 'a b@example.com', 'דנה@example.com', 'a..b@example.com',
              'a@example', 'a@-x-.com', 'a@example.com, b@example.com', 'a' * 250 + '@example.com']
)  # fmt: skip
def test_what_is_no_email_is_refused(typed):
    with pytest.raises(Malformed):
        values.email(typed)


# Search


@pytest.mark.parametrize(
    ('written', 'key'),
    [
        ('דו״ח שמאי', 'דוח שמאי'),
        ('צ"ג צ”ג צ״ג', 'צג צג צג'),
        ('בן־דוד, בית-שמש', 'בן דוד בית שמש'),
        ('TG-2026-10001', 'tg202610001'),
        ('12-345-67', '1234567'),
        ('12 345 67 טויוטה', '1234567 טויוטה'),
        ('123\u201345\u2212678', '12345678'),
        ('+972-52-1234567', '0521234567'),
        ('00972 (0)52-1234567', '0521234567'),
        ('972521234567', '0521234567'),
        ('23.11.2026 23/11/2026', '23112026 23112026'),
        ('Dana@Example.co.il.', 'dana@example.co.il'),
        ('STRASSE Straße', 'strasse strasse'),
        ('', ''),
    ],
)
def test_what_a_search_compares(written, key):
    assert values.search_key(written) == key


@pytest.mark.parametrize('query', ['2026-10001', 'TG-2026-10001', 'tg202610001', '10001', 'Tg-2026', '-10001', '2026-'])
def test_a_claim_number_is_found_however_it_is_typed(query):
    assert all(word in values.search_key('דנה כהן TG-2026-10001 טויוטה') for word in values.search_words(query))


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('12-345-67', ['1234567']),
        ('123 45 678', ['12345678']),
        ('בן־דוד', ['בן', 'דוד']),
        ('צ״ג', ['צג']),
        ("ג'ורג׳", ['גורג']),
        ('+972-52-1234567', ['0521234567']),
        ('+972 52 123 4567', ['052', '123', '4567']),
        ('כהן,', ['כהן']),
        (' - "״ ', []),
        ('א ב ג ד ה ו ז ח ט י', ['א', 'ב', 'ג', 'ד', 'ה', 'ו', 'ז', 'ח']),
        ('א' * 70 + ' ' + 'ב' * 70 + ' ג', ['א' * 70, 'ב' * 30]),
    ],
)
def test_the_words_of_a_query(query, words):
    assert values.search_words(query) == words


@settings(max_examples=200, deadline=None)
@given(TYPED)
@example('+972-0-5')
@example('1 12 345 67 890 12')
def test_every_word_of_a_query_stands_in_the_key_of_the_same_text(typed):
    key = values.search_key(typed)
    assert all(word in key for word in values.search_words(typed))
    assert key == ' '.join(key.split())


@quick
@given(
    st.lists(
        st.sampled_from(['דנה', 'בן־דוד', 'דו״ח', 'TG-2026-10001', '12-345-67', '052-1234567', 'a@b.co.il']), min_size=1
    )
)
def test_a_field_is_found_among_others(fields):
    key = values.search_key(' '.join(fields))
    assert all(word in key for field in fields for word in values.search_words(field))


# People and vehicles


@pytest.mark.parametrize(
    'typed',
    ['123456782', '033333337', '33333337', '312456783', '054312988', '200000008', '000000018',
     '511234569', '520012345', '580123453', '510000003', 123456782, 33333337.0, ' 12345678-2\u200f'],
)  # fmt: skip
def test_a_true_id_or_company_number_raises_no_doubt(typed):
    number = values.id_number(typed)
    assert len(number) == 9
    assert values.id_number_doubt(number) is None


@pytest.mark.parametrize('typed', ['123456789', '12345678'])
def test_a_wrong_check_digit_is_a_doubt_not_a_refusal(typed):
    assert 'check digit' in str(values.id_number_doubt(values.id_number(typed)))


def test_a_foreign_passport_may_be_saved():
    assert values.id_number(' ab-123456 ') == 'AB123456'
    assert 'passport' in str(values.id_number_doubt('AB123456'))


@pytest.mark.parametrize(
    'typed', ['', '000000000', '1234', '1234567890', 'דנה', 'ABCDEF', 'AB1', 'A1' * 11, '12345678א']
)
def test_what_is_no_id_number_is_refused(typed):
    with pytest.raises(Malformed):
        values.id_number(typed)


@pytest.mark.parametrize(
    ('typed', 'shown', 'doubtful'),
    [
        ('1234567', '12-345-67', False),
        ('12 345 67', '12-345-67', False),
        ('12345678', '123-45-678', False),
        ('123-45-678', '123-45-678', False),
        (1234567.0, '12-345-67', False),
        ('\u200f12-345-67\u200e', '12-345-67', False),
        ('123456', '123-456', True),
        ('12-345', '12-345', True),
    ],
)
def test_a_plate_is_kept_as_digits_and_shown_with_dashes(typed, shown, doubtful):
    plate = values.plate(typed)
    assert plate == shown.replace('-', '')
    assert values.format_plate(plate) == shown
    assert bool(values.plate_doubt(plate)) is doubtful


@pytest.mark.parametrize('typed', ['', '1234', '123456789', '12-345-6X', 'מ-12345', '0000000', '١٢٣٤٥٦٧'])
def test_what_is_no_plate_is_refused(typed):
    with pytest.raises(Malformed):
        values.plate(typed)


def test_an_unusual_plate_is_shown_as_it_is():
    assert values.format_plate('1234') == '1234'


# Phones


@pytest.mark.parametrize(
    ('typed', 'kept', 'shown', 'link'),
    [
        ('052-1234567', '0521234567', '052-1234567', 'tel:+972521234567'),
        ('+972-52-1234567', '0521234567', '052-1234567', 'tel:+972521234567'),
        ('00972521234567', '0521234567', '052-1234567', 'tel:+972521234567'),
        ('972 (0)52 123 4567', '0521234567', '052-1234567', 'tel:+972521234567'),
        (521234567, '0521234567', '052-1234567', 'tel:+972521234567'),
        (521234567.0, '0521234567', '052-1234567', 'tel:+972521234567'),
        ('03-7181444', '037181444', '03-7181444', 'tel:+97237181444'),
        (37181444, '037181444', '03-7181444', 'tel:+97237181444'),
        ('077-1234567', '0771234567', '077-1234567', 'tel:+972771234567'),
        ('1-800-123456', '1800123456', '1-800-123-456', 'tel:1800123456'),
        ('*3739', '*3739', '*3739', 'tel:*3739'),
        ('3739*', '*3739', '*3739', 'tel:*3739'),
        ('\u202a052-555-0134\u202c', '0525550134', '052-5550134', 'tel:+972525550134'),
    ],
)
def test_a_phone_is_kept_as_dialled(typed, kept, shown, link):
    assert values.phone(typed) == kept
    assert values.phone(shown) == kept
    assert values.format_phone(kept) == shown
    assert values.tel_uri(kept) == link


@pytest.mark.parametrize(
    'typed', ['', '012-1234567', '052-123456', '052-12345678', '06-1234567', 'אין', '*37', '+1 212 555 0134']
)
def test_what_is_no_israeli_phone_is_refused(typed):
    with pytest.raises(Malformed):
        values.phone(typed)


def test_only_mobiles_have_a_whatsapp_number():
    assert values.whatsapp_number('0521234567') == '972521234567'
    assert values.whatsapp_number('037181444') is None


# Money


@pytest.mark.parametrize(
    ('typed', 'agorot'),
    [
        ('15,435.35 ₪', 1543535),
        ('₪3,700', 370000),
        ('3700 ש"ח', 370000),
        ('3700 ש״ח', 370000),
        ('3,700.5 שח', 370050),
        ('NIS 12', 1200),
        ('\u200f12,345.50\xa0\u200f₪', 1234550),
        ('.5', 50),
        ('7.', 700),
        ('9151.459999999999', 915146),
        (9151.459999999999, 915146),
        (1e-07, 0),
        (3700, 370000),
        (Decimal('0.005'), 1),
        ('0', 0),
        ('99999999.99', 9999999999),
    ],
)
def test_a_sum_becomes_agorot(typed, agorot):
    assert values.money(typed) == agorot


def test_a_sum_below_zero_is_taken_only_where_it_makes_sense():
    assert (
        values.money('-500', negative=True) == values.money('500-', negative=True) == values.money(-500, negative=True)
    )
    assert values.money('\u2212500.25', negative=True) == -50025
    for typed in ('-500', -500, '500-'):
        with pytest.raises(Malformed, match='below zero'):
            values.money(typed)


@pytest.mark.parametrize(
    'typed', ['', None, 'אלף', '12,34', '1.234', '1.234,56', '--5', '-5-', '1-5', '1e5', True, float('nan'), float('inf'),
              100_000_000, '9' * 60, '١٢٣']
)  # fmt: skip
def test_what_is_no_sum_is_refused(typed):
    with pytest.raises(Malformed):
        values.money(typed)


@quick
@given(st.integers(min_value=-(10**10) + 1, max_value=10**10 - 1))
def test_a_sum_shown_is_read_back(agorot):
    assert values.money(values.format_money(agorot), negative=True) == agorot
    assert values.money(values.format_money(agorot, 'en', cents=True), negative=True) == agorot


def test_a_sum_is_shown_with_the_sign_at_the_left_and_no_marks():
    assert values.format_money(3864000) == '₪38,640'
    assert values.format_money(3864050) == '₪38,640.50'
    assert values.format_money(3864000, cents=True) == '₪38,640.00'
    assert values.format_money(3864050, cents=False) == '₪38,641'
    assert values.format_money(-3864000) == '-₪38,640'
    assert values.format_money(-10, cents=False) == values.format_money(0) == '₪0'


# Counts and years


def test_counts_and_years_are_digits():
    assert values.whole(' 12 ') == values.whole(12.0) == 12
    assert values.year('2019') == values.year(2019) == 2019
    for typed in ('', '-1', '1.5', 'x', '9' * 10):
        with pytest.raises(Malformed):
            values.whole(typed)
    for typed in ('', '19', '1066', '2119', '2019/20'):
        with pytest.raises(Malformed):
            values.year(typed)


# Dates and times

NAIVE = datetime(2026, 11, 23, 1, tzinfo=UTC).replace(tzinfo=None)  # as SQLite and openpyxl hand them over


@pytest.mark.parametrize(
    'typed',
    ['23/11/2026', '23.11.2026', '23-11-26', ' 23 / 11 / 26 ', '23112026', '2026-11-23', '2026-11-23T08:30:00', '23/11/2026 08:30',
     '\u200f23.11.26', date(2026, 11, 23), NAIVE, datetime(2026, 11, 22, 23, tzinfo=UTC), 46349, 46349.75],
)  # fmt: skip
def test_a_date_is_read_in_every_usual_spelling(typed):
    assert values.day(typed) == date(2026, 11, 23)
    assert type(values.day(typed)) is date


def test_a_year_of_two_digits_is_the_nearest_century():
    assert values.day('1.1.69') == date(2069, 1, 1)
    assert values.day('1.1.70') == date(1970, 1, 1)


@pytest.mark.parametrize(
    'typed', ['31/02/2026', '31022026', '20261123', '29.2.2027', '11/23/2026', '00/01/2026', '2026-13-01']
)
def test_a_date_no_calendar_has_is_named(typed):
    with pytest.raises(Malformed) as refused:
        values.day(typed)
    assert typed in refused.value.told('he')


@pytest.mark.parametrize(
    'typed',
    [
        '',
        None,
        'מחר',
        '23/11',
        '23/11-2026',
        '2311202',
        '20261123 08:30',
        '1/1/206',
        '46349',
        '23/11/2026 ועוד',
        True,
        12,
        10**9,
        float('nan'),
        float('inf'),
    ],
)
def test_what_is_no_date_is_refused(typed):
    with pytest.raises(Malformed):
        values.day(typed)


@pytest.mark.parametrize(
    ('typed', 'said'),
    [
        ('1/1/1800', 'התאריך מוקדם מדי. אפשר לבחור מ-01/01/1900 והלאה.'),
        ('0050-01-01', 'מוקדם מדי'),
        ('1/1/2100', 'התאריך מאוחר מדי. אפשר לבחור עד 31/12/2099.'),
        ('31/02/2026', 'אין תאריך'),
        ('31/02/1800', 'אין תאריך'),
    ],
)
def test_a_day_that_nobody_means_says_why(typed, said):
    with pytest.raises(Malformed) as refused:
        values.day(typed)
    assert said in refused.value.told()


@quick
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_date_shown_is_read_back(on):
    assert values.day(values.format_day(on)) == on


def test_inside_its_year_a_date_needs_no_year():
    assert values.format_day(date(2026, 2, 7), date(2026, 11, 23)) == '07/02'
    assert values.format_day(date(2025, 2, 7), date(2026, 11, 23)) == '07/02/2025'


def test_times_are_shown_on_the_israeli_clock():
    assert values.format_exact(datetime(2026, 7, 1, 21, 5, tzinfo=UTC)) == '02/07/2026 00:05'
    assert values.format_exact(datetime(2026, 12, 1, 21, 5, tzinfo=UTC).replace(tzinfo=None)) == '01/12/2026 23:05'
    assert values.format_time(datetime(2026, 12, 1, 21, 5, tzinfo=UTC).replace(tzinfo=None)) == '23:05'


NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ('ago', 'shown'),
    [
        (timedelta(seconds=-30), 'עכשיו'),
        (timedelta(seconds=59), 'עכשיו'),
        (timedelta(minutes=1), 'לפני דקה'),
        (timedelta(minutes=2), 'לפני 2 דק׳'),
        (timedelta(minutes=6), 'לפני 6 דק׳'),
        (timedelta(minutes=59), 'לפני 59 דק׳'),
        (timedelta(minutes=60), 'לפני שעה'),
        (timedelta(minutes=179), 'לפני שעתיים'),
        (timedelta(hours=8, minutes=55), 'היום, 08:05'),
        (timedelta(hours=23, minutes=40), 'אתמול, 17:20'),
        (timedelta(days=2), '21/11/2026'),
        (timedelta(hours=-2), 'היום, 19:00'),
        (timedelta(days=-1), 'מחר, 17:00'),
        (timedelta(days=-400), '28/12/2027'),
    ],
)
def test_a_moment_is_told_as_people_say_it(ago, shown):
    assert values.format_moment(NOW - ago, NOW) == shown


def test_a_moment_in_english():
    assert values.format_moment(NOW - timedelta(minutes=6), NOW, 'en') == '6 min ago'
    assert values.format_moment(NOW - timedelta(minutes=130), NOW, 'en') == '2 hours ago'


def test_the_change_of_the_clock_adds_no_hour():
    before_change = datetime(2026, 10, 24, 22, 50, tzinfo=UTC)  # 01:50 in summer time; at 23:00 UTC the clock goes back
    assert values.format_moment(before_change, before_change + timedelta(minutes=20)) == 'לפני 20 דק׳'


def test_an_empty_field_is_told_to_be_empty():
    for parse in (values.email, values.id_number, values.plate, values.phone, values.money, values.day):
        with pytest.raises(Malformed, match='Nothing was entered'):
            parse(' \u200f ')
