"""How values stand on a page: numbers, units, durations and times."""

from __future__ import annotations

from markupsafe import Markup

from schemas.anomaly import AnomalyEvent
from schemas.times import format_time
from streams.board.words import Language, say
from streams.units import shown

_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60))


def number(value: float | None) -> str:
    """A number to five figures, without an exponent where it need not be.

    >>> number(241.70001), number(1234567.0), number(None), number(0.5)
    ('241.7', '1,234,567', '–', '0.5')
    """
    if value is None:
        return "–"
    if 1e5 <= abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.5g}"


def with_unit(value: float | None, unit: str | None) -> str:
    """A value with its unit as people write it.

    >>> with_unit(241.7, "Cel"), with_unit(0.92, "1"), with_unit(None, "Cel")
    ('241.7 °C', '0.92', '–')
    """
    said = shown(unit)
    return number(value) if value is None or not said else f"{number(value)} {said}"


def band(language: Language, event: AnomalyEvent) -> str:
    """The band that was expected; one end alone where the other is open."""
    if event.low is None and event.high is None:
        return "–"
    if event.low is None:
        return f"≤ {with_unit(event.high, event.unit)}"
    if event.high is None:
        return f"≥ {with_unit(event.low, event.unit)}"
    return say(language, "to", low=number(event.low), high=with_unit(event.high, event.unit))


def duration(language: Language, ns: int) -> str:
    """A span of time in its two largest units, of minutes and above: what is shown does not change every second.

    >>> duration("en", 11_520_000_000_000), duration("zh-TW", 90_000_000_000), duration("ms", 0)
    ('3 h 12 min', '1 分', 'kurang 1 min')
    """
    left = max(ns, 0) // 1_000_000_000
    parts: list[str] = []
    for name, seconds in _STEPS:
        count, left = divmod(left, seconds)
        if count and len(parts) < 2:
            parts.append(say(language, name, n=count))
        elif parts:
            break
    return " ".join(parts) or say(language, "less", n=1)


def moment(ns: int | None) -> Markup:
    """A time: as UTC, which the page's script turns into the reader's own.

    >>> moment(1767600000123456789)
    Markup('<time datetime="2026-01-05T08:00:00Z">2026-01-05 08:00:00 UTC</time>')
    """
    if ns is None:
        return Markup("–")
    text = format_time(ns // 1_000_000_000 * 1_000_000_000)
    shown = text.replace("T", " ").removesuffix("Z") + " UTC"
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def day(ns: int) -> Markup:
    """The day of a time: of UTC, which the page's script turns into the reader's own.

    >>> day(1767600000000000000)
    Markup('<time datetime="2026-01-05T08:00:00Z" data-day>2026-01-05</time>')
    """
    text = format_time(ns // 1_000_000_000 * 1_000_000_000)
    return Markup('<time datetime="{}" data-day>{}</time>').format(text, text[:10])


def message(language: Language, event: AnomalyEvent) -> str:
    """The event's line in a language, else in one that its site has."""
    return event.message.get(language) or event.message.get("en") or next(iter(event.message.values()), "")
