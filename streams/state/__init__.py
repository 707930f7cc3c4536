"""What an engine remembers, kept on `state.v1`: packed, written in chunks, made valid by a manifest, found again."""
