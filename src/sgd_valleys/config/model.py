"""Whether the settings of the two-valley model can be run."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.config.sweep import canonical, log_grid
from sgd_valleys.errors import UserError
from sgd_valleys.two_valley.landscape import Landscape, stability_bound

Settings = Mapping[str, Any]


def continuous_diagram(model: Settings) -> Settings:
    """Return the phase diagram that is compared with continuous time."""
    return model["phase_diagrams"][model["continuous_time"]["diagram"]]


def model_errors(model: Settings) -> Iterator[str]:
    """Yield a sentence for every setting without a landscape of two valleys, an ascending grid, or a fitting record.

    Args:
        model: the settings ``two_valley``, of the shape that the schema asks for.
    """
    try:
        Landscape(**model["landscape"])
    except UserError as error:
        yield f"two_valley.landscape: {error}"
    yield from _grid_errors(model)
    yield from _continuous_time_errors(model)
    occupancy, landscape = model["occupancy"], model["landscape"]
    starts = {f"phase_diagrams.{name}": diagram["start"] for name, diagram in model["phase_diagrams"].items()}
    for name, start in (starts | {"occupancy": occupancy["start"]}).items():
        if start["x"] >= landscape["x2"]:
            yield (
                f"two_valley.{name}.start.x is {start['x']}: it has to lie inside both valleys, below "
                f"x2 = {landscape['x2']}."
            )
    if occupancy["iterations"] % (occupancy["points"] - 1):
        yield (
            f"two_valley.occupancy.iterations: {occupancy['iterations']} cannot be recorded at points = "
            f"{occupancy['points']} equally spaced whole ones: change one of them."
        )
    if occupancy["trajectories"] > occupancy["runs"]:
        yield f"two_valley.occupancy.trajectories is {occupancy['trajectories']}: there are {occupancy['runs']} runs."


def _grid_errors(model: Settings) -> Iterator[str]:
    grids = {
        f"phase_diagrams.{name}.{axis}": diagram[axis]
        for name, diagram in model["phase_diagrams"].items()
        for axis in ("eta", "sigma")
    }
    grids |= {"theory.gamma": model["theory"]["gamma"], "theory.delta_S": model["theory"]["delta_S"]}
    grids["continuous_time.delta_S"] = model["continuous_time"]["delta_S"]
    for name, grid in grids.items():
        if not isinstance(grid, Mapping):
            continue
        first, last, points = grid["first"], grid["last"], grid["points"]
        if last < first or (points == 1) != (last == first):
            yield (
                f"two_valley.{name} goes from {first} to {last} in {points} points: "
                "it has to ascend, and one point is its first and its last."
            )
        elif len(set(log_grid(grid))) < points:
            yield (
                f"two_valley.{name}: {points} points from {first} to {last} are not distinct "
                "to 6 digits: take fewer, or a wider span."
            )
    if model["theory"]["gamma"]["first"] < 1:
        yield f"two_valley.theory.gamma.first is {model['theory']['gamma']['first']}: it has to be at least 1."


def _continuous_time_errors(model: Settings) -> Iterator[str]:
    diagrams, chosen = model["phase_diagrams"], model["continuous_time"]["diagram"]
    if chosen not in diagrams:
        yield f"two_valley.continuous_time.diagram is {chosen}: phase_diagrams has {', '.join(diagrams)}."
    elif diagrams[chosen]["noise"] != "H":
        yield (
            f"two_valley.continuous_time.diagram is {chosen}, of noise {diagrams[chosen]['noise']}: the theory that "
            "it is compared with is of noise H."
        )
    limit = model["continuous_time"]["small_eta_limit"]
    for eta in limit["eta"]:
        if limit["time"] < eta:
            yield f"two_valley.continuous_time.small_eta_limit.time is {limit['time']}: less than a step of {eta}."


def model_warnings(model: Settings | None) -> list[str]:
    """Return a sentence for every learning rate at which the sharp valley is unstable; none without a model."""
    if model is None:
        return []
    landscape, found = Landscape(**model["landscape"]), []
    for where, eta, y in _rates(model):
        bound = stability_bound(landscape, y)
        if eta >= bound:
            found.append(
                f"two_valley.{where}: at eta = {canonical(eta)} the sharp valley is unstable: it needs eta < f_2(y), "
                f"which is {bound:.3g} at its least from y = {y:g} on; such cells are marked in the figures."
            )
    return found


def _rates(model: Settings) -> Iterator[tuple[str, float, float]]:
    """Yield every learning rate with the name of its setting and the y at which its runs start."""
    for name, diagram in model["phase_diagrams"].items():
        for eta in log_grid(diagram["eta"]):
            yield f"phase_diagrams.{name}.eta", eta, diagram["start"]["y"]
    yield "occupancy.eta", model["occupancy"]["eta"], model["occupancy"]["start"]["y"]
    for eta in model["continuous_time"]["small_eta_limit"]["eta"]:
        yield "continuous_time.small_eta_limit.eta", eta, continuous_diagram(model)["start"]["y"]
