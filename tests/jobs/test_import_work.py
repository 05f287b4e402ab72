"""An import as the bureau runs it: suggested, checked, saved once, taken over when somebody stops, refused rows given back."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import openpyxl
import pytest

from db import import_runs
from db.base import now
from db.changes import history_of
from db.claims import claim_by_no, save_fields
from db.import_runs import CHECKING, COMMITTING, ImportRow, ImportRun, Superseded, counts_of_run, rows_with
from db.reference import reference
from db.session import connect, fetch, fetch_one, open_session
from db.texts import ClaimError
from jobs import import_layout, import_verdicts, import_work
from jobs.workbook_reading import Unreadable, unpacked_cells
from tests.conftest import People, wait_until_somebody_waits
from tests.factories import SYSTEM, make_claim, make_people

HEADINGS = ("מס' תביעה", 'סוכנות', 'שם המבוטח', 'תאריך האירוע', "מס' רכב", 'הערות')


@pytest.fixture
def workbook(tmp_path):
    def write(*rows, headings=HEADINGS):
        book = openpyxl.Workbook()
        for row in (headings, *rows):
            book.active.append(row)
        book.save(tmp_path / 'in.xlsx')
        return tmp_path / 'in.xlsx'

    return write


def good(number):
    return (f'TG-{number:05}', 'סוכנות לוי', 'רונית ברקוביץ', '28/10/2026', f'217{number:05}', None)


def uploaded(actor, path, mode='both', fields=None):
    run_id = import_work.take_in(actor, path, path.name)
    with open_session(actor) as session:
        run = session.get_one(ImportRun, run_id)
        chosen = fields or {int(index): name for index, name in run.columns.items()}
        token = import_work.settle(session, run_id, mode, (run.sheet, run.heading_row), chosen)
    import_work.check(run_id, token)
    return run_id


def committed(actor, run_id):
    with open_session(actor) as session:
        token = import_runs.take(session, run_id, COMMITTING, now())
    import_work.commit(run_id, token)


def counts(run_id):
    with open_session(SYSTEM, reading=True) as session:
        found = counts_of_run(session, session.get_one(ImportRun, run_id))
    return tuple(found[name] for name in ('new', 'updated', 'same', 'refused', 'applied'))


def rows(run_id, outcome) -> list[ImportRow]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, rows_with(session.get_one(ImportRun, run_id), outcome))


def claim(claim_no):
    with open_session(SYSTEM, reading=True) as session:
        return fetch_one(session, claim_by_no(claim_no))


def test_fifty_rows_are_checked_saved_once_and_the_refused_come_back_without_a_formula(people: People, workbook):
    bad = [('TG-90001', 'סוכנות לוי', '=1+1', '31/02/2026', '12', '<b>x</b>'), good(1)]
    run_id = uploaded(people.staff, workbook(*(good(number) for number in range(1, 49)), *bad))
    assert counts(run_id) == (48, 0, 0, 2, 0)
    assert claim('TG-00001') is None, 'a check saves nothing'
    committed(people.staff, run_id)
    assert counts(run_id) == (48, 0, 0, 2, 48)
    assert claim('TG-00048').office_id == people.levi
    name, content = import_work.refused_workbook(people.staff, run_id) or ('', b'')
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert name == 'in.xlsx'
    assert {cell.data_type for line in sheet.iter_rows() for cell in line if cell.value} == {'s'}
    assert [sheet.cell(2, 1).value, sheet.cell(2, 3).value] == ['TG-90001', '=1+1']
    again = uploaded(people.staff2, workbook(*(good(number) for number in range(1, 49))))
    assert counts(again) == (0, 0, 48, 0, 0)


def test_nobody_saves_an_import_twice_and_a_stopped_one_goes_on_without_repeating(people: People, workbook):
    run_id = uploaded(people.staff, workbook(good(1), good(2)))
    with open_session(people.staff) as session:
        token = import_runs.take(session, run_id, COMMITTING, now())
    for actor in (people.staff, people.staff2):
        with pytest.raises(ClaimError, match='working on this import'), open_session(actor) as session:
            import_runs.take(session, run_id, COMMITTING, now())
    later = now() + import_runs.STALE + timedelta(seconds=1)
    with open_session(people.staff2) as session:
        assert session.get_one(ImportRun, run_id).is_interrupted(later)
        second = import_runs.take(session, run_id, COMMITTING, later)
    with pytest.raises(Superseded):
        import_work.commit(run_id, token)
    assert claim('TG-00001') is None
    import_work.commit(run_id, second)
    assert counts(run_id) == (2, 0, 0, 0, 2)
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        import_runs.take(session, run_id, COMMITTING, now())
    with open_session(SYSTEM, reading=True) as session:
        assert len(fetch(session, history_of(claim('TG-00001').id))) == 1


def test_updates_show_before_and_after_and_never_overwrite_what_was_not_shown(people: People, workbook):
    first = make_claim(people.levi, people.staff, insurer_claim_no='HR-77', demand_amount=100_00)
    sheet = workbook(
        ('', 'HR-77', 'צבע', 250),
        ('TG-404', '', 'צבע', 1),
        headings=("מס' תביעה", "מס' תביעה במבטח", 'שלב תיקון', 'סכום דרישה'),
    )
    run_id = uploaded(people.staff, sheet, 'updates')
    (row,) = rows(run_id, 'updated')
    assert row.changes == {'repair_stage': [None, 'paint'], 'demand_amount': [100_00, 250_00]}
    assert [fault['key'] for fault in rows(run_id, 'refused')[0].faults] == ['There is no claim with this number.']
    with open_session(people.staff2) as session:
        save_fields(session, first.id, {'demand_amount': (100_00, 999_00)}, now())
    committed(people.staff, run_id)
    assert counts(run_id) == (0, 0, 0, 2, 0), 'somebody was faster: the row stays out'
    assert claim(first.claim_no).demand_amount == 999_00


@pytest.mark.postgres
def test_an_import_takes_the_claims_in_the_order_in_which_everybody_does(postgres_url: str, workbook):
    database, people = connect(postgres_url), make_people()
    older, younger = (make_claim(people.levi, people.staff, plate=plate) for plate in ('2173401', '2173402'))
    sheet = workbook((younger.claim_no, 250), (older.claim_no, 350), headings=("מס' תביעה", 'סכום דרישה'))
    run_id = uploaded(people.staff, sheet, 'updates')
    with ThreadPoolExecutor(1) as pool:
        with open_session(people.staff2) as session:
            save_fields(session, older.id, {'make_model': ('', 'מאזדה 3')}, now())
            session.flush()
            importing = pool.submit(committed, people.staff, run_id)
            wait_until_somebody_waits(postgres_url)
            # a ring, if the import had this one already
            save_fields(session, younger.id, {'make_model': ('', 'מאזדה 3')}, now())
        importing.result(20)
    assert counts(run_id) == (0, 2, 0, 0, 2)
    database.close()


def test_a_mapping_is_remembered_for_the_bureau_and_no_agent_reads_it(people: People, workbook):
    path = workbook(('TG-1', 'סוכנות לוי', 'רונית', '28/10/2026'), headings=('קוד', 'בית', 'מי', 'מתי'))
    uploaded(people.staff, path, fields={0: 'claim_no', 1: 'office', 2: 'insured_name', 3: 'event_date'})
    with open_session(people.staff2, reading=True) as session:
        assert import_layout.suggested(session, ['מתי', 'קוד', 'מי', 'בית'])['1'] == 'claim_no'
    with open_session(people.manager, reading=True) as session:
        assert import_layout.suggested(session, ['מתי', 'קוד', 'מי', 'בית']) == {}
        assert fetch(session, import_runs.runs()) == []
    with pytest.raises(ClaimError), open_session(people.dana) as session:
        import_runs.take(session, 1, CHECKING, now())


def test_the_order_to_check_reads_the_row_of_headings_and_no_other(people: People, workbook, monkeypatch):
    path = workbook(*(good(number) for number in range(1, 30)))
    run_id = import_work.take_in(people.staff, path, path.name)
    read: list[object] = []

    def noted(cells):
        read.append(cells)
        return unpacked_cells(cells)

    monkeypatch.setattr(import_layout, 'unpacked_cells', noted)
    with open_session(people.staff) as session:
        run = session.get_one(ImportRun, run_id)
        fields = {int(index): name for index, name in run.columns.items()}
        import_work.settle(session, run_id, 'both', (run.sheet, run.heading_row), fields)
    assert len(read) == 1, 'whoever writes waits for it'
    with open_session(people.staff) as session, pytest.raises(ClaimError):
        import_runs.stop(session, run_id)
        import_work.settle(session, run_id, 'both', (run.sheet, 99), fields)


def test_what_looks_wrong_is_a_warning(people: People, workbook):
    other = make_claim(people.cohen, people.staff)
    line = ('TG-1', 'סוכנות לוי', 'רונית', '28/10/2026', '21734801', None)
    (row,) = rows(uploaded(people.staff, workbook(line)), 'warned')
    assert other.claim_no in import_work.told(row.warnings, 'he')


def test_a_csv_in_the_code_page_of_windows_is_read_and_a_disguised_workbook_is_not(people: People, tmp_path, workbook):
    path = tmp_path / 'in.csv'
    path.write_bytes(';'.join(HEADINGS).encode('cp1255') + b'\r\n' + ';'.join(map(str, good(1))).encode('cp1255'))
    assert counts(uploaded(people.staff, path))[0] == 1
    with pytest.raises(Unreadable):
        import_work.take_in(people.staff, workbook(good(1)), 'in.csv')


def test_a_word_that_was_taught_is_understood_from_then_on_by_everybody(people: People, workbook):
    headings = (*HEADINGS[:5], 'סטטוס')
    lines = [
        (*good(1)[:5], 'חונה אצלנו'),
        ('TG-00002', 'לוי ובניו', 'רונית', '28/10/2026', '21700002', 'חדשה'),
        (*good(3)[:5], 'פתוח'),
    ]
    run_id = uploaded(people.staff, workbook(*lines, headings=headings))
    assert counts(run_id) == (1, 0, 0, 2, 0)
    with open_session(people.staff, reading=True) as session:
        words = session.get_one(ImportRun, run_id).words
    assert {(word['kind'], word['word'], word['meaning']) for word in words} == {
        ('status', 'חונה אצלנו', import_verdicts.REFUSED_WORD),
        ('office', 'לוי ובניו', import_verdicts.REFUSED_WORD),
        ('status', 'פתוח', 'חדשה'),
    }
    said = {('status', 'חונה אצלנו'): 'in_repair', ('office', 'לוי ובניו'): str(people.levi)}
    for actor in (people.dana, people.manager):
        with pytest.raises(ClaimError), open_session(actor) as session:
            import_work.teach(session, run_id, said)
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        import_work.teach(session, run_id, {('status', 'חונה אצלנו'): 'no such status'})
    with open_session(people.staff) as session:
        token = import_work.teach(session, run_id, said)
    import_work.check(run_id, token)
    assert counts(run_id) == (3, 0, 0, 0, 0)
    committed(people.staff, run_id)
    assert (claim('TG-00001').status, claim('TG-00002').office_id) == ('in_repair', people.levi)
    again = uploaded(people.staff2, workbook(*lines, headings=headings))
    assert counts(again) == (0, 0, 3, 0, 0)


def test_an_insurers_name_is_taught_unless_it_is_known_to_be_none(people: People, workbook):
    headings = (*HEADINGS[:5], "חברת ביטוח צד ג'")
    line = (*good(1)[:5], 'הירח בע"מ')
    with open_session(SYSTEM, reading=True) as session:
        menora = next(row for row in reference(session).insurers.values() if row.code == 'menora')
    run_id = uploaded(people.staff, workbook(line, headings=headings))
    with pytest.raises(ClaimError, match='no insurer'), open_session(people.staff) as session:
        import_work.teach(session, run_id, {('insurer', 'סוכנות מנורה'): str(menora.id)})
    with open_session(people.staff) as session:
        token = import_work.teach(session, run_id, {('insurer', 'הירח בע"מ'): str(menora.id)})
    import_work.check(run_id, token)
    committed(people.staff, run_id)
    assert claim('TG-00001').tp_insurer == menora.id


def test_what_was_stopped_stays_as_far_as_it_came_and_goes_on_or_away(people: People, workbook, monkeypatch):
    monkeypatch.setattr(import_work, 'SAVED_AT_ONCE', 2)
    run_id = uploaded(people.staff, workbook(*(good(number) for number in range(1, 6))))
    with open_session(people.staff) as session:
        token = import_runs.take(session, run_id, COMMITTING, now())
    saved = import_work._save_together

    def stop_after_the_first(*given):
        saved(*given)
        with open_session(people.staff2) as session:
            import_runs.stop(session, run_id)

    monkeypatch.setattr(import_work, '_save_together', stop_after_the_first)
    with pytest.raises(Superseded):
        import_work.commit(run_id, token)
    monkeypatch.setattr(import_work, '_save_together', saved)
    assert counts(run_id) == (5, 0, 0, 0, 2)
    committed(people.staff2, run_id)
    assert counts(run_id) == (5, 0, 0, 0, 5)
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        import_runs.drop(session, run_id, now())

    dropped = uploaded(people.staff, workbook(good(9)))
    with open_session(people.staff) as session:
        import_runs.drop(session, dropped, now())
    assert import_work.forget_imports() == 2, 'its two lines, and nothing of the other'
    assert counts(dropped) == (0, 0, 0, 0, 0)
    with open_session(people.staff, reading=True) as session:
        kept = session.get_one(ImportRun, dropped)
    assert (kept.state, kept.counts['new']) == ('dropped', 1)
    assert import_work.refused_workbook(people.staff, run_id) is not None


def test_the_longer_a_step_holds_the_others_up_the_longer_it_is_their_turn(people: People, workbook, monkeypatch):
    monkeypatch.setattr(import_work, 'SAVED_AT_ONCE', 2)
    run_id = uploaded(people.staff, workbook(*(good(number) for number in range(1, 8))))
    slow, breaths, clock, saved = iter((0.01, 4.0, 0.1, 0.1)), list[float](), [0.0], import_work._save

    def save(*given):
        saved(*given)
        clock[0] += next(slow)

    monkeypatch.setattr(import_work, '_save', save)
    monkeypatch.setattr(import_work, 'monotonic', lambda: clock[0])
    monkeypatch.setattr(import_work, '_stay', breaths.append)
    committed(people.staff, run_id)
    assert breaths == pytest.approx([0.12, 0.12, 2.0, 0.12])


def test_a_run_whose_process_died_is_let_go_so_that_its_page_says_so(people: People, workbook, notices):
    run_id = uploaded(people.staff, workbook(good(1)))
    with open_session(people.staff) as session:
        import_runs.take(session, run_id, COMMITTING, now())
    assert import_work.release_imports() == 0
    with open_session(SYSTEM) as session:
        session.get_one(ImportRun, run_id).beat = now() - import_runs.STALE - timedelta(seconds=1)
    notices.clear()
    assert import_work.release_imports() == 1
    assert [notice.kind for notice in notices] == ['import']
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(ImportRun, run_id).is_interrupted(now())


def test_what_waits_for_a_long_import_is_not_interrupted(people: People, workbook, monkeypatch):
    first = uploaded(people.staff, workbook(*(good(number) for number in range(1, 8))))
    second = uploaded(people.staff2, workbook(good(8)))
    line, later, saved = [], [now()], import_work._save
    monkeypatch.setattr(import_work, '_worker', SimpleNamespace(submit=lambda *job: line.append(job)))
    monkeypatch.setattr(import_work, 'now', lambda: later[0])
    monkeypatch.setattr(import_work, 'SAVED_AT_ONCE', 2)
    for run_id, actor in ((first, people.staff), (second, people.staff2)):
        with open_session(actor) as session:
            token = import_runs.take(session, run_id, COMMITTING, later[0])
        import_work.begin(run_id, token, COMMITTING)

    def save_slowly(*given):
        saved(*given)
        later[0] += timedelta(seconds=60)
        import_work.release_imports()

    monkeypatch.setattr(import_work, '_save', save_slowly)
    for work, *given in line:
        work(*given)
    assert [counts(run_id)[-1] for run_id in (first, second)] == [7, 1]
