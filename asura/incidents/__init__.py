"""From verdicts to incidents: when one opens, who took it, when it is over."""
