"""What draws the interactive figures: Vega, as one script without network, and its licence."""

from __future__ import annotations

import functools
from typing import Any

from labelbench_core.errors import InputError
from labelbench_core.report.remembered import remembered

FORBIDDEN = ("</script", "<!--")
"""Text that would end a script element, or change how a browser reads it."""


@functools.cache
def vega_bundle() -> str:
    """JavaScript that defines `vegaEmbed`, `vega` and `vegaLite`: about 0.9 MB.

    Versions are those that Altair writes for, from the package vl-convert-python, which brings them
    along; making it takes 3 seconds, once for each working directory. Vega, Vega-Lite and
    Vega-Embed are under the 3-clause BSD licence, © University of Washington Interactive Data Lab.
    """
    return remembered("vega.js", _bundle, ["altair", "vl-convert-python"], __file__)


def _bundle() -> str:
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    options: dict[str, Any] = {"vl_version": version}  # only its stubs require `snippet`
    text = vl_convert.javascript_bundle(**options)
    for part in FORBIDDEN:
        if part in text:
            raise InputError(f"vl-convert-python: its bundle of Vega-Lite {version} has {part!r}")
    return text
