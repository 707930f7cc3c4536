"""To whom an Alertmanager sends an alert: its tree of routes, walked with the alert's labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^",}\s]+))')


class Matcher(NamedTuple):
    """One condition on a label; a label that an alert does not have counts as empty."""

    label: str
    op: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it. Regular expressions must match the whole value.

        >>> [Matcher("team", "=~", "a|b").holds({"team": name}) for name in ("a", "ab")]
        [True, False]
        """
        have = labels.get(self.label, "")
        same = re.fullmatch(self.value, have) is not None if self.op.endswith("~") else have == self.value
        return same != self.op.startswith("!")


def matchers_of(route: Mapping[str, Any]) -> tuple[Matcher, ...]:
    """The conditions of one route, of `matchers` and of the older `match` and `match_re`.

    >>> matchers_of({"matchers": ['{team="x", severity=~"critical|major"}']})[1]
    Matcher(label='severity', op='=~', value='critical|major')
    """
    found = [
        Matcher(m[1], m[2], m[4] if m[3] is None else re.sub(r"\\(.)", r"\1", m[3]))
        for text in route.get("matchers") or ()
        for m in _MATCHER.finditer(str(text))
    ]
    for name, op in (("match", "="), ("match_re", "=~")):
        found += [Matcher(label, op, str(value)) for label, value in (route.get(name) or {}).items()]
    return tuple(found)


def reached(route: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Receivers of an alert with these labels: of the first child that takes it, and of the next after `continue`.

    >>> tree = {"receiver": "all", "routes": [{"receiver": "a", "matchers": ['team="a"']}]}
    >>> [reached(tree, {"team": team}) for team in ("a", "b")]
    [['a'], ['all']]
    """
    return _walk(route, labels, "")


def _walk(route: Mapping[str, Any], labels: Mapping[str, str], inherited: str) -> list[str]:
    if not all(matcher.holds(labels) for matcher in matchers_of(route)):
        return []
    receiver = str(route.get("receiver") or inherited)
    ends: list[str] = []
    for child in route.get("routes") or ():
        found = _walk(child, labels, receiver)
        ends += found
        if found and not child.get("continue"):
            break
    return ends or [receiver]


def team_matchers(route: Mapping[str, Any]) -> list[Matcher]:
    """What routes ask of the label `team`, in their order; what they exclude is left out."""
    return list(dict.fromkeys(m for m in _all(route) if m.label == "team" and not m.op.startswith("!")))


def _all(route: Mapping[str, Any]) -> Iterator[Matcher]:
    yield from matchers_of(route)
    for child in route.get("routes") or ():
        yield from _all(child)
