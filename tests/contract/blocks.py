"""Blocks of vibration samples: noise, strikes of a bearing, and what is odd."""

from __future__ import annotations

import numpy as np

from detectors.base import Batch

SAMPLES = 1024
RATE_HZ = 4096.0
SPEED_RPM = 1920.0
_RINGS_HZ = 1000.0
_ODD = np.array([np.nan, np.inf, -np.inf, 1e308, 1e99, 5e-324, 0.0])


def vibration(rng: np.random.Generator, batch: Batch, tame: bool) -> Batch:
    """A batch with blocks for its readings: each noise, some with strikes at a bearing's rate, some not to be used."""
    r = len(batch.time)
    second = np.arange(SAMPLES) / RATE_HZ
    size = rng.choice([0.2, 1.0, 8.0], r)[:, None]
    x = size * rng.normal(size=(r, SAMPLES))
    order = rng.choice([0.0, 3.5848, 5.4152, 4.714], r)[:, None]
    since = second % (1.0 / np.maximum(order * SPEED_RPM / 60.0, 1e-9))
    ring = np.exp(-600.0 * since) * np.sin(2 * np.pi * _RINGS_HZ * since)
    x = x + 12.0 * size * np.where(order > 0, ring, 0.0)
    x = np.where(rng.random((r, 1)) < 0.03, 2.5, x)
    if tame:
        x = np.round(x * 1024) / 1024
    else:
        odd = (rng.random((r, 1)) < 0.06) & (rng.random((r, SAMPLES)) < 0.01)
        x = np.where(odd, rng.choice(_ODD, (r, SAMPLES)), x)
    speed = np.where(rng.random(r) < 0.2, np.nan, SPEED_RPM)
    return batch._replace(x=x, rate_hz=np.full(r, RATE_HZ), speed_rpm=speed)
