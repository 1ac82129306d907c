"""The JSON Schema for editors: the shape of an overlay, with null and unresolved inheritance.

    python -m sgd_valleys.config.editor_schema > workflow/schemas/editor.schema.json

The first line of config.yaml names this schema. An editor with a YAML language server then completes and checks
names and types.
"""

import json
from pathlib import Path
from typing import Any

import yaml

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"
INHERITANCE = {"like": {"type": "string"}, "template": {"type": "boolean"}}


def editor_schema(schema: Path = SCHEMA) -> dict[str, Any]:
    """Return the JSON Schema of an overlay: no setting is required, and every setting may be null.

    Args:
        schema: YAML file with the JSON Schema of a full configuration.
    """
    found = _relaxed(yaml.safe_load(schema.read_text(encoding="utf-8")))
    found["$defs"]["experiment"]["properties"] |= INHERITANCE
    figures = found["properties"]["figures"]["anyOf"][0]
    figures["additionalProperties"] = {"type": ["object", "null"]}  # users may add figures under other names
    return found


def _relaxed(node: Any) -> Any:
    if isinstance(node, list):
        return [_relaxed(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _relaxed(value) for key, value in node.items() if key != "required"}
    if isinstance(found.get("properties"), dict):
        found["properties"] = {name: _or_null(each) for name, each in found["properties"].items()}
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _or_null(found["additionalProperties"])
    return found


def _or_null(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


if __name__ == "__main__":
    print(json.dumps(editor_schema(), separators=(",", ":")))
