"""Envelope spectra: what comes back periodically in the power of a block of samples, band by band.

A bearing defect strikes at a fixed rate and each strike rings a resonance. The envelope of the band that rings shows
the strikes as lines. The band is not known beforehand, so every band of a dyadic tree is looked at (the tree of the
fast kurtogram: Antoni, Mechanical Systems and Signal Processing 21, 2007), and who reads the lines takes the best.
"""

from __future__ import annotations

import numpy as np

from detectors.base import Floats

LEVELS = 4
"""The whole band, its halves, its quarters and its eighths."""
LOBE = 2.6
"""Bins on either side within which a line of a Hann window is above its side lobes."""
_NEAR, _FAR = 8, 40
"""Bins on either side that make up the local noise floor: half of the bin's own number, within these."""
_EVERY = 8
"""Bins from one point of the floor to the next; between them it is a straight line."""
_LONG, _STEP = 65_536, 1_024
"""So long a block gives up what is beyond a multiple of this: lengths with a large prime factor take many times longer.
"""
_FLAT = 1e-9
"""Variation, as a share of the largest sample, below which a block holds no vibration."""


def envelope_lines(x: Floats, rate_hz: float, top_hz: float) -> tuple[Floats, float]:
    """Lines of the squared-envelope spectra of a block, in multiples of their local noise floor; and the bin's width.

    x (n,) finite samples at `rate_hz`. Gives (bands, bins), bin b at b x width, up to `top_hz`, and the width in Hz:
    rate_hz / n. A band must be twice as wide as `top_hz`. No bands where the block is flat, or the rate too
    low. Scaling x leaves it as it is.

    Squared envelope: of the analytic signal of one band, found by its own bins alone (Randall and Antoni, Mechanical
    Systems and Signal Processing 25, 2011, section 5). A Hann window keeps strong lines from covering weak ones.

    >>> rng = np.random.default_rng(1)
    >>> t = np.arange(8192) / 8192
    >>> x = rng.normal(size=8192) * (1 + .8 * np.sin(2 * np.pi * 107 * t))
    >>> lines, width = envelope_lines(x, 8192.0, 500.0)
    >>> int(lines[0].argmax() * width), lines.shape
    (107, (7, 502))
    """
    if len(x) >= _LONG:
        x = x[: len(x) - len(x) % _STEP]
    n = len(x)
    width, half = rate_hz / n, n // 2
    bins = int(top_hz / width) + 2
    centred = x - x.sum() / n
    size = np.abs(centred).max(initial=0.0)
    if size <= _FLAT * np.abs(x).max(initial=0.0):
        return np.zeros((0, bins)), width
    spectrum = np.fft.rfft(centred / size)
    found = []
    for level in range(LEVELS):
        band = half // 2**level
        if band < 2 * bins:  # the squared envelope is sampled at the band's width
            break
        window = 0.5 - 0.5 * np.cos(2.0 * np.pi / band * np.arange(band))
        for start in range(1, 1 + band * 2**level, band):
            signal = np.fft.ifft(spectrum[start : start + band])
            power = signal.real * signal.real + signal.imag * signal.imag
            line = np.fft.rfft((power - power.sum() / band) * window)[:bins]
            found.append(np.sqrt(line.real * line.real + line.imag * line.imag))
    if not found:
        return np.zeros((0, bins)), width
    size_of = np.array(found)
    floor = noise_floor(size_of)
    return np.where(floor > 0, size_of / np.where(floor > 0, floor, 1.0), 0.0), width


def noise_floor(spectra: Floats) -> Floats:
    """The local floor of spectra (bands, bins): the median of the bins around, a straight line between every eighth,
    and level behind the last one with all of its bins.

    >>> noise_floor(np.array([[9., 1, 1, 1, 1, 50, 1, 1, 1, 1, 1, 1]])).max().item()
    1.0
    """
    bins = spectra.shape[1]
    wide, whole = 2 * _FAR, 2 * _FAR + 1
    points = [p for p in (*range(2, _EVERY, 2), *range(_EVERY, wide, _EVERY)) if p < bins]
    heights = []
    for point in points:
        around = min(max(point // 2, _NEAR), _FAR)
        heights.append(_middle(spectra[:, max(point - around, 2) : point + around + 1]))
    if bins >= wide + whole - _FAR:  # from here on all windows are alike
        alike = np.lib.stride_tricks.sliding_window_view(spectra[:, wide - _FAR :], whole, axis=1)[:, ::_EVERY]
        points += range(wide, wide + _EVERY * alike.shape[1], _EVERY)
        heights += list(_middle(alike).T)
    known = np.array(heights)
    at = np.arange(bins)
    right = np.minimum(np.searchsorted(points, at), len(points) - 1)
    left = np.maximum(right - 1, 0)
    place = np.array(points, dtype=np.float64)
    span = np.maximum(place[right] - place[left], 1.0)
    share = np.minimum(np.maximum((at - place[left]) / span, 0.0), 1.0)[:, None]
    between: Floats = (known[left] + share * (known[right] - known[left])).T
    return between


def _middle(values: Floats) -> Floats:
    """The median over the last axis; of an even number, the upper of the two."""
    half = values.shape[-1] // 2
    middle: Floats = np.partition(values, half, axis=-1)[..., half]
    return middle
