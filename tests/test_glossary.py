"""One word per thing: what the code calls it stands in the glossary."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from db.claims import FIELDS, Claim
from db.engines import make_engine
from db.reference import ClaimStatus, RepairStage
from db.scope import Role

GLOSSARY = (Path(__file__).parents[1] / 'docs' / 'glossary.md').read_text(encoding='utf-8')
CODE_NAMES = set(re.findall(r'`(\w+)`', GLOSSARY))


def _section(title: str) -> dict[str, str]:
    """The section's table: code name → Hebrew."""
    text = GLOSSARY.split(f'\n## {title}\n', 1)[1].split('\n## ', 1)[0]
    return {name: hebrew for hebrew, name in re.findall(r'^\| ([^|]+) \| [^|]+ \| `(\w+)` \|$', text, re.MULTILINE)}


def test_every_column_of_the_claim_is_in_the_glossary():
    columns = {attribute.key for attribute in Claim.__mapper__.column_attrs}
    assert columns <= CODE_NAMES, f'missing in docs/glossary.md: {sorted(columns - CODE_NAMES)}'


def test_a_column_is_named_as_its_attribute_or_as_the_id_of_it():
    names = {attribute.key: attribute.columns[0].name for attribute in Claim.__mapper__.column_attrs}
    assert all(column in (key, f'{key}_id') for key, column in names.items())


def test_every_field_people_see_is_in_the_glossary():
    assert set(FIELDS) <= CODE_NAMES


def test_every_claim_section_of_the_glossary_is_in_the_code():
    known = {attribute.key for attribute in Claim.__mapper__.column_attrs} | set(dir(Claim)) | {'claim'}
    assert set(_section('The claim')) <= known


def test_every_role_is_in_the_glossary():
    assert {role.value for role in Role} - {Role.SYSTEM} <= CODE_NAMES


@pytest.mark.parametrize(('title', 'model'), [('Claim statuses', ClaimStatus), ('Repair stages', RepairStage)])
def test_the_reference_data_speaks_the_words_of_the_glossary(title, model, sqlite_url):
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        labels = {row.id: row.label for row in connection.execute(select(model.__table__))}
    engine.dispose()
    assert _section(title) == labels
