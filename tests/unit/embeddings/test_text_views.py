"""Views of texts: what is drawn for each, whatever stands beside it."""

import numpy as np
import pytest
import torch

from helpers.prepared import prepare
from helpers.tiny_texts import write_model
from labelbench_core import registry
from labelbench_core.augmentation.texts import drop_words
from labelbench_core.embeddings import text_views
from labelbench_core.embeddings.augmented import extract_views
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.views import open_embeddings, open_views
from labelbench_core.errors import InputError
from labelbench_core.provenance import import_closure
from labelbench_core.seeds import rng_for, seed_for

BOTH = {"id": "both", "draws": 2, "weak": {"encoder_dropout": 0.2}, "strong": {"word_dropout": 0.5}}
WORDS_ALONE = {"id": "words", "draws": 1, "strong": {"word_dropout": 0.5}}
ROWS = ["good film", "my card was lost", "a", "it was a fine fine film was it"] * 8

pytestmark = pytest.mark.usefixtures("on_cpu")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder = write_model(tmp_path_factory.mktemp("model") / "tiny")
    entry = {"implementation": "sentence-transformer", "options": {"model": folder}}
    return registry.build("backbones", entry)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """32 texts of pool and of test, four of them different."""
    folder = tmp_path_factory.mktemp("texts")
    lines = ["text\tlabel", *(f"{text}\t{row % 2}" for row, text in enumerate(ROWS))]
    (folder / "all.tsv").write_text("\n".join(lines))
    options = {"splits": {"pool": "all.tsv", "test": "all.tsv"}}
    return prepare(folder / "prepared", "text-table", folder, options)


def views_of(dataset, backbone, augmentation, folder, **options):
    """Clean embeddings of the pool, and the draws of each kind of view."""
    manifest = folder / "clean" / "manifest.json"
    extract_embeddings(dataset, backbone, "tiny", folder / "clean" / "arrays", manifest)
    clean = open_embeddings(manifest, {})[1]["pool"]
    place = folder / "views"
    extract_views(
        dataset, backbone, "tiny", augmentation, place / "arrays", place / "m.json", **options
    )
    found = open_views(place / "m.json", clean, {"augmentation": augmentation["id"]})
    return clean.load(), {kind: [one.load() for one in found[kind]] for kind in found}


def test_left_out_words_are_a_share_and_never_all():
    rng = rng_for("some")
    text = " ".join(map(str, range(1000)))
    found = drop_words(text, 0.3, rng).split()
    assert 650 < len(found) < 750
    assert found == sorted(found, key=int)
    assert {drop_words("one  two\nthree", 0.99, rng) for _ in range(60)} == {"one", "two", "three"}
    assert drop_words("one two", 0.0, rng) == "one two"


def test_a_layer_drops_by_each_texts_own_draws_and_not_in_padding():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.9)).eval()
    states = torch.ones(2, 3, 2)
    plain = model(states)
    with text_views.dropout(model, 0.5, [3, 1], [rng_for("a"), rng_for("b")]):
        found = model(states)
    for place, (length, name) in enumerate([(3, "a"), (1, "b")]):
        stays = rng_for(name).random((length, 2), np.float32) >= 0.5
        expected = plain[place].clone()
        expected[:length] *= 2 * torch.from_numpy(stays)
        assert torch.equal(found[place], expected)
    assert torch.equal(model(states), plain)  # as before


def test_an_encoder_without_dropout_layers_is_told():
    model = torch.nn.Linear(2, 2)
    with (
        pytest.raises(
            InputError, match=r"encoder_dropout: 0\.1: the encoder has no dropout layers"
        ),
        text_views.dropout(model, 0.1, [1], [rng_for("a")]),
    ):
        model(torch.ones(1, 1, 2))


def test_rows_draw_by_their_number_whatever_the_batch(dataset, backbone, tmp_path):
    clean, views = views_of(dataset, backbone, BOTH, tmp_path / "one")
    _, others = views_of(dataset, backbone, BOTH, tmp_path / "other", batch_size=5)
    draws = [*views["weak"], *views["strong"]]
    for one, other in zip(draws, [*others["weak"], *others["strong"]], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)
    # The same text in two rows, two draws of a row, and no draw at all.
    for one in draws:
        assert not np.allclose(one[0], one[4], atol=1e-2)
        assert not np.allclose(one[0], clean[0], atol=1e-2)
    assert not np.allclose(*views["weak"], atol=1e-2)


def test_words_alone_are_left_out_and_the_weak_view_is_the_clean_one(dataset, backbone, tmp_path):
    clean, views = views_of(dataset, backbone, WORDS_ALONE, tmp_path)
    (weak,), (strong,) = views["weak"], views["strong"]
    assert np.array_equal(weak, clean)
    seed = seed_for("view", "mine", "words", "strong-0")
    for row, text in enumerate(ROWS):
        changed = drop_words(text, 0.5, np.random.default_rng([seed, row]))
        tokens = backbone.tokens([changed], return_tensors="pt")
        with torch.no_grad():
            expected = backbone.model(**tokens).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(strong[row], expected, atol=2e-3)


def test_changes_of_images_are_refused(dataset, backbone, tmp_path):
    natural = {"id": "natural", "draws": 1, "weak": {"flip": True}}
    with pytest.raises(InputError, match="'natural' changes images, but backbone 'tiny' reads te"):
        extract_views(dataset, backbone, "tiny", natural, tmp_path / "a", tmp_path / "m.json")


def test_clean_embeddings_do_not_depend_on_the_code_of_views():
    closure = import_closure({"workflow_scripts.extract_embeddings"})
    assert closure.isdisjoint({text_views.__name__, "labelbench_core.augmentation.texts"})
