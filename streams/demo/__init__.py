"""The demonstration: a simulated plant, a broker that lives in memory, and a live view of both."""
