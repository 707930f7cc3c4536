"""Sensor-health and process detectors, one a file."""
