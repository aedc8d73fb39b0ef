"""Assertions: what an answer must be like. Pure: documents and outcomes in, results out, all within set limits.

`table` says which operators suit what, `parsing` reads the documents, `evaluating` holds an outcome against them.
A target's answer is an attacker's input: whatever it holds, looking at it ends after a bounded number of steps.
"""
