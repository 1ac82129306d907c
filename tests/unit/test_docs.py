"""The documentation: its settings are valid, its links lead somewhere, its tables hold what the code has."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from helpers.settings import ROOT, SCHEMA, checked

from sgd_valleys.config.validation import OWN_FOLDERS
from sgd_valleys.errors import UserError
from sgd_valleys.randomness import Stage

PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md")  # pages beside the site
README = (ROOT / "README.md").read_text(encoding="utf-8")


def yaml_blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """The settings that pages show, with the name of the page; python.md shows those of another workflow."""
    for name, text in {**PAGES, "README.md": README}.items():
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if name != "python.md" else ():
            yield name, yaml.safe_load(block)


def refused(page: str, settings: dict[str, Any]) -> bool:
    """Whether it is the mistake that a page shows."""
    return page == "change-something.md" and "B: [30]" in yaml.safe_dump(settings, default_flow_style=None)


BLOCKS = [pytest.param(*block, id=f"{block[0]}-{k}") for k, block in enumerate(yaml_blocks())]


@pytest.mark.parametrize(("page", "settings"), BLOCKS)
@pytest.mark.parametrize("scale", [(), ("config/preview.yaml",)], ids=["paper", "preview"])
def test_settings_that_a_page_shows_are_valid(page: str, settings: dict[str, Any], scale: tuple[str, ...]) -> None:
    if refused(page, settings):
        with pytest.raises(UserError, match="B = 30: not a divisor of the 1000 training samples"):
            checked(*scale, settings)
    else:
        checked(*scale, settings)


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", FILES)
def test_links_of_pages_beside_the_site_lead_somewhere(name: str) -> None:
    """Those within the site are checked by its build, which is strict."""
    path = ROOT / name
    for link in re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', path.read_text(encoding="utf-8")):
        target, _, anchor = "".join(link).partition("#")
        if target.startswith("https://"):
            continue
        other = path.parent / target if target else path
        assert other.exists(), f"{name}: {target}"
        assert not anchor or anchor in anchors(other.read_text(encoding="utf-8")), f"{name}: {target}#{anchor}"


@pytest.mark.parametrize("name", sorted(PAGES.keys() - {"claims.md", "errata.md"}))
def test_no_symbol_of_a_page_is_read_as_a_tag(name: str) -> None:
    """Such as the mean <t_freeze>, which a browser would not show: write &lt; and &gt;."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", PAGES[name], flags=re.S)
    assert re.findall(r"<\w*_\w*>", prose) == []


@pytest.mark.parametrize("name", [*PAGES, "README.md"])
def test_no_word_of_a_filled_number_is_repeated_after_it(name: str) -> None:
    """Such as its unit, which `publish` writes together with the number."""
    assert re.findall(r"(?<=[\s>])(\S+)<!-- / -->\s+\1(?!\w)", {**PAGES, "README.md": README}[name]) == []


def test_the_readme_has_a_readable_size() -> None:
    assert len(README.splitlines()) <= 150


def test_the_page_on_experiments_has_every_reserved_name() -> None:
    (names,) = re.findall(r"^The names (.*) are reserved", PAGES["experiments.md"], re.M)
    assert re.findall(r"`(\w+)`", names) == list(OWN_FOLDERS)


def test_the_page_on_random_streams_has_every_stream() -> None:
    section = PAGES["reruns.md"].partition("## Random streams")[2]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.M)) == sorted(Stage.__members__)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The module docs/pages.py."""
    spec = spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(page: str) -> Iterator[tuple[str, str, str, str, str]]:
    """The cells of the tables of settings: name, value, allowed values, source, meaning."""
    for line in re.findall(r"^\| `[^`]+` \|.*\|$", page.partition("## General")[2], re.M):
        yield tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])


def leaves(schema: dict[str, Any], definitions: dict[str, Any], name: str) -> Iterator[str]:
    """The names of all settings of a schema that are no section."""
    schema = definitions[schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema
    if schema.get("additionalProperties") is False and "properties" in schema:
        for child, each in schema["properties"].items():
            yield from leaves(each, definitions, f"{name}.{child}" if name else child)
    else:
        yield name


def test_a_comment_divides_into_source_and_meaning(generator: ModuleType) -> None:
    text = "a:\n  b: 1 # [paper, sampling] what for\n  c: {d: 2} # no source\n  e: # [ours]\n    f: 3\n"
    comments = dict(generator.trailing_comments("my.yaml", text))
    (_, block), *_ = generator.compose("my.yaml", text).value
    found = {key.value: generator.comment_of(key, value, comments) for key, value in block.value}
    assert found == {"b": ("paper, sampling", "what for"), "c": ("", "no source"), "e": ("ours", "")}


def test_the_page_on_the_configuration_has_every_setting_once(generator: ModuleType) -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    expected = [name for name in leaves(schema, schema["$defs"], "") if name != "experiments"]
    expected += leaves(schema["$defs"]["experiment"], schema["$defs"], "")
    found = [name.strip("`") for name, _, allowed, *_ in rows(generator.page()) if allowed != "the settings below"]
    assert sorted(found) == sorted(expected)


def test_the_page_on_the_configuration_has_the_values_and_comments_of_config_yaml(generator: ModuleType) -> None:
    found = {name.strip("`"): rest for name, *rest in rows(generator.page())}
    assert found["sweep.B"][0] == "`[10, 20, 50, 100, 200, 500, 1000]`"
    assert found["curvature.per_class"][0] == "`100` in `cifar10`"
    assert found["device"][1] == "`auto`, `cpu`, `cuda`"
    assert found["freezing.L_c"][1] == "number above 0" and "Eq. 7" in found["freezing.L_c"][3]
    assert found["two_valley.landscape.x1"][0] == "`0.8`"
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for name, (value, *_) in found.items():
        if value and " in " not in value:
            top = config if name.split(".")[0] in config else config["experiments"]["mnist"]
            for key in name.split("."):
                top = top[key]
            assert yaml.safe_load(value.strip("`")) == top, name


@pytest.mark.skipif(not find_spec("mkdocs"), reason="the environment lacks the extra docs: make docs installs it")
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_the_internet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    built = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")}
    assert len(built) > 20 and "configuration.html" in built and "analysis.html" in built
    loading = r'<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?//[^"]*"|<link[^>]*href="(?:https?:)?//[^"]*"'
    assert {name: re.findall(loading, text) for name, text in built.items() if re.search(loading, text)} == {}
    assert 'class="doc doc-heading"' in built["api.html"]
    assert built["analysis.html"].count("data:image/png") >= 4
