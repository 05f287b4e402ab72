"""A store of others that fails: nothing is taken for saved, nothing half is handed out, and it goes on once the store does."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db import files
from db.files import FileMissing, FileStore, StoreFailing
from tests.stores import FAULTS, FailingStore, failing_store

KEY = files.key_of('ab' * 32)
CONTENT = os.urandom(3 * files.CHUNK + 7)


@pytest.fixture
def store() -> Iterator[FailingStore]:
    with failing_store() as store:
        yield store


@pytest.fixture
def keeper(store: FailingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    monkeypatch.setattr(files, 'PATIENCE_SECONDS', 1)
    monkeypatch.setattr(files, 'CHECK_SECONDS', 1)
    return files.opened(store.url, tmp_path)


def put(keeper: FileStore, content: bytes = CONTENT) -> None:
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        keeper.put(KEY, path)


def fetched(keeper: FileStore) -> bytes:
    with keeper.local(KEY) as path:
        return path.read_bytes()


ORDERS: dict[str, Callable[[FileStore], object]] = {
    'put': put,
    'read': lambda keeper: b''.join(keeper.read(KEY)),
    'local': fetched,
    'keys': lambda keeper: list(keeper.keys(files.FOR_EVER)),
    'check': lambda keeper: keeper.check(),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_a_store_that_fails_is_told_of_and_the_same_again_succeeds(
    store: FailingStore, keeper: FileStore, fault: str
) -> None:
    put(keeper)
    store.fault = fault
    for order in ORDERS.values():
        with pytest.raises(StoreFailing):
            order(keeper)
    if fault != 'bucket':  # whoever asks for no content hears the same «no» of a bucket and of a key
        with pytest.raises(StoreFailing):
            keeper.size(KEY)
        with pytest.raises(StoreFailing):
            keeper.delete(KEY, files.FOR_EVER)
    assert not any(keeper.incoming.iterdir()), 'nothing is left here of what did not go through'
    store.mend()
    for order in ORDERS.values():
        order(keeper)
    assert b''.join(keeper.read(KEY)) == CONTENT


def test_half_a_file_is_never_handed_out(store: FailingStore, keeper: FileStore) -> None:
    put(keeper)
    store.fault = 'cut'
    with pytest.raises(StoreFailing):
        keeper.read(KEY)
    with pytest.raises(StoreFailing):
        fetched(keeper)
    assert not any(keeper.incoming.iterdir())


def test_one_that_is_full_still_reads_and_is_found_out_by_what_it_did_not_take(
    store: FailingStore, keeper: FileStore
) -> None:
    put(keeper)
    store.fault = 'full'
    keeper.check()
    with pytest.raises(StoreFailing, match=KEY):
        put(keeper, b'another')
    for _ in range(2):
        with pytest.raises(StoreFailing):
            keeper.check()
    assert fetched(keeper) == CONTENT
    store.mend()
    keeper.check()
    assert [*store.kept] == [KEY], 'what it tried is gone again'
    with pytest.raises(FileMissing):
        keeper.read(files.key_of('cd' * 32))


def test_one_file_that_cannot_be_had_is_borne_and_a_store_that_is_gone_is_not(
    store: FailingStore, keeper: FileStore
) -> None:
    error = StoreFailing('ab: no')
    store.fault, store.only = 'error', KEY
    files.bear(keeper, error)
    store.only = ''
    with pytest.raises(StoreFailing, match='ab: no'):
        files.bear(keeper, error)
