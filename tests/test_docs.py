"""What the documents name is there: files, names that stand in them, and where links lead."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ('.ci', 'bench', 'components', 'db', 'deploy', 'docs', 'jobs', 'locale', 'pages', 'static', 'tests')
DOCUMENTS = sorted([ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')])

_CODE = re.compile(r'`([^`]+)`')
_FILE = re.compile(r'[\w./-]+\.(?:py|js|md|html|po|toml|yaml|sh|service|conf|template)')
_LINK = re.compile(r'\]\(([^)#:]+)(?:#[^)]*)?\)')
# `ONE` and `OTHER` in `db/place.py`
_IN_A_FILE = re.compile(r'((?:`\w+`(?:, | and | or )?)+) (?:in|of) `([\w/]+\.(?:py|js))`')
# db.place.name or db/place.name, as prose has it
_OF_A_MODULE = re.compile(r'`((?:bench|components|db|jobs|pages)[./]\w+)\.(\w+)`')


@pytest.fixture(scope='module')
def ours() -> list[str]:
    """The files of the product, by their addresses in it."""
    files = [*ROOT.glob('*'), *(path for folder in FOLDERS for path in (ROOT / folder).rglob('*'))]
    return [f'/{path.relative_to(ROOT).as_posix()}' for path in files]


def prose(document: Path) -> str:
    """Without its blocks of code, whose marks would be taken for those around a word."""
    return re.sub(r'```.*?```', '', document.read_text('utf-8'), flags=re.DOTALL)


def named_in_files(text: str) -> Iterator[tuple[str, str]]:
    """(a name, the file that is said to hold it)."""
    for names, file in _IN_A_FILE.findall(text):
        yield from ((name, file) for name in _CODE.findall(names))
    for module, name in _OF_A_MODULE.findall(text):
        if name not in {'py', 'js', 'html'}:
            yield name, f'{module.replace(".", "/")}.py'


def test_every_file_that_is_named_is_there(ours: list[str]) -> None:
    named = {
        (document.name, code)
        for document in DOCUMENTS
        for code in _CODE.findall(prose(document))
        if _FILE.fullmatch(code)
    }
    assert len(named) > 100
    assert not {(document, file) for document, file in named if not any(path.endswith(f'/{file}') for path in ours)}


def test_every_name_stands_in_the_file_that_is_named_for_it(ours: list[str]) -> None:
    named = {(document.name, *found) for document in DOCUMENTS for found in named_in_files(prose(document))}
    assert len(named) > 60
    gone = set()
    for document, name, file in named:
        texts = [(ROOT / path[1:]).read_text('utf-8') for path in ours if path.endswith(f'/{file}')]
        if not any(re.search(rf'\b{name}\b', text) for text in texts):
            gone.add((document, name, file))
    assert not gone


def test_every_link_leads_somewhere() -> None:
    links = [(document, link) for document in DOCUMENTS for link in _LINK.findall(prose(document))]
    assert len(links) > 20
    assert not [(document.name, link) for document, link in links if not (document.parent / link).exists()]
