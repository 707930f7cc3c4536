"""What the contenders of other frameworks import is installed in a place of their own, by the bench alone."""

collect_ignore = ["peers/quix.py", "peers/wax.py"]
