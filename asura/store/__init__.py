"""Everything that touches SQLite, and the only package that imports sqlite3.

`database` is the way in: `open_store` gives a `Store`, whose `write` and `read` run plain functions `fn(conn, …)`.
Those live here too, a module for each aggregate (`monitors`, `incidents`, …). Beneath them: `writer` (group
commit), `readers`, `connection` (pragmas, SQL functions, `emit`), `refusal` (what is never opened), `lock`,
`migrate` and `backup`.
"""
