"""API keys: with one a program of somebody's reads what he himself may read, for as long as he may, and writes nothing.

A key is `maakav_<id>.<secret>`: told once, when it is made; the database keeps a hash of the secret. People order `make_key` and
`revoke_key`; the door of the API asks `holder_of` and orders `note_key_use`, both as the product, and then acts as the holder.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.admin_changes import KEY_MADE, KEY_REVOKED, note
from db.base import Base, take_turns
from db.base import now as present
from db.identity import Credential, hash_of, new_token
from db.offices import User, actor_of
from db.scope import Actor, Books, Can, open_books
from db.texts import N_, ClaimError, FieldsRefused, t
from db.two_factor import must_set_up, spend_code

MOST_ALIVE, NAME_LENGTH = 5, 60
# for how many days a key may be made
DAYS, USUAL_DAYS = (30, 90, 365), 365
_TOKEN = re.compile(r'maakav_([0-9a-f]{12})\.([A-Za-z0-9_-]{43})')


class ApiKey(Books, Base):
    """A key of a person, for the office he worked for when he made it (None: the bureau)."""

    __tablename__ = 'api_keys'
    __table_args__ = (UniqueConstraint('token_hash'), Index('ix_api_keys_user', 'user_id', 'created_at'))

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))
    office_id: Mapped[int | None] = mapped_column(ForeignKey('agent_offices.id'))
    # what its person calls it: the program that has it
    name: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @validates('name')
    def _name(self, _: str, name: str) -> str:
        return values.text(name, limit=NAME_LENGTH)

    @property
    def beginning(self) -> str:
        """What of it may be shown: by this its person tells it from others."""
        return f'maakav_{self.id}…'

    @property
    def told(self) -> str:
        """What the record calls it."""
        return f'{self.name} · {self.beginning}'

    def over(self, password_since: datetime | None, now: datetime) -> str:
        """Why it opens nothing any more, as a text; '' while it does. Whoever knew the old password may have made it."""
        if self.revoked_at is not None:
            return N_('Revoked')
        if self.expires_at <= now:
            return N_('Expired')
        if password_since is None or self.created_at < password_since:
            return N_('Ended by a new password')
        return ''


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: what the key is called, and for how many days it is."""

    name: str
    days: int


@dataclass(frozen=True)
class OwnKey:
    """A key as its person sees it; `over` says why it opens nothing any more."""

    key: ApiKey
    over: str


@dataclass(frozen=True)
class Holder:
    """Whom a key makes of whoever brings it."""

    key_id: str
    actor: Actor


def check(wish: Wish) -> None:
    """Refuse a key without a name, with one that is too long, or for another term."""
    try:
        name = values.text(wish.name, limit=NAME_LENGTH)
    except values.Malformed as malformed:
        raise FieldsRefused({'name': malformed}) from malformed
    if not name:
        raise FieldsRefused({'name': ClaimError(N_('Please write which program the key is for.'))})
    if wish.days not in DAYS:
        raise FieldsRefused({'days': ClaimError(N_('Please choose a value from the list.'))})


# ---- questions --------------------------------------------------------------------------------------------------------------


def own_keys(session: Session, now: datetime) -> list[OwnKey]:
    """The keys of the acting person that he has not revoked, newest first."""
    actor: Actor = session.info['actor']
    with open_books(session):
        credential = session.get(Credential, actor.user_id)
        since = credential.changed_at if credential else None
        kept = session.scalars(_unrevoked(actor.user_id or 0).order_by(ApiKey.created_at.desc(), ApiKey.id))
        return [OwnKey(key, key.over(since, now)) for key in kept]


def holder_of(session: Session, token: str, now: datetime) -> Holder | None:
    """Whom a key makes of whoever brings it, at this moment; None when it opens nothing. The product's own question.

    Its person may sign in, has nothing to do before anything else, works where he worked when he made it, and still has the right.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    key = session.scalar(select(ApiKey).where(ApiKey.id == parts[1], ApiKey.token_hash == hash_of(parts[2])))
    actor = actor_of(session, key.user_id) if key is not None else None
    if key is None or actor is None or not _opens(session, key, actor, now):
        return None
    named = t(N_('{name}, by API key «{key}»'), 'he', name=actor.name, key=key.name)
    return Holder(key.id, replace(actor, name=named))


def _opens(session: Session, key: ApiKey, actor: Actor, now: datetime) -> bool:
    credential = session.get(Credential, key.user_id)
    if credential is None or credential.must_change or key.over(credential.changed_at, now):
        return False
    return actor.office_id == key.office_id and actor.may(Can.USE_API) and not must_set_up(session, key.user_id)


def _unrevoked(*user_ids: int) -> Select[ApiKey]:
    return select(ApiKey).where(ApiKey.user_id.in_(user_ids), ApiKey.revoked_at.is_(None))


# ---- orders -----------------------------------------------------------------------------------------------------------------


def make_key(session: Session, wish: Wish, typed: str, now: datetime) -> str | None:
    """The acting person has typed his password again, and this as his code: a new key, which nobody can be told a second time.

    None when he signs in in two steps and the code does not count.
    """
    actor: Actor = session.info['actor']
    actor.need(Can.USE_API)
    check(wish)
    take_turns(session, f'API keys of {actor.user_id}')
    if sum(not own.over for own in own_keys(session, now)) >= MOST_ALIVE:
        raise ClaimError(N_('You have {count} keys already. Please revoke one first.'), count=MOST_ALIVE)
    if not spend_code(session, typed, now):
        return None
    secret, secret_hash = new_token()
    key = ApiKey(
        id=token_hex(6),
        user_id=actor.user_id,
        office_id=actor.office_id,
        name=wish.name,
        token_hash=secret_hash,
        created_at=now,
        expires_at=now + timedelta(days=wish.days),
    )
    note(session, session.get_one(User, actor.user_id), KEY_MADE, api_key=[None, key.told])
    with open_books(session):
        session.add(key)
    return f'maakav_{key.id}.{secret}'


def revoke_key(session: Session, key_id: str, now: datetime) -> None:
    """One of the acting person's own keys opens nothing from now on."""
    actor: Actor = session.info['actor']
    with open_books(session):
        key = session.scalar(_unrevoked(actor.user_id or 0).where(ApiKey.id == key_id).with_for_update())
        if key is None:
            raise ClaimError(N_('This key was not found.'))
        _revoke(session, key, now)


def revoke_keys_of(session: Session, user_ids: Collection[int]) -> None:
    """Whoever is shut out, or comes to work elsewhere, has no keys from then on: what he may see later is not what they were made for."""
    session.info['actor'].need(Can.ADMINISTER)
    moment = session.info.get('at') or present()
    with open_books(session):
        for key in session.scalars(_unrevoked(*user_ids).order_by(ApiKey.id).with_for_update()):
            _revoke(session, key, moment)


def _revoke(session: Session, key: ApiKey, now: datetime) -> None:
    # noted before it changes: what is noted is written with the next flush
    note(session, session.get_one(User, key.user_id), KEY_REVOKED, api_key=[key.told, None])
    key.revoked_at = now


def note_key_use(session: Session, key_ids: Collection[str], now: datetime) -> None:
    """These were in use until now. The product's own order."""
    for key in session.scalars(select(ApiKey).where(ApiKey.id.in_(key_ids)).with_for_update(skip_locked=True)):
        key.used_at = now
