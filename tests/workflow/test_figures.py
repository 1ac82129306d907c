"""Figures of a finished run show the data: grey cells, converged runs, stored fits, reproducible bytes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from helpers import tiny_run
from helpers.checkout import Checkout
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.transforms import Bbox

from sgd_valleys.figures import figS1, runs, style
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL
from sgd_valleys.storage import hdf5

SETTINGS = tiny_run.figure_settings()
ETA, B, DESCENT = [0.01, 0.02], [10, 50, 100], 2  # of mnist in tests/tiny.yaml; the column of gradient descent
# Grids of Fig. S5, of one with few runs and of one whose labels have to be thinned; runs at 0.2 and 20 diverge.
GRIDS = {3: ((0.005, 0.01, 0.2), (20, 100, 500)), 5: ((0.005, 0.01, 0.02, 0.05, 0.2), (20, 50, 100, 200, 500))}
GRID_SETTINGS = {"eta": 0.005, "spectrum_eta": 0.01, "realization": 0, "eta_colors": ["C0", "C1", "C2", "C3", "C4"]}


@dataclass(frozen=True)
class Drawn:
    """A figure of the run, what it shows, and its texts and files directly after drawing."""

    data: dict[str, Any]
    figure: style.StyledFigure
    texts: list[tuple[str, float, Bbox]]
    png: bytes
    pdf: bytes


@pytest.fixture(scope="module")
def results(complete: Checkout) -> Path:
    return complete.root / "results"


@pytest.fixture(scope="module")
def drawn(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Drawn]:
    """Draws a figure of the run, once for all tests. Data and figure are not to be changed."""
    folder = tmp_path_factory.mktemp("figures")

    @cache
    def draw_once(name: str) -> Drawn:
        data = tiny_run.load_figure(results, name)
        figure = import_module(f"sgd_valleys.figures.{name}").draw(data, SETTINGS[name], SETTINGS["style"])
        texts = text_boxes(figure)  # without another drawing, which takes as long as the first
        files = folder / "figure.png", folder / "figure.pdf"
        style.save(figure, *files)
        return Drawn(data, figure, texts, *(file.read_bytes() for file in files))

    return draw_once


@pytest.fixture
def load(drawn: Callable[[str], Drawn]) -> Callable[[str], dict[str, Any]]:
    """Gives a copy of what a figure shows, to be changed."""
    return lambda name: deepcopy(drawn(name).data)


@pytest.fixture(scope="module")
def diverged(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results if every run had diverged."""
    return tiny_run.diverged_run(results, tmp_path_factory.mktemp("diverged"))


@pytest.fixture(scope="module", params=GRIDS)
def grid(request: pytest.FixtureRequest, drawn: Callable[[str], Drawn]) -> Iterator[dict[str, Any]]:
    """What Fig. S5 shows of a larger sweep. Not to be changed."""
    return tiny_run.enlarge_grid(drawn("figS5").data, *GRIDS[request.param])


def draw(name: str, data: dict[str, Any], **settings: Any) -> style.StyledFigure:
    """Draw a figure without its layout, which takes most of the time and moves no data."""
    with mock.patch.object(style, "_align_letters"):
        figure = import_module(f"sgd_valleys.figures.{name}").draw(data, SETTINGS[name] | settings, SETTINGS["style"])
    figure.set_layout_engine("none")
    return figure


def axes_of(figure: style.StyledFigure, letter: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").strip() == letter)


def cells_of(axes: Axes) -> np.ma.MaskedArray:
    """Return the values of a heatmap as (eta, B), masked where grey."""
    mesh = next(child for child in axes.collections if isinstance(child, QuadMesh))
    return np.ma.reshape(mesh.get_array(), mesh.get_coordinates()[1:, 1:, 0].shape).T


def texts_of(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def over_converged(ends: dict[str, np.ndarray], name: str, reduce: Callable[[np.ndarray], float]) -> np.ndarray:
    """Reduce the converged runs of every cell (eta, B)."""
    found = np.empty(ends["converged"].shape[:2])
    for cell in np.ndindex(found.shape):
        found[cell] = reduce(ends[name][cell][ends["converged"][cell]])
    return found


def text_boxes(figure: style.StyledFigure) -> list[tuple[str, float, Bbox]]:
    """Return words, font size in points and box in pixels of titles, labels and annotations of a drawn figure."""
    return [
        (text.get_text(), text.get_fontsize(), text.get_window_extent())
        for axes in figure.axes
        for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts)
        if text.get_text().strip() and text.get_visible()
    ]


def assert_legible(texts: list[tuple[str, float, Bbox]], page: Bbox) -> None:
    assert len(texts) > 3
    for words, size, box in texts:
        assert size >= 6
        assert box.x0 >= 0 and box.y0 >= 0, words
        assert box.x1 <= page.x1 and box.y1 <= page.y1, words


def tick_boxes(axes: Axes, axis: str) -> np.ndarray:
    """Return first and last pixel, along the axis, of every number beside it."""
    axis = axes.xaxis if axis == "x" else axes.yaxis
    low, high = sorted(axis.get_view_interval())
    shown = [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [label.get_window_extent() for label in shown if label.get_text()]
    return np.array([box.intervalx if axis is axes.xaxis else box.intervaly for box in boxes])


@pytest.mark.parametrize("name", tiny_run.FIGURES)
def test_a_figure_has_the_same_bytes_as_that_of_the_workflow(
    name: str, drawn: Callable[[str], Drawn], results: Path
) -> None:
    png, pdf = drawn(name).png, drawn(name).pdf
    written = [(results / "figures" / f"{name}.{suffix}").read_bytes() for suffix in ("png", "pdf")]
    assert [png, pdf] == written  # drawn by another process
    assert png.startswith(b"\x89PNG") and pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf.replace(b" ", b"")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("fig2", "fig4", "figS5") else pytest.mark.slow)
        for name in tiny_run.FIGURES
    ],
)
def test_a_figure_is_drawn_if_every_run_diverged(name: str, diverged: Path, tmp_path: Path) -> None:
    data = tiny_run.load_figure(diverged, name)
    figure = import_module(f"sgd_valleys.figures.{name}").draw(data, SETTINGS[name], SETTINGS["style"])
    figure.savefig(tmp_path / "figure.png", dpi=20)
    without_text = "fig6", "fig6X", "figC9", *tiny_run.CONTROL_FIGURES  # theory, and axes without points
    assert name in without_text or any(
        text.startswith(("no converged run", "no pair", "no branch")) for axes in figure.axes for text in texts_of(axes)
    )


@pytest.mark.parametrize("name", tiny_run.FIGURES)
def test_no_label_is_smaller_than_six_points_or_outside_the_page(name: str, drawn: Callable[[str], Drawn]) -> None:
    assert_legible(drawn(name).texts, drawn(name).figure.bbox)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("fig2", "DF"), ("fig2X", "AD"), ("fig3", "C"), ("figS2", "ABCDEF"), ("figS3", "AB")],
)
def test_a_heatmap_is_grey_exactly_where_no_run_converges(
    name: str, letters: str, drawn: Callable[[str], Drawn], load: Callable[[str], dict[str, Any]]
) -> None:
    data = load(name)
    # A run that does not converge has finite values: the convergence alone makes its cell grey.
    data["convergence_probability"][1, 0] = 0
    grey = data["convergence_probability"] == 0
    if name == "figS3":  # a cell may also have no run below the threshold
        data["eta_t_freeze_by_threshold"][:, 0, 1] = np.nan
        grey[0, 1] = True
    figure = draw(name, data)
    for letter in letters:
        np.testing.assert_array_equal(np.ma.getmaskarray(cells_of(axes_of(figure, letter))), grey)
        assert np.isfinite(cells_of(axes_of(drawn(name).figure, letter))[1, 0])
    assert len(figure.legends) == 1


def test_a_cell_whose_runs_converge_is_hatched_and_not_grey_where_it_has_no_value(
    load: Callable[[str], dict[str, Any]],
) -> None:
    data = load("fig2")
    data["similarity"][:, :DESCENT] = np.nan  # a single run makes no pair
    figure = draw("fig2", data)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["no pair of runs"]
    hatched = {(patch.get_x() + 0.5, patch.get_y() + 0.5) for patch in axes_of(figure, "A").patches}
    assert hatched == set(np.ndindex(len(ETA), DESCENT))
    data["convergence_probability"][0, 0] = 0
    figure = draw("fig2", data)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no converged run", "no pair of runs"]
    assert len(axes_of(figure, "A").patches) == len(hatched) - 1


def test_a_similarity_of_unconverged_runs_is_shown_and_hatched(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig2")
    data["convergence_probability"][1, 0] = 0
    figure = draw("fig2", data)
    axes = axes_of(figure, "A")
    np.testing.assert_array_equal(cells_of(axes), data["similarity"])
    (hatched,) = axes.patches
    assert (hatched.get_x() + 0.5, hatched.get_y() + 0.5) == (1, 0)
    assert "value of runs that did not converge" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_colours_of_flatness_and_freezing_are_logarithmic_and_a_gap_sets_gradient_descent_apart(
    drawn: Callable[[str], Drawn],
) -> None:
    for name, letter in (("fig2", "F"), ("fig3", "C"), ("figS3", "A")):
        axes = axes_of(drawn(name).figure, letter)
        mesh = next(child for child in axes.collections if isinstance(child, QuadMesh))
        assert isinstance(mesh.norm, LogNorm)
        assert [line.get_ydata()[0] for line in axes.lines] == [DESCENT - 0.5]


def test_losses_and_flatness_carry_the_unit_of_the_files_loss(load: Callable[[str], dict[str, Any]]) -> None:
    for units in ("nat", "1"):
        fig3 = draw("fig3", load("fig3") | {"loss_units": np.array(units)})
        assert axes_of(fig3, "B").get_ylabel().endswith(" (nat)") == (units == "nat")
        assert axes_of(fig3, "D").get_ylabel().endswith(" (1/nat)") == (units == "nat")
        lines = axes_of(draw("fig4X", load("fig4X") | {"loss_units": np.array(units)}), "A")
        assert ("1/nat" in lines.get_xlabel()) == (units == "nat")


def test_both_samplings_of_pairs_are_drawn_and_no_line_is_below_0(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig1")
    data |= {"slope": np.array(-2.0), "intercept": np.array(1.6)}
    figure = draw("fig1", data)
    random = axes_of(figure, "E")
    block = next(axes for axes in figure.axes if axes.get_title().startswith("the block's pairs"))
    for axes, kind in ((random, "pair"), (block, "block_pair")):
        mesh = next(child for child in axes.collections if isinstance(child, QuadMesh))
        assert mesh.get_array().sum() == np.isfinite(data[f"{kind}_barrier"]).sum() > 0
        assert axes.get_yscale() == "symlog" and axes.get_ylim()[0] == 0
        assert all(np.nanmin(line.get_ydata()) >= 0 for line in axes.lines if np.isfinite(line.get_ydata()).any())
    assert random.get_title().startswith("random pairs")


def test_the_flat_panel_has_the_endpoints_of_the_trajectories(drawn: Callable[[str], Drawn]) -> None:
    data, figure = drawn("fig1").data, drawn("fig1").figure
    axes = next(axes for axes in figure.axes if axes.get_title() == "A from above")
    ends = [line.get_xydata()[0] for line in axes.lines if line.get_marker() in runs.MARKERS]
    np.testing.assert_allclose(ends, data["block_pc"][:, -1])


def test_violins_are_of_five_runs_or_more_and_as_wide_as_their_number(load: Callable[[str], dict[str, Any]]) -> None:
    data, realizations = load("fig2"), 10
    random = np.random.default_rng(0)
    for name in ("test_accuracy", "flatness"):
        data[name] = random.uniform(0.5, 0.9, (len(ETA), len(B), realizations))
    data["converged"] = np.broadcast_to(
        np.arange(realizations) < np.array([10, 5, 4])[:, None], (len(ETA), len(B), realizations)
    )
    bodies = axes_of(draw("fig2", data), "E").collections
    widths = [np.ptp(body.get_paths()[0].vertices[:, 0]) for body in bodies]
    assert widths == pytest.approx([0.8, 0.4])


def test_the_freezing_times_stand_on_their_curves(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig3")
    row = ETA.index(SETTINGS["fig3"]["eta"])
    data["eta_t_freeze"][row] = ETA[row] * np.array([200, 150, np.nan])
    marks = [
        line for line in axes_of(draw("fig3", data), "D").lines if line.get_marker() == "v" and len(line.get_xdata())
    ]
    assert sorted(mark.get_xdata()[0] for mark in marks) == pytest.approx([150, 200])


@pytest.mark.parametrize(("name", "letters"), [("fig3", "C"), ("figS3", "AB")])
def test_a_threshold_that_no_run_reaches_leaves_its_map_empty(
    name: str, letters: str, load: Callable[[str], dict[str, Any]]
) -> None:
    data = load(name)
    for each in ("eta_t_freeze", "eta_t_freeze_by_threshold", "freezing_time"):
        if each in data:
            data[each] = np.full_like(data[each], np.nan)
    figure = draw(name, data)
    for letter in letters:
        assert texts_of(axes_of(figure, letter)) == [r"no run below $\mathcal{L}_c$"]


def test_the_maps_of_a_single_cell_are_drawn(load: Callable[[str], dict[str, Any]]) -> None:
    for cell in (np.s_[1:, :1], np.s_[1:, DESCENT:]):  # with noise, and of gradient descent
        for name in ("fig2", "fig2X", "figS2", "figS3"):
            data = load(name)
            for key, values in data.items():
                if values.shape[:2] == (len(ETA), len(B)):
                    data[key] = values[cell]
            data |= {"eta": data["eta"][cell[0]], "B": data["B"][cell[1]]}
            data["gradient_descent"] = data["gradient_descent"][cell[1]]
            if name == "figS3":
                data["eta_t_freeze_by_threshold"] = data["eta_t_freeze_by_threshold"][:, *cell]
            figure = draw(name, data)
            figure.draw_without_rendering()
            if name != "fig2X":
                continue
            axes, noise = axes_of(figure, "C"), data["noise"].item()
            if noise:
                assert axes.get_xlim()[0] < noise < axes.get_xlim()[1]
            else:
                assert texts_of(axes) == ["gradient descent alone"]


def test_a_figure_without_grey_cells_has_no_legend_of_grey(drawn: Callable[[str], Drawn]) -> None:
    assert (drawn("figS2").data["convergence_probability"] > 0).all()
    assert drawn("figS2").figure.legends == []


@pytest.mark.parametrize(
    ("name", "letter", "quantity"),
    [
        ("fig2", "D", "test_accuracy"),
        ("fig2", "F", "flatness"),
        ("fig2X", "A", "test_accuracy"),
        ("fig2X", "D", "test_file_accuracy"),
    ],
)
def test_the_best_of_a_cell_is_taken_over_its_converged_runs(
    name: str, letter: str, quantity: str, drawn: Callable[[str], Drawn], results: Path
) -> None:
    expected = over_converged(hdf5.read(results / "mnist/endpoints.h5"), quantity, np.max)
    np.testing.assert_array_equal(cells_of(axes_of(drawn(name).figure, letter)), expected)


def test_violins_show_converged_runs_alone(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig2")
    rate = ETA.index(SETTINGS["fig2"]["violin_eta"])
    data["converged"][rate] = [[True, False], [True, True], [False, False]]
    axes = axes_of(draw("fig2", data), "E")
    shown = {line.get_xdata()[0]: line.get_ydata() for line in axes.lines if line.get_markersize() == 2}
    for y in range(len(B)):
        expected = data["test_accuracy"][rate, y][data["converged"][rate, y]]
        np.testing.assert_array_equal(shown.get(y, []), expected)
    assert sorted(len(values) for values in shown.values()) == [1, 2]


def test_a_cell_with_one_value_is_a_point_without_a_violin(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig2")
    rate = ETA.index(SETTINGS["fig2"]["violin_eta"])
    data["converged"][rate] = [[True, False]] * len(B)
    axes = axes_of(draw("fig2", data), "G")
    assert not axes.collections
    assert len(axes.lines) == 2 * np.isfinite(data["flatness"][rate, :, 0]).sum() > 0


def test_gradient_descent_is_marked_even_if_every_cell_has_one_run(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig2")
    for name in ("converged", "test_accuracy", "flatness"):
        data[name] = data[name][..., :1]
    figure = draw("fig2", data)
    assert [text.get_text() for text in axes_of(figure, "A").get_yticklabels()] == ["10", "50", "100\nGD:\ncontrol"]
    assert [text.get_text() for text in axes_of(figure, "E").get_xticklabels()] == ["10", "50", "100 (GD)"]


def test_a_rate_that_was_not_run_leaves_the_violins_empty(load: Callable[[str], dict[str, Any]]) -> None:
    figure = draw("fig2", load("fig2"), violin_eta=0.3)
    assert texts_of(axes_of(figure, "E")) == ["no converged run"]
    assert not axes_of(figure, "D").patches


def test_means_stand_at_their_cells_noise_and_gradient_descent_apart(
    drawn: Callable[[str], Drawn], results: Path
) -> None:
    axes = axes_of(drawn("fig2X").figure, "F")
    mean = over_converged(hdf5.read(results / "mnist/endpoints.h5"), "test_file_accuracy", np.mean)
    noise = np.outer(ETA, 1 / np.array(B) - 1 / B[DESCENT])
    points, squares = axes.lines[:2]
    shown = sorted(zip(*points.get_data(), strict=True))
    expected = sorted(zip(noise[:, :DESCENT].ravel(), mean[:, :DESCENT].ravel(), strict=True))
    np.testing.assert_allclose(shown, expected, rtol=1e-12)
    np.testing.assert_allclose(squares.get_ydata(), mean[:, DESCENT], rtol=1e-12)
    assert (squares.get_xdata() < noise[:, :DESCENT].min()).all()


def test_the_bars_at_the_means_are_standard_errors(load: Callable[[str], dict[str, Any]]) -> None:
    data, realizations = load("fig2X"), 4
    shape = (len(ETA), len(B), realizations)
    data["test_accuracy"] = data["test_file_accuracy"] = np.random.default_rng(0).uniform(0.5, 0.9, shape)
    data["converged"] = np.ones(shape, bool)
    data["converged"][0, 0] = [False, True, False, False]  # no spread to estimate an error from
    data["converged"][1, 0] = [True, False, True, True]
    data["converged"][:, DESCENT, 1:] = False
    mean = data["mean_test_file_accuracy"] = over_converged(data, "test_file_accuracy", np.mean)
    (_, _, (bars,)), (_, _, (with_images,)), *_ = axes_of(draw("fig2X", data), "F").containers
    noisy = data["noise"] > 0
    assert len(bars.get_segments()) == noisy.sum()
    counts = set()
    for (x, low), (_, high) in bars.get_segments():
        ((i, j),) = np.argwhere(noisy & (data["noise"] == x) & np.isclose(mean, (low + high) / 2, rtol=1e-12))
        values = data["test_file_accuracy"][i, j][data["converged"][i, j]]
        expected = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0
        assert (high - low) / 2 == pytest.approx(expected, abs=1e-12)
        counts.add(len(values))
    images = data["test_file_error"].shape[-1]
    for short, long in zip(bars.get_segments(), with_images.get_segments(), strict=True):
        p = short[:, 1].mean()
        assert np.ptp(long[:, 1]) / 2 == pytest.approx(np.hypot(np.ptp(short[:, 1]) / 2, np.sqrt(p * (1 - p) / images)))
    assert counts == {1, realizations - 1, realizations}


def test_both_trajectory_panels_have_the_same_limits(drawn: Callable[[str], Drawn]) -> None:
    left, right = (axes_of(drawn("fig2").figure, letter) for letter in "BC")
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()


@pytest.mark.parametrize("path", [0, 1])
def test_the_interpolation_panels_share_a_loss_axis_that_holds_both(
    path: int, load: Callable[[str], dict[str, Any]]
) -> None:
    data = load("fig1")
    data["path_loss"][path] *= 50
    figure = draw("fig1", data)
    figure.draw_without_rendering()
    left, right = axes_of(figure, "C"), axes_of(figure, "D")
    assert left.get_ylim() == right.get_ylim()
    shown = data["path_loss"][:2]
    assert left.get_ylim()[0] <= shown.min() and left.get_ylim()[1] >= shown.max()


def test_a_barrier_panel_prints_the_similarity_and_the_pair(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig1")
    data["path_similarity"][1] = 0.625
    data["path_eta"][1], data["path_B"][1] = [0.005, 0.05], [200, 20]
    title = axes_of(draw("fig1", data), "D").get_title()
    assert "= 0.625" in title and "(0.05, 20) to (0.005, 200)" in title  # from alpha = 0 to 1


def test_the_numbered_cells_are_those_of_the_trajectories(drawn: Callable[[str], Drawn]) -> None:
    marks = {text.get_text(): text.get_position() for text in axes_of(drawn("fig2").figure, "A").texts}
    assert marks == {"①": (ETA.index(0.01), B.index(10)), "②": (ETA.index(0.02), B.index(10))}


def test_the_freezing_line_stands_at_the_freezing_time(drawn: Callable[[str], Drawn], results: Path) -> None:
    run = SETTINGS["fig3"]["run"]
    times = hdf5.read(results / "mnist/freezing.h5", ["freezing_time"])["freezing_time"]
    expected = times[0, ETA.index(run["eta"]), B.index(run["B"]), run["realization"]]
    axes = axes_of(drawn("fig3").figure, "A")
    vertical = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert vertical == [expected]
    assert any(f"{expected:.0f}" in text for text in texts_of(axes))


@pytest.mark.parametrize(("name", "letters", "first"), [("fig3", "C", 0), ("figS3", "AB", 1)])
def test_the_freezing_maps_are_rate_times_mean_time_of_the_runs_that_froze(
    name: str, letters: str, first: int, drawn: Callable[[str], Drawn], results: Path
) -> None:
    times = hdf5.read(results / "mnist/freezing.h5", ["freezing_time"])["freezing_time"]
    for threshold, letter in enumerate(letters, start=first):
        expected = np.array(ETA)[:, None] * np.nanmean(times[threshold], axis=-1)
        np.testing.assert_allclose(cells_of(axes_of(drawn(name).figure, letter)), expected)


def test_mean_curves_join_a_cells_files_and_leave_out_diverged_runs(results: Path, tmp_path: Path) -> None:
    inputs = tiny_run.figure_inputs(results, "fig3")
    (whole,) = (path for path in inputs["train"] if Path(path).name.startswith("eta0.02_B50_"))
    halves = [tmp_path / f"{realization}.h5" for realization in (0, 1)]
    for realization, half in enumerate(halves):
        tiny_run.rewrite(Path(whole), half, tiny_run.take("realization", [realization]))
    others = [path for path in inputs["train"] if path != whole]
    data = import_module("sgd_valleys.figures.fig3").load(inputs | {"train": [str(halves[1]), *others, str(halves[0])]})
    cell = data["train"][0.02, 50]
    np.testing.assert_array_equal(cell["train_loss"], hdf5.read(whole, ["train_loss"])["train_loss"])
    cell["train_loss"][0, 5:] = np.nan
    cell["train_loss"][0, :5] = 1e6
    lines = {line.get_label(): line for line in axes_of(draw("fig3", data), "B").lines}
    np.testing.assert_allclose(lines["50"].get_ydata(), cell["train_loss"][1:].mean(0))
    assert "100 (GD)" in lines


def test_a_run_that_was_not_trained_leaves_its_panel_empty(load: Callable[[str], dict[str, Any]]) -> None:
    for run in ({"eta": 0.3, "B": 50, "realization": 0}, {"eta": 0.02, "B": 50, "realization": 9}):
        assert "no converged run" in texts_of(axes_of(draw("fig3", load("fig3"), run=run), "A"))


def test_the_fraction_of_the_top_eigenvalues_is_of_converged_runs(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("figS1")
    data["converged"][0, 0, 1] = False
    fraction = figS1.top_fraction(data)
    assert fraction.size == data["converged"].sum() > 0
    np.testing.assert_allclose(fraction, (data["top_sum"] / data["trace"])[data["converged"]])


def test_the_branches_are_drawn_at_total_iterations_up_to_the_runs_end(
    drawn: Callable[[str], Drawn], results: Path
) -> None:
    axes = axes_of(drawn("fig4").figure, "B")
    (curves,) = (child for child in axes.collections if isinstance(child, LineCollection))
    for t_c, curve in zip([0, 50, 100, 150, 200], curves.get_segments(), strict=True):
        assert curve[0, 0] == t_c and curve[-1, 0] == 500
    run = hdf5.read(results / "mnist/train/eta0.02_B10_r0-1.h5", ["test_loss", "iteration"])
    line = next(line for line in axes.lines if len(line.get_xdata()) == len(run["iteration"]))
    assert line.get_ydata().tolist() == run["test_loss"][1].tolist()  # realization 1, the second of the file


def test_the_red_square_holds_the_branches_from_freezing_on(load: Callable[[str], dict[str, Any]]) -> None:
    data = load("fig4") | {"basin_freezing_time": 60.0}
    for freezing_time in (130.0, 101.0):
        data["freezing_time"] = freezing_time
        square, basin = axes_of(draw("fig4", data), "E").patches
        assert basin.get_linestyle() == "--"
        assert square.get_xy() == (125, 125)  # the first branch after it is 150, its cell from 125 on
        assert square.get_width() == 225 - 125
        assert basin.get_xy() == (75, 75)
    data["freezing_time"] = data["basin_freezing_time"] = 300.0
    assert not axes_of(draw("fig4", data), "E").patches


def test_the_fit_of_the_branches_is_the_stored_one(drawn: Callable[[str], Drawn], results: Path) -> None:
    path = results / f"mnist/branches/endpoints/{tiny_run.REFERENCE}.h5"
    names = [f"test_loss_{name}" for name in ("slope", "intercept", "r_squared")]
    slope, intercept, r_squared = hdf5.read(path, names).values()
    axes = axes_of(drawn("fig4").figure, "D")
    (line,) = axes.lines
    assert line.get_ydata() == pytest.approx(intercept + slope * line.get_xdata())
    assert f"$R^2$ = {r_squared:.2f}" in texts_of(axes)


@pytest.fixture(scope="module")
def statistics(results: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, np.ndarray]]:
    """What Fig. 4X shows of 4 and of 5 realizations, made from those of the run. Not to be changed."""
    source, folder = Path(tiny_run.figure_inputs(results, "fig4X")["statistics"]), tmp_path_factory.mktemp("statistics")
    found = {}
    for realizations in (4, 5):
        target = folder / f"{realizations}.h5"
        tiny_run.rewrite(source, target, tiny_run.take("realization", [0, 1, 0, 1, 0][:realizations]))
        none = np.nan if realizations < MIN_RUNS_FOR_INTERVAL else 0  # as in the file of so many realizations
        interval = {"test_loss_within_r_squared_interval": np.array([0.3, 0.5]) + none}
        found[realizations] = import_module("sgd_valleys.figures.fig4X").load({"statistics": str(target)}) | interval
        for name in ("flatness_interval", "test_loss_interval", "test_file_loss_interval"):
            mean = found[realizations][name.replace("interval", "mean")]
            found[realizations][name] = np.stack([mean - 0.02, mean + 0.02]) + none
    return found


def test_realizations_are_centred_before_they_are_drawn_together(statistics: dict[int, dict[str, np.ndarray]]) -> None:
    def heights(flatness: np.ndarray) -> np.ndarray:
        axes = axes_of(draw("fig4X", statistics[5] | {"flatness": flatness}), "B")
        return next(line for line in axes.lines if len(line.get_xdata()) > 2).get_ydata()

    flatness = statistics[5]["flatness"]
    shifted = heights(flatness + 100 * np.arange(5)[:, None])
    assert np.abs(shifted).max() < 50
    np.testing.assert_allclose(shifted, (flatness - flatness.mean(axis=1, keepdims=True)).ravel(), atol=1e-10)


def test_an_interval_over_few_realizations_is_not_drawn(statistics: dict[int, dict[str, np.ndarray]]) -> None:
    enough = draw("fig4X", statistics[5])
    assert axes_of(enough, "D").collections and "[0.30, 0.50]" in axes_of(enough, "B").get_title()
    few = draw("fig4X", statistics[4])
    assert not axes_of(few, "D").collections and "0.50]" not in axes_of(few, "B").get_title()


@pytest.mark.parametrize(("name", "letters"), [("fig5", "CD"), ("figS6", "AB")])
def test_a_phase_diagram_has_rates_across_and_noise_upwards(
    name: str, letters: str, drawn: Callable[[str], Drawn], results: Path
) -> None:
    diagram = hdf5.read(tiny_run.figure_inputs(results, name)["diagram"])
    figure = drawn(name).figure
    p_flat, freezing = (cells_of(axes_of(figure, letter)) for letter in letters)
    assert np.array_equal(p_flat, diagram["p_flat"])
    np.testing.assert_allclose(freezing.filled(np.nan), diagram["eta"][:, None] * diagram["freezing_time"])
    expected = {"fig5": ["0.01", "0.1"], "figS6": ["0.001", "0.1"]}[name]
    assert [text.get_text() for text in axes_of(figure, letters[0]).get_xticklabels()] == expected


def test_the_landscape_names_its_lines(drawn: Callable[[str], Drawn]) -> None:
    legend = axes_of(drawn("fig5").figure, "B").get_legend()
    expected = ["two runs", "floor of the sharper valley", "floor of the flatter valley"]
    assert [text.get_text() for text in legend.get_texts()] == expected


def test_rates_at_which_the_sharp_valley_is_unstable_are_hatched(load: Callable[[str], dict[str, Any]]) -> None:
    figure = draw("figS6", load("figS6") | {"stable": np.array([True, False])})
    for letter in "AB":
        hatched = [patch for patch in axes_of(figure, letter).patches if patch.get_hatch() == "xx"]
        assert [patch.get_x() for patch in hatched] == [0.5]


def test_cells_that_do_not_count_and_cells_that_are_not_frozen_are_hatched(
    load: Callable[[str], dict[str, Any]],
) -> None:
    enough, frozen = np.array([[False, True], [True, True]]), np.array([[False, False], [True, True]])
    data = load("figS6") | {"enough_changes": enough, "frozen": frozen, "p_flat": np.full((2, 2), 0.9)}
    figure = draw("figS6", data)
    for letter in "AB":
        hatched = {patch.get_hatch(): patch.get_xy() for patch in axes_of(figure, letter).patches}
        assert hatched == {"....": (-0.5, -0.5), "////": (-0.5, 0.5)}
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["too few runs change valley", "not frozen at the end"]


def test_the_distance_of_the_simulation_is_from_the_solution_at_the_same_noise(
    load: Callable[[str], dict[str, Any]],
) -> None:
    data = load("fig6X")
    data["small_eta_limit"][0]["p_flat"] = np.array([0.9, 0.91])
    row = data["ito"]["delta_S"].tolist().index(0.001)
    data["ito"]["p_flat_halving"][row] = 0.92
    data["ito"]["p_flat_halving"][np.arange(len(data["ito"]["delta_S"])) != row] = 0.5
    axes = axes_of(draw("fig6X", data), "B")
    simulated = next(line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "o")
    assert simulated.get_ydata() == pytest.approx([0.9 - 0.92, 0.91 - 0.92])
    assert simulated.get_xdata() == pytest.approx(np.sqrt([0.02, 0.01]))


def test_fig_S5_is_legible_on_every_grid(grid: dict[str, Any]) -> None:
    settings = SETTINGS["figS5"] | GRID_SETTINGS
    figure = import_module("sgd_valleys.figures.figS5").draw(grid, settings, SETTINGS["style"] | {"dpi": 300})
    with mpl.style.context(["default", figure.parameters]):  # as when it is saved
        figure.draw_without_rendering()
        assert_legible(text_boxes(figure), figure.bbox)
        boxes = [axes.get_tightbbox() for axes, _ in figure.letters]
        numbers = {
            (letter.get_text(), axis): tick_boxes(axes, axis) for axes, letter in figure.letters for axis in "xy"
        }
    assert len(boxes) == 10
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:k])
    digit = 6 * 0.73 * figure.dpi / 72  # height in pixels; the box of a text is higher
    for (letter, axis), along in numbers.items():
        if letter == "A":  # in 3D
            continue
        size = np.ptp(along, axis=1).max() + digit / 2 if axis == "x" and letter in "CIJ" else digit  # or rotated
        assert len(along) > 2 and np.diff(np.sort(along.mean(axis=1))).min() > size, letter


def draw_grid(grid: dict[str, Any], **changed: Any) -> style.StyledFigure:
    return draw("figS5", grid | changed, **GRID_SETTINGS)


def test_the_similarities_of_endpoints_stand_at_their_labels(grid: dict[str, Any]) -> None:
    axes = axes_of(draw_grid(grid), "B")
    shown = cells_of(axes)
    kept = np.isfinite(grid["block_jaccard"].diagonal())
    assert kept.any() and not kept.all()
    np.testing.assert_array_equal(shown, grid["block_jaccard"][np.ix_(kept, kept)])
    assert axes.get_title() == f"{kept.sum()} of {kept.size} runs converged"
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert len(labels) == kept.sum()
    assert axes.yaxis_inverted()  # the diagonal falls from the first run to the last
    for label, size in zip(labels, grid["block_B"][kept], strict=True):
        assert label.split(", ")[-1] == str(size)


def test_the_maps_of_fig_S5_show_what_the_grid_holds(grid: dict[str, Any]) -> None:
    figure = draw_grid(grid)
    converged = grid["convergence_probability"] > 0
    assert converged.any() and not converged.all()
    names = ("similarity", "max_test_accuracy", "max_flatness", "convergence_probability", "eta_t_freeze")
    for letter, name in zip("DEFGH", names, strict=True):
        shown = cells_of(axes_of(figure, letter))
        grey = np.zeros_like(converged) if name == "similarity" else ~converged  # that of other runs is hatched
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), grey)
        np.testing.assert_allclose(shown[converged], grid[name][converged])
    assert len(figure.legends) == 1


def test_the_curves_of_fig_S5_are_of_every_B_at_their_rates(grid: dict[str, Any]) -> None:
    figure, settings = draw_grid(grid), GRID_SETTINGS
    spectra, loss, flatness = ({line.get_label(): line for line in axes_of(figure, x).lines} for x in "CIJ")
    for size in grid["B"].tolist():
        spectrum = grid["spectrum"][settings["spectrum_eta"], size, 0]
        kept = spectrum > 1e-9 * spectrum.max()
        np.testing.assert_array_equal(spectra[str(size)].get_ydata()[kept], spectrum[kept])
        cell = grid["train"][settings["eta"], size]
        np.testing.assert_allclose(loss[str(size)].get_ydata(), cell["train_loss"].mean(0))
        np.testing.assert_array_equal(loss[str(size)].get_xdata(), cell["iteration"])
        mean = grid["curvature"][settings["eta"], size]["flatness"].mean(0)
        np.testing.assert_allclose(flatness[str(size)].get_ydata(), mean)
    assert any(np.all(line.get_ydata() == grid["threshold"][0]) for line in axes_of(figure, "I").lines)


def test_flatness_known_only_at_the_end_is_a_point_there(grid: dict[str, Any]) -> None:
    cells = {cell: arrays | {"flatness": arrays["flatness"].copy()} for cell, arrays in grid["curvature"].items()}
    for arrays in cells.values():
        arrays["flatness"][:, :-1] = np.nan
    lines = axes_of(draw_grid(grid, curvature=cells), "J").lines
    assert len(lines) == len(grid["B"])
    for line in lines:
        cell = cells[GRID_SETTINGS["eta"], int(line.get_label())]
        assert line.get_marker() == "o"
        assert (line.get_xdata(), line.get_ydata()) == (
            cell["iteration"][-1],
            pytest.approx(cell["flatness"][:, -1].mean()),
        )


def test_a_diverged_run_neither_shows_nor_stretches_the_trajectories(grid: dict[str, Any]) -> None:
    lost = ~np.isfinite(grid["block_pc"]).all(axis=(1, 2))
    assert lost.any() and np.nanmax(grid["block_loss"][lost]) > 1e3
    axes = axes_of(draw_grid(grid), "A")
    assert axes.get_zlim()[1] < np.log10(2.3) + 0.5
    ends = [line for line in axes.lines if line.get_marker() in runs.MARKERS and np.isfinite(line.get_data_3d()).all()]
    np.testing.assert_allclose([line.get_data_3d()[0][0] for line in ends], grid["block_pc"][~lost, -1, 0])


def test_the_star_stands_at_the_start_even_if_the_first_run_diverged(grid: dict[str, Any]) -> None:
    plane = grid["block_pc"].copy()
    plane[0] = np.nan
    axes = axes_of(draw_grid(grid, block_pc=plane), "A")
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    np.testing.assert_allclose(np.ravel(star.get_data_3d()), [0, 0, np.log10(2.3)], atol=1e-12)


def test_trajectories_that_all_diverged_leave_the_panel_empty(grid: dict[str, Any]) -> None:
    axes = axes_of(draw_grid(grid, block_pc=np.full_like(grid["block_pc"], np.nan)), "A")
    assert texts_of(axes) == ["no converged run"]
    assert not any(line.get_marker() == "*" for line in axes.lines)
