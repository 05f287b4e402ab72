"""The demo's papers, drawn: forms, licences, invoices and photographs of dents. The people and cars on them do not exist."""

import io
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from db import files
from db.files import FileStore

FONTS = Path(__file__).parent.parent / 'static' / 'fonts'
PHOTOS, LICENCES = 'damage_photos', ('vehicle_licence', 'driving_licence')
# how many different ones there are of a kind; of the others there is one
_VARIANTS: Mapping[str, int] = {
    PHOTOS: 6,
    'vehicle_licence': 3,
    'driving_licence': 3,
    **dict.fromkeys(('accident_notice', 'appraisal_report', 'repair_invoice', 'demand_letter'), 2),
}
_PAGES: Mapping[str, int] = {'appraisal_report': 3, 'accident_notice': 2, 'demand_letter': 2}
_BILLS = frozenset(
    {
        *('appraiser_fee_invoice', 'appraiser_fee_receipt', 'repair_invoice', 'payment_receipt'),
        *('towing_invoice', 'replacement_car_invoice'),
    }
)
_NAMES = ('ישראל ישראלי', 'רותם אלמוני', 'גליה פלונית')
_STREETS = ('הזית 12, רעננה', 'השקד 4, חולון', 'הגפן 31, עפולה')
_SENTENCES = (
    'הרכב נפגע בעת שעמד ברמזור אדום, מאחור.',
    'הנזק אותר בפגוש האחורי, בדלת תא המטען ובקורה.',
    'החלקים הוחלפו בחלקים מקוריים לפי דרישת השמאי.',
    'הסכומים כוללים מע״מ כדין.',
    'המסמך נערך לצורך הצגה בלבד, והפרטים בו בדויים.',
    'לא נמצאו ליקויים נוספים בבדיקה החוזרת.',
)
_LINES = (('חלקי חילוף', 8420), ('עבודת פחחות', 3150), ('צבע', 2480), ('חומרים', 640), ('אגרה', 120))
_INK, _FAINT, _PAPER = (38, 44, 58), (150, 156, 168), (252, 252, 249)
_SKIES = ((188, 208, 226), (214, 220, 224), (168, 186, 205))
_CARS = ((178, 34, 42), (196, 200, 206), (36, 66, 120), (238, 238, 236), (62, 66, 70), (28, 92, 84))
_TOKENS = re.compile(r'[0-9A-Za-z][0-9A-Za-z.,/-]*[0-9A-Za-z]|.')
_MIRRORED = str.maketrans('()', ')(')
_DRAWN_AT = time.struct_time((2026, 1, 1, 8, 0, 0, 3, 1, 0))


@dataclass(frozen=True)
class Paper:
    """A file of the demo."""

    name: str
    media_type: str
    content: bytes
    pages: int

    @property
    def sha256(self) -> str:
        """Its hash, by which the store knows it."""
        return sha256(self.content).hexdigest()


@cache
def papers_of(kind: str, title: str) -> tuple[Paper, ...]:
    """The papers of a kind of document; `title` is what stands on top of them."""
    return tuple(_paper(kind, title, number) for number in range(_VARIANTS.get(kind, 1)))


def put(papers: Sequence[Paper], keeper: FileStore) -> None:
    """Let the store have them."""
    for paper in papers:
        with files.new_file(keeper) as (path, file):
            file.write(paper.content)
            file.flush()
            keeper.put(files.key_of(paper.sha256), path)


def _paper(kind: str, title: str, number: int) -> Paper:
    rng = Random(f'{kind} {number}')
    if kind == PHOTOS:
        return _jpeg(f'IMG_{2041 + number}.jpg', _photo(rng, number))
    if kind in LICENCES:
        return _jpeg(f'IMG_{1806 + number}.jpg', _licence(rng, title, number))
    return _pdf(f'{title}.pdf', [_sheet(rng, kind, title, page) for page in range(_PAGES.get(kind, 1))])


def _jpeg(name: str, picture: Image.Image) -> Paper:
    kept = io.BytesIO()
    picture.save(kept, 'JPEG', quality=82)
    return Paper(name, 'image/jpeg', kept.getvalue(), 1)


def _pdf(name: str, pages: Sequence[Image.Image]) -> Paper:
    kept = io.BytesIO()
    pages[0].save(
        kept, 'PDF', resolution=100, save_all=True, append_images=pages[1:], creationDate=_DRAWN_AT, modDate=_DRAWN_AT
    )
    return Paper(name, 'application/pdf', kept.getvalue(), len(pages))


# ---- words ------------------------------------------------------------------------------------------------------------------


@cache
def _font(hebrew: bool, size: int, weight: int) -> ImageFont.FreeTypeFont:
    name = 'heebo-hebrew.woff2' if hebrew else 'heebo-latin.woff2'
    font = ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([weight])
    return font


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    size: int,
    *,
    bold: bool = False,
    faint: bool = False,
) -> None:
    """Write from the right: letter by letter, and numbers as they are. No library for two directions is asked for."""
    right, baseline = place
    for token in _TOKENS.findall(words.translate(_MIRRORED)):
        font = _font('\u0590' <= token[0] <= '\u05ff', size, 700 if bold else 400)
        right -= font.getlength(token)
        draw.text((right, baseline), token, font=font, fill=_FAINT if faint else _INK, anchor='ls')


# ---- sheets -----------------------------------------------------------------------------------------------------------------


def _sheet(rng: Random, kind: str, title: str, page: int) -> Image.Image:
    picture = Image.new('RGB', (827, 1169), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 60, 767, 66), fill=(34, 80, 201))
    _write(draw, (767, 118), title, 34, bold=True)
    _write(draw, (767, 152), f'עמוד {page + 1} · דוגמה להצגה', 17, faint=True)
    top = 210
    for label, value in (
        ('שם', _NAMES[page % 3]),
        ('כתובת', rng.choice(_STREETS)),
        ('תאריך', f'{rng.randint(1, 28):02}/{rng.randint(1, 10):02}/2026'),
        ('מספר רכב', '123-45-678'),
        ('אסמכתה', str(rng.randint(100_000, 999_999))),
    ):
        _write(draw, (767, top), f'{label}:', 20, faint=True)
        _write(draw, (640, top), value, 20)
        draw.line((60, top + 12, 767, top + 12), fill=(226, 229, 235))
        top += 42
    _bill(draw, rng, top + 20) if kind in _BILLS else _letter(draw, rng, top + 30)
    _signature(draw, rng)
    return picture


def _letter(draw: ImageDraw.ImageDraw, rng: Random, top: int) -> None:
    for line in rng.sample(_SENTENCES, 5) + rng.sample(_SENTENCES, 4):
        _write(draw, (767, top), line, 20)
        top += 40 + 22 * (rng.random() < 0.3)


def _bill(draw: ImageDraw.ImageDraw, rng: Random, top: int) -> None:
    total = 0
    for label, price in rng.sample(_LINES, 4):
        total += (price := price * rng.randint(8, 12) // 10)
        _write(draw, (767, top), label, 20)
        _write(draw, (220, top), f'{price:,}', 20)
        top += 40
    draw.line((60, top - 18, 767, top - 18), fill=_INK, width=2)
    _write(draw, (767, top + 14), 'סך הכול לתשלום בש״ח', 22, bold=True)
    _write(draw, (220, top + 14), f'{total:,}', 22, bold=True)


def _signature(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    _write(draw, (300, 1060), 'חתימה וחותמת', 17, faint=True)
    draw.line((80, 1030, 300, 1030), fill=_FAINT)
    points = [(90 + 24 * step, 1018 - rng.randint(0, 34)) for step in range(8)]
    draw.line(points, fill=(40, 60, 150), width=3, joint='curve')


# ---- pictures ---------------------------------------------------------------------------------------------------------------


def _licence(rng: Random, title: str, number: int) -> Image.Image:
    """A card on a table, as somebody photographs it."""
    picture = Image.new('RGB', (1000, 700), (122 + number * 14, 104, 88))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((70, 60, 930, 640), 26, fill=(228, 238, 244))
    draw.rounded_rectangle((70, 60, 930, 150), 26, fill=(58, 112, 168))
    draw.rectangle((70, 120, 930, 150), fill=(58, 112, 168))
    _write(draw, (890, 122), f'{title.removeprefix("צילום ")} · דוגמה', 38, bold=True)
    draw.rounded_rectangle((110, 200, 340, 500), 12, fill=(196, 208, 216))
    draw.ellipse((175, 240, 275, 350), fill=(150, 160, 170))
    draw.pieslice((140, 360, 310, 560), 180, 360, fill=(150, 160, 170))
    top = 230
    for label, value in (
        ('שם', _NAMES[number % 3]),
        ('מספר רכב', '123-45-678'),
        ('בתוקף עד', f'{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/2028'),
        ('מען', _STREETS[number % 3]),
        ('מספר', str(rng.randint(1_000_000, 9_999_999))),
    ):
        _write(draw, (890, top), f'{label}:', 26, faint=True)
        _write(draw, (720, top), value, 26, bold=True)
        top += 66
    return picture.rotate(rng.uniform(-2.5, 2.5), Image.Resampling.BICUBIC, fillcolor=(110 + number * 14, 94, 80))


def _photo(rng: Random, number: int) -> Image.Image:
    """A parked car from the side, with what hit it to be seen."""
    picture = Image.new('RGB', (1120, 760), _SKIES[number % 3])
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 330, 1120, 760), fill=(118, 120, 124))
    for _ in range(220):
        x, y = rng.randint(0, 1120), rng.randint(340, 760)
        shade = rng.randint(104, 132)
        draw.line((x, y, x + rng.randint(4, 30), y), fill=(shade, shade, shade + 3))
    draw.rectangle((0, 215, 1120, 330), fill=(176, 168, 152))
    colour = _CARS[number]
    darker = tuple(part * 7 // 10 for part in colour)
    draw.ellipse((120, 560, 1010, 640), fill=(84, 86, 90))
    draw.polygon(((300, 380), (420, 250), (720, 250), (850, 380)), fill=darker)
    draw.polygon(((340, 375), (438, 272), (560, 272), (560, 375)), fill=(70, 84, 98))
    draw.polygon(((580, 375), (580, 272), (706, 272), (800, 375)), fill=(70, 84, 98))
    draw.rounded_rectangle((130, 375, 990, 575), 46, fill=colour)
    draw.line((570, 380, 570, 560), fill=darker, width=3)
    for left in (240, 730):
        draw.ellipse((left, 490, left + 150, 640), fill=(30, 31, 34))
        draw.ellipse((left + 38, 528, left + 112, 602), fill=(160, 164, 170))
    _dent(draw, rng, 150 if number % 2 else 820, colour)
    return picture


def _dent(draw: ImageDraw.ImageDraw, rng: Random, left: int, colour: tuple[int, int, int]) -> None:
    shade = tuple(max(part - 46, 0) for part in colour)
    draw.ellipse((left, 410, left + 140, 540), fill=shade)
    draw.ellipse((left + 22, 428, left + 112, 512), fill=tuple(max(part - 20, 0) for part in colour))
    for _ in range(9):
        x, y = left + rng.randint(0, 120), rng.randint(415, 530)
        scratch = [(x, y), (x + rng.randint(20, 70), y + rng.randint(-8, 12))]
        draw.line(scratch, fill=(222, 222, 218), width=rng.randint(1, 3))
