"""The web board: what is open, muted and proposed, and where people have the last word."""
