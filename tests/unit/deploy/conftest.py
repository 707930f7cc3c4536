"""What checks deploy/, as `python -m tests.servers prepare` makes it."""

from __future__ import annotations

import pytest

from tests.servers import alerting_tools, deploy_kinds, deploy_tools
from tests.servers.choose import in_ci
from tests.servers.lend import lend_tools


@pytest.fixture(scope="session")
def checkers() -> deploy_tools.DeployTools:
    """docker compose, hadolint, kubernetes-validate, kustomize."""
    return lend_tools(deploy_tools.prepared, in_ci())


@pytest.fixture(scope="session")
def alerting() -> alerting_tools.Tools:
    """promtool among others."""
    return lend_tools(alerting_tools.prepared, in_ci())


@pytest.fixture(scope="session")
def kinds() -> dict[tuple[str, str], deploy_kinds.Schema]:
    """Schemas of custom kinds."""
    return lend_tools(deploy_kinds.prepared, in_ci())
