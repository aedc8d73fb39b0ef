"""Everything that touches SQLite, and the only package that imports sqlite3.

`database` is the way in: `open_store` gives a `Store`, whose `write` and `read` run plain functions `fn(conn, …)`.
Those live here too, a module for each aggregate (`monitors`, `incidents`, …). Beneath them: `writer` and
`commit` (one thread, group commit), `readers`, `connection` (pragmas, `emit`), `opening` and `refusal` (what is
never opened), `lock`, `migrate`, `backup` and `restore`.
"""
