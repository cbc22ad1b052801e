"""The audit's order: drawn once, from names alone, in proportion, and never told from the rest."""

import json
from collections import Counter

import pytest

from labelbench_core.campaign.audit.order import (
    AuditOrder,
    Stratum,
    draw_stratum,
    mixed,
    next_items,
    read_order,
    record_stratum,
    reserved_of,
    share_of_batch,
)
from labelbench_core.errors import InputError

ITEMS = [f"photos/{number}.jpg" for number in range(60)]


def test_an_order_depends_on_names_alone() -> None:
    one = draw_stratum(AuditOrder(), ITEMS, 10, "mine", 0)
    assert draw_stratum(AuditOrder(), ITEMS[::-1], 10, "mine", 0) == one
    assert sorted(one.items) == sorted(ITEMS)
    assert draw_stratum(AuditOrder(), ITEMS, 10, "mine", 1).items != one.items
    assert draw_stratum(AuditOrder(), ITEMS, 10, "other", 0).items != one.items
    later = AuditOrder((Stratum(("x",), 1),))
    assert draw_stratum(later, ITEMS, None, "mine", 0).items != one.items


def test_every_item_is_as_likely_to_be_reserved() -> None:
    counts = Counter(
        item
        for seed in range(400)
        for item in draw_stratum(AuditOrder(), ITEMS[:10], 3, "mine", seed).items[:3]
    )
    # 120 expected, standard deviation 9.2.
    assert all(80 < counts[item] < 160 for item in ITEMS[:10])


@pytest.mark.parametrize(
    ("size", "amount", "reserved"),
    [
        (50, None, 5),
        (51, None, 6),
        (5000, None, 400),
        (7, 0.5, 4),
        (30, 0.1, 3),
        (9, 9, 9),
        (3, 1.0, 3),
    ],
)
def test_how_many_are_reserved(size: int, amount: float | None, reserved: int) -> None:
    assert reserved_of(size, amount) == reserved


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "allowed: 1 to 20"), (21, "audit: 21"), (0.0, "audit: 0%"), (1.5, "150%")],
)
def test_amounts_that_cannot_be_reserved_are_refused(amount: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        reserved_of(20, amount)


def test_items_that_come_later_are_a_stratum_in_proportion() -> None:
    order = AuditOrder((draw_stratum(AuditOrder(), ITEMS[:40], 8, "mine", 0),))
    later = draw_stratum(order, ITEMS[40:], None, "mine", 0)
    assert later.reserved == 4
    with pytest.raises(InputError, match="twice"):
        draw_stratum(order, ITEMS[39:], None, "mine", 0)
    with pytest.raises(InputError, match="twice"):
        draw_stratum(AuditOrder(), ["a", "a"], None, "mine", 0)


@pytest.mark.parametrize(
    ("batch_size", "share"), [(1, 0.1), (3, 0.1), (10, 0.1), (7, 0.5), (100, 0.03)]
)
def test_small_batches_get_their_share_over_time(batch_size: int, share: float) -> None:
    before = audited = 0
    for _ in range(200):
        count = share_of_batch(batch_size, share, before, audited)
        assert 0 <= count <= batch_size
        before, audited = before + batch_size, audited + count
        assert -1e-6 <= audited - share * before < 1
    assert share_of_batch(batch_size, share, 0, 0) >= 1


def test_next_items_follow_the_order_and_skip_what_is_gone() -> None:
    order = AuditOrder((Stratum(tuple("abcdefgh"), 5),))
    present = set("abdefgh")
    assert next_items(order, 2, present, {"a"}) == ["b", "d"]
    assert next_items(order, 9, present, {"a"}) == ["b", "d", "e"]
    assert order.removed(present) == ["c"]
    assert order.sizes(present) == [7]
    assert order.reserved() == frozenset("abcde")
    assert order.known() == frozenset("abcdefgh")


def test_strata_are_audited_in_proportion_and_a_late_one_catches_up() -> None:
    first = Stratum(tuple(f"a{number}" for number in range(300)), 60)
    second = Stratum(tuple(f"b{number}" for number in range(100)), 20)
    present = {*first.items, *second.items}
    order = AuditOrder((first, second))
    found = next_items(order, 40, present, set())
    assert Counter(item[0] for item in found) == {"a": 30, "b": 10}
    late = next_items(order, 9, present, set(first.items[:30]))
    assert all(item[0] == "b" for item in late)
    assert order.stratum_of()["b3"] == 1


def test_a_batch_does_not_tell_its_audit() -> None:
    rows = mixed([1, 2], list(range(3, 21)), "mine", 0, 1)
    assert sorted(rows) == list(range(1, 21))
    assert rows == mixed([1, 2], list(range(3, 21)), "mine", 0, 1)
    places = Counter(mixed([0], [1, 2, 3], "mine", 0, batch).index(0) for batch in range(800))
    # 200 expected, standard deviation 12.2.
    assert all(150 < places[place] < 250 for place in range(4))


def recorded(folder) -> AuditOrder:
    order = AuditOrder()
    for items in (ITEMS[:40], ITEMS[40:]):
        stratum = draw_stratum(order, items, 8, "mine", 0)
        order = record_stratum(folder, "mine", order, stratum)
    return order


def test_what_is_drawn_is_recorded_and_read_back(tmp_path) -> None:
    assert read_order(tmp_path, "mine") == AuditOrder()
    order = recorded(tmp_path)
    assert read_order(tmp_path, "mine") == order
    assert [len(stratum.items) for stratum in order.strata] == [40, 20]
    once = AuditOrder(order.strata[:1], order.last_sha256)
    with pytest.raises(FileExistsError, match="never drawn again"):
        record_stratum(tmp_path, "mine", once, order.strata[1])


@pytest.mark.parametrize("damage", ["edit", "lose", "other", "swap"])
def test_a_changed_order_is_refused_and_nothing_made_again(tmp_path, damage: str) -> None:
    recorded(tmp_path)
    first, second = (tmp_path / "audit" / f"stratum-00{number}.json" for number in (1, 2))
    if damage == "edit":
        first.write_text(first.read_text().replace('"reserved": 8', '"reserved": 9'))
    elif damage == "lose":
        first.unlink()
    elif damage == "swap":
        recorded(tmp_path / "again")
        content = json.loads(second.read_text())
        assert content["previous"]
        first.write_text(second.read_text())
    with pytest.raises(InputError, match="restore it from a copy"):
        read_order(tmp_path, "other" if damage == "other" else "mine")
