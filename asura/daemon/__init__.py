"""The running program: the root nursery, its parts, and how they are kept alive."""
