"""Runs as a program of its own, under limits, and binds documents into one PDF: a cover with its contents, a demand letter, then each page on A4.

Of ours it knows nothing but the decoder: what a hostile document can break must hold nothing. The order comes as JSON on standard
input, for it tells names; `{"at": N}` on standard output says which document comes next, the last line what became of each.
Everything is written as text with our own font, so that one can search in it; words from right to left are put in order first.
"""

import ctypes
import io
import json
import re
import resource
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pypdfium2
from bidi.algorithm import get_display
from PIL import Image
from pypdfium2 import raw

from jobs.decoding import BROKEN, MOST_PAGES, PDF, PICTURES, RefusedError, limit, open_pdf, pictures_of

MEMORY, WRITTEN = 1 << 30, 600_000_000
# of the processor, for one document and each page of it
DOCUMENT_SECONDS, PAGE_SECONDS = 10, 1
A4 = (595.0, 842.0)
# below it stands the number of the page and nothing else
FOOT = 34.0
MARGIN, COLUMN = 56.0, 150.0
EDGE = A4[0] - MARGIN
ROOM = EDGE - MARGIN - COLUMN
# each page of a PDF is put on such a square before it comes to its place
SQUARE = 1000.0
# the longer side of A4 at 200 dots per inch
MOST_DOTS = 2339
INK, FAINT, RULE = (23, 28, 38), (98, 107, 122), (219, 223, 230)
_UNWRITTEN = re.compile('[\u0591-\u05bd\u05bf\u05c1-\u05c7\u200b-\u200f\u202a-\u202e\u2066-\u2069]')
_STRANGE = re.compile('[^\u0020-\u007e\u00a0-\u024f\u0590-\u05ff\u1e00-\u1eff\u2000-\u206f\u20a0-\u20cf\u2122\u2212]')

# how high it is, and how it is drawn at a place of a page
Block = tuple[float, Callable[[Any, float], object]]
# a line of the contents and its page; a paper and why it is sent apart
Place = tuple[str, int]
Apart = tuple[dict[str, str], str]


def bind(order: dict[str, Any], allow: Callable[[int], object] = int) -> dict[str, Any]:
    """Make the PDF; returns its pages and, for each paper, its pages and its first page or why it is sent apart; so of the letter.

    `allow` is told how many seconds the next step may take.
    """
    pack = _Pack(order['words'], [Path(font) for font in order['fonts']])
    came: list[tuple[int, int] | str] = []
    for number, paper in enumerate(order['papers']):
        _tell(at=number)
        allow(DOCUMENT_SECONDS + PAGE_SECONDS * paper['pages'])
        came.append(order['apart'].get(str(number)) or pack.add(Path(paper['path']), paper['media']))
    _tell()  # from here on no document is to blame
    allow(order['seconds'])
    covers, letters = pack.add_front(order, came)
    pages = pack.finish(Path(order['target']))
    return {
        'pages': pages,
        'letter': (letters, covers + 1) if letters else None,
        'came': [(had[0], had[1] + covers + letters) if isinstance(had, tuple) else had for had in came],
    }


@dataclass(frozen=True)
class _Look:
    size: float = 11.0
    bold: bool = False
    colour: tuple[int, int, int] = INK


_PLAIN, _QUIET, _STRONG = _Look(), _Look(colour=FAINT), _Look(bold=True)


class _Pack:
    def __init__(self, words: dict[str, Any], fonts: Sequence[Path]) -> None:
        self._pdf = pypdfium2.PdfDocument.new()
        self._words = words
        self._regular, self._bold = (self._font(font.read_bytes()) for font in fonts)

    def _font(self, content: bytes) -> Any:
        kept = (ctypes.c_uint8 * len(content)).from_buffer_copy(content)
        return raw.FPDFText_LoadFont(self._pdf, kept, len(content), raw.FPDF_FONT_TRUETYPE, 1)

    # ---- documents ----------------------------------------------------------------------------------------------------------

    def add(self, path: Path, media: str) -> tuple[int, int] | str:
        """Put all its pages at the end; how many, and the first of them before there is a cover. Or why none of it is here."""
        before = len(self._pdf)
        try:
            self._put(path, media)
            if len(self._pdf) > before:
                return len(self._pdf) - before, before + 1
            why = 'damaged'
        except RefusedError as refused:
            why = refused.key
        except MemoryError:
            why = 'too_heavy'
        except BROKEN:
            why = 'damaged'
        for page in reversed(range(before, len(self._pdf))):
            self._pdf.del_page(page)
        return why

    def _put(self, path: Path, media: str) -> None:
        if media == PDF:
            self._add_pdf(path)
        elif media in PICTURES:
            for _, picture in pictures_of(path, media, 1, MOST_PAGES, MOST_DOTS):
                self._add_picture(picture)
        else:
            raise RefusedError('kind')

    def _add_pdf(self, path: Path) -> None:
        source = open_pdf(path)
        try:
            source.init_forms()
            sizes = [_flattened(source[number]) for number in range(len(source))]
            # each page as one sees it, turned and cut, is drawn on a square of its own; links and scripts stay behind.
            # All at once: what several pages share, as fonts, is there once. PDFium does it for two beside each other
            for number in range(len(sizes)):
                source.new_page(SQUARE, SQUARE, index=2 * number + 1).close()
            squares = raw.FPDF_ImportNPagesToOne(source, 2 * SQUARE, SQUARE, 2, 1)
            if not squares:
                raise RefusedError('damaged')
            before, seen = len(self._pdf), pypdfium2.PdfDocument(squares)
            self._pdf.import_pages(seen)
            seen.close()
        finally:
            source.close()
        for number, (width, height) in enumerate(sizes, start=before):
            self._move(self._pdf[number], width, height)

    def _move(self, page: Any, width: float, height: float) -> None:
        """From the middle of its square to its place."""
        across, down, scale = _sheet(width, height)
        side = scale * max(width, height)
        by, to_right, up = side / SQUARE, (across - side) / 2, FOOT + (down - FOOT - side) / 2
        raw.FPDFPage_TransFormWithClip(page, raw.FS_MATRIX(by, 0, 0, by, to_right, up), None)
        page.set_mediabox(0, 0, across, down)
        page.close()

    def _add_picture(self, picture: Image.Image) -> None:
        picture.thumbnail((MOST_DOTS, MOST_DOTS), Image.Resampling.LANCZOS, reducing_gap=2.0)
        packed = io.BytesIO()
        picture.save(packed, 'JPEG', quality=85)
        packed.seek(0)
        drawn = pypdfium2.PdfImage.new(self._pdf)
        drawn.load_jpeg(packed, inline=True)
        across, down, scale = _sheet(*picture.size)
        scale = min(scale, 1.0)  # a small one is not blown up
        width, height = picture.width * scale, picture.height * scale
        to_right, up = (across - width) / 2, FOOT + (down - FOOT - height) / 2
        drawn.transform(pypdfium2.PdfMatrix(width, 0, 0, height, to_right, up))
        page = self._pdf.new_page(across, down)
        page.insert_obj(drawn)
        page.gen_content()
        page.close()

    # ---- what stands in front -------------------------------------------------------------------------------------------------

    def add_front(self, order: dict[str, Any], came: Sequence[tuple[int, int] | str]) -> tuple[int, int]:
        """Say in front what it is and what stands where, and demand; returns on how many pages each."""
        papers, letter = order['papers'], order['letter']
        bound = [(paper, had) for paper, had in zip(papers, came, strict=True) if isinstance(had, tuple)]
        apart = [(paper, had) for paper, had in zip(papers, came, strict=True) if isinstance(had, str)]
        covers: list[list[Block]] = []
        letters: list[list[Block]] = []
        for _ in range(2):  # only then it is known which page a document begins on
            before = len(covers) + len(letters)
            places = [(title, first + before) for title, first in _contents(bound)]
            own = [(letter['title'], len(covers) + 1)] if letter else []
            covers = _divided(self._cover(order['facts'], own + places, apart))
            letters = _divided(self._letter(letter, places, apart)) if letter else []
        for number, blocks in enumerate(covers + letters):
            page, height = self._pdf.new_page(*A4, index=number), A4[1] - MARGIN
            for high, draw in blocks:
                height -= high
                draw(page, height)
            page.gen_content()
            page.close()
        return len(covers), len(letters)

    def _cover(self, facts: Sequence[Sequence[str]], places: Sequence[Place], apart: Sequence[Apart]) -> list[Block]:
        """The cover from top to bottom."""
        blocks = [self._heading(self._words['title'], 26.0, 56.0), *(self._fact(*fact) for fact in facts)]
        blocks += [self._heading(self._words['contents'], 15.0, 44.0), *self._places(places)]
        headings = self._words['headings']
        for heading in dict.fromkeys(headings[why] for _, why in apart):
            blocks += [self._heading(heading, 15.0, 44.0)]
            under = [(paper, why) for paper, why in apart if headings[why] == heading]
            blocks += [self._line(paper['title'], self._words['reasons'][why]) for paper, why in under]
        return blocks

    def _places(self, places: Sequence[Place]) -> list[Block]:
        return [self._line(title, self._words['at'].format(page=page)) for title, page in places]

    def _letter(self, letter: dict[str, Any], places: Sequence[Place], apart: Sequence[Apart]) -> list[Block]:
        """The demand letter from top to bottom."""
        to, *named = letter['to']
        blocks = [self._said(letter['date'], _QUIET, 18.0), self._said(to, _PLAIN, 34.0)]
        blocks += [self._said(name, _Look(13.0, bold=True), 20.0) for name in named]
        blocks += [self._heading(letter['subject'], 15.0, 48.0), *(self._fact(*fact) for fact in letter['facts'])]
        blocks += [self._said('', _PLAIN, 10.0), *self._paragraph(letter['text']), self._said('', _PLAIN, 6.0)]
        (head_of, sum_of), (total, whole) = letter['columns'], letter['total']
        if letter['rows']:
            blocks += [self._line(head_of, sum_of, title_as=_QUIET)]
        blocks += [self._line(head, amount, told_as=_PLAIN) for head, amount in letter['rows']]
        blocks += [self._line(total, whole, title_as=_STRONG, told_as=_STRONG)]
        blocks += [self._heading(letter['enclosed'], 13.0, 40.0), *self._places(places)]
        words = self._words
        sent = [(paper, words['headings'][why]) for paper, why in apart if why != words['lost']]
        blocks += [self._line(paper['title'], heading) for paper, heading in sent]
        return [*blocks, self._signature(letter)]

    def _heading(self, text: str, size: float, high: float) -> Block:
        look, room = _Look(size, bold=True), EDGE - MARGIN
        return high, lambda page, at: self._write(page, text, look, at + 10, right=EDGE, room=room)

    def _fact(self, label: str, value: str) -> Block:
        def draw(page: Any, at: float) -> None:
            self._write(page, label, _QUIET, at + 6, right=EDGE)
            self._write(page, value, _STRONG, at + 6, right=EDGE - COLUMN)

        return 20.0, draw

    def _line(self, title: str, told: str, title_as: _Look = _PLAIN, told_as: _Look = _QUIET) -> Block:
        def draw(page: Any, at: float) -> None:
            width = self._write(page, told, told_as, at + 7)
            self._write(page, title, title_as, at + 7, right=EDGE, room=EDGE - MARGIN - width - 12)
            self._rule(page, MARGIN, at, EDGE - MARGIN)

        return 22.0, draw

    def _said(self, text: str, look: _Look, high: float) -> Block:
        return high, lambda page, at: text and self._write(page, text, look, at + 6, right=EDGE, room=EDGE - MARGIN)

    def _paragraph(self, text: str) -> list[Block]:
        """On as many lines as it needs."""
        lines = ['']
        for word in text.split():
            longer = f'{lines[-1]} {word}'.strip()
            drawn, width = self._text(_writable(longer), _PLAIN)
            raw.FPDFPageObj_Destroy(drawn)
            lines = [*lines[:-1], longer] if width <= EDGE - MARGIN else [*lines, word]
        return [self._said(line, _PLAIN, 18.0) for line in lines]

    def _signature(self, letter: dict[str, Any]) -> Block:
        """The end of the letter, with a line to sign on."""

        def draw(page: Any, at: float) -> None:
            for number, line in enumerate(letter['closing']):
                self._write(page, line, _Look(bold=bool(number)), at + 62 - 18 * number, right=EDGE)
            width = self._write(page, letter['signature'], _QUIET, at + 8, right=EDGE)
            self._rule(page, EDGE - width - 160, at + 7, 152)

        return 104.0, draw

    def _rule(self, page: Any, left: float, at: float, width: float) -> None:
        rule = raw.FPDFPageObj_CreateNewRect(left, at, width, 0.6)
        raw.FPDFPageObj_SetFillColor(rule, *RULE, 255)
        raw.FPDFPath_SetDrawMode(rule, raw.FPDF_FILLMODE_ALTERNATE, False)
        raw.FPDFPage_InsertObject(page, rule)

    # ---- writing ------------------------------------------------------------------------------------------------------------

    def _write(
        self, page: Any, text: str, look: _Look, at: float, *, right: float | None = None, room: float = ROOM
    ) -> float:
        """Write a line that ends at `right`, or begins at the margin; shortened where there is no room. Returns how wide it is."""
        text = _writable(text)
        drawn, width = self._text(text, look)
        while width > room and len(text) > 1:
            raw.FPDFPageObj_Destroy(drawn)
            text = text[: min(len(text) - 2, int(len(text) * room / width))].rstrip(' …') + '…'
            drawn, width = self._text(text, look)
        raw.FPDFPageObj_Transform(drawn, 1, 0, 0, 1, MARGIN if right is None else right - width, at)
        raw.FPDFPage_InsertObject(page, drawn)
        return width

    def _text(self, text: str, look: _Look) -> tuple[Any, float]:
        drawn = raw.FPDFPageObj_CreateTextObj(self._pdf, self._bold if look.bold else self._regular, look.size)
        letters = (_drawn_order(text) + '\0').encode('utf-16-le')
        raw.FPDFText_SetText(drawn, ctypes.cast(ctypes.c_char_p(letters), ctypes.POINTER(ctypes.c_ushort)))
        raw.FPDFPageObj_SetFillColor(drawn, *look.colour, 255)
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        raw.FPDFPageObj_GetBounds(drawn, left, bottom, right, top)
        return drawn, right.value

    def finish(self, target: Path) -> int:
        """Number every page and write the file; returns how many pages."""
        pages = len(self._pdf)
        for number in range(pages):
            page = self._pdf[number]
            told = self._words['page'].format(page=number + 1, pages=pages)
            drawn, width = self._text(_writable(told), _Look(9.0))
            raw.FPDFPageObj_Transform(drawn, 1, 0, 0, 1, (page.get_width() - width) / 2, 13)
            raw.FPDFPage_InsertObject(page, drawn)
            page.gen_content()
            page.close()
        self._pdf.save(target)
        return pages


def _flattened(page: Any) -> tuple[float, float]:
    """Make what was filled in, stamped or noted a part of the page; returns its size as one sees it."""
    raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
    width, height = page.get_size()
    page.close()
    return max(width, 1.0), max(height, 1.0)


def _sheet(width: float, height: float) -> tuple[float, float, float]:
    """A4, upright or lying as it is, and how large it fits above the foot."""
    across, down = A4 if width <= height else A4[::-1]
    return across, down, min(across / width, (down - FOOT) / height, 100.0)


def _contents(bound: Sequence[tuple[dict[str, str], tuple[int, int]]]) -> Iterator[Place]:
    """The lines of the contents with the first page of each; photos of a kind are one line."""
    for group, members in groupby(enumerate(bound), key=lambda placed: placed[1][0]['group'] or placed[0]):
        among = [member for _, member in members]
        title = among[0][0]['title'] if len(among) == 1 else f'{group} ({len(among)})'
        yield title, among[0][1][1]


def _divided(blocks: Sequence[Block]) -> list[list[Block]]:
    """Onto as many pages as they need."""
    pages: list[list[Block]] = [[]]
    left = full = A4[1] - MARGIN - FOOT - 20
    for block in blocks:
        if block[0] > left:
            pages.append([])
            left = full
        pages[-1].append(block)
        left -= block[0]
    return pages


def _writable(text: str) -> str:
    """What our font has letters for; points and marks of direction are left out, a letter it does not have shows as «?»."""
    return _STRANGE.sub('?', _UNWRITTEN.sub('', unicodedata.normalize('NFC', text)))


def _drawn_order(text: str) -> str:
    """From left to right, by the direction of its first letter: a number that goes on in Latin letters is not turned around."""
    return str(get_display(text))


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + '\n')
    sys.stdout.flush()


def _allow(seconds: int) -> None:
    """Let the processor be used for so long from now on, as far as there is so much left for all."""
    used, most = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(int(used.ru_utime + used.ru_stime) + seconds, most), most))


def main() -> None:
    """Do what standard input says."""
    order = json.load(sys.stdin)
    limit(MEMORY, order['seconds'], WRITTEN)
    warnings.simplefilter('ignore')
    Image.MAX_IMAGE_PIXELS = None  # the decoder counts, and kindlier
    _tell(bound=bind(order, _allow))


if __name__ == '__main__':
    main()
