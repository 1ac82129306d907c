"""Check the settings of the two-valley model."""

from collections.abc import Iterator, Mapping
from typing import Any

from sgd_valleys.config.sweep import canonical, log_grid
from sgd_valleys.errors import UserError
from sgd_valleys.two_valley.landscape import Landscape, stability_bound

Settings = Mapping[str, Any]


def continuous_diagram(model: Settings) -> Settings:
    """Return the settings of the phase diagram that is compared with the theory in continuous time."""
    return model["phase_diagrams"][model["continuous_time"]["diagram"]]


def model_errors(model: Settings) -> Iterator[str]:
    """Yield a sentence for every invalid setting: of the landscape, the grids, the starts, the times or the records.

    Args:
        model: section ``two_valley``, which conforms to the schema.
    """
    try:
        Landscape(**model["landscape"])
    except UserError as error:
        yield f"two_valley.landscape.{error}"
    yield from _grid_errors(model)
    yield from _continuous_time_errors(model)
    yield from _control_errors(model["controls"])
    occupancy, landscape = model["occupancy"], model["landscape"]
    starts = {f"phase_diagrams.{name}": diagram["start"] for name, diagram in model["phase_diagrams"].items()}
    for name, start in (starts | {name: model[name]["start"] for name in ("occupancy", "controls")}).items():
        if start["x"] >= landscape["x2"]:
            yield (
                f"two_valley.{name}.start.x = {start['x']}: not inside both valleys; allowed are values below "
                f"x2 = {landscape['x2']}; lower the value."
            )
    if occupancy["iterations"] % (occupancy["points"] - 1):
        yield (
            f"two_valley.occupancy.iterations = {occupancy['iterations']}: not divisible into equal recording "
            f"steps; allowed are multiples of points - 1 = {occupancy['points'] - 1}; change iterations or points."
        )
    if occupancy["trajectories"] > occupancy["runs"]:
        yield (
            f"two_valley.occupancy.trajectories = {occupancy['trajectories']}: more than the runs; allowed are at most "
            f"{occupancy['runs']} (occupancy.runs); lower trajectories, or raise runs."
        )


def _grid_errors(model: Settings) -> Iterator[str]:
    grids = {
        f"phase_diagrams.{name}.{axis}": diagram[axis]
        for name, diagram in model["phase_diagrams"].items()
        for axis in ("eta", "sigma")
    }
    grids |= {"theory.gamma": model["theory"]["gamma"], "theory.delta_S": model["theory"]["delta_S"]}
    grids["theory.plane.delta_S"] = model["theory"]["plane"]["delta_S"]
    grids |= {f"{name}.delta_S": model[name]["delta_S"] for name in ("controls", "continuous_time")}
    for name, grid in grids.items():
        if not isinstance(grid, Mapping):
            continue
        first, last, points = grid["first"], grid["last"], grid["points"]
        if last < first or (points == 1) != (last == first):
            yield (
                f"two_valley.{name} = {{first: {first}, last: {last}, points: {points}}}: not an ascending grid; "
                "allowed are first < last, and first = last with points = 1; change the grid."
            )
        elif len(set(log_grid(grid))) < points:
            yield (
                f"two_valley.{name}.points = {points}: points from {first} to {last} coincide after rounding to 6 "
                "digits; allowed are distinct points; lower points, or widen the range."
            )
    if model["theory"]["gamma"]["first"] < 1:
        yield (
            f"two_valley.theory.gamma.first = {model['theory']['gamma']['first']}: too small; allowed are values of at "
            "least 1; raise the value."
        )


def _continuous_time_errors(model: Settings) -> Iterator[str]:
    diagrams, chosen = model["phase_diagrams"], model["continuous_time"]["diagram"]
    if chosen not in diagrams:
        yield (
            f"two_valley.continuous_time.diagram = {chosen}: unknown; allowed are {', '.join(diagrams)} "
            "(two_valley.phase_diagrams); choose one of these."
        )
    elif diagrams[chosen]["noise"] != "H":
        yield (
            f"two_valley.continuous_time.diagram = {chosen}: the diagram has noise {diagrams[chosen]['noise']}; "
            "allowed are diagrams with noise H, as in the theory; choose another diagram."
        )
    limit = model["continuous_time"]["small_eta_limit"]
    for eta in limit["eta"]:
        if limit["time"] < eta:
            yield (
                f"two_valley.continuous_time.small_eta_limit.time = {limit['time']}: less than one step of "
                f"eta = {eta}; allowed are times of at least eta; raise the time, or lower eta."
            )


def _control_errors(controls: Settings) -> Iterator[str]:
    for where, rates in (("eta", [controls["eta"]]), ("arms.eta", controls["arms"]["eta"])):
        if controls["time"] < max(rates):
            yield (
                f"two_valley.controls.time = {controls['time']}: less than one step of {where} = {max(rates)}; "
                "allowed are times of at least eta; raise the time, or lower eta."
            )


def model_warnings(model: Settings | None) -> list[str]:
    """Return a sentence for every learning rate at which the sharp valley is unstable.

    Args:
        model: section ``two_valley``; None if the model is removed.
    """
    if model is None:
        return []
    landscape, found = Landscape(**model["landscape"]), []
    for where, eta, y in _rates(model):
        bound = stability_bound(landscape, y)
        if eta >= bound:
            found.append(
                f"two_valley.{where} = {canonical(eta)}: the sharp valley is unstable; stable are eta < {bound:.3g}, "
                f"the minimum of f_2(y) for y >= {y:g}; the figures mark unstable cells."
            )
    return found


def _rates(model: Settings) -> Iterator[tuple[str, float, float]]:
    """Yield (name of the setting, learning rate, smallest y at which its runs start) for every learning rate."""
    for name, diagram in model["phase_diagrams"].items():
        for eta in log_grid(diagram["eta"]):
            yield f"phase_diagrams.{name}.eta", eta, diagram["start"]["y"]
    yield "occupancy.eta", model["occupancy"]["eta"], model["occupancy"]["start"]["y"]
    controls, arms = model["controls"], model["controls"]["arms"]
    yield "controls.eta", controls["eta"], min(controls["start"]["y"], *arms["y"])
    for eta in arms["eta"]:
        yield "controls.arms.eta", eta, controls["start"]["y"]
    for eta in model["continuous_time"]["small_eta_limit"]["eta"]:
        yield "continuous_time.small_eta_limit.eta", eta, continuous_diagram(model)["start"]["y"]
