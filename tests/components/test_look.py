"""The look: every status has one, every icon is in the font, marks escape what people write, plain pages say everything."""

import importlib
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.marks import (
    NOTHING,
    avatar_html,
    before_after_html,
    chip_html,
    initials_of,
    num_html,
    picture_html,
    plate_html,
)
from components.plain import TEMPLATES, plain_page
from components.theme import (
    SECTION_ICONS,
    STATIC_FOLDER,
    STATIC_PREFIX,
    STATUS_LOOKS,
    UNKNOWN_STATUS,
    asset,
    head_html,
    status_look,
)
from db.clients import Client, Policy
from db.measuring import Measured
from db.two_factor import Standing

ROOT = Path(__file__).parents[2]
REFERENCE = importlib.import_module('db.migrations.versions.2026_11_24_reference_data')
ALIASES = {'location_on': 'place', 'smartphone': 'mobile', 'draft': 'note'}
ICON_USES = (
    re.compile(r"icon_html\('(\w+)'"),
    re.compile(r"\bicon\('(\w+)'"),
    re.compile(r"Look\('\w+', '(\w+)'\)"),
    re.compile(r'class="mk-ic[^"]*"[^>]*>(\w+)<'),
)
NASTY = '<b onclick="x">&\'"'
SHEETS = sorted((STATIC_FOLDER / 'css').glob('*.css'))


def icons_in_font():
    return set((STATIC_FOLDER / 'fonts' / 'icons.txt').read_text().split())


def icons_written():
    paths = [path for name in ('components', 'pages') for path in (ROOT / name).rglob('*')]
    texts = [path.read_text('utf-8') for path in paths if path.suffix in {'.py', '.js', '.html'}]
    return {icon for text in texts for use in ICON_USES for icon in use.findall(text)}


def test_every_status_has_a_look():
    assert set(STATUS_LOOKS) == {row[0] for row in REFERENCE.CLAIM_STATUSES}
    assert status_look('invented by an admin') == status_look(None) == UNKNOWN_STATUS


def test_every_icon_is_in_the_font():
    # the font holds only what the list names: another icon would be shown as a word
    named = {look.icon for look in STATUS_LOOKS.values()} | {UNKNOWN_STATUS.icon}
    named |= set(SECTION_ICONS.values()) | icons_written()
    assert {ALIASES.get(icon, icon) for icon in named} <= icons_in_font()


def test_every_address_in_the_stylesheets_is_a_file():
    for sheet in SHEETS:
        for address in re.findall(r'url\(([^)]+)\)', sheet.read_text('utf-8')):
            assert (sheet.parent / address).is_file(), address


def test_no_stylesheet_waits_for_another_one():
    # a page names all of them itself: they come at once, and nobody looks for them beside the page's own address
    assert not [sheet.name for sheet in SHEETS if '@import' in sheet.read_text('utf-8')]
    in_order = re.findall(r'css/(\w+)\.css', head_html())
    assert in_order == ['tokens', 'maakav']


def test_the_stylesheets_have_no_sides():
    # left and right would be wrong in one of the two languages
    sided = re.compile(r'(?:margin|padding|border)-(?:left|right)|(?<![\w-])(?:left|right)\s*:|float\s*:')
    assert not [found for sheet in SHEETS for found in sided.findall(sheet.read_text('utf-8'))]


def test_no_class_means_two_things():
    # the later rule would win everywhere, also where the earlier one was meant
    said = set()
    for sheet in SHEETS:
        plain = re.sub(
            r'/\*.*?\*/|@media[^{]*\{(?:[^{}]*\{[^}]*\})*[^{}]*\}', '', sheet.read_text('utf-8'), flags=re.DOTALL
        )
        for name, rules in re.findall(r'(?:^|\})\s*(\.mk-[\w-]+)\{([^}]*)', plain):
            for rule in rules.split(';'):
                assert (name, rule.split(':')[0]) not in said, (name, rule)
            said |= {(name, rule.split(':')[0]) for rule in rules.split(';') if rule}


def test_static_files_have_an_address_that_changes_with_them():
    assert asset('css/maakav.css') == f'{STATIC_PREFIX}/css/maakav.css'
    assert re.fullmatch(r'/static/[0-9a-f]{12}', STATIC_PREFIX)
    for address in re.findall(rf'{STATIC_PREFIX}/([^"]+)"', head_html()):
        assert (STATIC_FOLDER / address).is_file(), address


@pytest.mark.parametrize(('language', 'direction'), [('he', 'rtl'), ('en', 'ltr')])
def test_the_head_sets_language_and_direction(language, direction):
    assert f'lang="{language}"' in head_html(language)
    assert f'dir="{direction}"' in head_html(language)


@pytest.mark.parametrize(
    'drawn',
    [
        plate_html(NASTY),
        chip_html('blue', 'inbox', NASTY),
        chip_html(NASTY, 'inbox', 'new'),
        num_html(NASTY),
        before_after_html(NASTY, NASTY),
        avatar_html(NASTY),
    ],
)
def test_marks_escape_what_people_write(drawn):
    assert '<b onclick' not in drawn
    assert '"x"' not in drawn


def test_a_plate_is_named_for_those_who_cannot_see_it():
    assert 'aria-label="מספר רכב 123-45-678"' in plate_html('12345678')
    assert 'mk-plate mk-lg' in plate_html('1234567', 'lg')
    assert NOTHING in plate_html(None)


def test_a_change_is_read_as_words():
    assert 'השתנה ל' in before_after_html('צבע', 'הרכבה')
    assert 'mk-was' not in before_after_html('', 'הרכבה')
    assert NOTHING in before_after_html('צבע', None)


@pytest.mark.parametrize(
    ('name', 'letters'),
    [('דנה ארז', 'דא'), ('שירה', 'שי'), ('ש.ל. הובלות בע״מ', 'שב'), ('', '?'), (None, '?'), ('- "', '?')],
)
def test_initials(name, letters):
    assert initials_of(name) == letters


def test_pictures_and_numbers_without_anything_to_show():
    assert picture_html('no such picture').startswith('<svg')
    assert NOTHING in num_html(None)
    assert '0' in num_html(0)


_CAR: dict[str, object] = {
    **dict.fromkeys(('model', 'stage', 'since', 'ends', 'updated', 'hold'), ''),
    'action': '/t/x',
    'plate_digits': '21734801',
    'place': 0,
    'total': 10,
    'stages': [],
    'eta': None,
    'garage': None,
}
NO_CLAIMS = Client(
    *('x', '', '', 'y', 'claim', None, (), 0, 0, None, None, 0),
    *(Policy(0, 0, 0), 0, 0, 0, (), Measured(0, 0.0)),
)
PLAIN: dict[str, dict[str, object]] = {
    'sign_in.html': {},
    'forgotten.html': {'mails': True},
    'accessibility.html': {'stated_on': 'x'},
    'set_password.html': {'title': 'x', 'action': '/x', 'min_length': 12},
    'two_step.html': {'action': '/x', 'other': '/y', 'back': '/z', 'recovery': False},
    'two_factor.html': {
        **dict.fromkeys(('action', 'since', 'left', 'qr', 'email'), 'x'),
        'standing': Standing(),
        'must_set_up': False,
        'must_prove': True,
        'errors': {},
    },
    'api_key.html': {
        **dict.fromkeys(('action', 'name', 'email'), 'x'),
        'name_length': 60,
        'terms': [(30, 'x', True)],
        'asks_code': True,
        'errors': {},
    },
    'api_key_made.html': {'token': 'maakav_1.x', 'name': 'x', 'here': '/'},
    'recovery_codes.html': {'codes': ['a-b'], 'email': 'x', 'day': 'y', 'address': '/', 'here': '/'},
    'message.html': {'title': 'x', 'text': 'y'},
    'renewal.html': {
        **dict.fromkeys(('phone', 'made', 'days', 'states', 'received', 'demanded', 'took', 'usual'), 'x'),
        'client': NO_CLAIMS,
        'claims': 'x',
        'periods': [('x', '/x', True)],
        'policy': None,
        'lines': [],
        'notes': ['x'],
    },
    'error.html': {'error_id': 'E-1'},
    'clock_proof.html': {
        'claim': SimpleNamespace(claim_no='26-00001', insurer_claim_no='', insured_name='x'),
        'clock': SimpleNamespace(rule=SimpleNamespace(source='')),
        **dict.fromkeys(('insurer', 'event_date', 'made', 'label', 'rule', 'count', 'start', 'started'), 'x'),
        **dict.fromkeys(('end', 'next_day', 'happened', 'happened_on', 'standing'), 'x'),
        'plates': (),
        'skipped': [],
    },
    'record_proof.html': {
        'claim': SimpleNamespace(claim_no='26-00001', insured_name='x'),
        **dict.fromkeys(('made', 'verdict', 'waiting', 'plate', 'event_date'), 'x'),
        'faults': ['x'],
        'lines': [
            {
                'number': 1,
                'entry': 7,
                'internal': True,
                **dict.fromkeys(('fault', 'when', 'by', 'title', 'what', 'sealed', 'hash'), 'x'),
            },
            {
                'number': 2,
                'entry': 8,
                'internal': False,
                'title': '',
                **dict.fromkeys(('fault', 'when', 'by', 'what', 'sealed', 'hash'), ''),
            },
        ],
    },
    'signed_garage.html': {
        **_CAR,
        **dict.fromkeys(('said', 'error', 'eta_day', 'typed_day', 'photos', 'today', 'furthest'), ''),
        'forward': None,
        'back': None,
        'choices': [],
        'reasons': [],
        'stage_id': '',
        'is_held': False,
        'undo': 0,
    },
    'signed_insured.html': {
        **_CAR,
        **dict.fromkeys(('first_name', 'office', 'ask', 'ask_tel'), ''),
        'needed': [{'type': 'driving_licence', 'need': '', 'label': 'Licence', 'reason': ''}],
        'arrived': [],
        'seen': 0,
    },
}


@pytest.mark.parametrize(
    ('standing', 'fields'),
    [
        (Standing(), ['current_password']),
        (Standing(secret='ABCD' * 8), ['code']),
        (Standing(since=datetime(2026, 11, 1, tzinfo=UTC), codes_left=3), ['current_password', 'code']),
    ],
)
def test_the_page_of_two_step_verification_asks_for_what_is_due(standing, fields):
    page = plain_page('two_factor.html', 'en', **{**PLAIN['two_factor.html'], 'standing': standing})
    assert [name for name in ('current_password', 'code') if f'name="{name}"' in page] == fields
    assert not re.search('[א-ת]', page)


def test_every_plain_page_is_tried():
    assert set(PLAIN) | {'base_plain.html', '_parts.html'} == {path.name for path in TEMPLATES.glob('*.html')}


@pytest.mark.parametrize('template', PLAIN)
@pytest.mark.parametrize(('language', 'direction'), [('he', 'rtl'), ('en', 'ltr')])
def test_a_plain_page_is_drawn_with_the_least_it_needs(template, language, direction):
    page = plain_page(template, language, **PLAIN[template])
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert page.count('<h1') == 1
    assert 'http' not in page.replace('http-equiv', '')
    if language == 'en':
        assert not re.search('[א-ת]', page)


def test_the_sign_in_page_keeps_what_was_typed():
    page = plain_page('sign_in.html', email=NASTY, error='לא נכון', hidden={'next': '/claims/26-1'})
    assert '<b onclick' not in page
    assert 'name="email"' in page
    assert 'name="password"' in page
    assert '<input type="hidden" name="next" value="/claims/26-1">' in page
    assert 'role="alert"' in page
