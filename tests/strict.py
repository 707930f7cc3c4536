"""A mark for tests in which nothing may warn."""

from __future__ import annotations

import pytest

NO_WARNINGS = pytest.mark.filterwarnings(
    "error",
    # garbage of an earlier test in this process, collected now, says nothing of this one
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
