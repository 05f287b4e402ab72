"""Secrets that must be readable again stand sealed in the database; the key lies outside it, and in no backup."""

import logging
import os
from base64 import urlsafe_b64encode
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from cryptography.fernet import Fernet, InvalidToken

from db.files import sync
from db.settings import Settings

log = logging.getLogger(__name__)

KEY_FILE, SHORTEST_KEY = 'two_factor.key', 32

_where = ('', Path('data') / KEY_FILE)


def use(settings: Settings) -> None:
    """Seal with the key of this installation: the setting, or else a file in its folder, made when it is needed first."""
    global _where  # noqa: PLW0603 - one installation, one key
    _where = (settings.two_factor_key, settings.data_dir / KEY_FILE)
    _box.cache_clear()


def seal(secret: str) -> str:
    """A secret as the database keeps it."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str | None:
    """The secret again; None when it was sealed with another key."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        log.error('a sealed secret does not open: TWO_FACTOR_KEY, or %s, is not what it was', KEY_FILE)
        return None


@cache
def _box() -> Fernet:
    given, file = _where
    return Fernet(urlsafe_b64encode(sha256((given or _kept_in(file)).encode()).digest()))


def _kept_in(file: Path) -> str:
    """The key in the file. Whoever comes first makes it, and nobody ever reads half of one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f'{file.name}.{token_hex(8)}')
        fresh.touch(0o600)
        fresh.write_text(token_hex(32), 'ascii')
        sync(fresh)
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
        sync(file.parent)
    key = file.read_text('ascii').strip()
    if len(key) < SHORTEST_KEY:
        raise RuntimeError(f'{file} holds no key: bring it back from where a copy is kept, or set TWO_FACTOR_KEY')
    return key
