"""Make the numbers of our results in README and docs from what `keep_tables` has kept of a run.

    python -m workflow_scripts.keep_tables --configfile config/cifar10_long_tail.yaml
    python -m docs.make_results [--check]

The text between two comments is replaced, of a table:

    <!-- results: EXPERIMENT/SPLIT -->          … <!-- end -->   a row for each strategy and setting
    <!-- results: EXPERIMENT/SPLIT/METRIC -->   … <!-- end -->   other than the headline metric
    <!-- results: EXPERIMENT/SPLIT ID … -->     … <!-- end -->   of settings that have these ids
    <!-- orders: EXPERIMENT -->                 … <!-- end -->   correlations with published orders
    <!-- carried: EXPERIMENT/SPLIT -->          … <!-- end -->   from one setting to another
    <!-- best: EXPERIMENT/SPLIT -->             … <!-- end -->   the best and the worse strategies
    <!-- decisions: EXPERIMENT/SPLIT … -->      … <!-- end -->   of several, by number of labels
    <!-- headroom: EXPERIMENT/SPLIT -->         … <!-- end -->   shares of what a ceiling gains
    <!-- trainings: EXPERIMENT/SPLIT/STRATEGY -->  <!-- end -->   every training beside the first
    <!-- rehearsed: TABLE -->               … <!-- end -->   of rehearsed campaigns

and in a sentence:

    <!-- saving: EXPERIMENT/SPLIT/STRATEGY -->          … <!-- end -->   with its 95 % interval
    <!-- saving-alone: EXPERIMENT/SPLIT/STRATEGY -->    … <!-- end -->   without
    <!-- value: EXPERIMENT/SPLIT/STRATEGY/LABELS -->    … <!-- end -->   mean ± half of the interval
    <!-- gain: EXPERIMENT/SPLIT/LABELS TRAINING STRATEGY TRAINING STRATEGY -->   the first less
                                                                   the second, of `combined.csv`
    <!-- trained: EXPERIMENT/SPLIT/LABELS TRAINING STRATEGY -->     the value of one, of that table
    <!-- tuned: EXPERIMENT/SPLIT/LABELS TRAINER STRATEGY -->       what a fine-tuning adds to the
                                                                   proxy, of `finetuning.csv`
    <!-- share: EXPERIMENT/SPLIT/MEASURE STRATEGY -->   … <!-- end -->   of the headroom

where TRAINING is a proxy, or TRAINER/PROXY for a fine-tuning on what the proxy selected; with ` ID`
behind it where there are several settings, such as that of the proxy. Other numbers are marked,
too: see `stated_numbers`.

`--check` changes nothing, fails where a page and its tables or the pages that it quotes differ and
where a number has no mark, and names commands that measured what no table is kept of, and
experiments whose code has changed since they were run (`make claims`).
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs import decisions, kept_results, rehearsed_campaigns, result_tables, stated_numbers
from docs.kept_results import (
    headline,
    of_setting,
    rows_of,
    saving_text,
    setting_columns,
    table_of,
)
from labelbench_core.analysis.collected import units
from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.headroom import share_text
from labelbench_core.errors import InputError
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.storage import files
from workflow_scripts.keep_tables import code_changed_since

DOCS = Path(__file__).parent
PAGE = DOCS / "results.md"
PAGES = (
    DOCS.parent / "README.md",
    *sorted(DOCS.glob("*.md")),
    DOCS / "benchmarks" / "campaigns.md",
)
STATED = {"README.md", PAGE.name}
"""Pages in which every number of a measurement has its source."""
TABLES = {
    "results": result_tables.accuracies,
    "orders": result_tables.orders,
    "carried": result_tables.carried,
    "best": result_tables.best,
    "decisions": decisions.decisions,
    "headroom": result_tables.headroom,
    "trainings": result_tables.trainings,
    "rehearsed": rehearsed_campaigns.rehearsed,
}
BLOCK = re.compile(
    rf"(?P<start><!-- (?P<what>{'|'.join(TABLES)}): (?P<of>[a-z0-9/ -]+) -->\n)"
    r"(?P<old>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
VALUE = re.compile(
    r"(?P<start><!-- (?P<what>saving|saving-alone|value|gain|trained|tuned|share): "
    r"(?P<of>[a-z0-9/ -]+) -->)"
    r"(?P<old>[^<\n]*)(?P<end><!-- end -->)"
)


def renewed(text: str) -> str:
    """The page with all its blocks and values made anew."""

    def block(found: re.Match[str]) -> str:
        return f"{found['start']}{TABLES[found['what']](found['of'])}{found['end']}"

    def value(found: re.Match[str]) -> str:
        return f"{found['start']}{VALUES[found['what']](found['of'])}{found['end']}"

    return VALUE.sub(value, BLOCK.sub(block, text))


def differing(text: str) -> Iterator[str]:
    """The blocks and values of a page that are not those of their tables, with their lines."""
    for pattern in (BLOCK, VALUE):
        for found in pattern.finditer(text):
            if renewed(found[0]) != found[0]:
                line = text.count("\n", 0, found.start()) + 1
                yield f"line {line}: {found['what']}: {found['of']}"


def saving(of: str) -> str:
    """A saving with its interval, of EXPERIMENT/SPLIT/STRATEGY."""
    return saving_text(_row_of_saving(of))


def saving_alone(of: str) -> str:
    """The same without the interval."""
    return saving_text(_row_of_saving(of)).partition(" (")[0]


def mean_of(of: str) -> str:
    """Mean and half of its interval, of EXPERIMENT/SPLIT/STRATEGY/LABELS."""
    (name, split, strategy, labels), ids = _parts(of, 4)
    metrics = of_setting(rows_of(table_of(name, "metrics"), split, headline(name)), ids)
    metrics = metrics[metrics["num_labeled"] == int(labels)]
    curves = summarise_curves(metrics.assign(round=metrics["num_labeled"]))
    row = _only(curves[curves["strategy"] == strategy], of)
    return units.with_half_width(row["mean"], row["half_width"], row["metric"])


def gain_of(of: str) -> str:
    """What a training with a strategy adds to another one, and half of the interval."""
    row = _only(
        _combined(of, ("training", "strategy", "reference_training", "reference_strategy")), of
    )
    return units.signed(row["difference"], row["half_width"], row["metric"])


def trained(of: str) -> str:
    """Mean and half of its interval of a training, also end to end, with a strategy."""
    found = _combined(of, ("training", "strategy"))
    row = _only(found, of)
    return units.with_half_width(row["mean"], row["mean_half_width"], row["metric"])


def _combined(of: str, columns: tuple[str, ...]) -> Any:
    """Rows of `combined.csv` of EXPERIMENT/SPLIT/LABELS with these ids, and of a setting's."""
    (name, split, labels), ids = _parts(of, 3)
    if len(ids) < len(columns):
        allowed = " ".join(column.upper() for column in columns)
        raise InputError(f"<!-- …: {of} -->: {len(ids)} ids; allowed: {allowed}, and of a setting")
    found = rows_of(table_of(name, "combined"), split, headline(name))
    found = found[found["num_labeled"] == int(labels)]
    for column, one in zip(columns, ids, strict=False):
        found = found[found[column] == one.replace("/", " after ")]
    found = of_setting(found, ids[len(columns) :])
    # A proxy that fine-tunes stands among the proxies and among the end-to-end trainings.
    return found.drop_duplicates(setting_columns(found))


def tuned(of: str) -> str:
    """What a fine-tuning adds to the proxy that selected its labels, and half of the interval."""
    (name, split, labels), (trainer, strategy, *ids) = _parts(of, 3)
    found = of_setting(rows_of(table_of(name, "finetuning"), split, headline(name)), ids)
    found = found[(found["trainer"] == trainer) & (found["strategy"] == strategy)]
    row = _only(found[found["num_labeled"] == int(labels)], of)
    return units.signed(row["difference"], row["half_width"], row["metric"])


def share_of(of: str) -> str:
    """The share of a ceiling's gain that a strategy takes, by MEASURE (final or area)."""
    (name, split, measure), (strategy, *ids) = _parts(of, 3)
    found = of_setting(rows_of(table_of(name, "headroom"), split, headline(name)), ids)
    found = found[(found["measure"] == measure) & (found["strategy"] == strategy)]
    share, interval = share_text(_only(found, of).to_dict())
    return f"{share} ({interval})"


def _row_of_saving(of: str) -> Any:
    (name, split, strategy), ids = _parts(of, 3)
    found = of_setting(rows_of(table_of(name, "savings"), split, headline(name)), ids)
    return _only(found[found["strategy"] == strategy], of)


def _parts(of: str, count: int) -> tuple[list[str], list[str]]:
    """What stands between slashes, and the ids of the setting behind it."""
    first, *ids = of.split()
    parts = first.split("/")
    if len(parts) != count:
        raise InputError(f"<!-- …: {of} -->: {len(parts)} parts; allowed: {count}")
    return parts, ids


def _only(rows: Any, of: str) -> Any:
    if len(rows) != 1:
        raise InputError(f"<!-- …: {of} -->: {len(rows)} rows in its table; allowed: one")
    return rows.iloc[0]


def changed_code() -> dict[str, list[str] | None]:
    """Experiment → modules that are not as they were when its tables were made.

    None: its tables were kept before code was noted.
    """
    return {
        folder.name: code_changed_since(folder) for folder in sorted(kept_results.KEPT.iterdir())
    }


VALUES = {
    "saving": saving,
    "saving-alone": saving_alone,
    "value": mean_of,
    "gain": gain_of,
    "trained": trained,
    "tuned": tuned,
    "share": share_of,
}


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Rewrite the pages, or only report those that are out of date; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a page is old"
    )
    arguments = parser.parse_args(argv)
    old = []
    for page in PAGES:
        try:
            text = page.read_text("utf-8")
            new = renewed(text)
        except InputError as error:
            print(f"error: {page.name}: {error}", file=sys.stderr)
            return 1
        if new != text:
            old.append(page)
            where = page.relative_to(DOCS.parent)
            if arguments.check:
                for one in differing(text):
                    print(f"{where}: {one}: not as in docs/results/")
            else:
                with files.atomic_path(page) as path:
                    path.write_text(new, encoding="utf-8")
                print(f"{where}: rewritten")
    if arguments.check:
        unfounded = _tell_stated_numbers()
        _tell_changed_code()
        return int(bool(old) or unfounded)
    return 0


def _tell_stated_numbers() -> bool:
    """Name numbers without a source, and commands that measured what no table has."""
    unfounded = False
    for page in (page for page in PAGES if page.name in STATED):
        text, where = page.read_text("utf-8"), page.relative_to(DOCS.parent)
        for one in stated_numbers.misquoted(text):
            unfounded = True
            print(f"{where}: {one}")
        for one in stated_numbers.unmarked(text):
            unfounded = True
            print(f"{where}: {one}: of no table; allowed: marked as docs/stated_numbers.py says")
        for command, count in stated_numbers.measured(text).items():
            print(f"{where}: {count} numbers of no kept table: {command}")
    return unfounded


def _tell_changed_code() -> None:
    for name, modules in changed_code().items():
        if modules is None:
            print(f"{name}: kept before code was recorded")
        elif modules:
            shown = ", ".join(modules[:3]) + (", …" if len(modules) > 3 else "")
            print(f"{name}: {len(modules)} modules have changed since it was run: {shown}")
        else:
            print(f"{name}: its code has not changed")


if __name__ == "__main__":
    sys.exit(main())
