"""Write the tables of config/README.md: all keys of experiments, campaigns and the catalogue.

    python -m docs.make_config_table

Keys, meanings, allowed values and defaults are those of config/schema/, which every configuration
is checked against; which kind of entry has a key comes from the same check. Those of `training` are
those of the class that it is read into.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from labelbench_core.configuration.catalogue import COMPONENT_KINDS, ONLY_OF
from labelbench_core.configuration.schemas import in_words
from labelbench_core.registry import docstrings, listing, options
from labelbench_core.storage.files import atomic_path
from labelbench_core.training.recipe import Recipe

CONFIG = Path(__file__).resolve().parents[1] / "config"
PAGE = CONFIG / "README.md"
HEAD = "| key | meaning | allowed | left out |\n|---|---|---|---|\n"
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
LEFT_OUT = re.compile(r" Left out(?:, or null)?: (.+)\.$")
ID = re.compile(r"\ban id: [^|]*at most 100")

Schema = Mapping[str, Any]


def tables() -> dict[str, str]:
    """Markdown tables by name: `experiment`, and the kinds of the catalogue."""
    experiment, catalogue = (_read(name) for name in ("experiment", "catalogue"))
    campaign = _read("campaign")
    found = {"experiment": _table(experiment, experiment), "campaign": _table(campaign, campaign)}
    component = catalogue["$defs"]["component"]
    only = {key for keys in ONLY_OF.values() for key in keys}
    for kind in COMPONENT_KINDS:
        others = only - {*ONLY_OF.get(kind, ())}
        has = {key: one for key, one in component["properties"].items() if key not in others}
        found[kind] = _table({**component, "properties": has}, catalogue)
    for kind in ("schedules", "augmentations"):
        entry = catalogue["$defs"][kind]["additionalProperties"]
        found[kind] = _table(entry, catalogue)
    found["training"] = _training_table()
    return found


def page(text: str) -> str:
    """The page with its tables made anew."""
    made = tables()
    return TABLE.sub(lambda match: f"{match[1]}\n{made[match[2]]}\n{match[3]}", text)


def keys(schema: Schema, root: Schema, start: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """(dotted key, its schema, whether it has to be given), mappings before what is in them."""
    required = schema.get("required", ())
    for name, given in schema["properties"].items():
        resolved = _resolved(given, root)
        yield start + name, {**resolved, **given}, name in required
        if "properties" in resolved:
            yield from keys(resolved, root, f"{start}{name}.")


def _table(schema: Schema, root: Schema) -> str:
    rows = []
    for key, one, required in keys(schema, root):
        allowed = ID.sub("an id", in_words(one, root))
        told = LEFT_OUT.search(one["description"])
        meaning = LEFT_OUT.sub("", one["description"])
        left_out = "required" if required else told[1] if told else f"`{one['default']}`".lower()
        rows.append(f"| `{key}` | {_cell(meaning)} | {_cell(allowed)} | {_cell(left_out)} |\n")
    return HEAD + "".join(rows)


def _training_table() -> str:
    """The keys of a trainer's `training`: what the class of recipes says of its fields."""
    told = docstrings.section(Recipe.__doc__ or "", "Attributes")
    hints = get_type_hints(Recipe, include_extras=True)
    rows = []
    for one in dataclasses.fields(Recipe):
        rule = options.of(hints[one.name])
        cells = (told[one.name], rule.words, f"`{listing.written(one.default)}`")
        rows.append(f"| `training.{one.name}` | {' | '.join(map(_cell, cells))} |\n")
    return HEAD + "".join(rows)


def _cell(text: str) -> str:
    """The text in one cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def _read(name: str) -> Schema:
    return json.loads((CONFIG / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


def main() -> None:
    """Write the page."""
    text = page(PAGE.read_text(encoding="utf-8"))
    with atomic_path(PAGE) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
