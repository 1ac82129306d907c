"""What a complete run consists of, from the rules of a workflow."""

from dataclasses import dataclass, field

from sgd_valleys.workflow import catalog


@dataclass
class Rule:
    """A rule that makes ``results/<name>_<k>.h5`` from the files of the rules before it."""

    name: str
    needs: tuple[str, ...] = ()
    docstring: str | None = None
    params: dict = field(default_factory=dict)

    @property
    def output(self):
        return [f"results/{self.name}_{{k,[0-9]+}}.h5"]

    def is_producer(self, path):
        return path.startswith(f"results/{self.name}_")

    def get_wildcards(self, path):
        return {"k": path.rsplit("_", 1)[1].removesuffix(".h5")}

    def expand_input(self, wildcards):
        return [f"results/{name}_{wildcards.k}.h5" for name in self.needs] + ["src/code.py"], None


RULES = [
    Rule("raw", docstring="Bring it.\n\nMore."),
    Rule("made", ("raw",), params={"settings": lambda w: {"k": w.k}}),
    Rule("unused"),
]
TARGETS = ["results/made_1.h5", "results/made_2.h5"]


def test_producers_are_followed_back_to_the_first_file():
    found = catalog.producers(RULES, TARGETS)
    assert sorted(found) == ["results/made_1.h5", "results/made_2.h5", "results/raw_1.h5", "results/raw_2.h5"]
    rule, wildcards = found["results/raw_2.h5"]
    assert rule.name == "raw" and wildcards.k == "2"


def test_every_file_has_the_settings_that_it_is_computed_with():
    found = catalog.planned_settings(RULES, TARGETS)
    assert found["results/made_2.h5"] == {"k": "2"} and found["results/raw_1.h5"] == {}


def test_kinds_of_files_have_a_pattern_and_a_purpose():
    assert catalog.file_kinds(RULES, TARGETS) == {
        "raw": ["results/raw_{k}.h5", "Bring it.", ["results/raw_1.h5", "results/raw_2.h5"]],
        "made": ["results/made_{k}.h5", "Rule made.", ["results/made_1.h5", "results/made_2.h5"]],
    }
    assert catalog.purposes(RULES, TARGETS)["results/raw_1.h5"] == "Bring it."


def test_the_code_of_the_workflow_is_known_by_its_content(tmp_path, monkeypatch):
    for name in catalog.PARTS:
        (tmp_path / name).write_text(name, encoding="utf-8")
    for folder in catalog.FOLDERS:
        (tmp_path / folder / "__pycache__").mkdir(parents=True)
        (tmp_path / folder / "__pycache__" / "a.pyc").write_text("cache", encoding="utf-8")
        (tmp_path / folder / "a.py").write_text(folder, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = catalog.code_checksums(tmp_path)
    assert len(found) == len(catalog.PARTS) + len(catalog.FOLDERS) and "src/a.py" in found
    (tmp_path / "src" / "a.py").write_text("edited", encoding="utf-8")
    assert {path for path, checksum in catalog.code_checksums(tmp_path).items() if found[path] != checksum} == {
        "src/a.py"
    }
