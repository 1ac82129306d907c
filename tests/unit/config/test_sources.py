"""Every value of config.yaml says where it comes from."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers.settings import ROOT, checked
from jsonschema import Draft202012Validator, ValidationError

from sgd_valleys.config.editor_schema import editor_schema

SOURCES, AIMS = {"paper", "supplement", "code", "ours"}, {"sampling", "statistics", "execution"}
EDITOR_SCHEMA = ROOT / "workflow/schemas/editor.schema.json"
TAG = re.compile(r"# \[(\w+)(?:, (\w+))?\]")


def untagged(text: str) -> list[str]:
    """Return the values of a file of settings with neither a source of their own nor one of a key above them."""
    lines = text.splitlines()

    def is_tagged(node: yaml.Node) -> bool:
        return TAG.search(lines[node.start_mark.line]) is not None

    def walk(node: yaml.Node, name: str) -> Iterator[str]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if not is_tagged(key):
                    yield from walk(value, f"{name}.{key.value}".lstrip("."))
        elif not is_tagged(node):
            yield name

    return list(walk(yaml.compose(text), ""))


def test_every_value_has_a_source() -> None:
    assert untagged((ROOT / "config.yaml").read_text(encoding="utf-8")) == []


def test_a_value_without_a_source_is_found() -> None:
    text = "a: 1 # [paper]\nb: # [ours, sampling] text\n  c: 2\nd: {e: 3} # text\nf:\n  g: [4] # [ours]\n  h: 5\n"
    assert untagged(text) == ["d.e", "f.h"]


def test_sources_and_aims_are_known_words() -> None:
    tags = TAG.findall((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert {source for source, _ in tags} <= SOURCES and {aim for _, aim in tags} <= AIMS | {""}
    assert len(tags) > 100 and {"paper", "supplement", "ours"} <= {source for source, _ in tags}


@pytest.mark.parametrize("name", ["config.yaml", "config/example.yaml", "config/figures.yaml", "config/preview.yaml"])
def test_editors_find_the_schema_and_accept_the_file(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    schema = (ROOT / name).parent / text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert list(_errors(schema, yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "wrong", [{"sead": 3}, {"experiments": {"mnist": {"sweep": {"eta": "fast"}}}}, {"figures": {"fig1": {"colour": 1}}}]
)
def test_editors_refuse_a_wrong_setting(wrong: dict) -> None:
    assert len(list(_errors(EDITOR_SCHEMA, wrong))) == 1


def test_the_schema_for_editors_is_that_of_the_workflow() -> None:
    made = editor_schema(ROOT / "workflow/schemas/config.schema.yaml")
    assert json.loads(EDITOR_SCHEMA.read_text(encoding="utf-8")) == made, "run make format"


def _errors(schema: Path, settings: dict) -> Iterator[ValidationError]:
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(settings)


def test_the_example_adds_a_batch_size_and_changes_runs_and_colours() -> None:
    config, experiments = checked("config/example.yaml")
    sweep = experiments["mnist"].sweep
    assert 250 in sweep.B and sweep.count(sweep.cells[0]) == 5
    assert config["figures"]["fig1"]["point_color"] == "black" and config["figures"]["figS2"]["colormap"] == "magma"
