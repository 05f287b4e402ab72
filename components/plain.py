"""Plain HTML pages for strangers: sign in, set a password, messages, errors; no NiceGUI client is spent on them."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.files_taken import ACCEPTED, papers_taken, photos_taken
from components.marks import chip_html, day_input_html, icon_html, logo_svg, num_html, picture_html, plate_html
from components.theme import amiss_html, asset, direction_of, icon_links
from components.words import day_words
from db.texts import t

TEMPLATES = Path(__file__).resolve().parent.parent / 'pages' / 'templates'


def plain_page(template: str, language: str = 'he', **context: object) -> str:
    """Render a page of pages/templates; each template says at its top what it can be told."""
    return _PAGES.get_template(template).render(language=language, **context)


def _drawn(mark: Callable[..., str]) -> Callable[..., Markup]:
    """Let a mark, which escapes for itself, through Jinja's own escaping."""

    @wraps(mark)
    def draw(*args: object, **options: object) -> Markup:
        return Markup(mark(*args, **options))  # noqa: S704  made of escaped pieces

    return draw


_PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGES.globals |= {
    't': t,
    'asset': asset,
    'direction_of': direction_of,
    'icon_links': _drawn(icon_links),
    'amiss': _drawn(amiss_html),
    'icon': _drawn(icon_html),
    'logo': _drawn(logo_svg),
    'picture': _drawn(picture_html),
    'plate': _drawn(plate_html),
    'chip': _drawn(chip_html),
    'number': _drawn(num_html),
    'day_input': _drawn(day_input_html),
    'day_words': day_words,
    'photos_taken': photos_taken,
    'papers_taken': papers_taken,
    'files_accepted': ACCEPTED,
}
