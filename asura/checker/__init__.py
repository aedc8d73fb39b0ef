"""One attempt, bounded in time and number: what was seen becomes an observation."""
