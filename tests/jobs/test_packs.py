"""A submission pack as a PDF: what one finds on which page, how it looks, and what is named as sent apart."""

import io
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import select

from db import copies, documents, files, money, packs, values
from db.base import now
from db.claims import Claim
from db.documents import Arrived, Slot
from db.files import Folder
from db.packs import SubmissionPack
from db.reference import Insurer
from db.session import fetch, open_session
from db.texts import ClaimError, t
from jobs import binding, children, orphans
from jobs import packs as making
from jobs.intake import hash_of
from tests import papers
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.jobs.test_trash import aged
from tests.waiting import until

PDF, JPEG, PNG, HEIC = 'application/pdf', 'image/jpeg', 'image/png', 'image/heic'
DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'


@pytest.fixture
def keeper(people: People, tmp_path: Path) -> Folder:
    kept = files.connect(f'file:{tmp_path}/documents', tmp_path)
    assert isinstance(kept, Folder)
    return kept


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, insurer_claim_no='55/2026')


def filed(people: People, claim: Claim, kind: str, content: bytes, media: str, pages: int = 1) -> str:
    with files.new_file(files.store()) as (path, file):
        file.write(content)
        file.flush()
        digest = hash_of(path)
        files.store().put(files.key_of(digest), path)
    arrived = Arrived('a', 'a', media, len(content), digest, len(content), digest, pages=pages)
    with open_session(people.dana) as session:
        return documents.attach(session, claim.id, arrived, Slot(kind), now()).document.uuid


def coloured(colour: str, media: str = 'PNG', size: tuple[int, int] = (480, 640)) -> bytes:
    return papers.saved(Image.new('RGB', size, colour), media)


def made(people: People, claim: Claim, *picked: str) -> SubmissionPack:
    return making.make_pack(people.staff, claim.claim_no, picked, now())[0]


def opened(pack: SubmissionPack) -> pypdfium2.PdfDocument:
    content = b''.join(files.store().read(files.key_of(pack.sha256)))
    assert len(content) == pack.size
    return pypdfium2.PdfDocument(content)


def text_of(page: Any) -> str:
    # PDFium writes brackets as they stand in a line from left to right
    return str(page.get_textpage().get_text_range()).replace('\r\n', '\n')


def shade(page: Any, across: float = 0.5, down: float = 0.5) -> str:
    """The colour at a place of the page as a person sees it."""
    seen = page.render(scale=0.5).to_pil().convert('RGB')
    found = seen.getpixel((int(seen.width * across), int(seen.height * down)))
    named = {'red': (255, 0, 0), 'blue': (0, 0, 255), 'green': (0, 128, 0), 'white': (255, 255, 255)}
    named |= {'steelblue': (70, 130, 180), 'tan': (210, 180, 140)}
    near = {name: sum(abs(a - b) for a, b in zip(found, colour, strict=True)) for name, colour in named.items()}
    return min(near, key=lambda name: near[name])


def test_everything_stands_in_order_under_its_page_and_the_cover_says_where(
    people: People, claim: Claim, keeper: Folder
) -> None:
    licence = filed(people, claim, 'vehicle_licence', coloured('green'), PNG)
    report = filed(people, claim, 'appraisal_report', papers.pdf(), PDF, pages=2)
    photos = [filed(people, claim, 'damage_photos', coloured(colour, 'JPEG'), JPEG) for colour in ('red', 'blue')]
    pack = made(people, claim)
    found = opened(pack)
    assert pack.pages == len(found) == 6
    for number, page in enumerate(found, start=1):
        assert text_of(page).endswith(f'עמוד {number} מתוך 6')
    places = [shade(page, 0.5, 0.3) for page in found]
    assert places[1:] == ['steelblue', 'tan', 'red', 'blue', 'green']
    assert [(entry['uuid'], entry['pages'], entry['first']) for entry in pack.contents] == [
        (report, 2, 2),
        (photos[0], 1, 4),
        (photos[1], 1, 5),
        (licence, 1, 6),
    ]
    cover = text_of(found[0])
    for told in (claim.claim_no, '217-34-801', '28/10/2026', '55/2026', 'רונית', 'תיק הגשה', 'תוכן העניינים'):
        assert told in cover
    lines = cover.split('\n')
    for title, first in (('דוח שמאי', 2), ('תמונות נזק', 4), ('צילום רישיון רכב', 6)):
        [line] = [line for line in lines if title in line]
        assert f'עמ׳ {first}' in line, line
    assert 'נשלח בנפרד' not in cover
    assert [page.get_size() for page in found][:1] == [(595.0, 842.0)]


def demanded(people: People, claim: Claim, **sums: int) -> None:
    for head, amount in sums.items():
        with open_session(people.staff) as session:
            money.save_amounts(session, claim.id, head, {'demanded': (None, amount)}, now())


def test_what_is_demanded_stands_in_a_letter_between_the_cover_and_the_documents(
    people: People, keeper: Folder
) -> None:
    with open_session(SYSTEM, reading=True) as session:
        harel = session.scalars(select(Insurer).where(Insurer.code == 'harel')).one()
    claim = make_claim(people.levi, people.staff, insurer_claim_no='55/2026', tp_insurer=harel.id, tp_plate='6417835')
    demanded(people, claim, repair_cost=11_800_00, depreciation=4_350_50, appraiser_fee=1_180_00)
    with open_session(people.staff) as session:
        money.take_vat_off(session, claim.id, 'repair_cost', now())
    filed(people, claim, 'vehicle_licence', coloured('green'), PNG)
    photos = [filed(people, claim, 'damage_photos', coloured(colour, 'JPEG'), JPEG) for colour in ('red', 'blue')]
    pack = made(people, claim)
    found = opened(pack)
    assert pack.pages == len(found) == 5
    assert pack.letter is not None
    assert (pack.letter['pages'], pack.letter['first'], pack.letter['total']) == (1, 2, 15_530_50)
    assert [(entry['uuid'], entry['first']) for entry in pack.contents][:2] == [(photos[0], 3), (photos[1], 4)]
    assert [shade(page, 0.5, 0.3) for page in found][2:] == ['red', 'blue', 'green']
    [line] = [line for line in text_of(found[0]).split('\n') if 'מכתב דרישה' in line]
    assert 'עמ׳ 2' in line
    letter = text_of(found[1])
    day = values.format_day(values.israel(pack.at).date())
    for told in ('לכבוד', harel.name, day, claim.claim_no, '55/2026', '217-34-801', '64-178-35', '28/10/2026', 'רונית'):
        assert told in letter, told
    assert '…' not in letter
    lines = letter.split('\n')
    for title, amount in (
        ('נזק לרכב / עלות תיקון', '10,000.00'),
        ('ירידת ערך', '4,350.50'),
        ('שכר טרחת שמאי', '1,180.00'),
        ('סה״כ סכום הדרישה', '15,530.50'),
    ):
        [line] = [line for line in lines if title in line]
        assert f'₪{amount}' in line, line
        assert ('ללא מע״מ' in line) == (amount == '10,000.00')
    enclosed = lines[lines.index('מצורפים') :]
    assert [line for line in enclosed if 'תמונות נזק' in line and 'עמ׳ 3' in line]
    assert [line for line in enclosed if 'צילום רישיון רכב' in line and 'עמ׳ 5' in line]
    assert any(people.staff.name in line and 'הלשכה' in line for line in enclosed)
    assert letter.endswith('עמוד 2 מתוך 5')


def test_without_a_demand_or_with_a_letter_of_ones_own_none_is_drawn(
    people: People, claim: Claim, keeper: Folder
) -> None:
    filed(people, claim, 'vehicle_licence', coloured('green'), PNG)
    assert (made(people, claim).pages, made(people, claim).letter) == (2, {'why': 'nothing'})
    demanded(people, claim, repair_cost=11_800_00)
    filed(people, claim, 'demand_letter', coloured('red'), PNG)
    pack = made(people, claim)
    found = opened(pack)
    assert (pack.letter, len(found)) == ({'why': 'uploaded'}, 3)
    assert [shade(page) for page in found][1:] == ['red', 'green']
    assert 'לכבוד' not in ''.join(text_of(page) for page in found)


def test_a_letter_with_many_enclosures_goes_on_and_tells_the_right_pages(order: dict[str, Any]) -> None:
    with_letter = {**order, 'letter': LETTER}
    told = binding.bind(with_letter)
    found = pypdfium2.PdfDocument(order['target'])
    pages, first = told['letter']
    assert (first, pages) == (4, 3)
    assert told['came'][0] == (1, 7) == (1, len(found) - 69)
    for number in (0, 69):
        told_on = [
            at
            for at, page in enumerate(found)
            for line in text_of(page).split('\n')
            if line.startswith(f'מסמך {number} ') and line.endswith(f'עמ׳ {7 + number}')
        ]
        assert len(told_on) == 2, 'in the contents and in the letter'
    last = text_of(found[5])
    assert last.index('בכבוד רב') < last.index('חתימה')


LETTER = {
    'date': 'תאריך: 02/12/2026',
    'to': ['לכבוד', 'הראל'],
    'subject': 'הנדון',
    'title': 'מכתב דרישה',
    'facts': [],
    'text': 'מילים ' * 60,
    'columns': ['ראש נזק', 'סכום נדרש'],
    'rows': [],
    'total': ['סה״כ', '₪1.00'],
    'enclosed': 'מצורפים',
    'closing': ['בכבוד רב,', 'גל, הלשכה'],
    'signature': 'חתימה',
}


def test_photos_stand_upright_and_lie_where_they_lie(people: People, claim: Claim, keeper: Folder) -> None:
    picture = Image.new('RGB', (640, 480), 'red')
    picture.paste('blue', (320, 0, 640, 480))
    turned = papers.saved(picture, 'JPEG', exif=papers.exif(place=False))  # held upright: its left side is the top
    heic = io.BytesIO()
    papers.heic()  # opens the format
    picture.save(heic, 'HEIF')
    filed(people, claim, 'damage_photos', turned, JPEG)
    filed(people, claim, 'damage_photos', heic.getvalue(), HEIC)
    _, upright, lying = opened(made(people, claim))
    assert (upright.get_size(), lying.get_size()) == ((595.0, 842.0), (842.0, 595.0))
    assert (shade(upright, down=0.3), shade(upright, down=0.7)) == ('red', 'blue')
    assert (shade(lying, across=0.3), shade(lying, across=0.7)) == ('red', 'blue')


def _noted() -> bytes:
    """A page that is turned and cut, with a stamp on it that is no part of its content, and a link."""
    parts = [
        b'<</Type/Catalog/Pages 2 0 R>>',
        b'<</Type/Pages/Kids[3 0 R]/Count 1>>',
        b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 800]/CropBox[0 0 400 600]/Rotate 90/Contents 4 0 R'
        b'/Annots[5 0 R 7 0 R]>>',
        b'<</Length 58>>stream\n0 .5 0 rg 0 0 400 100 re f 1 0 0 rg 0 600 400 200 re f     \nendstream',
        b'<</Type/Annot/Subtype/Stamp/F 4/Rect[100 250 300 350]/AP<</N 6 0 R>>>>',
        b'<</Type/XObject/Subtype/Form/BBox[0 0 200 100]/Length 29>>stream\n0 0 1 rg 0 0 200 100 re f   \nendstream',
        b'<</Type/Annot/Subtype/Link/Rect[0 0 400 600]/A<</S/URI/URI(https://evil.example)>>>>',
    ]
    return _written(parts)


def _written(parts: Sequence[bytes]) -> bytes:
    """A PDF of these objects."""
    kept = b'%PDF-1.4\n'
    for number, part in enumerate(parts, start=1):
        kept += b'%d 0 obj\n%s\nendobj\n' % (number, part)
    return kept + b'trailer<</Root 1 0 R>>\n%%EOF'


def test_a_page_goes_as_one_sees_it_with_its_stamps_and_without_its_links(
    people: People, claim: Claim, keeper: Folder
) -> None:
    filed(people, claim, 'appraisal_report', _noted(), PDF)
    pack = made(people, claim)
    page = opened(pack)[1]
    assert page.get_size() == (842.0, 595.0)
    # turned to the right: its foot is at the left; what was cut off is nowhere
    assert (shade(page, across=0.08), shade(page)) == ('green', 'blue')
    assert 'red' not in {shade(page, across / 50, down / 50) for across in range(50) for down in (1, 25, 49)}
    assert b'evil' not in b''.join(files.store().read(files.key_of(pack.sha256)))


def test_what_cannot_be_merged_is_named_and_the_rest_goes(people: People, claim: Claim, keeper: Folder) -> None:
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    strange = (
        ('demand_letter', papers.docx(), DOCX),
        ('accident_notice', papers.locked_pdf(), PDF),
        ('police_report', b'%PDF-1.4\nnonsense', PDF),
        ('driving_licence', coloured('blue')[:200], PNG),
    )
    kinds = {filed(people, claim, kind, content, media): kind for kind, content, media in strange}
    pack = made(people, claim)
    found = opened(pack)
    assert [entry['title'] for entry in pack.contents] == ['תמונות נזק']
    assert {kinds[entry['uuid']]: entry['why'] for entry in pack.apart} == {
        'demand_letter': 'kind',
        'accident_notice': 'locked',
        'police_report': 'damaged',
        'driving_licence': 'damaged',
    }
    assert (len(found), shade(found[1])) == (2, 'red')
    cover = text_of(found[0])
    apart = cover[cover.index('נשלח בנפרד') :]
    for entry in pack.apart:
        [line] = [line for line in apart.split('\n') if entry['title'] in line]
        assert t(making.APART[entry['why']], 'he') in line


def test_a_document_that_kills_the_child_is_sent_apart_too(
    people: People, claim: Claim, keeper: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(people, claim, 'appraisal_report', papers.pdf(), PDF, pages=2)
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    child = making._child
    monkeypatch.setattr(
        making, '_child', lambda order, left: child(order, left) if '0' in order['apart'] else {'at': 0}
    )
    pack = made(people, claim)
    assert [entry['why'] for entry in pack.apart] == ['too_heavy']
    assert [entry['title'] for entry in pack.contents] == ['תמונות נזק']
    monkeypatch.setattr(making, '_child', lambda *_: {})
    with pytest.raises(ClaimError, match='too heavy for one PDF'):
        made(people, claim)


def test_of_what_cannot_be_merged_alone_there_is_no_pack(people: People, claim: Claim, keeper: Folder) -> None:
    filed(people, claim, 'accident_notice', papers.docx(), DOCX)
    with pytest.raises(ClaimError, match='None of the documents'):
        made(people, claim)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, packs.packs_of(claim.id)) == []


def test_a_pack_that_grows_past_what_one_may_be_is_not_kept(
    people: People, claim: Claim, keeper: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(people, claim, 'vehicle_licence', coloured('red'), PNG)
    monkeypatch.setattr(packs, 'MOST_BYTES', 5_000)
    with pytest.raises(ClaimError, match='too heavy'):
        made(people, claim)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, packs.packs_of(claim.id)) == []


def test_a_document_whose_file_is_lost_is_named_and_the_rest_goes(
    people: People, claim: Claim, keeper: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    filed(people, claim, 'demand_letter', papers.docx(), DOCX)
    lost = filed(people, claim, 'police_report', papers.pdf(), PDF, pages=2)
    with open_session(people.staff, reading=True) as session:
        [row] = fetch(session, documents.document_with(lost))
    (keeper.root / files.key_of(row.served_sha256)).unlink()
    pack = made(people, claim)
    assert [entry['title'] for entry in pack.contents] == ['תמונות נזק']
    assert (pack.lost, pack.sent_apart) == (['אישור משטרה'], ['מכתב דרישה'])
    found = opened(pack)
    assert (len(found), shade(found[1])) == (2, 'red')
    cover = text_of(found[0])
    [line] = [line for line in cover.split('\n') if 'אישור משטרה' in line]
    assert 'הקובץ חסר במערכת' in line
    assert cover.index('נשלח בנפרד') < cover.index('מכתב דרישה') < cover.index('לא נכלל בתיק') < cover.index(line)
    assert f'the file of document {row.id} is missing' in caplog.text


def test_of_lost_files_alone_there_is_no_pack_and_they_are_to_be_sent_again(
    people: People, claim: Claim, keeper: Folder
) -> None:
    lost = filed(people, claim, 'police_report', papers.pdf(), PDF, pages=2)
    with open_session(people.staff, reading=True) as session:
        [row] = fetch(session, documents.document_with(lost))
    (keeper.root / files.key_of(row.served_sha256)).unlink()
    with pytest.raises(ClaimError) as refused:
        made(people, claim)
    assert refused.value.told('he') == 'הקבצים של המסמכים האלה חסרים במערכת: אישור משטרה. העלו אותם שוב.'


def test_a_document_comes_out_of_a_pack_on_the_pages_it_was_submitted_on(
    people: People, claim: Claim, keeper: Folder
) -> None:
    filed(people, claim, 'vehicle_licence', coloured('green'), PNG)
    report = filed(people, claim, 'appraisal_report', papers.pdf(), PDF, pages=2)
    demanded(people, claim, repair_cost=11_800_00)
    pack = made(people, claim)
    before = sorted(path for path in keeper.root.rglob('*') if path.is_file())
    with open_session(people.staff) as session:
        documents.remove(session, report, now())
    [letter, appraisal, licence] = pack.parts
    assert [part['first'] for part in pack.parts] == [2, 3, 5]
    for part, shades in ((letter, ['white']), (appraisal, ['steelblue', 'tan']), (licence, ['green'])):
        content = making.pages_of(pack, part['first'], part['pages'])
        found = pypdfium2.PdfDocument(content)
        assert [shade(page, 0.1 if part is letter else 0.5, 0.3) for page in found] == shades
        for number, page in enumerate(found, start=part['first']):
            assert text_of(page).endswith(f'עמוד {number} מתוך 5')
        assert len(content) < pack.size
    assert sorted(path for path in keeper.root.rglob('*') if path.is_file()) == before, 'nothing of it is kept'
    assert hash_of(keeper.root / files.key_of(pack.sha256)) == pack.sha256


def test_pages_that_cannot_be_cut_are_said_so(people: People, claim: Claim, keeper: Folder) -> None:
    filed(people, claim, 'vehicle_licence', coloured('green'), PNG)
    pack = made(people, claim)
    with pytest.raises(ClaimError, match='could not be taken out'):
        making.pages_of(pack, 3, 1)


# ---- the child --------------------------------------------------------------------------------------------------------------


def test_when_the_time_of_all_is_over_no_document_is_to_blame(
    people: People, claim: Claim, keeper: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    left: list[float] = []

    def late(_: Any, seconds: float, *__: Any, **___: Any) -> children.Ended:
        left.append(seconds)
        return children.Ended(None, b'{"at": 0}\n')

    monkeypatch.setattr(children, 'run', late)
    with pytest.raises(ClaimError, match='too heavy for one PDF'):
        made(people, claim)
    assert [round(seconds) for seconds in left] == [making.SECONDS + making.SECONDS_A_PAGE]


def test_each_document_has_only_its_own_time() -> None:
    program = 'from jobs import binding as b; b.limit(1 << 30, 60, 1000); b._allow(1)\nwhile True: pass'
    assert (children.run(['-c', program], 20).code or 0) < 0


def test_a_pack_under_way_ends_with_the_portal_and_nothing_of_it_is_kept(
    people: People, claim: Claim, keeper: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    before = sorted(path for path in keeper.root.rglob('*') if path.is_file())
    run = children.run
    slow = ['-c', 'import time; time.sleep(30)']
    monkeypatch.setattr(children, 'run', lambda _, *rest, **how: run(slow, *rest, **how))
    monkeypatch.setattr(children, '_ending', threading.Event())
    with ThreadPoolExecutor(2) as pool:
        making_it = [pool.submit(made, people, claim) for _ in range(2)]
        until(lambda: children._long)  # and the other one waits for its place
        begun = time.monotonic()
        children.end()
        for one in making_it:
            with pytest.raises(children.PortalEndsError):
                one.result()
        assert time.monotonic() - begun < 3
    with pytest.raises(children.PortalEndsError):
        made(people, claim)
    assert sorted(path for path in keeper.root.rglob('*') if path.is_file()) == before
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, packs.packs_of(claim.id)) == []


def test_a_pack_outlives_its_documents_in_the_store_and_in_backups(
    people: People, claim: Claim, keeper: Folder, database_url: str
) -> None:
    filed(people, claim, 'damage_photos', coloured('red'), PNG)
    pack = made(people, claim)
    aged(keeper)
    assert orphans.sweep_files() == 0
    assert opened(pack)
    assert copies.contents_of(database_url).files[pack.sha256] == pack.size


@pytest.fixture
def order(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / 'a.png').write_bytes(coloured('red', size=(60, 80)))
    words = {**making._words(), 'title': 'תיק'}
    return {
        'papers': [
            {'path': str(tmp_path / 'a.png'), 'media': PNG, 'pages': 1, 'title': f'מסמך {n}', 'group': ''}
            for n in range(70)
        ],
        'facts': [],
        'letter': None,
        'words': words,
        'fonts': [str(font) for font in making._FONTS],
        'apart': {},
        'seconds': 60,
        'target': str(tmp_path / 'pack.pdf'),
    }


def test_long_contents_go_on_and_still_tell_the_right_pages(order: dict[str, Any]) -> None:
    order['papers'][5]['title'] = 'חשבונית ארוכה ' * 20 + 'סוף'
    told = binding.bind(order)
    found = pypdfium2.PdfDocument(order['target'])
    covers = len(found) - 70
    assert covers == 3
    assert told['came'][0] == (1, covers + 1)
    assert told['came'][69] == (1, len(found)) == (1, told['pages'])
    [line] = [line for line in text_of(found[2]).split('\n') if line.startswith('מסמך 69 ')]
    assert '73' in line
    assert '…' in text_of(found[0]) or '...' in text_of(found[0])
    assert 'סוף' not in text_of(found[0])


def test_what_the_pages_of_a_document_share_is_there_once(order: dict[str, Any], tmp_path: Path) -> None:
    shared = random.Random(5).randbytes(100_000)
    (tmp_path / 'a.pdf').write_bytes(_sharing(shared, pages=60))
    order['papers'] = [{**order['papers'][0], 'path': str(tmp_path / 'a.pdf'), 'media': PDF, 'pages': 60}]
    assert binding.bind(order)['came'] == [(60, 2)]
    assert Path(order['target']).stat().st_size < 3 * len(shared)


def _sharing(font: bytes, pages: int) -> bytes:
    """A PDF whose pages all write with one font that it carries."""
    kids = b' '.join(b'%d 0 R' % (7 + number) for number in range(pages))
    parts = [
        b'<</Type/Catalog/Pages 2 0 R>>',
        b'<</Type/Pages/Kids[%s]/Count %d/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>>>' % (kids, pages),
        b'<</Type/Font/Subtype/TrueType/BaseFont/Own/FirstChar 32/LastChar 33/Widths[500 500]/FontDescriptor 4 0 R>>',
        b'<</Type/FontDescriptor/FontName/Own/Flags 32/FontFile2 5 0 R>>',
        b'<</Length %d>>stream\n%s\nendstream' % (len(font), font),
        b'<</Length 36>>stream\nBT /F 12 Tf 90 700 Td (page) Tj ET    \nendstream',
        *[b'<</Type/Page/Parent 2 0 R/Contents 6 0 R>>'] * pages,
    ]
    return _written(parts)


def test_a_number_with_letters_stands_as_it_is_written() -> None:
    for written in ('555-XY', '26-00042/A', '217-34-801', '02/12/2026'):
        assert binding._drawn_order(written) == written
    assert binding._drawn_order('עמוד 3 מתוך 14') == '14 ךותמ 3 דומע'


def test_what_our_font_cannot_write_shows_that_it_was_there() -> None:
    assert binding._writable('שָׁלוֹם \u2067Éva\u2069 Иван') == 'שלום Éva ????'
