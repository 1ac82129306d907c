"""What the templates of the report ask for: claims, settings, and one line about every experiment."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from sgd_valleys.claims import tables
from sgd_valleys.claims.formatting import format_measurement
from sgd_valleys.config.inheritance import as_overlay, changes
from sgd_valleys.results.recorded import options_of_a_run
from sgd_valleys.workflow.inputs import Inputs
from sgd_valleys.workflow.paths import LocatedConfiguration

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
VERDICTS = ("disagrees", "undecided", "agrees in direction")  # in the order in which a caption lists them


@dataclass(frozen=True)
class Report(LocatedConfiguration):
    """What the templates ask of the configuration.

    Attributes:
        paper: config.yaml in its full form (``resolution.resolve``).
        written: the configuration in its full form, with words that follow the sweep.
        placed: returns the path of a result as the workflow that uses this one as a module names it.
    """

    paper: Mapping[str, Any]
    written: Mapping[str, Any]
    placed: Callable[[str], str] = str

    def existing(self, path: str) -> str:
        """Return the path of a result that the report shows, or that is published.

        Raises:
            WorkflowError: the file does not exist.
        """
        path = self.placed(path)
        if not Path(path).is_file():
            raise WorkflowError(f"{path} does not exist: run the workflow first.")
        return path

    def claims(self) -> list[dict[str, Any]]:
        """Return the judged claims."""
        return json.loads(Path(self.existing(self.paths.CLAIMS)).read_text(encoding="utf-8"))["claims"]

    def measurement(self, key: str) -> str:
        """Return a claim's number with its interval, for a caption; empty where the run has no such claim."""
        return next((format_measurement(claim) for claim in self.claims() if claim["key"] == key), "")

    def claims_about(self, figure: str, part: str = "") -> str:
        """Return the claims about a figure as a list for its caption, in reStructuredText.

        Claims that do not simply agree come first; the others are folded.

        Args:
            figure: its number in the paper.
            part: restricts the list to claims whose key contains it.
        """
        lines: dict[str, list[str]] = {verdict: [] for verdict in (*VERDICTS, "agrees")}
        for claim in self.claims():
            where = claim["where"].partition(", as ")[0]  # a claim of another experiment names its own figure first
            figures = re.sub(r"Eqs?\. [A-Z]?\d+", "", where).partition("Fig")[2]
            if figure in re.findall(r"S?\d+", figures) and part in claim["key"]:
                verdict, ours = claim["verdict"], " (ours)" if claim["beyond_paper"] else ""
                text = escape(f"{claim['statement']} Here {format_measurement(claim)} ({claim['where']}){ours}")
                lines[verdict].append(f"<li><b>{tables.MARKS[verdict]} {verdict}</b>: {text}</li>")
        agreeing = lines.pop("agrees")
        others = [line for found in lines.values() for line in found]
        if not others and not agreeing:
            return ""
        count = f"{'and ' if others else ''}{len(agreeing)} that {'agrees' if len(agreeing) == 1 else 'agree'}"
        html = [
            "<p>Its claims, with the numbers of this run [95% interval]; more on each is on the first page:</p>",
            *(["<ul>", *others, "</ul>"] if others else []),
            *([f"<details><summary>{count}</summary><ul>", *agreeing, "</ul></details>"] if agreeing else []),
        ]
        return "\n   ".join([".. raw:: html\n", '<div class="judged">', *html, "</div>"])

    @property
    def overlay(self) -> dict[str, Any]:
        """The configuration of this run as an overlay on config.yaml."""
        return as_overlay(self.paper, self.written)

    @property
    def changed_settings(self) -> list[tuple[str, Any, Any]]:
        """The settings that differ from config.yaml, as (name, there, here)."""
        return list(changes(self.paper, self.overlay))

    def refuse_unfinished(self, outputs: Iterable[str]) -> None:
        """Refuse to report a run that is not finished.

        Args:
            outputs: of the jobs that are still to be run.

        Raises:
            WorkflowError: there is such a job.
        """
        if outputs := sorted(outputs):
            raise WorkflowError(
                f"The report is of a finished run, and with these settings {len(outputs)} jobs are to be run, as that "
                f"of {outputs[0]}: run the workflow first, or give the settings of a run, "
                f"{options_of_a_run(Path(self.paths.folder))}."
            )

    def plan(self, name: str) -> str:
        """Describe an experiment in a line: its numbers of cells, runs and jobs."""
        experiment = self.experiments[name]
        sweep = experiment.sweep
        counts = Counter(sweep.count(cell) for cell in sweep.cells if not sweep.is_deterministic(cell))
        descents, starts = len(sweep.cells) - counts.total(), sweep.initializations
        cells = [f"{cells} with {runs} realizations" for runs, cells in sorted(counts.items())]
        if descents:
            cells.append(f"{descents} of gradient descent with {starts if starts > 1 else 'one'}")
        chunks = Inputs(self.config, self.experiments).chunks(self.paths.TRAIN, name)
        return f"{name}: {len(sweep.cells)} cells: {', '.join(cells)}; in {len(chunks)} training jobs" + "".join(
            f"; {len(found.realizations)} runs of eta = {cell.eta}, B = {cell.B} branched {found.count} times each"
            for cell, found in experiment.branchings.items()
        )

    def title(self, name: str) -> str:
        """Name the network and the data set of an experiment."""
        experiment = self.experiments[name]
        data_set = experiment.data_set.name
        return f"{experiment['network']['name'].upper()} on {TITLES.get(data_set, data_set)}"

    def description(self, name: str) -> str:
        """Describe what an experiment trains on which images, for how long, and over which cells."""
        experiment = self.experiments[name]
        network, sweep = experiment["network"], experiment.sweep
        images = [
            f"{experiment.samples(part):,} {text} images ({experiment['dataset'][f'{part}_per_class']} of each class)"
            for part, text in (("train", "training"), ("test", "test"))
        ]
        layers = [
            f"{', '.join(map(str, network[kind]))} {kind}" for kind in ("channels", "hidden") if network.get(kind)
        ]
        units = f"layers of {', then '.join(layers)} units" if layers else "no hidden layer"
        rates = sorted(sweep.eta, key=float)
        return (
            f"{self.title(name)}, {units}; "
            f"{' and '.join(images)}, and the whole test file; η from {rates[0]} to {rates[-1]}, "
            f"B from {min(sweep.B)} to {max(sweep.B)}, every run for η T = {sweep.eta_T}"
        )
