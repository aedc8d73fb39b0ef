"""What a target said, made comparable, and how it differs from what it said before. Pure, and of a bounded cost."""
