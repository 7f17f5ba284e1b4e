"""Makes the workbooks of tests/spreadsheets and examples/hotline.xlsx. Everything in them is invented.

    python3 -m venv venv && venv/bin/pip install openpyxl==3.1.5 && venv/bin/python scripts/spreadsheets.py

openpyxl (MIT) writes no results of formulas, so those are put in afterwards. The bytes differ from run to run in the
dates within the archives only.
"""

import csv
import datetime as dt
import io
import pathlib
import re
import zipfile

from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "spreadsheets"


def typed(epoch=None):
    """Every type of cell that a call sheet may have, below a title, beside two other sheets."""
    book = Workbook()
    if epoch:
        book.epoch = epoch
    notes = book.active
    notes.title = "Read me"
    notes["A1"] = "How we fill this in"
    calls = book.create_sheet("Calls")
    old = book.create_sheet("Old")
    old.sheet_state = "hidden"
    old.append(["Call", "What"])
    old.append([1, "arrest"])

    calls["A1"] = "Valley Line: calls of September"
    calls.merge_cells("A1:L1")
    calls.append([])
    calls.append(
        ["Call", "Called", "Day", "Hour", "ZIP", "What", "Agents", "Lat", "Lon", "Verified", "Looked up", "Notes"]
    )
    day, hour = dt.date(2026, 9, 14), dt.time(7, 40)
    at = dt.datetime(2026, 9, 14, 7, 40)
    calls.append([17, at, day, hour, 2139, "arrest", 4, 42.3736, -71.1097, True, "#N/A", "Four men & <two> cars"])
    calls.append([18, at, day, None, 2139, "sighting", "2 to 3", None, None, False, "x", "línea uno\nlínea dos"])
    # Row 6 is empty; row 7 holds an error in a column that is used, row 8 a formula.
    calls.append([])
    calls.append([19, at, day, hour, 2139, "#REF!", 1, None, None, None, None, " spaces around "])
    calls.append([20, at, "=C4", hour, 2139, '=LOWER("ARREST")', "=1+1", None, None, None, None, "by formula"])
    # A merged day over three rows.
    for call in (21, 22, 23):
        calls.append([call, None, day if call == 21 else None, None, None, "arrest", 1])
    calls.merge_cells("C9:C11")
    for row in calls.iter_rows(min_row=4, max_row=11):
        row[1].number_format = "m/d/yy h:mm AM/PM"
        row[2].number_format = "[$-409]d\\-mmm\\-yyyy;@"
        row[3].number_format = "h:mm"
        row[4].number_format = "00000"
    # Cells that are formatted and empty, to the right and below.
    for row in range(12, 40):
        for column in range(1, 16):
            calls.cell(row, column).number_format = "0.00"
    return book


def save(book, name, results=None):
    """Saves a workbook; `results` gives formula cells of its second sheet their results."""
    buffer = io.BytesIO()
    book.save(buffer)
    source = zipfile.ZipFile(buffer)
    with zipfile.ZipFile(OUT / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.namelist():
            data = source.read(part).decode() if part.endswith((".xml", ".rels")) else source.read(part)
            if results and part == "xl/worksheets/sheet2.xml":
                for cell, (kind, value) in results.items():
                    pattern = rf'(<c r="{cell}"[^>]*?)(?: t="\w+")?(><f>.*?</f>)<v ?/>'
                    data, found = re.subn(pattern, rf'\1{kind}\2<v>{value}</v>', data)
                    assert found == 1, cell
            archive.writestr(part, data)


def texts_of(table):
    """A workbook whose cells are the texts of a CSV file."""
    book = Workbook()
    for row in csv.reader(io.StringIO(table)):
        book.active.append(row)
    return book


def bomb():
    """A sheet that unpacks to a thousand times its size."""
    book = Workbook()
    book.active.append(["event_kind", "narrative"])
    buffer = io.BytesIO()
    book.save(buffer)
    source = zipfile.ZipFile(buffer)
    with zipfile.ZipFile(OUT / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part in source.namelist():
            data = source.read(part)
            if part == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<sheetData>", b"<sheetData>" + b'<row></row>' * 2_000_000)
            archive.writestr(part, data)


def main():
    OUT.mkdir(exist_ok=True)
    save(typed(), "typed.xlsx", {"C8": ("", "46279"), "F8": (' t="str"', "arrest"), "G8": ("", "2")})
    save(typed(CALENDAR_MAC_1904), "typed-1904.xlsx", {"C8": ("", "44817"), "F8": (' t="str"', "arrest"), "G8": ("", "2")})
    save(typed(), "no-results.xlsx")
    hotline = (ROOT / "examples" / "hotline.csv").read_text()
    texts_of(hotline).save(ROOT / "examples" / "hotline.xlsx")
    rows = "event_kind,place,narrative\n" + "arrest,Yakima,Two men at a door.\n" * 3 + 'sighting,98902,"dos\nlíneas"\n'
    (OUT / "plain.csv").write_text(rows)
    texts_of(rows).save(OUT / "plain.xlsx")
    bomb()


if __name__ == "__main__":
    main()
