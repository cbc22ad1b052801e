"""The font of a contact sheet, which has letters of many scripts where matplotlib is installed."""

import importlib.util
import unicodedata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = 12
MISSING = "\uffff"
"""No character: what a font draws for those that it lacks."""
PLAIN = {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l"}
"""Letters without a decomposition, for a font that has ASCII alone."""


def sheet_font() -> ImageFont.FreeTypeFont | None:
    """DejaVu Sans, which matplotlib brings; None where that is not installed."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    try:
        return ImageFont.truetype(str(file), SIZE)
    except OSError:
        return None


def drawable(text: str, font: ImageFont.FreeTypeFont | None) -> str:
    r"""A text as the font can draw it: characters that it lacks are written as ``\u732b``.

    Without a font, Pillow's own is for ASCII: accents are left out.
    """
    if font is None:
        return "".join(map(_ascii, text))
    absent = _drawn(MISSING, font)
    return "".join(
        one if one.isascii() or _drawn(one, font) != absent else _escaped(one) for one in text
    )


def _drawn(one: str, font: ImageFont.FreeTypeFont) -> bytes:
    """The pixels of a character."""
    square = Image.new("L", (2 * SIZE, 2 * SIZE))
    ImageDraw.Draw(square).text((0, 0), one, fill=255, font=font)
    return square.tobytes()


def _ascii(one: str) -> str:
    """A character without its accents; escaped where nothing is left."""
    if one.isascii():
        return one
    bare = unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode()
    return PLAIN.get(one) or bare or _escaped(one)


def _escaped(one: str) -> str:
    return one.encode("ascii", "backslashreplace").decode()
