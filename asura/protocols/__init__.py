"""How to speak to what is checked: connections, TLS, proxies, and the framing of each protocol.

Nothing here knows a monitor or its settings, or decides whether a target is up; that is for `asura.checks`.
"""
