"""Numbers in prose: each is made from a kept table, quoted from a page, or says what measured it.

Beside the values that `make_results` makes from tables, a sentence can have

    <!-- quoted: PAGE -->       … <!-- end -->   numbers that PAGE, of these docs, has: rounded ones
    <!-- measured: COMMAND -->  … <!-- end -->   no table is kept of these; COMMAND measures them

All other numbers of measurements, those with decimals or a ±, and percentages, are unmarked.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

DOCS = Path(__file__).parent
MARKED = re.compile(
    r"<!-- (?P<kind>[a-z-]+): (?P<of>[^>]*?) -->(?P<text>.*?)<!-- end -->", re.DOTALL
)
NUMBER = re.compile(r"(?<![\w.,:/-])(?:\d[\d,]*)?(?:\.\d+|\d(?=\s%))(?![\w.]\d)|±")
WRITTEN = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+")
# What is no measurement: code and commands, targets of links, the confidence and power of all
# intervals and tests here, and versions.
NO_MEASUREMENT = re.compile(
    r"^ {4}.*$|`[^`]*`|\]\([^)]*\)|\b(?:95|5|80)\s%(?=\s(?:interval|level|power|divided|is\b))"
    r"|\b(?:Python|torch|transformers)\s\d+\.\d+|arXiv\s\d+\.\d+|±(?=\shalf\b)",
    re.MULTILINE,
)


def unmarked(text: str) -> Iterator[str]:
    """Numbers that neither come from a table nor say where they come from, with their lines."""
    for found in NUMBER.finditer(NO_MEASUREMENT.sub(_blank, MARKED.sub(_blank, text))):
        yield f"line {_line(text, found.start())}: {found[0]}"


def misquoted(text: str) -> Iterator[str]:
    """Quoted numbers that the page they are quoted from does not have."""
    for quote in MARKED.finditer(text):
        if quote["kind"] != "quoted":
            continue
        page = DOCS / quote["of"]
        there = _numbers(page.read_text("utf-8")) if page.is_file() else []
        for one in WRITTEN.findall(quote["text"]):
            number = _decimal(one)
            unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
            if not any(abs(other - number) <= unit / 2 for other in there):
                yield f"line {_line(text, quote.start())}: quoted: {one} is not in {quote['of']}"


def measured(text: str) -> dict[str, int]:
    """How many numbers are not recomputed, by the command that measured them."""
    counts: dict[str, int] = {}
    for found in MARKED.finditer(text):
        if found["kind"] == "measured":
            count = len(WRITTEN.findall(found["text"]))
            counts[found["of"]] = counts.get(found["of"], 0) + count
    return counts


def _numbers(text: str) -> list[Decimal]:
    return [_decimal(one) for one in WRITTEN.findall(text)]


def _decimal(written: str) -> Decimal:
    return Decimal(written.replace(",", ""))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "·", found[0])  # no spaces: four of them begin a block of code


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
