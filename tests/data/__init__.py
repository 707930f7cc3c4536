"""A made data set that holds what plants send, and the ways in which the same readings may reach millstream."""
