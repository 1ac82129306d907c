"""The simulator of the page computes the library's numbers; Node.js runs its script without a browser."""

import json
import shutil
import subprocess
from typing import Any

import pytest
from helpers.simulator import JAVASCRIPT, assert_same_numbers, javascript_input
from scipy.stats import binomtest

from sgd_valleys.explorer import page

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def run_javascript(body: str, numbers: Any) -> Any:
    """Return what a function body in the page's simulator returns for ``numbers``."""
    script = (page.FOLDER / "simulator.js").read_text(encoding="utf-8")
    call = f"process.stdout.write(JSON.stringify(((numbers) => {{{body}}})(JSON.parse(require('fs').readFileSync(0)))))"
    command = [NODE, "-e", f"{script}\n{call}"]
    done = subprocess.run(command, input=json.dumps(numbers), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_derivatives_and_runs_are_those_of_the_library() -> None:
    assert_same_numbers(run_javascript(JAVASCRIPT, javascript_input()))


def test_the_interval_of_a_probability_is_wilsons() -> None:
    counts = [[0, 20], [7, 20], [300, 300]]
    found = run_javascript("return numbers.map(([count, trials]) => binomialInterval(count, trials))", counts)
    for (count, trials), interval in zip(counts, found, strict=True):
        expected = binomtest(count, trials).proportion_ci(0.95, method="wilson")
        assert interval == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_the_normal_numbers_are_normal_and_follow_the_seed() -> None:
    body = """
    return numbers.map((seed) => {
      const next = normalPairs(seed), pair = new Float64Array(2), all = [];
      for (let i = 0; i < 20000; i++) { next(pair); all.push(pair[0], pair[1]); }
      const mean = (f) => all.reduce((sum, each, i) => sum + f(each, i), 0) / all.length;
      const moments = [1, 2, 3, 4].map((power) => mean((each) => each ** power));
      return [...moments, mean((each, i) => each * all[(i + 1) % all.length])];
    });
    """
    first, again, other = run_javascript(body, [1, 1, 2])
    assert first == again and first != other
    for moments in (first, other):
        assert moments == pytest.approx([0, 1, 0, 3, 0], abs=0.12)
