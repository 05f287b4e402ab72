"""Texts in the reader's language: English in the code, Hebrew in `locale/`, errors that can be told to a person."""

import gettext
import io
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ('he', 'en')
SOURCE_LANGUAGE = 'en'
RTL_LANGUAGES = frozenset({'he'})
LOCALE_DIR = Path(__file__).resolve().parent.parent / 'locale'

_PLACEHOLDER = re.compile(r'\{(\w+)\}')


def t(msgid: str, language: str = 'he', /, **values: object) -> str:
    """The text for `msgid`; `{name}` is replaced by `values['name']`, whatever characters that value holds."""
    if not msgid:
        return ''  # gettext would answer with the header of the catalogue
    text = catalogue(language).gettext(msgid)
    return _fill(text, values) if values else text


def tn(one: str, many: str, n: int, language: str = 'he', /, **values: object) -> str:
    """The text for `n` things; `{n}` is filled in unless the caller passes it formatted."""
    return _fill(catalogue(language).ngettext(one, many, n), {'n': n, **values})


def N_(msgid: str) -> str:  # noqa: N802  the name gettext tools know: marks a text that is translated later
    return msgid


def is_rtl(language: str) -> bool:
    return language in RTL_LANGUAGES


class Told(Exception):  # noqa: N818  a mix-in, never raised itself
    """An error whose reason is a text: `key` is the English source, `values` fill its placeholders; a `field` is named by a text too."""

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values

    def told(self, language: str = 'he') -> str:
        return t(self.key, language, **{name: _told(name, value, language) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.told(SOURCE_LANGUAGE)


def _told(name: str, value: object, language: str) -> object:
    return t(value, language) if name == 'field' and isinstance(value, str) else value


class ClaimError(Told):
    """A broken rule of the trade; shown to the person as it is."""


class FieldsRefused(ClaimError):  # noqa: N818  said like a verdict
    """A form that was not taken: which fields are wrong, and why."""

    def __init__(self, fields: Mapping[str, Told]) -> None:
        super().__init__(N_('Some details need a look.'))
        self.fields = fields


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """All texts of one language, compiled in memory; the source language needs no file."""
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    with (LOCALE_DIR / language / 'LC_MESSAGES' / 'maakav.po').open('rb') as file:
        texts = read_po(file, locale=language, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _fill(text: str, values: dict[str, object]) -> str:
    # not str.format: a placeholder reaches no attributes, and a stray brace in a text breaks no page
    return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), text)
