"""Other frameworks under the same load: scripts that run in an environment of their own, so they import nothing here."""
