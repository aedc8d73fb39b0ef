"""When: the next check of each monitor, and what a change of its configuration means."""
