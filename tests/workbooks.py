"""Opening the workbooks that leave us as other programs do: openpyxl, calamine, and LibreOffice where it is installed."""

import csv
import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

# separator, quote, UTF-8, from the first line, as shown, every sheet in a file of its own
_CSV = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1'


def by_openpyxl(path: Path) -> Any:
    """The workbook with formulas as they stand, not as they were last computed."""
    return openpyxl.load_workbook(path)


def by_calamine(path: Path) -> list[list[list[Any]]]:
    """The values of each sheet."""
    workbook = CalamineWorkbook.from_path(str(path))
    return [workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in workbook.sheet_names]


def by_libreoffice(path: Path) -> list[list[list[str]]]:
    """The cells of each sheet as LibreOffice shows them."""
    program = shutil.which('soffice')
    if program is None:
        if os.environ.get('REQUIRE_LIBREOFFICE'):
            pytest.fail('no LibreOffice: install libreoffice-calc-nogui')
        pytest.skip('no LibreOffice (soffice) on this machine')
    folder = path.parent / f'{path.stem}-opened'
    command = [program, f'-env:UserInstallation=file://{folder}/profile', '--headless', '--norestore', '--convert-to']
    done = subprocess.run(
        [*command, _CSV, str(path), '--outdir', str(folder)], capture_output=True, timeout=120, check=False
    )
    found = sorted(folder.glob('*.csv'), key=lambda file: (len(file.name), file.name))
    assert found, done.stderr.decode(errors='replace')
    return [list(csv.reader(io.StringIO(file.read_text('utf-8')))) for file in found]
