"""The settings that a run records in the ``config.yaml`` of its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sgd_valleys.config.inheritance import changes
from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

Settings = Mapping[str, Any]
PLACES = ("results", "data.root", "device")  # settings of paths and of the device, not of the computation


def read_recorded(folder: Path) -> Settings:
    """Read the settings of the run in a folder of results; empty if the folder has no recorded settings.

    Raises:
        UserError: the file cannot be read, or is not a mapping in YAML.
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
        raise hdf5.damaged(path, "damaged, since the content is not a mapping in YAML")
    return recorded


def changed_names(recorded: Settings, settings: Settings) -> list[str]:
    """Return the names of the settings that differ between a recorded run and a configuration.

    Args:
        recorded: settings of the run. A setting that is not recorded does not count, since no file depends on it.
        settings: configuration, in the form in which a run records it.
    """
    written = yaml.safe_load(yaml.safe_dump(dict(settings)))
    return [name for name, there, _ in changes(recorded, written) if there is not None and name not in PLACES]


def refuse_other_run(folder: Path, settings: Settings) -> None:
    """Refuse a folder of results whose run has other settings than the configuration.

    Args:
        folder: folder relative to the working directory; a folder without recorded settings is not refused.
        settings: configuration, in the form in which a run records it.

    Raises:
        UserError: the run has other settings, or its settings cannot be read.
    """
    recorded = read_recorded(folder)
    if not (names := changed_names(recorded, settings)):
        return
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    raise UserError(
        f"results = {folder}: the run in this folder has other settings, in {names[0]}{more}; allowed are the settings "
        f"of that run; use {options_of(folder)}."
    )


def options_of(folder: Path) -> str:
    """Return the Snakemake options that select the run in a folder, even if the folder has been renamed."""
    renamed = read_recorded(folder).get("results") != str(folder)
    return f"--configfile {folder}/config.yaml" + (f" --config results={folder}" if renamed else "")


def options_of_a_run(folder: Path) -> str:
    """Return the options of the run in a folder, else of a run in another results folder, else a placeholder."""
    runs = [path.parent for path in (folder / "config.yaml", *sorted(Path().glob("results*/config.yaml")))]
    return next((options_of(run) for run in runs if (run / "config.yaml").exists()), "--configfile FOLDER/config.yaml")
