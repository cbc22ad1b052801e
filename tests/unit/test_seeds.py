"""Seeds are made from names."""

from labelbench_core.seeds import seed_for


def test_seeds_depend_on_every_name_and_on_their_order():
    seeds = {
        seed_for("select", "a", "b", 1),
        seed_for("select", "b", "a", 1),
        seed_for("select", "ab", 1),
        seed_for("train", "a", "b", 1),
        seed_for("select", "a", "b", 2),
    }
    assert len(seeds) == 5
    assert seed_for("select", "a", "b", 1) in seeds
