"""Efficiency: how machines convert time, material and energy."""
