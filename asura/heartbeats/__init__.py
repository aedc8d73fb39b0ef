"""Pings and missed deadlines become observations."""
