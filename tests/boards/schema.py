"""Grafana's own schema of dashboards, as its npm package says it; installed once on a machine."""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers.cache import Build, build_once
from tests.servers.toolchains import find

VERSION, COMPILER = "12.1.0", "5.9.2"
"""Of @grafana/schema (schemaVersion 41) and of TypeScript."""

_WHY = "the boards are held against @grafana/schema by TypeScript"


_HEAD = """\
import type { AnnotationQuery, Dashboard, DataQuery } from "@grafana/schema";
// JSON has no enums: their words are taken as they are
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
// a mark's query is its data source's own matter, as a panel's is
type Notes = { list?: AnnotationQuery<DataQuery & Record<string, unknown>>[] };
type Board = Omit<Dashboard, "annotations"> & { annotations?: Notes };
"""


def installed() -> Path:
    """The folder with node_modules. Raises Unavailable where node or npm is not there, or cannot install."""
    npm = find("npm", _WHY)
    find("node", _WHY)

    def build(job: Build) -> None:
        (job.folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]
        job.run("npm install", [npm, "install", *quiet, f"@grafana/schema@{VERSION}", f"typescript@{COMPILER}"])

    return build_once(f"grafana-schema-{VERSION}", build)


def write_program(folder: Path, boards: dict[str, str]) -> list[str]:
    """A TypeScript file for each board (JSON by name), and the command that checks them all."""
    modules = installed() / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    for name, text in boards.items():
        said = f"{_HEAD}export default {text.rstrip()} satisfies Plain<Board>;\n"
        (folder / f"{name}.ts").write_text(said, encoding="utf-8")
    options = {
        "compilerOptions": {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "esnext",
                            "moduleResolution": "bundler", "target": "es2022", "types": []},
        "include": ["*.ts"],
    }  # fmt: skip
    (folder / "tsconfig.json").write_text(json.dumps(options), encoding="utf-8")
    return [find("node", _WHY), str(modules / "typescript" / "bin" / "tsc"), "--project", str(folder)]
