"""Variables that a deployment gives a container, against streams/settings.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from streams.settings import PREFIX, Settings, load_settings

SECRET = "0123456789abcdef0123456789abcdef"


def unknown(given: Mapping[str, str]) -> list[str]:
    """Variables that no setting reads."""
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known = names | {f"{name}_FILE" for name in names}
    return sorted(name for name in given if name.startswith(PREFIX) and name not in known)


def loaded(given: Mapping[str, str], folder: Path, patch: pytest.MonkeyPatch) -> Settings:
    """The settings that a container loads, with a secret in each file that is named."""
    for name, value in given.items():
        if name.startswith(PREFIX) and name.endswith("_FILE") and value:
            file = folder / Path(value).name
            file.write_text(SECRET)
            patch.setenv(name, str(file))
        else:
            patch.setenv(name, value)
    return load_settings()
