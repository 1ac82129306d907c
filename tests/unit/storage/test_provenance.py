"""A result names the revision of the code alone."""

import subprocess

from sgd_valleys.storage import provenance


def test_the_revision_is_that_of_the_code_alone(tmp_path, monkeypatch):
    def git(*command):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", tmp_path, *identity, *command], check=True, capture_output=True)

    def commit(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
        git("add", ".")
        git("commit", "-m", name)

    def revision():
        provenance.git_revision.cache_clear()
        return provenance.git_revision()

    git("init")
    commit("src/sgd_valleys/storage.py")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "src" / "sgd_valleys" / "storage.py"))
    first = revision()
    commit("README.md")
    (tmp_path / "notes.txt").write_text("not of the code", encoding="utf-8")
    assert revision() == first
    (tmp_path / "src" / "sgd_valleys" / "storage.py").write_text("edited", encoding="utf-8")
    assert revision() == f"{first}-dirty"
    commit("workflow/rules/data.smk")
    assert revision() not in (first, f"{first}-dirty")
    monkeypatch.undo()
    provenance.git_revision.cache_clear()
