"""Searching: whatever detail the caller has finds the claim, however it is written, and both routes find the same."""

import re
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text

from components.list_columns import found_text
from db import list_claims, list_counts, list_rows, list_state, lists, search
from db.base import now
from db.changes import date_record
from db.claims import Claim, change_status, open_claim, save_fields
from db.list_state import ListState
from db.reference import Appraiser, Garage
from db.scope import Actor, Role
from db.session import Database, open_session
from db.values import search_words
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_office, make_user

KNOWN: dict[str, Any] = {
    'claim_no': '26-00417',
    'insured_name': 'רונית צ׳רניחובסקי־לוי',
    'insured_id_no': '123456782',
    'insured_phone': '052-555-0134',
    'insured_address': 'רחוב ז״בוטינסקי 12, בני ברק',
    'plate': '217-34-801',
    'policy_no': '55/1234567-8',
    'insurer_claim_no': 'H-2026/778899',
    'driver': 'עידו בן דוד',
    'tp_policy_holder': 'הובלות הצפון בע"מ',
    'tp_phone': '03-6123456',
    'tp_plate': '12-345-67',
    'tp_driver': "ג'ורג' חורי",
    'tp_agent': 'Avi Cohen',
    'tp_policy_no': 'TP-98765',
    'tp_insurer': 1,
}


@made_once
def known(people: People) -> Claim:
    """One claim of which much is known, among others of which as much is known, but other things."""
    with open_session(SYSTEM) as session:
        garage, appraiser = Garage(name='מוסך האחים עזרא'), Appraiser(name='שמאות כרמל')
        session.add_all([garage, appraiser])
    others: dict[str, Any] = {
        'plate': '98-765-43',
        'insured_phone': '0541112222',
        'claim_no': '25-99999',
        'insured_id_no': '999999998',
        'insured_address': 'רחוב הגפן 2, יוקנעם',
    }
    make_claim(people.levi, people.staff, insured_name='משה פרץ', **others)
    claim = make_claim(people.levi, people.staff, KNOWN | {'garage': garage.id, 'appraiser': appraiser.id})
    make_claim(people.levi, people.staff, insured_name='שרה אבן', **(others | {'claim_no': '25-99998'}))
    return claim


@pytest.mark.parametrize(
    ('typed', 'field', 'told'),
    [
        ('12-345-67', 'tp_plate', 'רכב צד ג׳: \u206812-345-67\u2069'),
        ('6123456', 'tp_phone', 'נייד צד ג׳: \u206803-6123456\u2069'),
        ('98765', 'tp_policy_no', 'מס׳ פוליסה צד ג׳: \u2068TP-98765\u2069'),
        ('רונית חורי', 'tp_driver', "נהג צד ג׳: \u2068ג'ורג' חורי\u2069"),
        ('כרמל', 'appraiser', 'שמאי: \u2068שמאות כרמל\u2069'),
        ('217-34', None, ''),
        ('רונית', None, ''),
    ],
)
def test_a_claim_says_by_what_it_was_found_unless_its_line_shows_it(
    known: Claim, people: People, typed: str, field: str | None, told: str
) -> None:
    with open_session(people.dana, reading=True) as session:
        state = ListState.read({'view': 'all', 'q': typed})
        for rows in (lists.page_of(session, state).rows, lists.first_rows(session, state)):
            by = {row.claim_no: row.found for row in rows}[known.claim_no]
            assert (by and by[0]) == field
            assert (found_text(by, 'he') if by else '') == told
        assert all(row.found is None for row in lists.first_rows(session, replace(state, scope='plate')))


def found(actor: Actor, typed: str, scope: str = 'all') -> list[str]:
    with open_session(actor, reading=True) as session:
        page = lists.page_of(session, ListState.read({'view': 'all', 'q': typed, 'scope': scope, 'size': '100'}))
        return [row.claim_no for row in page.rows]


FINDS = [
    # the plate, with and without dashes, in parts
    *('217-34-801', '21734801', '217 34 801', '734', '34801', '217–34–801', '217.34.801'),
    # the phone, as people write it
    *(
        '0525550134',
        '052-5550134',
        '052-555-0134',
        '+972525550134',
        '+972-52-555-0134',
        '972525550134',
        '00972525550134',
        '5550134',
    ),
    # names: geresh and gershayim of every kind, or none; hyphen of every kind, or a space; niqqud
    *("צ'רניחובסקי", 'צ׳רניחובסקי', 'צרניחובסקי', 'צ’רניחובסקי', 'לוי', 'צרניחובסקי לוי', 'צרניחובסקי-לוי', 'רוֹנִית'),
    *('ז״בוטינסקי', 'ז"בוטינסקי', 'זבוטינסקי', 'בע"מ', 'בע״מ', 'בעמ', "ג'ורג'", 'גורג', 'AVI', 'avi cohen', 'cohen'),
    # the whole name in any order; a part of a word from three letters on
    *('רונית לוי', 'לוי רונית', 'ניחוב', 'ונית', 'עידו בן דוד', 'דוד עידו', 'צפון', 'הצפון'),
    # two letters begin a word
    *('רו', 'בן', 'צר', 'לו', 'בן דוד', 'בני ברק', 'בר'),
    # numbers: the claim's, the insurer's, policy, ID; whole and in parts
    *(
        '26-00417',
        '2600417',
        '00417',
        '417',
        '26-00',
        'H-2026/778899',
        '778899',
        '2026778899',
        '55/1234567-8',
        '1234567',
        '98765',
    ),
    *('123456782', '12345678-2', '6782'),
    # the third party, the insurer, the garage, the appraiser, the office
    *(
        '12-345-67',
        '1234567',
        '036123456',
        '03-6123456',
        'חורי',
        'הובלות',
        'עזרא',
        'האחים עזרא',
        'שמאות',
        'כרמל',
        'הראל',
    ),
    # several details at once
    *('רונית 801', '0525550134 217-34-801', 'עזרא כרמל 417'),
    # invisible marks that come with pasted text
    *('\u200f21734801\u200e', '\u2067רונית\u2069', '  רונית   לוי  '),
]
FINDS_NOT = [
    *('רוניתה', 'חובסקיר', '21734802', '0525550135', 'קרפדון', 'רונית 802', '9999999999', 'ני', 'וד', 'ור', 'zzz'),
]


def test_any_detail_finds_the_claim(people, known):
    with open_session(people.staff, reading=True) as session:
        assert list_rows.rows_of(session, [known.id])[known.id].tp_insurer == 'הראל', 'searched for below'
    missed = [
        (typed, actor.name)
        for typed in FINDS
        for actor in (people.dana, people.staff)
        if known.claim_no not in found(actor, typed)
    ]
    assert missed == []


def test_a_detail_of_another_claim_does_not(people, known):
    assert [typed for typed in FINDS_NOT if known.claim_no in found(people.dana, typed)] == []
    for typed in ('21734801', 'צרניחובסקי', '0525550134', '00417'):
        assert found(people.dana, typed) == found(people.staff, typed) == [known.claim_no]
        assert found(people.rival, typed) == []


SCOPED = {
    'claim_no': (['26-00417', '2600417', '417', '26-0'], ['21734801', 'רונית', '26-00418']),
    'plate': (['217-34-801', '34801', '21734801'], ['1234567', '26-00417', 'רונית']),
    'insured_name': (['רונית', 'רו', 'ר', 'לוי', 'צרניחובסקי', 'רונית לוי', 'צ״ר'], ['ונית', 'עידו', '801', 'חובסקי']),
}


@pytest.mark.parametrize('scope', SCOPED)
def test_a_search_in_one_field_stays_there(people, known, scope):
    assert set(SCOPED) == set(list_state.SCOPES) - {'all'}
    right, wrong = SCOPED[scope]
    for actor in (people.dana, people.staff):
        assert [typed for typed in right if found(actor, typed, scope) != [known.claim_no]] == []
        assert [typed for typed in wrong if known.claim_no in found(actor, typed, scope)] == []


def test_one_letter_and_nothing_narrow_nothing(people, known):
    for typed in ('', ' ', 'ר', 'ר צ', '\u200f'):
        assert len(found(people.dana, typed)) == 3, typed


def test_signs_alone_find_nothing(people, known):
    for typed in ('🚗', '"', '-', ' … ', '🚗 🚗!', '*'):
        for actor in (people.dana, people.staff):
            for scope in list_state.SCOPES:
                assert found(actor, typed, scope) == [], (typed, scope)
        state = ListState.read({'q': typed})
        assert state.is_wordless
        for view in list_state.VIEWS:
            with open_session(people.dana, reading=True) as session:
                assert (
                    list_counts.counts_of(session, replace(state, view=view)).items()
                    <= dict.fromkeys(list_state.VIEWS, 0).items()
                )
    assert not ListState.read({'q': ' '}).is_wordless
    assert found(people.dana, '🚗 רונית') == found(people.dana, 'רונית') == ['26-00417']


def test_hits_come_newest_first(people, known):
    for actor in (people.dana, people.staff):
        assert found(actor, 'רחוב') == ['25-99998', '26-00417', '25-99999']
    with open_session(people.staff) as session:
        save_fields(session, known.id, {'make_model': ('', 'מאזדה')}, now())
    for actor in (people.dana, people.staff):
        assert found(actor, 'רחוב')[0] == '26-00417', 'news brings it to the top of the hits too'


def test_the_index_follows_what_is_edited(people, known):
    with open_session(people.staff) as session:
        edited = {
            'insured_name': (known.insured_name, 'אורנה ברוש'),
            'plate': (known.plate, '7654321'),
            'garage': (known.garage, None),
        }
        save_fields(session, known.id, edited, now())
    for actor in (people.dana, people.staff):
        for gone in ('צרניחובסקי', '21734801', 'עזרא'):
            assert found(actor, gone) == [], gone
        for come in ('אורנה', 'ברוש', '76-543-21', '0525550134', 'כרמל'):
            assert found(actor, come) == [known.claim_no], come


def test_what_is_not_searched_leaves_the_claim_found(people, known):
    for name, before, after in (
        ('circumstances', '', 'התנגשות'),
        ('demand_amount', None, 100),
        ('waiting_on', 'bureau', 'agent'),
    ):
        with open_session(people.staff) as session:
            save_fields(session, known.id, {name: (before, after)}, now())
        for actor in (people.dana, people.staff):
            assert found(actor, 'צרניחובסקי') == [known.claim_no]


def test_what_is_rolled_back_is_not_found(people, known):
    with pytest.raises(ZeroDivisionError), open_session(people.staff) as session:
        save_fields(session, known.id, {'insured_name': (known.insured_name, 'אלמונית')}, now())
        session.flush()
        raise ZeroDivisionError
    for actor in (people.dana, people.staff):
        assert found(actor, 'אלמונית') == []
        assert found(actor, 'צרניחובסקי') == [known.claim_no]


def test_the_index_is_whole(people, known, database):
    with open_session(people.staff) as session:
        save_fields(session, known.id, {'insured_name': (known.insured_name, 'אחרת')}, now())
        change_status(session, known.id, 'closed', 'שולם', known.status, now())
    newer = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        save_fields(session, newer.id, {'daily_note': ('', 'דיברנו')}, now())
    same = 'seq', 'office_id', 'is_open'
    asked = ', '.join(f'{table}.{name}' for table in ('s', 'c') for name in same)
    with database.writer.connect() as connection:
        kept = connection.execute(text(f'SELECT {asked} FROM claim_search s JOIN claims c ON c.id = s.claim_id')).all()
        assert len(kept) == 4
        assert all(line[:3] == line[3:] for line in kept)
        assert {bool(line[2]) for line in kept} == {True, False}
        if connection.dialect.name == 'sqlite':
            connection.execute(text("INSERT INTO claim_fts(claim_fts, rank) VALUES ('integrity-check', 1)"))


# ---- what is typed is text, never a question of its own ---------------------------------------------------------------------

OPERATORS = [
    *(
        '"',
        '""',
        '"""',
        "'",
        '*',
        'רונית*',
        '"רונית"',
        '"רונית',
        'רונית"',
        '(',
        ')',
        '(רונית)',
        'רונית)',
        '((',
        ':',
        'text:רונית',
        '-רונית',
    ),
    *(
        'OR',
        'AND',
        'NOT',
        'NEAR',
        'רונית OR משה',
        'רונית AND משה',
        'רונית NOT לוי',
        'NEAR(רונית לוי)',
        'NEAR(רונית לוי, 5)',
        '^רונית',
        '+',
        'a+b',
    ),
    *(
        '{text}: רונית',
        'claim_fts',
        'rank',
        'rowid:1',
        '%',
        '_',
        '%%%',
        '___',
        r'\%',
        '\\',
        '/',
        '//',
        ';',
        "'; DROP TABLE claims --",
        '[a-z]',
    ),
    *(
        '\0',
        'רונית\0לוי',
        '\ud800',
        '😀',
        '👨‍👩‍👧',
        'ﷺ',
        'İI',
        'ß',
        'Ⅷ',
        'a' * 5000,
        'א ' * 500,
        '٣٤٥',
        '\u202eabc',
        'ﬀﬀﬀ',
        '½½½',
    ),
]


def test_operators_are_harmless(people, known):
    for place, typed in enumerate(OPERATORS):
        assert found(people.dana, typed) == found(people.staff, typed), typed
        assert found(people.rival, typed, list_state.SCOPES[place % 4]) == []
        assert len(found(people.dana, typed, list_state.SCOPES[1 + place % 3])) <= 3
    for nobody in (
        '%%%',
        '___',
        'רונית OR משה',
        'רונית NOT לוי',
        'NEAR(רונית לוי)',
        'text:רונית',
        "'; DROP TABLE claims --",
    ):
        assert found(people.dana, nobody) == [], nobody
    for plain in ('"רונית"', '(רונית)', '-רונית', 'רונית"', 'רונית)', 'רונית*'.removesuffix('*')):
        assert found(people.dana, plain) == ['26-00417'], plain


# ---- two routes, one answer -------------------------------------------------------------------------------------------------

WORDS = [*FINDS, *FINDS_NOT, *OPERATORS, 'סוכנות', 'לוי', 'משה', '25', '99']
pieces = st.builds(
    lambda typed, start, length: typed[start : start + length],
    st.sampled_from(WORDS),
    st.integers(0, 6),
    st.integers(1, 12),
)
typings = st.one_of(
    st.sampled_from(WORDS), st.lists(pieces, min_size=1, max_size=3).map(' '.join), st.text(max_size=12)
)


@given(typings)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_walking_the_office_and_asking_the_index_find_the_same(people, known, typed):
    walked = found(people.dana, typed)
    with pytest.MonkeyPatch.context() as patch:
        for module in (list_claims, search):
            patch.setattr(module, 'WALK_UP_TO', 1)
        indexed = found(people.dana, typed)
    assert indexed == walked
    everybodys = found(people.staff, typed)
    if any(word in OFFICE for word in search_words(typed)):
        assert set(walked) <= set(everybodys)
    else:
        assert walked == everybodys


# what the office of the claim is called
OFFICE = 'סוכנות לוי'


@pytest.mark.parametrize('walk', [8000, 0])
def test_who_sees_one_office_only_does_not_find_all_its_claims_by_its_name(people, known, monkeypatch, walk):
    for module in (list_claims, search):
        monkeypatch.setattr(module, 'WALK_UP_TO', walk)
    everybodys = found(people.staff, OFFICE)
    assert len(everybodys) == 3
    mine = {
        'לוי': ['26-00417'],
        'רונית לוי': ['26-00417'],
        'לו': ['26-00417'],
        'סוכנות': [],
        OFFICE: [],
        'לוי סוכנ': [],
    }
    for typed, numbers in mine.items():
        assert found(people.dana, typed) == numbers, typed
        state = ListState(view='all', q=typed)
        with open_session(people.dana, reading=True) as session:
            assert list_counts.counts_of(session, state)['all'] == list_counts.count_of(session, state) == len(numbers)
    assert found(people.dana, 'לוי', 'insured_name') == ['26-00417']


def test_the_routes_are_really_two(people, known, database, monkeypatch):
    def asked(actor: Actor) -> str:
        with open_session(actor, reading=True) as session:
            return str(list_claims.claims_in(session, ListState(q='רונית'))[0].compile(database.reader))

    sqlite = database.reader.dialect.name == 'sqlite'
    walk, index = (r'instr\(', 'claim_fts') if sqlite else (r'strpos\(', 'LIKE')
    assert re.search(walk, asked(people.dana))
    assert re.search(index, asked(people.staff))
    for module in (list_claims, search):
        monkeypatch.setattr(module, 'WALK_UP_TO', 1)
    assert re.search(index, asked(people.dana))


def test_an_index_over_all_offices_answers_for_ones_own(people: People, known: Claim, database: Database) -> None:
    with open_session(people.staff) as session:
        given = {'insured_name': 'רונית אחרת', 'event_date': date(2026, 10, 28)}
        foreign = open_claim(session, people.cohen, given, now()).claim_no
    with pytest.MonkeyPatch.context() as patch:
        for module in (list_claims, search):
            patch.setattr(module, 'WALK_UP_TO', 0)
        assert found(people.dana, 'רונית') == ['26-00417']
        assert found(people.rival, 'רונית') == [foreign]
        assert found(people.staff, 'רונית') == [foreign, '26-00417']


def test_of_everybodys_hits_an_office_counts_its_own_without_a_look_at_their_texts(
    people: People, known: Claim, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (list_claims, search):
        monkeypatch.setattr(module, 'WALK_UP_TO', 0)
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, given: Any, *more: Any) -> None:
        asked.append((statement, given))

    event.listen(database.reader, 'before_cursor_execute', note)
    with open_session(people.dana, reading=True) as session:
        told = list_counts.counts_of(session, ListState(q='רונית'))
    event.remove(database.reader, 'before_cursor_execute', note)
    assert told['open'] == 1
    by_text = ('MATCH', 'claim_search')
    searches = [(said, filled) for said, filled in asked if all(word in said for word in by_text)]
    assert bool(searches) is (database.reader.dialect.name == 'sqlite')
    for statement, filled in searches:
        with database.reader.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f'EXPLAIN QUERY PLAN {statement}', filled)]
        index = 'claim_search USING COVERING INDEX ix_claim_search_office (office_id=? AND seq>? AND seq<?)'
        assert any(index in step for step in plan), plan


# on SQLite the index hands out the newest first by itself
ON_POSTGRES = pytest.mark.parametrize(
    'database_url', [pytest.param('postgres', marks=pytest.mark.postgres)], indirect=True
)
SEARCHES = [
    *(('98', 'all'), ('999', 'all'), ('417', 'all'), ('רונית', 'all'), ('34', 'plate'), ('765', 'plate')),
    *(('99999', 'claim_no'), ('9', 'claim_no'), ('פרץ', 'insured_name'), ('רו', 'insured_name'), ('א', 'insured_name')),
]


@ON_POSTGRES
@pytest.mark.parametrize(('typed', 'scope'), SEARCHES)
def test_trying_the_newest_first_finds_what_asking_for_all_finds(
    people: People, known: Claim, monkeypatch: pytest.MonkeyPatch, typed: str, scope: str
) -> None:
    with open_session(SYSTEM, at=now()) as session:
        date_record(session, now(), old_news=True)
        open_claim(session, people.levi, KNOWN | {'claim_no': '19-99999', 'event_date': date(2019, 1, 1)}, now())
    make_claim(people.cohen, people.staff, KNOWN | {'claim_no': '26-99998'})
    monkeypatch.setattr(list_state, 'FOUND_UP_TO', 1)  # so that a step has soon counted enough
    for module in (list_claims, search):
        monkeypatch.setattr(module, 'WALK_UP_TO', 0)

    def asked(actor: Actor, size: int) -> tuple[list[str], int]:
        state = replace(ListState.read({'view': 'all', 'q': typed, 'scope': scope}), size=size)
        with open_session(actor, reading=True) as session:
            shown = [row.claim_no for row in lists.page_of(session, state).rows]
            return shown, list_counts.count_of(session, state, 'all')

    everywhere = [(actor, size) for actor in (people.staff, people.dana) for size in (1, 2, 100)]
    with monkeypatch.context() as patch:
        patch.setattr(list_claims, '_newest_of', lambda _: ())
        at_once = [asked(*one) for one in everywhere]
    for far in (0, 2):
        for bits in (0, 16):
            monkeypatch.setattr(list_claims, 'RECENT', far)
            monkeypatch.setattr(list_claims, 'RECENT_OF_OFFICE', far)
            monkeypatch.setattr(search, 'EPOCH_BITS', bits)
            assert [asked(*one) for one in everywhere] == at_once, (far, bits)
    assert at_once[0][0]


@ON_POSTGRES
def test_the_newest_are_tried_first_where_they_may_be_enough(
    people: People, known: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (list_claims, search):
        monkeypatch.setattr(module, 'WALK_UP_TO', 0)
    for steps in ('RECENT', 'RECENT_OF_OFFICE'):
        monkeypatch.setattr(list_claims, steps, 0)

    def epochs_tried(actor: Actor, typed: str, *, counts: bool = False) -> list[int]:
        with open_session(actor, reading=True) as session:
            tried = list_claims.first_among(session, ListState(q=typed), counts=counts)
            return [len(among.epochs) for among in tried]

    for typed in ('רונית', '4801', 'לוי 4801'):
        assert epochs_tried(people.staff, typed) == [0, 2]
        assert epochs_tried(people.staff, typed, counts=True) == [0, 2]
        assert epochs_tried(people.dana, typed) == [0, 4]
        assert epochs_tried(people.dana, typed, counts=True) == [0]
    for number in ('34801', 'לוי 34-801', '2173480'):
        assert epochs_tried(people.staff, number) == epochs_tried(people.dana, number) == []


@pytest.mark.parametrize(
    ('typed', 'scope'), [('רונית', 'all'), ('801', 'all'), ('217-34-801', 'all'), ('רונית', 'insured_name')]
)
def test_open_and_closed_ones_told_apart_in_one_look_are_as_many_as_each_counted_by_itself(
    people: People, known: Claim, monkeypatch: pytest.MonkeyPatch, typed: str, scope: str
) -> None:
    for n, office in enumerate((people.levi, people.levi, people.cohen)):
        claim = make_claim(office, people.staff, KNOWN | {'claim_no': f'26-9000{n}'})
        with open_session(people.staff) as session:
            change_status(session, claim.id, 'closed', 'שולם', claim.status, now())
    make_claim(people.levi, people.staff, KNOWN | {'claim_no': '26-90009'})
    mor = make_office('סוכנות מור', agents_see_own_only=True)
    gal, tal = (make_user(name, Role.AGENT, mor) for name in ('גל ששון', 'טל ברק'))
    for n, agent in enumerate((gal, tal, tal)):
        make_claim(mor, people.staff, KNOWN | {'claim_no': f'26-8000{n}', 'agent': agent.user_id})
    state = ListState.read({'q': typed, 'scope': scope})
    for walk, counted, apart in product((0, 8000), (1, 2, 1000), (1, 3, 8000)):
        for module in (list_claims, search):
            monkeypatch.setattr(module, 'WALK_UP_TO', walk)
        monkeypatch.setattr(list_state, 'FOUND_UP_TO', counted)
        monkeypatch.setattr(list_counts, '_TOLD_APART', apart)
        monkeypatch.setattr(list_claims, 'RECENT', counted)
        monkeypatch.setattr(list_claims, 'RECENT_OF_OFFICE', counted)
        for actor in (people.staff, people.dana, people.rival, gal):
            with open_session(actor, reading=True) as session:
                told = list_counts.counts_of(session, state)
                each = {view: list_counts.count_of(session, state, view) for view in ('open', 'unread', 'closed')}
            assert told == each | {'all': min(each['open'] + each['closed'], counted + 1)}, (walk, counted, apart)
            assert told['all'], 'all have one of these'


@ON_POSTGRES
def test_the_indexes_know_the_epochs_of_the_search(known: Claim, database: Database) -> None:
    route = search.Route('postgresql', None, hides_numbers=False, among=search.newest_epochs(known.seq, 2))
    for model, index in ((search.ClaimSearch, 'ix_claim_search_text'), (Claim, 'ix_claims_search')):
        statement = route.narrow(select(model.seq), model.seq)
        question = statement.compile(database.reader, compile_kwargs={'render_postcompile': True})
        with database.reader.connect() as connection:
            for other in ('seqscan', 'indexscan', 'indexonlyscan'):
                connection.execute(text(f'SET LOCAL enable_{other} = off'))
            explained = connection.exec_driver_sql(f'EXPLAIN {question}', question.params)
            plan = '\n'.join(row[0] for row in explained)
        assert re.search(rf'on {index} .*\n.*Index Cond: .*seq >> {search.EPOCH_BITS}\) = ANY', plan), plan
