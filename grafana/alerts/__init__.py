"""Alerts: one table, from which rules for Prometheus and for Grafana are written."""
