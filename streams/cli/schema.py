"""`millstream schema`: the published contract, and the site file's."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from detectors.registry import REGISTRY
from schemas.contract import contract
from streams.site import Site


def schema(
    what: Annotated[Literal["events", "site", "detectors"], typer.Argument(help="Which schema.")] = "events",
) -> None:
    """Print JSON Schema (2020-12): of the events on the topics, of the site file, or of each detector's options.

    millstream schema > contracts.json

    millstream schema site
    """
    print(json.dumps(_document(what), indent=2, ensure_ascii=False))


def _document(what: str) -> dict[str, Any]:
    if what == "events":
        return contract()
    if what == "site":
        return Site.model_json_schema()
    return {kind: detector.model_json_schema() for kind, detector in REGISTRY.items()}
