"""A browser for all tests of pages."""

from collections.abc import Iterator

import pytest
from helpers.chromium import Browser, missing


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The one browser of all tests."""
    if missing():
        pytest.skip(f"no browser can be started: {missing()}")
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """A headless Chromium without a network; its method ``open`` opens a file."""
    return chromium
