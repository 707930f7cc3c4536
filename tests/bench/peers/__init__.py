"""Other frameworks under the same load: scripts for an environment of their own, so they import nothing here."""
