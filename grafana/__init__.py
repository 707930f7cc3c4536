"""Boards and alerts as code: what is generated here is committed, and checked for drift."""
