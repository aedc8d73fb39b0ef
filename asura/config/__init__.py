"""The configuration: what there is to set, and how a file becomes it."""
