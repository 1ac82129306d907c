"""Provide the templates of the report with claims, settings, and descriptions of experiments."""

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
from sgd_valleys.claims.verdict import AGREES, VERDICTS
from sgd_valleys.config.inheritance import as_overlay, changes
from sgd_valleys.results.published import read_headlines
from sgd_valleys.results.recorded import options_of_a_run
from sgd_valleys.workflow.inputs import Inputs
from sgd_valleys.workflow.paths import LocatedConfiguration

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


@dataclass(frozen=True)
class Report(LocatedConfiguration):
    """Texts and data for the templates of the report.

    Attributes:
        paper: config.yaml in its full form (``resolution.resolve``).
        written: configuration in its full form; words such as ``last`` are not replaced.
        placed: returns the path of a result in a workflow that uses this one as a module.
    """

    paper: Mapping[str, Any]
    written: Mapping[str, Any]
    placed: Callable[[str], str] = str

    def existing(self, path: str) -> str:
        """Return the path of a result, and check that the file exists.

        Raises:
            WorkflowError: the file does not exist.
        """
        path = self.placed(path)
        if not Path(path).is_file():
            raise WorkflowError(f"{path}: missing; allowed are files of a finished run; run the workflow first.")
        return path

    def judged(self) -> dict[str, Any]:
        """Return the content of claims.json: claims and other measured numbers.

        Raises:
            WorkflowError: the file does not exist.
        """
        return json.loads(Path(self.existing(self.paths.CLAIMS)).read_text(encoding="utf-8"))

    def measurement(self, key: str) -> str:
        """Return a measured number with its interval, for a caption; empty if claims.json lacks the key."""
        content = self.judged()
        found = (each for each in (*content["claims"], *content["numbers"]) if each["key"] == key)
        return next(map(format_measurement, found), "")

    def claims_about(self, figure: str, part: str = "") -> str:
        """Return the claims about a figure as a list for its caption, in reStructuredText.

        Claims that disagree or are undecided come first. Claims that agree are in a folded list.

        Args:
            figure: number of the figure in the paper, such as "S1".
            part: restricts the list to claims whose key contains it.
        """
        lines: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
        for claim in self.judged()["claims"]:
            figures = re.sub(r"Eqs?\. [A-Z]?\d+", "", claim["where"]).partition("Fig")[2]
            if figure in re.findall(r"S?\d+", figures) and part in claim["key"]:
                verdict, mark = claim["verdict"], f" {tables.OURS}" if claim["ours"] else ""
                measured = f"{claim['effect']}: {format_measurement(claim)}"
                text = escape(f"{claim['statement']} {measured} ({claim['where']}){mark}")
                lines[verdict].append(f"<li><b>{tables.MARKS[verdict]} {verdict}</b>: {text}</li>")
        agreeing = lines.pop(AGREES)
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

    @staticmethod
    def headlines(files: Iterable[str]) -> str:
        """Return the headline numbers of the files of a figure as a list for its caption, in reStructuredText."""
        lines = [f"<li>{escape(sentence)}</li>" for sentence in read_headlines(files)]
        folded = f"<details><summary>{len(lines)} numbers of this run [95% interval]</summary><ul>"
        return "\n   ".join([".. raw:: html\n", '<div class="judged">', folded, *lines, "</ul></details></div>"])

    @property
    def overlay(self) -> dict[str, Any]:
        """The overlay that turns config.yaml into the configuration of this run."""
        return as_overlay(self.paper, self.written)

    @property
    def changed_settings(self) -> list[tuple[str, Any, Any]]:
        """The settings that differ, as (name, value in config.yaml, value of this run)."""
        return list(changes(self.paper, self.overlay))

    def refuse_unfinished(self, outputs: Iterable[str]) -> None:
        """Refuse to report an unfinished run.

        Args:
            outputs: output files of the jobs that are not finished.

        Raises:
            WorkflowError: a job is not finished.
        """
        if outputs := sorted(outputs):
            raise WorkflowError(
                f"report: with these settings {len(outputs)} jobs are unfinished, for example the job of {outputs[0]}; "
                "allowed is a finished run; run the workflow first, or give the settings of a finished run, "
                f"{options_of_a_run(Path(self.paths.folder))}."
            )

    def plan(self, name: str) -> str:
        """Describe the numbers of cells, runs and jobs of an experiment in one line."""
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
        """Return the names of the network and of the data set of an experiment."""
        experiment = self.experiments[name]
        data_set = experiment.data_set.name
        return f"{experiment['network']['name'].upper()} on {TITLES.get(data_set, data_set)}"

    def description(self, name: str) -> str:
        """Describe the network, the images, the cells and the duration of an experiment."""
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
