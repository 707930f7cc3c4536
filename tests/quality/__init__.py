"""Quality on public data, over the installed product path."""
