"""Stores of files: a folder and an S3-compatible store keep the same promises."""

import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from db import files
from db.files import Bucket, FileMissing, FileStore, Folder
from db.settings import SettingsError, load

KEY = files.key_of('ab' * 32)


@pytest.fixture(scope='module')
def s3_address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f'http://{host}:{port}'
    client = boto3.client(
        's3', endpoint_url=address, region_name='us-east-1', aws_access_key_id='key', aws_secret_access_key='s/cret'
    )
    client.create_bucket(Bucket='claims')
    client.close()
    yield address
    server.stop()


@pytest.fixture(params=['folder', 's3'])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == 'folder':
        return files.connect(f'file:{tmp_path}/documents', tmp_path)
    address = request.getfixturevalue('s3_address')
    return files.connect(f's3://key:s%2Fcret@claims/{tmp_path.name}?endpoint={address}', tmp_path)


def put(keeper: FileStore, key: str, content: bytes) -> None:
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        keeper.put(key, path)


def test_what_goes_in_comes_out(keeper: FileStore) -> None:
    content = os.urandom(3 * files.CHUNK + 7)
    put(keeper, KEY, content)
    assert b''.join(keeper.read(KEY)) == content
    assert keeper.size(KEY) == len(content)
    with keeper.local(KEY) as path:
        assert path.read_bytes() == content
    put(keeper, KEY, content)
    assert list(keeper.keys(datetime.now(UTC) + timedelta(hours=1))) == [KEY]
    assert not any(keeper.incoming.iterdir())


def test_what_is_not_there_is_said_at_once(keeper: FileStore) -> None:
    with pytest.raises(FileMissing):
        keeper.read(KEY)
    with pytest.raises(FileMissing), keeper.local(KEY):
        pass
    assert keeper.size(KEY) is None
    assert not keeper.delete(KEY, datetime.now(UTC))


def test_only_old_files_are_forgotten(keeper: FileStore) -> None:
    put(keeper, KEY, b'x')
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    assert list(keeper.keys(past)) == []
    assert not keeper.delete(KEY, past)
    assert keeper.delete(KEY, future)
    assert keeper.size(KEY) is None


def test_a_file_that_nobody_takes_over_is_gone(keeper: FileStore) -> None:
    with pytest.raises(KeyError), files.new_file(keeper) as (path, _):
        raise KeyError
    assert not path.exists()


def test_put_makes_an_old_file_young_again(tmp_path: Path) -> None:
    keeper = Folder(tmp_path)
    put(keeper, KEY, b'x')
    os.utime(tmp_path / KEY, (1, 1))
    put(keeper, KEY, b'x')
    assert not keeper.delete(KEY, datetime.now(UTC) - timedelta(hours=1))


def test_a_sweep_leaves_living_writers_alone(tmp_path: Path) -> None:
    keeper = Folder(tmp_path)
    with files.new_file(keeper) as (path, file):
        (keeper.incoming / 'dead').write_bytes(b'half')
        (keeper.incoming / 'drawing').mkdir()
        old = keeper.incoming / 'drawn long ago'
        old.mkdir()
        os.utime(old, (1, 1))
        assert files.sweep_incoming(keeper) == 2
        assert path.exists()
        fcntl.flock(file, fcntl.LOCK_UN)
        assert files.sweep_incoming(keeper) == 1
    assert files.sweep_incoming(Folder(tmp_path / 'nowhere')) == 0


def test_the_settings_choose_the_store_and_refuse_nonsense(tmp_path: Path) -> None:
    assert isinstance(files.connect(load(None, data_dir=tmp_path).documents_url, tmp_path), Folder)
    assert isinstance(files.connect('s3://bucket/a?region=il-central-1', tmp_path), Bucket)
    for url in ('ftp://host/a', 's3:///a', 'file:', 'documents'):
        with pytest.raises(SettingsError, match='DOCUMENTS_URL'):
            load(None, documents_url=url)
    for url in ('127.0.0.1:3310', 'http://host', 'tcp://', 'unix:'):
        with pytest.raises(SettingsError, match='CLAMD_URL'):
            load(None, clamd_url=url)
    assert load(None, clamd_url='unix:///run/clamd.ctl').clamd_url
