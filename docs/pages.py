"""The page on the configuration, generated from config.yaml and its schema whenever the documentation is built."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.markdown import table
from sgd_valleys.workflow.config_files import DEFAULTS

ROOT = Path(__file__).parents[1]
PARTS = ("experiments", "two_valley", "figures")
MORE = {  # pages that explain a section
    "dataset": "[Experiments](experiments.md#settings-of-an-experiment)",
    "network": "[Experiments](experiments.md#settings-of-an-experiment)",
    "training": "[Training](training.md)",
    "curvature": "[Measures](measures.md#curvature)",
    "edge_of_stability": "[Measures](measures.md#edge-of-stability)",
    "flatness": "[Measures](measures.md#flatness)",
    "gradient_noise": "[Measures](measures.md#gradient-noise)",
    "continuations": "[Measures](measures.md#freezing-by-continuation)",
    "paths": "[Measures](measures.md#paths-and-basins)",
    "branches": "[Training](training.md#branches)",
}
COLUMNS = ("setting", "default", "allowed", "source", "meaning")
HEAD = """# Configuration

`make docs` generates this page from the comments of `config.yaml` and from `workflow/schemas/config.schema.yaml`.
*Default* is the value in `config.yaml`; for an experiment, that of `mnist` or of the first experiment that sets one.
A setting without a default is optional.
The words `all`, `first`, `last` and `nearest` follow the sweep: see [Experiments](experiments.md#another-sweep).
*Source* is the paper, its supplement, the authors' code, or this project (*ours*).
A second word states what a value is for: *sampling*, *statistics* or *execution*; the others are the science.
"""
Node = yaml.nodes.Node
Schema = Mapping[str, Any]
Comments = Mapping[tuple[str, int], str]  # by file and line


def page() -> str:
    """Return the whole page as Markdown."""
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    files = {name: (ROOT / name).read_text(encoding="utf-8") for name in DEFAULTS}
    comments = {place: comment for name, text in files.items() for place, comment in trailing_comments(name, text)}
    written, *more = (compose(name, text) for name, text in files.items())
    definitions = schema["$defs"]
    top, experiment = schema["properties"], definitions["experiment"]["properties"]
    experiments = {key.value: value for key, value in entry(written, "experiments").value}
    others = {name: entry(node, "figures") for name, node in zip(DEFAULTS[1:], more, strict=True)}
    lines = [HEAD, *experiments_table(entry(written, "experiments"), comments)]
    for title, properties, parents in (
        ("General", {name: each for name, each in top.items() if name not in PARTS}, {"": written}),
        *((f"experiments: {name}", {name: each}, experiments) for name, each in experiment.items()),
        *(
            (f"{part}: {name}", {f"{part}.{name}": each}, {"": entry(written, part), **others})
            for part in PARTS[1:]
            for name, each in top[part]["properties"].items()
        ),
    ):
        rows = [
            row for name, each in properties.items() for row in describe(name, each, parents, comments, definitions)
        ]
        more = MORE.get(title.removeprefix("experiments: "))
        lines += ["", f"## {title}", "", *([f"See {more}.", ""] if more else []), *table(COLUMNS, rows)]
    return "\n".join(lines) + "\n"


def experiments_table(experiments: Node, comments: Comments) -> list[str]:
    """Return the experiments of config.yaml as a table, under a heading."""
    rows = []
    for key, value in experiments.value:
        like = entry(value, "like")
        _, comment = comment_of(key, value, comments)
        rows.append((f"`{key.value}`", f"`{like.value}`" if like else "", comment))
    return ["## Experiments of config.yaml", "", *table(("experiment", "like", "meaning"), rows)]


def describe(
    name: str,
    schema: Schema,
    parents: Mapping[str, Node | None],
    comments: Comments,
    definitions: Schema,
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a setting and of the settings in it.

    Args:
        name: of the setting, with the names of the settings that it is in.
        schema: of the setting.
        parents: mappings that may have the setting, by the names of experiments or files; the first one counts.
        comments: of the files of settings.
        definitions: section ``$defs`` of the schema.
    """
    schema, last = resolved(schema, definitions), name.split(".")[-1]
    nodes = {experiment: entry(parent, last) for experiment, parent in parents.items()}
    owner = next((experiment for experiment, node in nodes.items() if node and node.value != "null"), None)
    source, comment, value = "", "", ""
    if owner is not None:
        key = next(key for key, _ in parents[owner].value if key.value == last)
        if not parents[owner].flow_style:
            source, comment = comment_of(key, nodes[owner], comments)
        value = f"`{compact(nodes[owner])}`" + ("" if owner == next(iter(parents)) else f" in `{owner}`")
    inner = schema.get("properties")
    if inner and schema.get("additionalProperties") is False:
        if source or comment:
            yield f"`{name}`", "", "the settings below", source, comment
        for child, each in inner.items():
            yield from describe(f"{name}.{child}", each, nodes, comments, definitions)
    else:
        yield f"`{name}`", value, allowed(schema, definitions), source, comment


def entry(mapping: Node | None, name: str) -> Node | None:
    """Return the value of a key of a mapping, or None."""
    pairs = mapping.value if isinstance(mapping, yaml.nodes.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """Follow the reference of a schema."""
    reference = schema.get("$ref")
    return resolved(definitions[reference.removeprefix("#/$defs/")], definitions) if reference else schema


def allowed(schema: Schema, definitions: Schema) -> str:
    """Say in words which values a schema allows."""
    schema = resolved(schema, definitions)
    if "description" in schema:
        return schema["description"]
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(allowed(each, definitions) for each in schema["anyOf"])
    kind = schema.get("type")
    if kind == "array":
        count = schema.get("minItems") if schema.get("minItems") == schema.get("maxItems") else None
        return f"list of {f'{count} times ' if count else ''}{allowed(schema['items'], definitions)}"
    if kind == "object":
        names = ", ".join(schema.get("properties", {}))
        return f"{{{names}}}" if names else "settings by name"
    signs = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    bounds = [f"{words} {schema[name]}" for name, words in signs.items() if name in schema]
    return " ".join([{"boolean": "true or false"}.get(kind, kind), ", ".join(bounds)]).strip()


def compact(node: Node) -> str:
    """Write a node in one line, as in config.yaml."""
    if isinstance(node, yaml.nodes.MappingNode):
        return f"{{{', '.join(f'{compact(key)}: {compact(value)}' for key, value in node.value)}}}"
    if isinstance(node, yaml.nodes.SequenceNode):
        return f"[{', '.join(map(compact, node.value))}]"
    return f'"{node.value}"' if node.style else node.value


def compose(name: str, text: str) -> Node:
    """Compose a file of settings to nodes whose marks have its name."""
    loader = yaml.SafeLoader(text)
    loader.name = name
    return loader.get_single_node()


def trailing_comments(name: str, text: str) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield the comment at the end of each line that has one, after the file's name and the line's number from 0."""
    for number, line in enumerate(text.splitlines()):
        code, mark, comment = line.partition(" # ")
        if mark and code.strip() and code.count('"') % 2 == 0:
            yield (name, number), comment.strip()


def comment_of(key: Node, value: Node, comments: Comments) -> tuple[str, str]:
    """Return the source and the meaning of a setting.

    They stand in the comment at the end of its value, or beside its name where the value is a block.
    """
    last = value.end_mark.line
    is_block = isinstance(value, yaml.nodes.CollectionNode) and not value.flow_style
    comment = comments.get((key.start_mark.name, key.start_mark.line if is_block else last), "")
    tag, meaning = re.fullmatch(r"(?:\[([^\]]*)\])?\s*(.*)", comment).groups()
    return tag or "", meaning


def on_files(files: Any, config: Any) -> Any:
    """Add the page to those of the site; MkDocs calls this hook."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "configuration.md", content=page()))
    return files
