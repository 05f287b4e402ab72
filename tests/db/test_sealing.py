"""Sealed secrets: only the key of this installation opens them, and it is made once, for its owner alone."""

import os
from pathlib import Path

import pytest

from db import sealing
from db.settings import load


def test_a_secret_is_not_to_be_read_without_the_key(tmp_path: Path):
    sealing.use(load(None, data_dir=tmp_path))
    sealed = sealing.seal('JBSWY3DPEHPK3PXP')
    assert 'JBSWY3DPEHPK3PXP' not in sealed
    assert sealing.unseal(sealed) == 'JBSWY3DPEHPK3PXP'
    sealing.use(load(None, data_dir=tmp_path / 'elsewhere'))
    assert sealing.unseal(sealed) is None
    assert sealing.unseal('no seal of ours') is None
    sealing.use(load(None, data_dir=tmp_path))
    assert sealing.unseal(sealed) == 'JBSWY3DPEHPK3PXP', 'the key is still there after a restart'


def test_the_key_is_made_when_it_is_needed_first_and_is_its_owners(tmp_path: Path):
    sealing.use(load(None, data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []
    sealing.seal('x')
    (key,) = tmp_path.iterdir()
    assert (key.name, key.stat().st_mode & 0o777) == (sealing.KEY_FILE, 0o600)


def test_a_key_that_was_given_needs_no_file(tmp_path: Path):
    given = 'k' * 40
    sealing.use(load(None, data_dir=tmp_path, two_factor_key=given))
    sealed = sealing.seal('x')
    sealing.use(load(None, data_dir=tmp_path / 'another-instance', two_factor_key=given))
    assert sealing.unseal(sealed) == 'x'
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_another_process_has_made_meanwhile_is_everybodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    link = os.link

    def come_second(fresh: Path, file: Path) -> None:
        file.write_text('the key of the other process' * 2)
        link(fresh, file)

    monkeypatch.setattr(os, 'link', come_second)
    file = tmp_path / sealing.KEY_FILE
    assert sealing._kept_in(file) == 'the key of the other process' * 2
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize('left', ['', 'half a k'])
def test_what_is_left_of_a_key_is_none(tmp_path: Path, left: str):
    (tmp_path / sealing.KEY_FILE).write_text(left)
    sealing.use(load(None, data_dir=tmp_path))
    with pytest.raises(RuntimeError, match='holds no key'):
        sealing.seal('x')
