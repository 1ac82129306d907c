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
    raise UserError(
        f"{folder} holds a run of other settings than this command's, in {names[0]}{more}: give the settings of the "
        f"run, {options_of(folder)}."
    )


def options_of(folder: Path) -> str:
    """Return the options with which a command reads the run in a folder, which may have been renamed since."""
    renamed = read_recorded(folder).get("results") != str(folder)
    return f"--configfile {folder}/config.yaml" + (f" --config results={folder}" if renamed else "")


def options_of_a_run(folder: Path) -> str:
    """Return the options of the run in a folder, or of one beside it, as of a preview; of no certain one at last."""
    runs = [path.parent for path in (folder / "config.yaml", *sorted(Path().glob("results*/config.yaml")))]
    return next((options_of(run) for run in runs if (run / "config.yaml").exists()), "--configfile FOLDER/config.yaml")
