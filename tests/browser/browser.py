"""The fixture ``browser``, for test modules that name this one in ``pytest_plugins``."""

from collections.abc import Iterator

import pytest
from chromium import Browser, missing


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The one browser of all tests."""
    if missing():
        pytest.skip(f"no browser can be started: {missing()}")
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """A headless Chromium without a network; ``open`` shows it a file."""
    return chromium
