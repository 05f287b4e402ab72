"""Rows of the claim page without a page: what each reader is shown, what changed, what may be sent back."""

from datetime import UTC, date, datetime

import pytest

from components.claim_rows import (
    SECTIONS,
    News,
    choices_for,
    firm_called,
    input_text,
    names_in,
    reason_key,
    row_of,
    section_summary,
    waited,
)
from components.claim_sections import TYPED_AT_MOST, Edit
from components.repair_words import days_reached, is_tracked, stages_of
from db.claims import FIELDS
from db.repairs import Stay
from tests.components.conftest import NOON, TODAY, change, make


def row(name, claim, wording, news=None, *, staff=False):
    return row_of(name, claim, wording, news or News(), editable=staff, today=TODAY)


def test_an_address_can_be_driven_to_and_copied(wording):
    wording.reference.garages[7].address = 'החרוץ 4, חיפה'
    garage = row('garage_address', make(garage=7), wording)
    assert garage['copy'] == 'החרוץ 4, חיפה'
    assert garage['way'] == (
        'https://waze.com/ul?q=%D7%94%D7%97%D7%A8%D7%95%D7%A5%204%2C%20%D7%97%D7%99%D7%A4%D7%94&navigate=yes'
    )
    assert row('insured_address', make(insured_address='הנרקיס 14, קריית ביאליק'), wording)['way']
    assert row('tp_driver_address', make(tp_driver_address='הגפן 3, חיפה'), wording)['copy'] == 'הגפן 3, חיפה'
    assert 'way' not in row('insured_address', make(insured_address=''), wording, staff=True)


def test_the_sections_stand_in_the_order_of_the_brief():
    assert list(SECTIONS)[:7] == ['insured', 'third_party', 'tp_driver', 'tp_agent', 'garage', 'appraiser', 'money']
    brief = ('insured_name', 'insured_id_no', 'insured_address', 'insured_phone', 'plate', 'policy_no', 'event_date')
    insured = names_in('insured')
    assert sorted(brief, key=insured.index) == list(brief)[:4] + sorted(brief[4:], key=insured.index)


def test_every_field_of_a_claim_stands_on_the_page_once():
    shown = [name for section in ('status', 'daily', *SECTIONS) for name in names_in(section)]
    assert len(shown) == len(set(shown))
    assert set(FIELDS) <= set(shown)


def test_a_phone_can_be_called_written_to_and_copied(wording):
    assert row('insured_phone', make(), wording) == {
        'name': 'insured_phone',
        'label': 'נייד',
        'kind': 'phone',
        'text': '052-5550134',
        'none': False,
        'value': '0525550134',
        'number': True,
        'tel': 'tel:+972525550134',
        'whatsapp': 'https://wa.me/972525550134',
        'copy': '052-5550134',
    }
    assert row('tp_phone', make(tp_phone='035550190'), wording)['whatsapp'] == '', 'a landline has no WhatsApp'


def test_an_empty_row_is_left_out_for_readers_and_offered_to_staff(wording):
    assert row('policy_no', make(), wording) is None
    assert row('policy_no', make(), wording, staff=True)['none']
    assert row('insurer_claim_no', make(), wording)['text'] == 'טרם התקבל'
    assert row('claim_no', make(claim_no='26-00001'), wording, staff=True).get('editable') is None


def test_waiting_says_for_how_long(wording):
    assert row('waiting_on', make(), wording)['beside'] == '12 יום'
    assert waited(NOON, TODAY, 'he') == 'מהיום'
    assert 'beside' not in row('waiting_on', make(is_open=False), wording)


def test_a_changed_row_shows_what_was_before(wording):
    claim = make(policy_no='')
    news = News.of([change(5, {'policy_no': ['77', ''], 'tp_insurer': [3, 2]})], [], claim, 1)
    assert row('policy_no', claim, wording, news)['before'] == '77', 'a cleared field is still shown'
    assert row('tp_insurer', claim, wording, news) | {'before': 'שירביט', 'changed': True} == row(
        'tp_insurer', claim, wording, news
    )


def test_news_are_what_differs_from_the_last_visit_and_what_i_did_not_write():
    claim = make(policy_no='3', plate='21734801', insured_phone='0527654321')
    seen = [
        change(1, {'insured_name': [None, 'רונית']}, kind='opened'),
        change(2, {'policy_no': ['1', '2'], 'plate': ['21734801', '1234567']}),
        change(3, {'policy_no': ['2', '3'], 'insured_phone': ['0525550134', '0521111111']}),
        change(4, {'plate': ['1234567', '21734801']}),
    ]
    mine = change(6, {'insured_phone': ['0521111111', '0527654321']}, user_id=1)
    news = News.of(seen, [mine, *reversed(seen)], claim, 1)
    assert news.before == {'policy_no': '1'}, 'the plate is what it was, the phone I wrote myself'
    assert news.newest == 4


def test_the_derived_rows_follow_their_firm(wording):
    claim = make(garage=7)
    assert row('garage_phone', claim, wording)['tel'] == 'tel:+97245550178'
    assert row('garage_address', claim, wording) is None
    assert row('garage_phone', make(garage=None), wording, staff=True) is None
    assert section_summary('third_party', make(tp_policy_holder='גיא'), wording) == 'גיא · הפניקס'


@pytest.mark.parametrize(
    ('name', 'value', 'typed'),
    [
        ('demand_amount', 3864000, '38640'),
        ('demand_amount', 1543535, '15435.35'),
        ('demand_amount', 0, '0'),
        ('event_date', date(2026, 10, 28), '28/10/2026'),
        ('insured_phone', '0525550134', '052-5550134'),
        ('tp_insurer', 2, '2'),
        ('model_year', None, ''),
    ],
)
def test_a_value_is_edited_as_one_would_type_it(name, value, typed, wording):
    assert input_text(name, value, wording.text(name, value)) == typed


def test_choices_come_from_the_lists_in_use(wording):
    assert choices_for('tp_insurer', make(), wording, {}) == [{'value': 2, 'label': 'הפניקס'}]
    assert choices_for('agent', make(), wording, {'agent': [(1, 'דנה ארז')]}) == [{'value': 1, 'label': 'דנה ארז'}]
    rejected = choices_for('status', make(), wording, {})[1]
    assert (rejected['reason'], rejected['reasons']) == (True, ['אי תגובה'])
    assert all(
        choice['reason'] for choice in choices_for('status', make(status='rejected', is_open=False), wording, {})[:1]
    ), 'reopening takes a reason'


def test_a_reason_from_the_list_is_kept_as_such(reference):
    assert reason_key(' אי תגובה', reference) == 'no_answer'
    assert reason_key('משהו אחר', reference) == 'משהו אחר'


def test_a_garage_is_found_however_it_is_quoted(reference):
    assert firm_called('garage', 'מוסך ״גלבוע״', reference) == 7
    assert firm_called('garage', 'מוסך אחר', reference) is None


GOOD = {'name': 'plate', 'seen': '1', 'raw': '2', 'reason': '', 'anyway': True}


def test_an_edit_is_read_from_what_the_browser_sends():
    assert Edit.read(GOOD, ['plate']) == Edit('plate', '1', '2', '', True)
    assert Edit.read(GOOD | {'seen': None, 'anyway': 'yes', 'reason': None}, ['plate']) == Edit('plate', None, '2')


@pytest.mark.parametrize(
    'sent',
    [
        None,
        [],
        'plate',
        GOOD | {'name': 'office_id'},
        GOOD | {'name': ['plate']},
        GOOD | {'raw': 5},
        GOOD | {'raw': 'x' * (TYPED_AT_MOST + 1)},
        GOOD | {'seen': {'a': 1}},
        GOOD | {'seen': 1.5},
        GOOD | {'seen': 'x' * (TYPED_AT_MOST + 1)},
        {'name': 'plate'},
    ],
)
def test_an_edit_that_no_page_of_ours_sends_is_no_edit(sent):
    assert Edit.read(sent, ['plate']) is None


def test_the_road_shows_what_is_done_where_the_car_is_and_what_comes(reference):
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    reached = days_reached([Stay('received', monday, monday, 'x'), Stay('paint', monday, None, 'x')])

    def road(stage):
        stages = stages_of(make(repair_stage=stage), reference, 'he', reached, TODAY)
        return [(stage['id'], stage['state'], stage['day']) for stage in stages]

    assert road('paint') == [('received', 'd', '23/11'), ('paint', 'c', '23/11'), ('delivered', 'td', '')]
    assert [state for _, state, _ in road('delivered')] == ['d', 'd', 'd']
    assert [state for _, state, _ in road('towing')] == ['c', 'td', 'td'], 'a hidden stage counts as the one before'
    assert [state for _, state, _ in road('not_arrived')] == ['td', 'td', 'td']


def test_a_repair_is_tracked_once_there_is_one():
    assert not is_tracked(make())
    assert is_tracked(make(status='in_repair'))
    assert is_tracked(make(repair_stage='paint'))


def test_an_input_takes_as_much_as_the_field(wording):
    for name, limit in (('insured_name', 120), ('policy_no', 40), ('next_action', 300), ('daily_note', 5000)):
        assert row(name, make(daily_note=''), wording, staff=True)['limit'] == limit
    assert row('track', make(track='undecided'), wording, staff=True)['limit'] is None
