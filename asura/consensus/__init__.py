"""From votes to a verdict: who sees what, and whether enough of them agree."""
