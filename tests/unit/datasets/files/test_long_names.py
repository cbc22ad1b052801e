"""Options whose path is longer than a name may be: refused in one line, as one that is missing."""

import pytest

from labelbench_core import registry
from labelbench_core.annotators import recorded
from labelbench_core.backbones import sentence_transformer
from labelbench_core.configuration.sources.source_sizes import source_sizes
from labelbench_core.errors import InputError

LONG = "x" * 300
TABLE = {"table": "all.csv", "path_column": "text", "label_column": "label"}


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("text-table", {"splits": {"pool": f"{LONG}.csv"}}, "options.splits: 'xx"),
        ("text-table", {"splits": {"pool": "all.csv"}, "classes": LONG}, "options.classes: 'xx"),
        ("own-embeddings", {"splits": {"pool": f"{LONG}.npz"}}, "options.splits: 'xx"),
        ("own-embeddings", {"splits": {"pool": f"{LONG}.zarr"}}, "options.splits: 'xx"),
        ("table", {**TABLE, "table": f"{LONG}.csv"}, "options.table: 'xx"),
        ("table", {**TABLE, "images": LONG}, "options.images: 'xx"),
        ("image-folder", {"folder": LONG}, "folder: 'xx"),
        ("hugging-face-folder", {"folder": LONG}, "options.folder: 'xx"),
        ("hugging-face-saved", {"folder": LONG}, "options.folder: 'xx"),
        ("hugging-face-saved-images", {"folder": LONG}, "options.folder: 'xx"),
    ],
)
def test_a_path_that_no_file_can_have_is_not_there(source, options, words, tmp_path):
    (tmp_path / "all.csv").write_text("text,label\na b c,a\nd e f,b\n")
    entry = {"implementation": source, "options": options}
    with pytest.raises(InputError) as told:
        source_sizes(entry, tmp_path)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    if options.get("table") != "all.csv" and source != "image-folder":
        assert registry.load("datasets", source).source_files(tmp_path, **options) is None


def test_nor_is_one_of_other_components(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match=r"options.model: './xx.* has no config.json; allowed: a"):
        sentence_transformer.check(model=f"./{LONG}")
    with pytest.raises(InputError, match=r"options.table: .*: no such file; allowed: a file below"):
        recorded.read_columns(tmp_path / f"{LONG}.csv", ["label"])
