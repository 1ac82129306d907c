"""`snakemake publish` puts a run of config.yaml into the documentation, all of it or nothing."""

import json
import re
import shutil

import pytest
import yaml
from helpers.checkout import ROOT, Checkout

from sgd_valleys.claims import tables
from sgd_valleys.claims.statements import read_statements
from sgd_valleys.results.published import PLACE
from sgd_valleys.workflow.config_files import DEFAULTS

CONTROLS = [f"figC{k}" for k in range(1, 10)]
THEORY = ("model corners", "model transition", "model ends", "model small eta", "model courses")
BLOCKS = ("findings", "run times", *CONTROLS, *THEORY)
# fields of a claim that no measurement changes: its place in the paper, and what the verdict is made with
EXPECTED = ("section", "where", "paper_value", "side", "no_effect", "unit")


@pytest.fixture
def published(finished: Checkout) -> Checkout:
    """A finished run with the settings of config.yaml, and the documentation to put it into."""
    shutil.copy(
        finished.root / "results/config.yaml", finished.root / "config.yaml"
    )  # all settings, those of figures too
    (finished.root / "config/figures.yaml").write_text("figures: {}\n", encoding="utf-8")
    (finished.root / "docs/figures").mkdir(parents=True)
    numbers = tables.numbers(content_of(finished))
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        # without the numbers of the arms that the tiny run does not have
        kept = PLACE.sub(
            lambda place: place[0] if place["name"] in {*numbers, *BLOCKS} else "", page.read_text(encoding="utf-8")
        )
        (finished.root / page.relative_to(ROOT)).write_text(kept, encoding="utf-8")
    return finished


def content_of(checkout: Checkout) -> dict:
    return json.loads((checkout.root / "results/claims.json").read_text(encoding="utf-8"))


def pages_of(checkout: Checkout) -> dict[str, str]:
    """Text of the README and of every page, by name."""
    paths = (checkout.root / "README.md", *(checkout.root / "docs").rglob("*"))
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.suffix in (".md", ".json")}


def places_of(page: str) -> dict[str, str]:
    """What stands between the marks of a page, by name."""
    return {place["name"]: place["old"] for place in PLACE.finditer(page)}


def test_the_claims_numbers_and_figures_of_the_run_are_in_the_documentation(published: Checkout) -> None:
    before = pages_of(published)
    published.run("publish", tiny=False)
    root, content, pages = published.root, content_of(published), pages_of(published)
    assert (root / "docs/claims.json").read_bytes() == (root / "results/claims.json").read_bytes()
    assert pages["claims.md"] == tables.page(content)
    shown = {path.name: path.read_bytes() for path in (root / "docs/figures").iterdir()}
    assert shown == {path.name: path.read_bytes() for path in (root / "results/figures").glob("*.png")}
    assert len(shown) == 24

    assert places_of(pages["README.md"])["findings"].strip() == "\n".join(tables.findings_block(content))
    times = places_of(pages["performance.md"])["run times"]
    jobs = dict(re.findall(r"^\| `?(\w+)`? \| (\d+) \|", times, re.M))
    assert jobs["figures"] == "24" and jobs["claims"] == "1"
    assert int(jobs["train"]) == len(list((root / "results").glob("*/train/*.h5")))
    assert int(jobs["all"]) == len(list((root / "results/benchmarks").rglob("*.tsv")))
    assert {figure: places_of(pages["controls.md"])[figure].count("\n- ") > 0 for figure in CONTROLS} == dict.fromkeys(
        CONTROLS, True
    )
    rows = {name: places_of(pages["theory.md"])[name].count("\n| ") - 2 for name in THEORY}
    assert (
        rows["model corners"] == 4 and rows["model ends"] == rows["model courses"] > 0 and rows["model small eta"] > 0
    )
    numbers = tables.numbers(content)
    assert {name: text for name, text in places_of(pages["results.md"]).items() if numbers[name] != text} == {}
    for name in before.keys() - {"claims.md", "claims.json"}:  # all else stays
        old, new = (PLACE.sub(r"<!-- \g<name> -->", page) for page in (before[name], pages[name]))
        assert old == new

    published.run("publish", tiny=False)
    assert pages_of(published) == pages


def assert_refused(checkout: Checkout, sentence: str, **options: bool) -> None:
    before = pages_of(checkout)
    ended = checkout.snakemake("publish", **options)
    assert ended.returncode != 0 and "Traceback" not in ended.stdout
    assert sentence in ended.stdout
    assert pages_of(checkout) == before
    assert not list((checkout.root / "docs/figures").iterdir())


def test_a_run_of_other_settings_is_not_published(published: Checkout) -> None:
    for name in DEFAULTS:
        shutil.copy(ROOT / name, published.root / name)
    assert_refused(published, ": differs from config.yaml; allowed are the settings of config.yaml")


def test_results_of_other_settings_are_not_published(published: Checkout) -> None:
    """As of a preview that was copied to the folder of the paper."""
    published.detach("results/config.yaml")
    path = published.root / "results/config.yaml"
    recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(recorded | {"seed": 1}), encoding="utf-8")
    assert_refused(
        published, "publish: results = results: the run in this folder has other settings, in seed", tiny=False
    )
    path.unlink()
    assert_refused(
        published, "publish: results/config.yaml: missing; allowed is the folder of a finished run", tiny=False
    )


def test_publishing_starts_no_run(published: Checkout) -> None:
    claims = published.root / "results/claims.json"
    claims.unlink()
    ended = published.snakemake("publish", tiny=False)
    assert ended.returncode != 0
    assert "results/claims.json: missing; allowed are files of a finished run; run the workflow first." in ended.stdout
    assert not claims.exists()


def test_a_readme_without_a_place_for_the_findings_is_refused(published: Checkout) -> None:
    (published.root / "README.md").write_text("No findings.\n", encoding="utf-8")
    assert_refused(published, "publish: <!-- findings -->: 0 places in README.md", tiny=False)


def test_the_documentation_shows_the_published_numbers() -> None:
    content = json.loads((ROOT / "docs/claims.json").read_text(encoding="utf-8"))
    numbers = tables.numbers(content)
    for page in (ROOT / "docs").glob("*.md"):
        for name, text in places_of(page.read_text(encoding="utf-8")).items():
            assert numbers.get(name, text) == text, f"{page.name}, {name}: publish a run of config.yaml anew"


def without_settings(text: str) -> str:
    """Remove the numbers of a statement or a key: the settings of the run set them."""
    return re.sub(r"\d+(\.\d+)?", "#", text)


@pytest.fixture
def made_and_published(complete: Checkout) -> tuple[dict, dict]:
    """The claims of the tiny run, and those in docs/."""
    return content_of(complete), json.loads((ROOT / "docs/claims.json").read_text(encoding="utf-8"))


def test_every_claim_that_the_code_makes_is_published_and_no_other(made_and_published: tuple[dict, dict]) -> None:
    made, published = ({claim["key"] for claim in content["claims"]} for content in made_and_published)
    stated = {key for statements in read_statements()["sections"].values() for key in statements}
    assert published == stated, "publish a run of config.yaml anew"
    assert made < published  # the tiny run does not have all arms


def test_published_claims_state_and_expect_what_the_code_does(made_and_published: tuple[dict, dict]) -> None:
    made, published = ({claim["key"]: claim for claim in content["claims"]} for content in made_and_published)
    common = made.keys() & published.keys()
    assert len(common) > 40
    stale = {
        (key, name): (published[key].get(name), made[key].get(name))
        for key in sorted(common)
        for name in EXPECTED
        if published[key].get(name) != made[key].get(name)
    }
    stale |= {
        (key, name): (published[key][name], made[key][name])
        for key in sorted(common)
        for name in ("statement", "effect", "paper")
        if without_settings(published[key][name]) != without_settings(made[key][name])
    }
    assert stale == {}, "publish a run of config.yaml anew"


def test_the_published_rule_is_the_one_that_judges(made_and_published: tuple[dict, dict]) -> None:
    made, published = made_and_published
    assert published["rule"] == made["rule"], "publish a run of config.yaml anew"
