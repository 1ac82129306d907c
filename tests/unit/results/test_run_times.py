"""The table of run times has a row for each rule and their sum."""

from pathlib import Path

import pytest

from sgd_valleys.results.run_times import read_benchmark, run_times

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def benchmark(path: Path, s: float, memory: str, cpu: str) -> Path:
    path.write_text(f"{HEAD}{s}\t0:00:01\t{memory}\t0\t0\t0\t0\t0\t0\t{cpu}\n", encoding="utf-8")
    return path


@pytest.fixture
def benchmarks(tmp_path: Path) -> dict[str, list[Path]]:
    """Two trainings, two figures of rules of their own, a job that was too short to be measured, and no job."""
    return {
        "fig1": [benchmark(tmp_path / "a", 2.0, "150.2", "1.5")],
        "figure_mine": [benchmark(tmp_path / "b", 3.0, "160.0", "2.0")],
        "train": [benchmark(tmp_path / "c", 700.0, "355.5", "1300.2"), benchmark(tmp_path / "d", 10.0, "900", "8.9")],
        "theory": [benchmark(tmp_path / "e", 0.4, "NA", "NA")],
        "branch": [],
    }


def test_rules_are_rows_by_cost_and_figures_share_one(benchmarks: dict[str, list[Path]]) -> None:
    assert run_times(benchmarks)[2:] == [
        "| `train` | 2 | 1,356 | 700 | 900 |",
        "| figures | 2 | 4 | 3 | 160 |",
        "| `theory` | 1 | 0 | 0 | 0 |",
        "| all | 5 | 1,360 | 700 | 900 |",
    ]


@pytest.mark.parametrize(("wall", "last_sample"), [(100.0, 75.5), (45.4, 15.5), (10.0, 9.75)])
def test_the_processor_time_after_the_last_sample_is_extrapolated(
    tmp_path: Path, wall: float, last_sample: float
) -> None:
    path = benchmark(tmp_path / "a", wall, "100", str(0.9 * last_sample))
    assert read_benchmark(path) == (pytest.approx(0.9 * wall), wall, 100.0)
