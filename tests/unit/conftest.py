"""Settings of all unit tests."""

from types import ModuleType

import numpy as np
import pytest

_STATES: dict[ModuleType, dict] = {}


@pytest.fixture(autouse=True)
def same_random_numbers(request: pytest.FixtureRequest) -> None:
    """Set a module's generator ``rng`` to its state after the import, so that no test depends on those before it."""
    generator = getattr(request.module, "rng", None)
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = _STATES.setdefault(request.module, generator.bit_generator.state)
