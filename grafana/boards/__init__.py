"""Boards: plain functions that build Grafana's dashboards; the JSON they give is committed and checked for drift."""
