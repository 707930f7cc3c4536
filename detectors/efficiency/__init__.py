"""Efficiency detectors (OEE, energy, demand, carbon, bottleneck), one idea a file; the first arrives with issue D."""
