"""Whether the database can be worked with: it answers, takes writes, and somebody keeps up with what is written."""

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from db.alerts import Alert, Cursor, held_back
from db.mail import Mail
from db.scope import Actor
from db.session import open_session

_ACTOR = Actor.system('health')
NoAnswer = SQLAlchemyError  # what every question raises while the database cannot be asked


def answers_readers() -> bool:
    """Whether it answers a reader; raises what stands in the way."""
    with open_session(_ACTOR, reading=True) as session:
        return bool(session.connection().execute(select(1)).scalar_one() == 1)


def takes_writes() -> bool:
    """Whether a writer gets his turn, in a transaction that leaves nothing; raises what stands in the way."""
    with open_session(_ACTOR) as session:
        connection = session.connection()  # on SQLite it is the writer's turn from here on
        if connection.dialect.name == 'postgresql':
            # neither one that follows another, nor one that was told to keep still
            connection.execute(select(func.pg_current_xact_id()))
            return str(connection.execute(select(func.current_setting('transaction_read_only'))).scalar_one()) == 'off'
    return True


def follower() -> tuple[bool, int]:
    """Whether changes wait to be alerted, and the last one that was."""
    with open_session(_ACTOR, reading=True) as session:
        cursor = session.get(Cursor, 'alerts')
        return held_back(session), cursor.change_id if cursor else 0


def newest_alert() -> int:
    """The number of the newest alert: it grows by one with each."""
    with open_session(_ACTOR, reading=True) as session:
        return session.scalar(select(func.max(Alert.id))) or 0


def mails() -> dict[str, int]:
    """How many mails are in which state."""
    with open_session(_ACTOR, reading=True) as session:
        return {row[0]: row[1] for row in session.execute(select(Mail.state, func.count(Mail.id)).group_by(Mail.state))}
