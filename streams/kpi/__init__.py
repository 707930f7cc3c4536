"""Key figures: readings of machines booked on the cells of the calendar, and the rows that follow."""
