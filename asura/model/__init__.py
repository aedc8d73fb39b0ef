"""The nouns. Values only: no I/O, no clock, no SQL. Every instant is an integer of milliseconds since 1970 UTC."""
