"""Files as people send them, and files as attackers make them, all made here."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pillow_heif
from openpyxl import Workbook
from PIL import Image, ImageDraw

SAMPLES = Path(__file__).parents[2] / 'shared' / 'samples' / 'documents'
# Jerusalem, as a phone writes it
_NORTH, _EAST = (31.0, 46.0, 40.0), (35.0, 14.0, 2.0)
EICAR = rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
SCRIPT = b'<script>document.title="owned"</script>'


def photo(width: int = 640, height: int = 480, colour: str = 'steelblue') -> Image.Image:
    picture = Image.new('RGB', (width, height), colour)
    ImageDraw.Draw(picture).line((0, 0, width, height), 'white', 5)
    return picture


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, kind, **options)
    return kept.getvalue()


def exif(*, place: bool = True) -> Image.Exif:
    told = Image.Exif()
    told[0x010F] = 'Phone'
    told[0x0112] = 6  # turned: the camera was held upright
    if place:
        told.get_ifd(0x8825).update({1: 'N', 2: _NORTH, 3: 'E', 4: _EAST})
    return told


def jpeg(*, place: bool = False) -> bytes:
    return saved(photo(), 'JPEG', exif=exif(place=place))


def heavy_photo(seed: int, size: int) -> bytes:
    """A sound JPEG of about this size, different each time."""
    return jpeg() + Random(seed).randbytes(size).replace(b'<', b'>').replace(b'P', b'Q')


def heic(*, place: bool = False) -> bytes:
    pillow_heif.register_heif_opener()
    return saved(photo(), 'HEIF', exif=exif(place=place).tobytes())


def png(*, place: bool = False) -> bytes:
    return saved(photo(), 'PNG', **({'exif': exif().tobytes()} if place else {}))


def webp(*, place: bool = False) -> bytes:
    return saved(photo(), 'WEBP', **({'exif': exif().tobytes()} if place else {}))


def tiff(pages: int = 3) -> bytes:
    return saved(photo(), 'TIFF', save_all=True, append_images=[photo(colour='tan') for _ in range(pages - 1)])


def pdf(pages: int = 2) -> bytes:
    return saved(photo(), 'PDF', save_all=True, append_images=[photo(colour='tan') for _ in range(pages - 1)])


def xlsx() -> bytes:
    book, kept = Workbook(), io.BytesIO()
    book.active['A1'] = 'שלום'
    book.save(kept)
    return kept.getvalue()


def docx(**more: bytes) -> bytes:
    return packed({'[Content_Types].xml': b'<Types/>', 'word/document.xml': b'<document/>', **more})


def packed(members: dict[str, bytes]) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return kept.getvalue()


HONEST: dict[str, tuple[Callable[[], bytes], str, int | None]] = {
    'דוח שמאי 12-345-67.pdf': (pdf, 'application/pdf', 2),
    'IMG_0001.JPG': (jpeg, 'image/jpeg', 1),
    'IMG_0002.jpg': (heic, 'image/heic', 1),  # iPhones call it what they like
    'damage.png': (png, 'image/png', 1),
    'נזק.webp': (webp, 'image/webp', 1),
    'scan.tif': (tiff, 'image/tiff', 3),
    'טבלה.xlsx': (xlsx, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', None),
    'מכתב.docx': (docx, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', None),
    'no ending': (jpeg, 'image/jpeg', 1),
}


# ---- made to hurt -----------------------------------------------------------------------------------------------------------


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def huge_png(side: int = 20_000) -> bytes:
    """A few hundred kilobytes that unpack to 400 million pixels."""
    row, packer = b'\x00' + bytes(side // 8), zlib.compressobj(9)
    content = b''.join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    head = struct.pack('>IIBBBBB', side, side, 1, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', head) + _chunk(b'IDAT', content) + _chunk(b'IEND', b'')


def zip_bomb() -> bytes:
    members = {'[Content_Types].xml': b'<Types/>', 'xl/workbook.xml': b'<workbook/>'}
    return packed({**members, **{f'xl/worksheets/sheet{n}.xml': bytes(30_000_000) for n in range(8)}})


def many_members() -> bytes:
    return packed({'[Content_Types].xml': b'<Types/>', 'xl/workbook.xml': b'', **{f'xl/{n}': b'' for n in range(4000)}})


def lying_zip() -> bytes:
    """Declares a small member that unpacks to much more."""
    honest = bytearray(docx(**{'word/media': bytes(50_000_000)}))
    for magic, offset in ((b'PK\x03\x04', 22), (b'PK\x01\x02', 24)):
        at = 0
        while (at := honest.find(magic, at)) >= 0:
            if struct.unpack_from('<I', honest, at + offset)[0] == 50_000_000:
                struct.pack_into('<I', honest, at + offset, 1000)
            at += 4
    return bytes(honest)


def locked_pdf() -> bytes:
    """Says it is encrypted; nobody needs to know how."""
    body = pdf(1)
    lock = b'/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00> <00>]' % (
        b'00' * 32,
        b'11' * 32,
    )
    return body.replace(b'/Root', lock + b' /Root')


def _tail(content: bytes, tail: bytes) -> Callable[[], bytes]:
    return lambda: content + tail


def many_pages_pdf() -> bytes:
    kids = b' '.join(b'3 0 R' for _ in range(5000))
    return (
        b'%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 5000/Kids['
        + kids
        + b']>>endobj\n'
        b'3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 10 10]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF'
    )


MACROS = 'application/vnd.ms-word.document.macroEnabled.main+xml'
LONG_NAME = 'חשבונית ' * 19 + '\u202efdp.exe.pdf'
# what it is → (name, content, why it is refused)
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    'a web page as PDF': ('report.pdf', lambda: b'<!DOCTYPE html><html>' + SCRIPT + b'</html>', 'web_page'),
    'a web page': ('report.html', lambda: b'<html>' + SCRIPT, 'kind'),
    'an SVG as PNG': ('a.png', lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b'</svg>', 'web_page'),
    'an SVG with a header': ('a.jpg', lambda: b'<?xml version="1.0"?><svg onload="alert(1)"/>', 'web_page'),
    'a PDF that is a page too': ('a.pdf', lambda: pdf().replace(b'\n', b'\n' + SCRIPT, 1), 'two_in_one'),
    'a PDF that is a ZIP too': ('a.pdf', _tail(pdf(), packed({'a.js': b'alert(1)'})), 'two_in_one'),
    'a PDF with a page behind it': ('a.pdf', _tail(pdf(), b'<html>' + SCRIPT), 'two_in_one'),
    'a JPEG that is a ZIP too': ('a.jpg', _tail(jpeg(), packed({'a.class': b'x'})), 'two_in_one'),
    'a JPEG that is a page too': ('a.jpg', lambda: saved(photo(), 'JPEG', comment=b'*/<html>' + SCRIPT), 'two_in_one'),
    'a JPEG with a page behind it': ('a.jpg', _tail(jpeg(), SCRIPT), 'two_in_one'),
    'a JPEG with a PDF behind it': ('a.jpg', _tail(jpeg(), pdf()), 'two_in_one'),
    'a PNG with a page behind it': ('a.png', _tail(png(), b'\n<html>' + SCRIPT), 'two_in_one'),
    'a PNG with a page inside': (
        'a.png',
        lambda: png().replace(png()[-12:], _chunk(b'tEXt', b'Comment\x00' + SCRIPT) + png()[-12:]),
        'two_in_one',
    ),
    'a WebP with a program behind it': ('a.webp', _tail(webp(), b'MZ\x90\x00\x03\x00'), 'two_in_one'),
    'a TIFF with a page inside': ('a.tif', _tail(tiff(), SCRIPT), 'two_in_one'),
    'a HEIC that is a ZIP too': ('a.heic', _tail(heic(), packed({'a': b'x'})), 'two_in_one'),
    '20,000 × 20,000 pixels': ('plan.png', huge_png, 'too_many_pixels'),
    'a ZIP bomb as workbook': ('table.xlsx', zip_bomb, 'bomb'),
    'thousands of members': ('table.xlsx', many_members, 'bomb'),
    'a ZIP that lies about its size': ('letter.docx', lying_zip, 'damaged'),
    'a letter with macros': ('letter.docx', lambda: docx(**{'word/vbaProject.bin': b'x'}), 'macros'),
    'a letter that says it has macros': (
        'letter.docx',
        lambda: packed({'[Content_Types].xml': MACROS.encode(), 'word/document.xml': b''}),
        'macros',
    ),
    'a letter for macros': ('letter.docm', docx, 'kind'),
    'a plain ZIP': ('files.docx', lambda: packed({'a.txt': b'x'}), 'kind'),
    'an old workbook': ('table.xlsx', lambda: b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + bytes(600), 'old_office'),
    'the test virus': ('eicar.pdf', lambda: EICAR, 'infected'),
    'the test virus in a letter': ('letter.docx', lambda: docx(**{'word/media/a': EICAR}), 'infected'),
    'the test virus behind a photo': ('a.jpg', _tail(jpeg(), EICAR), 'infected'),
    'nothing': ('empty.pdf', lambda: b'', 'empty'),
    'a name that hides its ending': (LONG_NAME, pdf, 'disguised'),
    'a program': ('setup.pdf', lambda: b'MZ\x90\x00' + bytes(500), 'kind'),
    'a photo as program': ('photo.exe', jpeg, 'kind'),
    'a photo as PDF': ('photo.pdf', jpeg, 'another_kind'),
    'half a photo': ('half.jpg', lambda: jpeg()[: len(jpeg()) // 2], 'damaged'),
    'half a PNG': ('half.png', lambda: png()[: len(png()) // 2], 'damaged'),
    'half a HEIC': ('half.heic', lambda: heic()[: len(heic()) // 2], 'damaged'),
    'half a PDF': ('half.pdf', lambda: pdf()[:300], 'damaged'),
    'half a workbook': ('half.xlsx', lambda: xlsx()[: len(xlsx()) // 2], 'damaged'),
    'a locked PDF': ('locked.pdf', locked_pdf, 'locked'),
    'a PDF without end': ('long.pdf', many_pages_pdf, 'too_many_pages'),
}
