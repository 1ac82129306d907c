"""Settings of the parameter displacements in the measures of flatness."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Perturbation:
    """Settings of parameter displacements.

    Attributes:
        radius: largest norm |delta|_2 of the relative displacement delta in the worst case.
        steps: number of steps of projected ascent in the worst case.
        sigma: standard deviation of the Gaussian displacement of every parameter.
        relative_sigma: standard deviation of the Gaussian displacement relative to a parameter or to a filter's norm.
        pairs: number of antithetic pairs of random displacements; at least 2.
    """

    radius: float = 0.5
    steps: int = 10
    sigma: float = 0.01
    relative_sigma: float = 0.1
    pairs: int = 10

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Perturbation":
        """Take the settings that are attributes; attributes without a setting have their defaults."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})
