"""The benchmark of strategies runs, on tensors too."""

import pytest

from benchmarks import strategies
from benchmarks._cases import CASES
from benchmarks._device import Speeds
from labelbench_core import registry

SMALL = ["--rows", "600", "--dims", "12", "--labeled", "30", "--batch", "12"]


def test_every_case_is_a_strategy():
    assert set(CASES) <= set(registry.names("strategies"))


@pytest.mark.parametrize("device", ["cpu", "cpu-torch"])
def test_the_table_is_written(tmp_path, capsys, monkeypatch, device):
    monkeypatch.setattr("benchmarks._device.Device.speeds", lambda self: Speeds(1e9, 2e9, 1e9))
    names = ["badge", "galaxy", "look-ahead", "margin"]
    table = tmp_path / "docs" / "table.md"
    assert (
        strategies.main(
            [*SMALL, "--device", device, "--output", str(table), "--strategies", *names]
        )
        == 0
    )
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert [row[0].lstrip("| ") for row in rows[2:]] == names
    assert {len(row) for row in rows} == {len(strategies.HEADINGS)}
    assert rows[-1][-2].endswith("24.0 µs")  # 600 x 10 probabilities in float32
    assert "\n".join(lines[2:]) == capsys.readouterr().out.strip()


def test_a_plain_form_is_scaled_up_from_few_picks(monkeypatch):
    asked = []

    def seconds(self, work):
        work()
        return {1: 2.0, 4: 8.0}[asked[-1]]

    def plain(pool, budget, rng):
        asked.append(budget)

    monkeypatch.setattr("benchmarks._device.Device.seconds", seconds)
    monkeypatch.setattr("benchmarks.plain.margin.select", plain)
    options = strategies.parse(SMALL)
    pool, truth = strategies.make_pool(options, 600)
    case = strategies.Case(None, plain_picks=4, plain_rows=200, growth=2)
    found = strategies.plain_seconds("margin", case, 12, pool, truth, options)
    assert found == (9 * (2 + 11 * 2), ["4 picks", "200 rows"])


def test_the_processors_clock_is_refused_for_a_gpu(capsys):
    with pytest.raises(SystemExit):
        strategies.parse(["--device", "cuda", "--clock", "processor"])
    assert "clock" in capsys.readouterr().err
