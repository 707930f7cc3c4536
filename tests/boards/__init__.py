"""Boards against live servers: a plant feeds a worker, queries are filled in and asked, and boards are drawn."""
