"""Every text the code shows has its Hebrew, and the Hebrew catalogue holds nothing else."""

import ast
import re
from functools import cache
from gettext import c2py
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from db.accounts import ROLES
from db.texts import LANGUAGES, LOCALE_DIR, N_, ClaimError, is_rtl, t, tn
from db.values import Malformed

ROOT = Path(__file__).parent.parent
SOURCES = ('app.py', 'pages', 'components', 'jobs', 'db')
TAKES_TEXT = {'t', 'N_', 'tn', 'ClaimError', 'Malformed'}
HEBREW_PO = LOCALE_DIR / 'he' / 'LC_MESSAGES' / 'maakav.po'
PLACEHOLDER = re.compile(r'\{\w*\}')


def calls_in(path):
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.Call) and (name := called(node.func)) in TAKES_TEXT and node.args:
            yield name, node.args, f'{path.relative_to(ROOT)}:{node.lineno}'


def called(function):
    """`t`, also when it is said as `texts.t`."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == 'texts':
        return function.attr
    return function.id if isinstance(function, ast.Name) else ''


def calls_in_template(path):
    for call in Environment(autoescape=True).parse(path.read_text('utf-8')).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in TAKES_TEXT:
            place = f'{path.relative_to(ROOT)}:{call.lineno}'
            assert isinstance(call.args[0], nodes.Const), f'{place} is not a text written out'
            yield call.node.name, [ast.Constant(call.args[0].value)], place


@cache
def calls_with_texts():
    """Every call of `TAKES_TEXT`: (its name, its arguments, where it stands)."""
    paths = [path for name in SOURCES for path in (ROOT / name, *(ROOT / name).rglob('*.py')) if path.is_file()]
    in_templates = [call for path in sorted((ROOT / 'pages').rglob('*.html')) for call in calls_in_template(path)]
    return [call for path in sorted(paths) for call in calls_in(path)] + in_templates


def written_out(argument):
    """The texts an argument may be; a name or a call is marked where its text is written."""
    # not Babel's extractor: it reads t('a' if x else 'b') as 'ab', and t(names['key']) as 'key'
    if isinstance(argument, ast.IfExp):
        return written_out(argument.body) + written_out(argument.orelse)
    return [argument.value] if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else []


@cache
def texts_in_code():
    """msgid, or (one, many) → where it stands."""
    found: dict[object, str] = {}
    for name, arguments, place in calls_with_texts():
        texts = list(zip(*map(written_out, arguments[:2]), strict=True)) if name == 'tn' else written_out(arguments[0])
        found |= dict.fromkeys((text for text in texts if text), place)
    return found


@cache
def hebrew():
    with HEBREW_PO.open('rb') as file:
        texts = read_po(file, abort_invalid=True)
    return {message.id: message.string for message in texts if message.id}


def forms(message):
    return message if isinstance(message, (tuple, list)) else (message,)


def placeholders(message):
    return {name for form in forms(message) for name in PLACEHOLDER.findall(form)}


def in_catalogue(msgid):
    # gettext keeps a plural under its first form, and finds the single text there too
    return msgid in hebrew() or any(forms(known)[0] == msgid for known in hebrew())


def test_every_text_has_its_hebrew():
    missing = [f'{place} {msgid}' for msgid, place in texts_in_code().items() if not in_catalogue(msgid)]
    empty = [msgid for msgid, text in hebrew().items() if not all(form.strip() for form in forms(text))]
    assert not missing, '\n'.join(missing)
    assert not empty


def test_no_text_is_put_together_before_it_is_translated():
    glued = (ast.JoinedStr, ast.BinOp)
    assert not [place for _, arguments, place in calls_with_texts() if isinstance(arguments[0], glued)]


def test_the_catalogue_holds_no_text_that_is_gone():
    assert not [msgid for msgid in hebrew() if msgid not in texts_in_code()]


def test_no_text_is_translated_twice():
    msgids = re.findall(r'^msgid ("(?:.|\n")*?")\n(?=msg)', HEBREW_PO.read_text('utf-8'), re.MULTILINE)
    assert len(msgids) == len(hebrew()) + 1  # and the header
    assert not [msgid for msgid in set(msgids) if msgids.count(msgid) > 1]


def test_both_languages_fill_the_same_places():
    assert not [msgid for msgid, text in hebrew().items() if placeholders(msgid) != placeholders(text)]


def test_every_plural_has_its_four_forms():
    plurals = {msgid: text for msgid, text in hebrew().items() if isinstance(msgid, tuple)}
    assert not [msgid for msgid, text in plurals.items() if len(forms(text)) != 4]
    # eleven and more always say how many
    assert not [msgid for msgid, text in plurals.items() if '{n}' in msgid[1] and '{n}' not in text[3]]


@pytest.mark.parametrize(
    ('slip', 'pattern'),
    [
        ('an exclamation mark', r'!'),
        ('a typewriter quote for geresh or gershayim', r'[א-ת][\'"][א-ת]|[א-ת]\'(?![א-ת])'),
        ('a slash between genders', r'[א-ת]/[יתהםן]\b'),
        ('niqqud or an invisible mark', '[\u0591-\u05bd\u200b-\u200f\u202a-\u202e\u2066-\u2069]'),
    ],
)
def test_the_hebrew_is_clean(slip, pattern):
    # but for the names of roles, which are whoever's: there the glossary has the slash
    texts = [text for msgid, text in hebrew().items() if msgid not in ROLES.values()]
    assert not [form for text in texts for form in forms(text) if re.search(pattern, form)], slip


def plural_form(*counts):
    with HEBREW_PO.open('rb') as file:
        form = c2py(read_po(file).plural_expr)
    return [form(n) for n in counts]


def test_the_plurals_of_hebrew():
    assert [tn('an hour ago', '{n} hours ago', n) for n in (1, 2, 7, 14)] == [
        'לפני שעה',
        'לפני שעתיים',
        'לפני 7 שעות',
        'לפני 14 שעות',
    ]
    assert plural_form(1, 2, 3, 10, 11, 0, 20, 101) == [0, 1, 2, 2, 3, 3, 3, 3]
    assert [tn('an hour ago', '{n} hours ago', n, 'en') for n in (1, 2)] == ['an hour ago', '2 hours ago']
    assert tn('an hour ago', '{n} hours ago', 1200, 'en', n='1,200') == '1,200 hours ago'


def test_a_text_is_filled_with_whatever_a_person_wrote():
    assert t('today, {time}', time='{time} {0} {x.__class__} %s \\1') == 'היום, {time} {0} {x.__class__} %s \\1'
    assert t('today, {time}', 'en', time=5) == 'today, 5'
    assert t('today, {time}') == 'היום, {time}'
    assert t('{no text} of ours {') == '{no text} of ours {'
    assert t('') == ''
    assert t(N_('now'), 'en') == 'now'


def test_the_direction_follows_the_language():
    assert [is_rtl(language) for language in LANGUAGES] == [True, False]


@pytest.mark.parametrize('error', [ClaimError, Malformed])
def test_an_error_is_told_in_the_language_of_the_reader(error):
    refused = error('today, {time}', time='08:05')
    assert refused.told('he') == 'היום, 08:05'
    assert str(refused) == refused.told('en') == 'today, 08:05'
    assert (refused.key, refused.values) == ('today, {time}', {'time': '08:05'})
