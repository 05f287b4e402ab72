"""What the tools cannot say: rules about the whole code base, each with the reason it exists."""

import ast
import importlib
import pkgutil
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import db
from db.base import Base
from db.engines import make_engine
from db.scope import Books, ForAdmins, ForBureau, OfficeOwned, PersonOwned
from tests.conftest import LONGEST

ROOT = Path(__file__).parents[1]
PRODUCT = ('app.py', 'pages', 'components', 'jobs', 'db')
# the tenants themselves: the session has a rule for each, by name
OWN_RULE = {'AgentOffice', 'User'}


def _files(*places: str, endings: tuple[str, ...] = ('.py',)) -> list[Path]:
    found = [
        path for place in places for path in ([ROOT / place] if place.endswith('.py') else (ROOT / place).rglob('*'))
    ]
    return sorted(path for path in found if path.suffix in endings and path.is_file())


def _imported(path: Path) -> set[str]:
    """The modules a file imports, with their dots."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


@pytest.fixture(scope='module')
def models() -> list[type[Base]]:
    for module in pkgutil.iter_modules(db.__path__, 'db.'):
        if module.name != 'db.migrations':
            importlib.import_module(module.name)
    return [mapper.class_ for mapper in Base.registry.mappers]


def test_every_model_says_whose_its_rows_are(models):
    # a model that says nothing would be seen by every office
    silent = {
        model.__name__
        for model in models
        if not issubclass(model, OfficeOwned | PersonOwned | Books | ForAdmins | ForBureau)
        and not getattr(model, '__shared_by_all__', False)
    }
    assert silent <= OWN_RULE


def test_no_relation_loads_by_itself(models):
    # a lazy load inside the event loop stops every page of every user
    lazy = [
        str(relation)
        for model in models
        for relation in model.__mapper__.relationships
        if relation.lazy in (True, 'select')
    ]
    assert not lazy


# the indexes of each database for the search, and one over an expression: made by migrations, known to no model
BESIDE_THE_MODELS = re.compile(r'claim_fts|ix_claim_search_text$|ix_claims_search$|ix_claims_demand$')


@pytest.mark.filterwarnings('ignore:Skipped unsupported reflection of expression-based index ix_claims_demand')
def test_the_migrations_build_what_the_models_say(database_url, models):
    # otherwise a new installation and a grown one differ, and only one of them is tested
    assert models
    engine = make_engine(database_url)
    with engine.connect() as connection:
        options = {'compare_type': True, 'include_object': lambda _, name, *__: not BESIDE_THE_MODELS.match(name or '')}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()
    assert not differences


def test_app_only_puts_the_parts_together():
    # import-linter reads packages, and app.py is a module
    tops = {module.split('.')[0] for module in _imported(ROOT / 'app.py')}
    assert not tops & {'sqlalchemy', 'alembic', 'pandas', 'openpyxl', 'apscheduler'}
    assert not [path for path in _files('pages', 'components', 'jobs', 'db') if 'app' in _imported(path)]


def test_what_is_imported_is_pinned():
    # what comes only through another package can vanish with its next version
    pinned = set(re.findall(r'^([\w-]+)', (ROOT / 'requirements.txt').read_text(encoding='utf-8'), re.MULTILINE))
    ours = {'app', 'pages', 'components', 'jobs', 'db'}
    tops = {module.split('.')[0] for path in _files(*PRODUCT) for module in _imported(path)}
    foreign = tops - ours - set(sys.stdlib_module_names)
    distributions = packages_distributions()
    loose = {
        top
        for top in foreign
        if not {name.lower() for name in distributions.get(top, ())} & {name.lower() for name in pinned}
    }
    assert not loose


@pytest.mark.parametrize('name', ['requirements.txt', 'tests/requirements.txt'])
def test_every_requirement_is_pinned_and_says_why(name):
    lines = (ROOT / name).read_text(encoding='utf-8').splitlines()
    packages = [line for line in lines if line and not line.startswith(('#', '-r'))]
    assert [line for line in packages if not re.match(r'[\w-]+(\[\w+\])?==\S+ .*# \w', line)] == []


BANNED = {
    r'app\.storage\.user': 'in a live redraw this is somebody else; use current_actor()',
    r'sanitize\s*=\s*False': 'what people typed is never HTML',
    r'v-html|innerHTML': 'what people typed is never HTML',
    r'create_all\(': 'tables are made by migrations only',
    r'\b(TODO|FIXME|XXX)\b': 'do it, or write it down where work is planned',
}
MACHINE_PATH = re.compile(r'(?<![\w.})>])(/(home|root|Users|tmp|private)/\w|[A-Z]:\\\\?\w)')


@pytest.mark.parametrize('pattern', BANNED)
def test_the_product_does_not_say(pattern):
    files = _files(*PRODUCT, 'static', endings=('.py', '.js', '.vue', '.html', '.css'))
    found = [str(path.relative_to(ROOT)) for path in files if re.search(pattern, path.read_text(encoding='utf-8'))]
    assert not found, BANNED[pattern]


def test_what_begins_first_is_there():
    # a file that moved would silently begin last, and a core would wait for it
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []


def test_nothing_leans_on_one_machine():
    texts = ('.py', '.js', '.vue', '.html', '.css', '.md', '.toml', '.po', '.yml', '.yaml', '.conf', '.service', '.txt')
    places = (*PRODUCT, 'tests', 'docs', 'locale', 'static', 'bench', 'deploy')
    files = [
        *_files(*places, endings=texts),
        ROOT / 'README.md',
        ROOT / 'Makefile',
        ROOT / '.env.example',
        ROOT / '.ci' / 'run',
    ]
    found = [
        f'{path.relative_to(ROOT)}: {match[0]}'
        for path in files
        if path != Path(__file__)
        for match in MACHINE_PATH.finditer(path.read_text(encoding='utf-8'))
    ]
    assert not found


def test_whether_somebody_only_looks_is_said_once():
    derived = [
        str(path.relative_to(ROOT))
        for folder in ('components', 'db', 'jobs', 'pages')
        for path in sorted((ROOT / folder).rglob('*.py'))
        if re.search(r'looker is (not )?None', path.read_text('utf-8'))
    ]
    assert derived == ['components/looking.py', 'db/scope.py']
