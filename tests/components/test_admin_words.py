"""The record of the house in words costs the same questions however many lines it has."""

from datetime import date, timedelta

from sqlalchemy import event, select

from components.admin_words import history_lines
from db.admin_rows import remove_row, save_row
from db.admin_tables import TABLES
from db.base import now
from db.reference import Garage
from db.session import Database, open_session
from tests.conftest import People

TABLE = TABLES['calendar']


def test_a_page_of_the_record_is_a_fixed_number_of_questions(people: People, database: Database) -> None:
    asked: list[str] = []
    event.listen(database.reader, 'before_cursor_execute', lambda _, __, statement, *___: asked.append(statement))

    def record(lines: int) -> tuple[list[str], int]:
        with open_session(people.admin, reading=True) as session:
            asked.clear()
            return [line['label'] for line in history_lines(session, ['calendar_days'], None, lines, 'he')], len(asked)

    days = [date(2027, 3, 1) + timedelta(days=n) for n in range(12)]
    for day in days:
        with open_session(people.admin) as session:
            save_row(session, TABLE, '', {}, {'day': f'{day:%d/%m/%Y}', 'works': 'no', 'note': 'כנס'}, now())
    for day in days[:6]:
        with open_session(people.admin) as session:
            remove_row(session, TABLE, day.isoformat())
    with open_session(people.admin) as session:  # one of them is there again
        save_row(session, TABLE, '', {}, {'day': f'{days[0]:%d/%m/%Y}', 'works': 'yes', 'note': 'בכל זאת'}, now())
    few, questions = record(3)
    written = [f'{day:%d/%m/%Y}' for day in days]
    assert [label.split(' · ')[0] for label in few] == [written[0], written[5], written[4]]
    # nine times as many lines, of rows that are there and of rows that are gone
    all_lines, of_all = record(100)
    assert [label.split(' · ')[0] for label in all_lines] == [written[0], *written[5::-1], *written[::-1]]
    assert of_all == questions


def test_names_of_either_direction_stand_before_and_after_as_they_were(people: People) -> None:
    for before, after in (('Max Motors', 'Erez Motors'), ('Erez Motors', 'מוסך ארז')):
        with open_session(people.admin) as session:
            found = session.scalars(select(Garage)).first() or Garage(name=before)
            session.add(found)
            session.flush()
            found.name = after
    with open_session(people.admin, reading=True) as session:
        lines = history_lines(session, ['garages'], None, 2, 'he')
    assert [line['pairs'][0] for line in lines] == [
        'שם: \u2068Erez Motors\u2069 ← \u2068מוסך ארז\u2069',
        'שם: \u2068Max Motors\u2069 ← \u2068Erez Motors\u2069',
    ]
