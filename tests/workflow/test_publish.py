"""`snakemake publish` puts a run of config.yaml into the documentation, all of it or nothing."""

import json
import re
import shutil

import pytest
import yaml
from helpers.checkout import ROOT, Checkout

from sgd_valleys.claims import tables

README = (ROOT / "README.md").read_text(encoding="utf-8")
START, END = "<!-- claims: written by `snakemake publish` -->\n", "<!-- end of claims -->"
OLD = "what was said before"
# fields of a claim that no measurement changes: its place in the paper, and what the verdict is made with
EXPECTED = ("section", "where", "paper", "paper_value", "tolerance", "side", "strength", "no_effect")


@pytest.fixture
def published(finished: Checkout) -> Checkout:
    """A finished run with the settings of config.yaml, and a documentation to put it into."""
    shutil.copy(finished.root / "results/config.yaml", finished.root / "config.yaml")
    (finished.root / "docs/figures").mkdir(parents=True)
    (finished.root / "README.md").write_text(f"Before.\n{START}{OLD}\n{END}\nAfter.\n", encoding="utf-8")
    return finished


def content_of(checkout: Checkout) -> dict:
    return json.loads((checkout.root / "results/claims.json").read_text(encoding="utf-8"))


def test_the_claims_and_the_figures_of_the_run_are_in_the_documentation(published: Checkout) -> None:
    published.run("publish", tiny=False)
    root, content = published.root, content_of(published)
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert readme == f"Before.\n{START}\n{tables.readme_section(content)}\n{END}\nAfter.\n"
    assert (root / "docs/claims.json").read_bytes() == (root / "results/claims.json").read_bytes()
    assert (root / "docs/claims.md").read_text(encoding="utf-8") == tables.page(content)
    shown = {path.name: path.read_bytes() for path in (root / "docs/figures").iterdir()}
    assert shown == {path.name: path.read_bytes() for path in (root / "results/figures").glob("*.png")}
    assert len(shown) == 15

    once = (root / "README.md").read_text(encoding="utf-8")
    published.run("publish", tiny=False)
    assert (root / "README.md").read_text(encoding="utf-8") == once


def assert_refused(checkout: Checkout, sentence: str, **options: bool) -> None:
    before = (checkout.root / "README.md").read_text(encoding="utf-8")
    ended = checkout.snakemake("publish", **options)
    assert ended.returncode != 0 and "Traceback" not in ended.stdout
    assert sentence in ended.stdout
    assert (checkout.root / "README.md").read_text(encoding="utf-8") == before
    assert [path.name for path in (checkout.root / "docs").rglob("*")] == ["figures"]


def test_a_run_of_other_settings_is_not_published(published: Checkout) -> None:
    shutil.copy(ROOT / "config.yaml", published.root)
    assert_refused(published, "publish: the settings differ from config.yaml's in ")


def test_results_of_other_settings_are_not_published(published: Checkout) -> None:
    """As of a preview that was copied to the folder of the paper."""
    published.detach("results/config.yaml")
    path = published.root / "results/config.yaml"
    recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(recorded | {"seed": 1}), encoding="utf-8")
    assert_refused(published, "publish: results holds a run of other settings than this command's, in seed", tiny=False)
    path.unlink()
    assert_refused(published, "publish: results/config.yaml is not there: finish the run first", tiny=False)


def test_publishing_starts_no_run(published: Checkout) -> None:
    claims = published.root / "results/claims.json"
    claims.unlink()
    ended = published.snakemake("publish", tiny=False)
    assert ended.returncode != 0
    assert "results/claims.json does not exist: run the workflow first." in ended.stdout
    assert not claims.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readme", "places"), [("No claims.\n", 0), (f"{START}{OLD}\n", 0), (f"{START}{END}\n{START}{END}\n", 2)]
)
def test_a_readme_without_one_place_for_the_claims_is_refused(published: Checkout, readme: str, places: int) -> None:
    (published.root / "README.md").write_text(readme, encoding="utf-8")
    assert_refused(published, f"publish: README.md has {places} places for the claims", tiny=False)


def test_the_readme_has_one_place_for_the_claims() -> None:
    assert README.count(START) == README.count(END) == 1
    assert README.index(START) < README.index(END)


def without_settings(text: str) -> str:
    """Remove the numbers of a statement or a key: the settings of the run set them."""
    return re.sub(r"\d+(\.\d+)?", "#", text)


@pytest.fixture
def made_and_published(complete: Checkout) -> tuple[dict, dict]:
    """The claims of the tiny run, and those in docs/."""
    return content_of(complete), json.loads((ROOT / "docs/claims.json").read_text(encoding="utf-8"))


def test_every_claim_that_the_code_makes_is_published_and_no_other(made_and_published: tuple[dict, dict]) -> None:
    made, published = (
        {without_settings(claim["key"]) for claim in content["claims"]} for content in made_and_published
    )
    assert made == published, "publish a run of config.yaml anew"


def test_published_claims_state_and_expect_what_the_code_does(made_and_published: tuple[dict, dict]) -> None:
    made, published = ({claim["key"]: claim for claim in content["claims"]} for content in made_and_published)
    common = made.keys() & published.keys()
    assert len(common) > 60
    stale = {
        (key, name): (published[key].get(name), made[key].get(name))
        for key in sorted(common)
        for name in EXPECTED
        if published[key].get(name) != made[key].get(name)
    }
    stale |= {
        (key, "statement"): (published[key]["statement"], made[key]["statement"])
        for key in sorted(common)
        if without_settings(published[key]["statement"]) != without_settings(made[key]["statement"])
    }
    assert stale == {}, "publish a run of config.yaml anew"


def test_the_published_rule_is_the_one_that_judges(made_and_published: tuple[dict, dict]) -> None:
    made, published = made_and_published
    assert published["rule"] == made["rule"], "publish a run of config.yaml anew"
