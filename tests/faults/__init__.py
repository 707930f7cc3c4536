"""Workers are killed, frozen and cut off while readings flow; an undisturbed engine says what is right."""
