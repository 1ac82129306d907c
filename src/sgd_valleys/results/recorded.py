"""The settings that a run records in the ``config.yaml`` of its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.config.inheritance import changes
from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

Settings = Mapping[str, Any]
PLACES = ("results", "data.root", "device")  # settings of where files are and code runs, not of what is computed


def read_recorded(folder: Path) -> Settings:
    """Read the settings of the run in a folder of results; none where they are not recorded.

    Raises:
        UserError: the file cannot be read, or is no mapping in YAML.
    """
    path = folder / "config.yaml"
    try:
        recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise hdf5.unreadable(path, error) from error
    except (ValueError, yaml.YAMLError):
        recorded = None
    if not isinstance(recorded, Mapping):
        raise UserError(f"{path} is damaged: delete it and run again.")
    return recorded


def changed_names(recorded: Settings, settings: Settings) -> list[str]:
    """Return the names of the settings that a run records with other values than a configuration has.

    Args:
        recorded: the settings of the run; one that it lacks is no difference, since no file depends on it.
        settings: the configuration, in the form in which a run records it.
    """
    written = yaml.safe_load(yaml.safe_dump(dict(settings)))
    return [name for name, there, _ in changes(recorded, written) if there is not None and name not in PLACES]


def refuse_other_run(folder: Path, settings: Settings) -> None:
    """Refuse to read the run in a folder of results with other settings than its own.

    Args:
        folder: relative to the working directory; a folder without recorded settings is not refused.
        settings: the configuration, in the form in which a run records it.

    Raises:
        UserError: the run has other settings, or they cannot be read.
    """
    recorded = read_recorded(folder)
    if not (names := changed_names(recorded, settings)):
        return
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    moved = f" --config results={folder}" if recorded.get("results") != str(folder) else ""
    raise UserError(
        f"{folder} holds a run of other settings than this command's, in {names[0]}{more}: give the settings of the "
        f"run, --configfile {folder}/config.yaml{moved}."
    )
