"""The page to explore, in a real browser: it opens from a file, needs no network, and shows what the results hold."""

import csv
import re
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.checkout import Checkout
from helpers.chromium import Browser
from helpers.explorer_page import page_data
from helpers.simulator import JAVASCRIPT, assert_same_numbers, javascript_input
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.keys import Keys

from sgd_valleys.explorer import arms, collect, page
from sgd_valleys.storage import hdf5

NOT_OURS = "Canvas2D: Multiple readback"  # plotly.js measures its letters, and the browser advises a faster way
STATES = ("converged", "not converged", "diverged")
MAPS = len(collect.MAPS) + 2  # two more thresholds of the freezing time

SIMULATOR, ARMS = 3, 6  # charts


def show(browser: Browser, path: Path, **size: int) -> Browser:
    """Open the page and wait until everything is drawn."""
    browser.open(path, **size)
    browser.wait('document.body.dataset.drawn === "all"', "the page drawn")
    return browser


@pytest.fixture(scope="module")
def path(complete: Checkout) -> Path:
    return complete.root / "results/explorer.html"


@pytest.fixture
def shown(browser: Browser, path: Path) -> Browser:
    return show(browser, path)


def complaints(browser: Browser) -> list[str]:
    """What was logged, but for advice that is plotly.js's own business."""
    return [message for message in browser.messages() if NOT_OURS not in message]


@pytest.mark.parametrize(
    ("absent", "hidden"),
    [
        ("experiments", {"space", "sweep", "arms"}),
        ("arms", {"arms"}),
        ("diagrams", {"model"}),
        ("landscape", {"simulator"}),
    ],
)
def test_what_a_run_lacks_is_not_shown(
    browser: Browser, path: Path, tmp_path: Path, absent: str, hidden: set[str]
) -> None:
    (tmp_path / "page.html").write_text(
        page.html(page_data(path) | {absent: [] if absent == "arms" else {}}), encoding="utf-8"
    )
    show(browser, tmp_path / "page.html")
    sections = browser.run("return [...document.querySelectorAll('section')].map((each) => [each.id, each.hidden])")
    assert {name.removesuffix("-section") for name, is_hidden in sections if is_hidden} == hidden
    assert complaints(browser) == []


def point_at(browser: Browser, name: str, cell: tuple[int, int], click: bool = False) -> None:
    """Move the pointer to a cell (eta, B) of a heatmap."""
    x, y = browser.run(
        """
        const graph = document.querySelector(`[data-map="${arguments[0]}"]`), [i, j] = arguments[1];
        graph.scrollIntoView({ block: "center" });
        const place = graph.querySelector(".nsewdrag").getBoundingClientRect();
        const [[left, right], [low, high]] = [graph.layout.xaxis.range, graph.layout.yaxis.range];
        const x = place.left + place.width * (i - left) / (right - left);
        return [x, place.bottom - place.height * (j - low) / (high - low)];
        """,
        name,
        cell,
    )
    actions = ActionBuilder(browser.driver)
    actions.pointer_action.move_to_location(round(x) - 3, round(y)).pause(0.2).move_to_location(round(x), round(y))
    if click:
        actions.pointer_action.pause(0.2).click()
    actions.perform()


def wait_for_cell(browser: Browser, eta: float, B: int) -> None:
    condition = f'document.getElementById("cell-summary").textContent.startsWith("η = {eta:g}, B = {B}")'
    browser.wait(condition, f"the cell eta = {eta:g}, B = {B} shown")


def framed(browser: Browser) -> dict[str, list[float]]:
    """The cell that is framed in each heatmap of the sweep."""
    return browser.run(
        """
        return Object.fromEntries([...document.querySelectorAll("#maps [data-map]")].map((graph) => {
          const frame = (graph.layout.shapes || []).findLast((shape) => shape.type === "rect");
          return [graph.dataset.map, frame ? [(frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2] : null];
        }));
        """
    )


def table(browser: Browser) -> list[list[Any]]:
    """The table of a cell's runs: full numbers where there are any, else the text."""
    return browser.run(
        """
        return [...document.querySelectorAll("#cell-runs tbody tr")].map((row) => [...row.cells].map((cell) => {
          const number = cell.querySelector("data");
          return number ? Number(number.value) : cell.textContent;
        }));
        """
    )


def traces(browser: Browser, graph: str) -> list[dict[str, Any]]:
    """Name, mode and points of what is drawn in a graph."""
    return browser.run(
        """
        const { data } = document.getElementById(arguments[0]);
        return data.map(({ type, name, mode, x, y, z }) => ({ type, name, mode, x, y, z }));
        """,
        graph,
    )


def test_it_opens_from_a_file_without_a_network_and_complains_of_nothing(shown: Browser) -> None:
    assert shown.run("return navigator.onLine") is False
    assert complaints(shown) == []
    asked = shown.requests()
    assert (
        asked[0].startswith("file:") and len([each for each in asked if not each.startswith(("data:", "blob:"))]) == 1
    )
    empty = shown.run(
        'return [...document.querySelectorAll(".plot")].filter((graph) => !(graph.data && graph.data.length)).length'
    )
    assert empty == 0
    assert (
        shown.run('return document.querySelectorAll(".js-plotly-plot").length')
        == 2 + MAPS + 2 + 2 * 2 + SIMULATOR + ARMS
    )
    assert shown.run('return document.querySelectorAll(".scene canvas").length') >= 2


def test_pointing_at_a_cell_shows_its_runs_and_frames_it_everywhere(shown: Browser, path: Path) -> None:
    ends = hdf5.read(path.parent / "mnist/endpoints.h5")
    times = hdf5.read(path.parent / "mnist/freezing.h5")
    for name, cell in (("max_flatness", (0, 1)), ("similarity", (1, 2))):
        point_at(shown, name, cell)
        wait_for_cell(shown, ends["eta"][cell[0]], ends["B"][cell[1]])
        assert list(framed(shown).values()) == [list(cell)] * MAPS
        rows = table(shown)
        assert len(rows) == ends["runs"][cell]
        for r, (number, loss, accuracy, *_, flatness, frozen, state) in enumerate(rows):
            at = (*cell, r)
            assert number == str(r) and state == STATES[0 if ends["converged"][at] else 1]
            assert [loss, flatness] == pytest.approx([ends["train_loss"][at], ends["flatness"][at]], rel=1e-12)
            assert accuracy == pytest.approx(ends["test_accuracy"][at], rel=1e-12)
            assert frozen == times["freezing_time"][0][at]
        (eta, B) = ends["eta"][cell[0]], ends["B"][cell[1]]
        (train,) = (path.parent / "mnist/train").glob(f"eta{eta:g}_B{B}_r*.h5")
        curves = hdf5.read(train, ["train_loss", "iteration"])
        drawn = next(trace for trace in traces(shown, "cell-loss") if trace["mode"] == "lines" and trace["x"])
        points = [(x, y) for x, y in zip(drawn["x"], drawn["y"], strict=True) if x is not None]
        kept = ends["converged"][cell][: len(rows)]
        assert [x for x, _ in points] == curves["iteration"].tolist() * int(kept.sum())
        assert [y for _, y in points] == pytest.approx(curves["train_loss"][kept].ravel(), rel=1e-6)
        diamonds = traces(shown, "cell-loss")[-1]["x"]
        assert diamonds == [time for time in times["freezing_time"][0][cell] if np.isfinite(time)]
    place = shown.run('return document.querySelector("#cell-places tbody tr").textContent')
    assert re.search(r"of \d+, the most similar first", place)


def test_a_clicked_cell_stays_until_it_is_clicked_again(shown: Browser) -> None:
    point_at(shown, "mean_flatness", (1, 1), click=True)
    shown.wait('document.getElementById("pin").getAttribute("aria-pressed") === "true"', "the cell kept")
    point_at(shown, "mean_flatness", (0, 0))
    point_at(shown, "mean_flatness", (1, 1))
    wait_for_cell(shown, 0.02, 50)
    assert framed(shown)["mean_flatness"] == [1, 1]
    point_at(shown, "mean_flatness", (1, 1), click=True)
    shown.wait('document.getElementById("pin").getAttribute("aria-pressed") === "false"', "the cell let go")
    point_at(shown, "mean_flatness", (0, 0))
    wait_for_cell(shown, 0.01, 10)


def test_the_keyboard_reaches_every_cell(shown: Browser) -> None:
    graph = shown.driver.find_element("css selector", '[data-map="max_flatness"]')
    shown.run("arguments[0].focus()", graph)
    graph.send_keys(Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait_for_cell(shown, 0.01, 10)
    graph.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ENTER)
    wait_for_cell(shown, 0.02, 50)
    assert shown.run('return document.getElementById("pin").getAttribute("aria-pressed")') == "true"
    graph.send_keys(Keys.ESCAPE)
    assert shown.run('return document.getElementById("pin").getAttribute("aria-pressed")') == "false"
    shown.run('const B = document.getElementById("cell-B"); B.value = 0; B.dispatchEvent(new Event("change"));')
    wait_for_cell(shown, 0.02, 10)


def test_scenes_hold_the_projected_points_and_turn_when_dragged(shown: Browser, path: Path) -> None:
    block = hdf5.read(path.parent / "mnist/projection.h5")
    lines = [trace for trace in traces(shown, "block") if trace["mode"] == "lines"]
    assert len(lines) == len(block["block_eta"])
    for line, points, loss in zip(lines, block["block_pc"], block["block_loss"], strict=True):
        assert line["type"] == "scatter3d"
        assert line["x"] == pytest.approx(points[:, 0], rel=1e-5, abs=1e-6)
        assert line["y"] == pytest.approx(points[:, 1], rel=1e-5, abs=1e-6)
        assert line["z"] == pytest.approx(np.log10(loss), rel=1e-5, abs=1e-6)
    branches = hdf5.read(path.parent / "mnist/branches/projection/eta0.02_B10_r1.h5")
    drawn = [trace for trace in traces(shown, "branches") if trace["mode"] == "lines+markers"]
    for line, points in zip(drawn, branches["pc"], strict=True):
        assert line["x"] == pytest.approx(points[:, 0], rel=1e-5, abs=1e-6)
    for graph in ("block", "branches"):
        before = eye(shown, graph)
        shown.wait(lambda graph=graph, before=before: abs(dragged(shown, graph) - before) > 0.05, "turned")


def eye(shown: Browser, graph: str) -> float:
    return shown.run(f'return document.getElementById("{graph}")._fullLayout.scene._scene.getCamera().eye.x')


def dragged(shown: Browser, graph: str) -> float:
    """Drag a scene, wait for a frame, and return its eye. A scene that is still being drawn ignores the drag."""
    x, y = shown.run(
        """
        const scene = document.getElementById(arguments[0]);
        scene.scrollIntoView({ block: "center" });
        const place = scene.getBoundingClientRect();
        return [place.left + place.width / 2, place.top + place.height / 2];
        """,
        graph,
    )
    actions = ActionBuilder(shown.driver)
    actions.pointer_action.move_to_location(round(x), round(y)).pointer_down()
    for step in range(1, 6):
        actions.pointer_action.move_to_location(round(x) + 20 * step, round(y) + 6 * step).pause(0.1)
    actions.pointer_action.pointer_up()
    actions.perform()
    time.sleep(1)
    return eye(shown, graph)


def test_the_other_experiment_takes_the_place_of_the_first(shown: Browser, path: Path) -> None:
    ends = hdf5.read(path.parent / "cifar10/endpoints.h5")
    shown.run('document.querySelector("input[value=cifar10]").click()')
    shown.wait('document.body.dataset.ready === "cifar10"', "cifar10 drawn")
    assert not shown.driver.find_element("id", "branches").is_displayed()  # it has none
    point_at(shown, "similarity", (1, 0))
    wait_for_cell(shown, ends["eta"][1], ends["B"][0])
    assert [row[1] for row in table(shown)] == pytest.approx(ends["train_loss"][1, 0].tolist(), rel=1e-12)
    shown.run('document.querySelector("input[value=mnist]").click()')
    shown.wait('document.body.dataset.ready === "mnist"', "mnist drawn again")
    assert shown.driver.find_element("id", "branches").is_displayed()
    assert complaints(shown) == []


def test_a_phase_diagram_tells_the_cell_that_is_pointed_at(shown: Browser, path: Path) -> None:
    diagram = hdf5.read(path.parent / "two_valley/phase_diagram_H.h5")
    point_at(shown, "H-p_flat", (1, 2))
    shown.wait('document.getElementById("summary-H").textContent.startsWith("η")', "the cell shown")
    summary = shown.driver.find_element("id", "summary-H").text
    value, error = map(float, re.search(r"= ([\d.e-]+) ± ([\d.e-]+)", summary.split(":")[1]).groups())
    assert value == pytest.approx(diagram["p_flat"][1, 2], abs=6e-4)
    assert error == pytest.approx(diagram["p_flat_error"][1, 2], rel=6e-3)


def test_the_simulator_computes_the_numbers_of_the_library(shown: Browser) -> None:
    assert_same_numbers(shown.run(f"const [numbers] = arguments; {JAVASCRIPT}", javascript_input()))


def move(browser: Browser, **sliders: float | str) -> None:
    """Set sliders and lists of the simulator, and wait until all of its charts are drawn."""
    for name, value in sliders.items():
        browser.run(
            """
            const input = document.getElementById(`set-${arguments[0]}`);
            input.value = arguments[1];
            for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
            """,
            name,
            value,
        )
    wait_for_simulation(browser, **sliders)


def wait_for_simulation(browser: Browser, **expected: float | str) -> None:
    browser.wait(
        lambda: browser.run(
            """
            const set = JSON.parse(document.body.dataset.simulated || "{}");
            return Object.entries(arguments[0]).every(([name, value]) => set[name] === value);
            """,
            expected,
        ),
        f"{expected} simulated",
    )


def probabilities(browser: Browser, graph: str) -> list[list[float]]:
    """P_flat with its interval at each point of a chart of the simulator."""
    (head, *rows) = browser.run("return document.getElementById(arguments[0]).table()", graph)
    return [[row[head.index(name)] for name in ("P_flat", "low", "high")] for row in rows]


def test_a_slider_changes_what_is_simulated(shown: Browser) -> None:
    wait_for_simulation(shown, y=5, noise="H")
    before = probabilities(shown, "simulator-scan")
    for low, high in (
        (low, high) for graph in ("time", "scan") for _, low, high in probabilities(shown, f"simulator-{graph}")
    ):
        assert 0 <= low < high <= 1
    move(shown, y=1, noise="isotropic", runs=100)
    after = probabilities(shown, "simulator-scan")
    assert len(before) == len(after) == 9 + 1 and before != after
    move(shown, x2=0.8)  # equal valleys
    equal = probabilities(shown, "simulator-time")[1:]
    assert np.mean([value for value, _, _ in equal]) == pytest.approx(0.5, abs=0.1)
    assert "γ = 1" in shown.driver.find_element("id", "shown-x2").text
    assert complaints(shown) == []


def test_a_link_keeps_what_is_chosen(shown: Browser) -> None:
    shown.run('document.querySelector("input[value=cifar10]").click()')
    shown.wait('document.body.dataset.ready === "cifar10"', "cifar10 drawn")
    shown.run('const B = document.getElementById("cell-B"); B.value = 1; B.dispatchEvent(new Event("change"));')
    move(shown, eta=0.1, noise="H2")
    chosen = shown.run("return [location.hash, document.getElementById('cell-summary').textContent]")
    shown.run("location.reload()")
    shown.wait('document.body.dataset.drawn === "all"', "the page drawn again")
    wait_for_simulation(shown, eta=0.1, noise="H2")
    assert shown.run("return experiment.name") == "cifar10"
    assert shown.run("return [location.hash, document.getElementById('cell-summary').textContent]") == chosen
    assert shown.run('return document.getElementById("pin").getAttribute("aria-pressed")') == "true"
    assert complaints(shown) == []


def test_every_chart_offers_its_data(shown: Browser, path: Path, tmp_path: Path) -> None:
    without = shown.run(
        """
        const charts = [...document.querySelectorAll(".js-plotly-plot")].filter((chart) => chart.offsetParent);
        return charts.filter((chart) => !chart.csvButton || chart.table().length < 2).map((chart) => chart.id);
        """
    )
    assert without == []
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    shown.run("""document.querySelector('[data-map="mean_train_loss"]').csvButton.click()""")
    saved = tmp_path / "mnist-mean_train_loss.csv"
    shown.wait(saved.exists, "the file saved")
    with saved.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    mnist = page_data(path)["experiments"]["mnist"]
    (values,) = (each["values"] for each in mnist["maps"] if each["name"] == "mean_train_loss")
    assert [(eta, int(B)) for eta, B, _ in rows] == [(eta, B) for eta in mnist["eta"] for B in mnist["B"]]
    assert [float(value) if value else None for *_, value in rows] == [each for row in values for each in row]


def test_arms_are_compared_in_a_common_cell(browser: Browser, path: Path, tmp_path: Path) -> None:
    data = page_data(path)
    files = {name: str(path.parent / f"mnist/{name}.h5") for name in ("endpoints", "freezing", "jaccard")}
    mnist = data["experiments"]["mnist"]
    mnist["summaries"] = arms.read_summaries(files, [("0.02", 10), ("0.02", 100)], 1, 50)
    data["experiments"]["other"] = deepcopy(mnist) | {"training": {"noise": "covariance"}}
    own = data["experiments"]["other"]["summaries"][1][0]["flatness"]
    own |= {"low": 0.9 * own["mean"], "high": 1.2 * own["mean"]}
    data["arms"] = [["mnist", "other"]]
    (tmp_path / "arms.html").write_text(page.html(data), encoding="utf-8")
    show(browser, tmp_path / "arms.html")
    (points,) = (trace for trace in traces(browser, "arms-flatness")[1:])
    assert points["x"] == pytest.approx([mnist["summaries"][1][0]["flatness"]["mean"]] * 2)
    (line,) = browser.run('return document.getElementById("arms-flatness").layout.shapes')
    assert line["x0"] == pytest.approx(mnist["summaries"][1][2]["flatness"]["mean"])
    assert browser.run('return document.querySelectorAll("#arms-charts .js-plotly-plot").length') == 6
    browser.run('document.querySelector("#arms-choice input[value=mnist]").click()')
    browser.run("location.reload()")
    browser.wait('document.body.dataset.drawn === "all"', "the page drawn again")
    assert len(traces(browser, "arms-flatness")[1]["x"]) == 1
    assert "other" in browser.run('return toCsv(document.getElementById("arms-flatness").table())')
    browser.run('document.querySelector("input[value=cifar10]").click()')  # no arm
    browser.wait('document.body.dataset.ready === "cifar10"', "cifar10 drawn")
    assert not browser.driver.find_element("id", "arms-section").is_displayed()
    assert complaints(browser) == []


def test_missing_parts_do_not_break_it(browser: Browser, path: Path, tmp_path: Path) -> None:
    data = page_data(path)
    mnist = data["experiments"]["mnist"]
    mnist["branches"] = None
    mnist["cells"][0][0] = None  # not run
    lost = mnist["cells"][1][1]
    lost["state"] = ["diverged"] * len(lost["state"])
    lost["final"] = {name: [None] * len(lost["state"]) for name in lost["final"]}
    for part, name in ((lost, "loss"), (mnist["block"], "loss"), (mnist["block"], "pc")):
        part[name] = collect.pack(np.full(part[name]["shape"], np.nan))
    for each in mnist["maps"]:
        each["values"] = [[None] * 3] * 2
        each["rank"] = each["share"] = [[0] * 3] * 2
    damaged = tmp_path / "missing.html"
    damaged.write_text(page.html(data), encoding="utf-8")
    show(browser, damaged)
    point_at(browser, "max_flatness", (1, 1))  # grey, as all cells
    wait_for_cell(browser, 0.02, 50)
    for cell, text in (((0, 0), "no runs"), ((1, 1), "2 diverged"), ((0, 2), "1 run,")):
        browser.run("showCell(arguments[0], false)", cell)
        assert text in browser.driver.find_element("id", "cell-summary").text
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [360, 820, 1280])
def test_it_fits_the_window(browser: Browser, path: Path, width: int) -> None:
    show(browser, path, width=width)
    assert browser.run("return document.documentElement.scrollWidth") <= width
