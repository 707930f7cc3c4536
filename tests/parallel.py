"""How tests are shared out to several processes: one has the servers, the others what needs none, file by file."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

SERVERS = "tests/integration/"


class ByFile(LoadScopeScheduling):
    """A file's tests go to one process, so that what its fixtures make is made once; those on servers all to one."""

    def _split_scope(self, nodeid: str) -> str:
        return SERVERS if nodeid.startswith(SERVERS) else nodeid.partition("::")[0]
