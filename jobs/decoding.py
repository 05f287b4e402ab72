"""Runs as a program of its own, under limits, and looks inside one uploaded file: what it is, whether it is whole, its pages.

Nothing of ours is imported here: what a hostile file can break must hold nothing, and must start fast. Orders come as
arguments, the answer goes out as one line of JSON. `inspect PATH ENDING SERVED` checks, and writes to SERVED a copy without
the place a photo was taken, when there is one. `draw PATH MEDIA FOLDER FIRST LAST WIDTH…` makes pictures of pages.
"""

import json
import mmap
import os
import re
import resource
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from PIL import Image, ImageFile, ImageOps

MEMORY, CPU_SECONDS, WRITTEN, OPEN_FILES = 1 << 30, 10, 64 << 20, 64
# a JPEG is decoded at an eighth of its size; everything else as it is
MOST_PIXELS, MOST_PIXELS_OF_JPEG = 64_000_000, 220_000_000
MOST_PAGES, FRAMES_TO_LOAD = 1000, 20
MOST_UNPACKED, MOST_MEMBERS = 120_000_000, 3000

PDF, JPEG, PNG, WEBP, HEIC, TIFF, XLSX, DOCX = (
    *('application/pdf', 'image/jpeg', 'image/png', 'image/webp', 'image/heic', 'image/tiff'),
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
)
PICTURES = (JPEG, PNG, WEBP, HEIC, TIFF)
ENDINGS = {
    'pdf': (PDF,),
    'xlsx': (XLSX,),
    'docx': (DOCX,),
    '': (PDF, XLSX, DOCX, *PICTURES),
    # phones and scanners name pictures as they please
    **dict.fromkeys(('jpg', 'jpeg', 'jfif', 'png', 'webp', 'heic', 'heif', 'tif', 'tiff'), PICTURES),
}
_HEIC_BRANDS = {b'heic', b'heix', b'hevc', b'hevx', b'heim', b'heis', b'mif1', b'msf1'}
_EICAR = b'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'
_PAGE = re.compile(rb'(?i)<script[\s>]|<html[\s>]|<!doctype|<svg[\s>]|<\?php|<iframe|<body[\s>]')
_FOREIGN = re.compile(r'(?i)vbaproject|activex|macrosheets|\.(?:exe|dll|js|vbs|scr|hta)$')
_PROGRAM = re.compile(
    rb'%PDF-\d|PK\x03\x04|PK\x05\x06|\x7fELF[\x01\x02]|MZ\x90\x00\x03\x00|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c'
)


class RefusedError(Exception):
    """The file is not taken; the key says why."""

    def __init__(self, key: str) -> None:
        """`key` is one of `jobs.intake.REASONS`."""
        super().__init__(key)
        self.key = key


def refuse(key: str) -> NoReturn:
    """Stop here."""
    raise RefusedError(key)


# ---- inspection -------------------------------------------------------------------------------------------------------------


def inspect(path: Path, ending: str, served: Path) -> dict[str, Any]:
    """What the file is and how many pages it has. Raises `RefusedError`."""
    if path.stat().st_size == 0:
        refuse('empty')
    if ending not in ENDINGS:
        refuse('kind')
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(_EICAR) >= 0:
            refuse('infected')
        media = _sniff(data, path)
        if media not in ENDINGS[ending]:
            refuse('another_kind')
        if media in _CHECKS:
            _CHECKS[media](data)
        pages = _READERS[media](path)
        clean = _without_place(data, media) if media in PICTURES else None
    if clean is not None:
        served.write_bytes(clean)
    return {'media_type': media, 'pages': pages, 'served': clean is not None}


def _sniff(data: mmap.mmap, path: Path) -> str:
    head = data[:1024]
    start = head.lstrip(b'\xef\xbb\xbf\x00\t\r\n\x0c ')
    simple = {b'\xff\xd8\xff': JPEG, b'\x89PNG\r\n\x1a\n': PNG, b'II*\x00': TIFF, b'MM\x00*': TIFF, b'%PDF-': PDF}
    for magic, media in simple.items():
        if head.startswith(magic):
            return media
    if head[:4] == b'RIFF' and head[8:12] == b'WEBP':
        return WEBP
    if head[4:8] == b'ftyp' and head[8:12] in _HEIC_BRANDS:
        return HEIC
    if head.startswith(b'PK\x03\x04'):
        return _office_kind(path)
    if start.startswith(b'%PDF-'):
        return PDF
    if _PAGE.match(start) or start.startswith((b'<?xml', b'<!--')):
        refuse('web_page')
    refuse('old_office' if head.startswith(b'\xd0\xcf\x11\xe0') else 'kind')


def _office_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as packed:
            names = set(packed.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        refuse('damaged')
    if '[Content_Types].xml' in names:
        for name, media in (('xl/workbook.xml', XLSX), ('word/document.xml', DOCX)):
            if name in names:
                return media
    refuse('kind')


# ---- two files in one -------------------------------------------------------------------------------------------------------


def _check_jpeg(data: mmap.mmap) -> None:
    starts = _jpeg_ends(data)
    _check_around(data[: starts[0]], data[starts[1] :])


def _jpeg_ends(data: mmap.mmap) -> tuple[int, int]:
    """Where the picture's own bytes begin, after what describes it, and where they end."""
    marker = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
    at, first_scan = 2, 0
    while (found := marker.search(data, at)) is not None:
        code, after = data[found.start() + 1], found.end()
        if code == 0xD9:
            return first_scan or after, after
        if code == 0xDA and not first_scan:
            first_scan = found.start()
        length = data[after : after + 2]
        at = after + (struct.unpack('>H', length)[0] if len(length) == 2 else 2)
    refuse('damaged')


def _check_png(data: mmap.mmap) -> None:
    texts, at = [], 8
    for kind, start, end in _png_chunks(data):
        if kind in (b'tEXt', b'iTXt', b'eXIf'):
            texts.append(data[start:end])
        at = end + 4
    _check_around(b'\x00'.join(texts), data[at:])


def _png_chunks(data: bytes | mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk's content, up to the last one."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack('>I4s', data[at : at + 8])
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            break
        yield kind, start, end
        if kind == b'IEND':
            return
        at = end + 4
    refuse('damaged')


def _check_webp(data: mmap.mmap) -> None:
    _check_around(b'', data[8 + struct.unpack('<I', data[4:8])[0] :])


def _check_boxes(data: mmap.mmap) -> None:
    """HEIC and TIFF have no end of their own: nothing else may stand in them anywhere."""
    if re.search(rb'(?i)%PDF-1|<script[\s>]|<html[\s>]|<!doctype html|<\?php', data) or _ends_as_zip(data):
        refuse('two_in_one')


def _check_pdf(data: mmap.mmap) -> None:
    head, tail = data[:1024], data[data.rfind(b'%%EOF') + 5 :] if data.rfind(b'%%EOF') >= 0 else b''
    if _PAGE.search(head) or _PAGE.search(tail) or _ends_as_zip(data):
        refuse('two_in_one')


def _check_around(described: bytes, tail: bytes) -> None:
    if _PAGE.search(described) or _PAGE.search(tail) or _PROGRAM.search(tail):
        refuse('two_in_one')


def _ends_as_zip(data: mmap.mmap) -> bool:
    return data.rfind(b'PK\x05\x06', max(0, len(data) - 66_000)) >= 0


def _read_office(path: Path) -> None:
    """Whole, of bearable size, without macros and without strangers inside."""
    with zipfile.ZipFile(path) as packed:
        members = packed.infolist()
        if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
            refuse('bomb')
        if any(member.flag_bits & 1 for member in members):
            refuse('locked')
        if any(_FOREIGN.search(member.filename) for member in members):
            refuse('macros')
        for member in members:
            _check_member(packed, member)


def _check_member(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with packed.open(member) as content:  # stops at the size it declared, and compares the checksum
        before = b''
        while piece := content.read(1 << 20):
            seen = before + piece
            if _EICAR in seen:
                refuse('infected')
            if member.filename == '[Content_Types].xml' and re.search(rb'(?i)macroEnabled|vbaProject', seen):
                refuse('macros')
            before = piece[-64:]


# ---- decoding ---------------------------------------------------------------------------------------------------------------


def _read_pdf(path: Path) -> int:
    document = open_pdf(path)
    pages = len(document)
    if pages == 0:
        refuse('damaged')
    if pages > MOST_PAGES:
        refuse('too_many_pages')
    _draw_pdf_page(document[0], 60).load()
    return pages


def open_pdf(path: Path) -> Any:
    """The document; refuses one that is locked or broken."""
    import pypdfium2  # noqa: PLC0415 - pictures need not wait for it

    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        refuse('locked' if 'assword' in str(error) else 'damaged')


def _draw_pdf_page(page: Any, width: int) -> Image.Image:
    across, down = page.get_size()
    scale = min(width / max(across, 1), 3 * width / max(down, 1))
    return Image.Image.convert(page.render(scale=scale, may_draw_forms=True).to_pil(), 'RGB')


def _open_picture(path: Path, media: str) -> ImageFile.ImageFile:
    if media == HEIC:
        import pillow_heif  # noqa: PLC0415 - the others need not wait for it

        pillow_heif.register_heif_opener(thumbnails=False)
    formats = {JPEG: ('JPEG', 'MPO'), PNG: ('PNG',), WEBP: ('WEBP',), HEIC: ('HEIF',), TIFF: ('TIFF',)}
    picture = Image.open(path, formats=formats[media])
    if picture.width * picture.height > (MOST_PIXELS_OF_JPEG if media == JPEG else MOST_PIXELS):
        refuse('too_many_pixels')
    return picture


def _reader(media: str) -> Callable[[Path], int]:
    def read(path: Path) -> int:
        picture = _open_picture(path, media)
        pages = getattr(picture, 'n_frames', 1) if media == TIFF else 1
        if pages > MOST_PAGES:
            refuse('too_many_pages')
        for page in range(min(pages, FRAMES_TO_LOAD)):
            if page:
                picture.seek(page)
                _check_frame(picture)
            if media == JPEG:
                picture.draft('RGB', (picture.width // 8, picture.height // 8))
            picture.load()
        return pages

    return read


def _check_frame(picture: ImageFile.ImageFile) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        refuse('too_many_pixels')


# ---- the place a photo was taken --------------------------------------------------------------------------------------------

_EXIF = re.compile(rb'(?:Exif\x00\x00|EXIF.{4})(?=II\*\x00|MM\x00\*)', re.DOTALL)
_XMP = re.compile(rb'<x:xmpmeta.*?</x:xmpmeta>', re.DOTALL)
_XMP_PLACE = re.compile(rb'(?i)GPS|photoshop:(?:City|State|Country)|Location')
_VIDEO_PLACE = re.compile(
    rb'(?<=\xa9xyz)..\x15\xc7[-+0-9./]+|[-+][0-9]{2}\.[0-9]{3,}[-+][0-9]{3}\.[0-9]{3,}[-+0-9.]*/', re.DOTALL
)


def _without_place(data: mmap.mmap, media: str) -> bytes | None:
    """The same picture with every note of a place blanked where it stands; None when there is none."""
    copy = bytearray(data)
    if media == PNG:
        return _png_without_place(bytes(copy))
    found = _blank_gps(copy, 0) if media == TIFF else False
    for match in _EXIF.finditer(bytes(copy)):
        found |= _blank_gps(copy, match.end())
    for match in _XMP.finditer(bytes(copy)):
        if _XMP_PLACE.search(match[0]):
            copy[match.start() : match.end()] = b' ' * len(match[0])
            found = True
    for match in _VIDEO_PLACE.finditer(bytes(copy)):
        copy[match.start() : match.end()] = re.sub(rb'[0-9]', b'0', match[0])
        found = True
    return bytes(copy) if found else None


def _png_without_place(data: bytes) -> bytes | None:
    kept, found = [data[:8]], False
    for kind, start, end in _png_chunks(data):
        if kind in (b'eXIf', b'tEXt', b'zTXt', b'iTXt') and _tells_place(kind, data[start:end]):
            found = True
        else:
            kept.append(data[start - 8 : end + 4])
    return b''.join(kept) if found else None


def _tells_place(kind: bytes, content: bytes) -> bool:
    if kind == b'eXIf':
        return _blank_gps(bytearray(content), 0)
    profile = content[:40].lower()
    return profile.startswith((b'raw profile type exif', b'raw profile type app1', b'raw profile type xmp')) or bool(
        _XMP_PLACE.search(content)
    )


def _blank_gps(data: bytearray, base: int) -> bool:
    """Empty the GPS directory of the EXIF block that starts at `base`; whether there was one."""
    try:
        order = '<' if data[base : base + 2] == b'II' else '>'
        first = struct.unpack_from(order + 'I', data, base + 4)[0]
        count = struct.unpack_from(order + 'H', data, base + first)[0]
        for place in range(base + first + 2, base + first + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + 'HHII', data, place)
            if tag == 0x8825:
                return _blank_directory(data, base, value, order)
    except struct.error:
        return False
    return False


_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)


def _blank_directory(data: bytearray, base: int, offset: int, order: str) -> bool:
    count: int = struct.unpack_from(order + 'H', data, base + offset)[0]
    for place in range(base + offset + 2, base + offset + 2 + 12 * count, 12):
        _, kind, many, value = struct.unpack_from(order + 'HHII', data, place)
        size = _SIZES[kind] * many if kind < len(_SIZES) else 0
        if 4 < size < 4096 and base + value + size <= len(data):
            data[base + value : base + value + size] = bytes(size)
        data[place : place + 12] = bytes(12)
    data[base + offset : base + offset + 2] = b'\x00\x00'
    return count > 0


# ---- pictures of pages ------------------------------------------------------------------------------------------------------


def draw(path: Path, media: str, folder: Path, first: int, last: int, widths: list[int]) -> dict[str, Any]:
    """Write `PAGE-WIDTH.webp` into the folder for the pages from `first` to `last` (from 1), as far as there are so many."""
    drawn = []
    for page, picture in pictures_of(path, media, first, last, max(widths)):
        for width in widths:
            smaller = picture.copy()
            smaller.thumbnail((width, 3 * width), Image.Resampling.LANCZOS, reducing_gap=2.0)
            name = f'{page}-{width}.webp'
            smaller.save(folder / name, 'WEBP', quality=80, method=1)
            drawn.append(name)
    return {'drawn': drawn}


def pictures_of(path: Path, media: str, first: int, last: int, width: int) -> Iterator[tuple[int, Image.Image]]:
    """The pages from `first` to `last` (from 1), as far as there are so many, as a person sees them."""
    if media == PDF:
        document = open_pdf(path)
        for page in range(first, min(last, len(document)) + 1):
            yield page, _draw_pdf_page(document[page - 1], width)
        return
    picture = _open_picture(path, media)
    for page in range(first, min(last, getattr(picture, 'n_frames', 1) if media == TIFF else 1) + 1):
        if media == TIFF:
            picture.seek(page - 1)
            _check_frame(picture)
        picture.draft('RGB', (width, width))
        yield page, _upright(picture)


def _upright(picture: Image.Image) -> Image.Image:
    """As a person holds it, on white, in colours a browser knows."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode in ('RGBA', 'LA', 'PA') or 'transparency' in turned.info:
        turned = turned.convert('RGBA')
        white = Image.new('RGBA', turned.size, 'white')
        white.alpha_composite(turned)
        turned = white
    if turned.mode.startswith('I;16'):
        turned = turned.point(lambda shade: shade / 256).convert('L')
    return turned.convert('RGB')


# ---- the program ------------------------------------------------------------------------------------------------------------

_CHECKS: dict[str, Callable[[mmap.mmap], None]] = {
    PDF: _check_pdf,
    JPEG: _check_jpeg,
    PNG: _check_png,
    WEBP: _check_webp,
    HEIC: _check_boxes,
    TIFF: _check_boxes,
}
_READERS: dict[str, Callable[[Path], int | None]] = {
    **{media: _reader(media) for media in PICTURES},
    PDF: _read_pdf,
    XLSX: _read_office,
    DOCX: _read_office,
}
# what the decoders raise over a file that is not whole, or made to hurt
BROKEN = (
    *(
        OSError,
        ValueError,
        SyntaxError,
        ArithmeticError,
        LookupError,
        TypeError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ),
    *(struct.error, zlib.error, zipfile.BadZipFile, Image.DecompressionBombError, Image.DecompressionBombWarning),
)


def limit(memory: int, seconds: int, written: int) -> None:
    """Take no more than this of the machine, and only what nobody else needs."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(10)  # the people on the pages come first


def main(order: str, path: str, *rest: str) -> dict[str, Any]:
    """Do what the arguments say, under limits."""
    limit(MEMORY, CPU_SECONDS, WRITTEN)
    warnings.simplefilter('ignore')
    Image.MAX_IMAGE_PIXELS = None  # we count ourselves, and kindlier
    try:
        if order == 'inspect':
            return inspect(Path(path), rest[0], Path(rest[1]))
        media, folder, first, last, *widths = rest
        return draw(Path(path), media, Path(folder), int(first), int(last), [int(width) for width in widths])
    except RefusedError as refused:
        return {'refused': refused.key}
    except MemoryError:
        return {'refused': 'too_heavy'}
    except BROKEN:
        return {'refused': 'damaged'}


if __name__ == '__main__':
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
