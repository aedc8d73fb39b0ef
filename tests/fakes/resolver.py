"""A name server of the test's own: real ones must not be asked."""

import socket
from collections.abc import Sequence

import pytest


def resolve_to(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let `names` be all the names there are; gives the list of those that were asked for, which grows."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(name: str, port: int, family: int = 0, kind: int = 0, *rest: int) -> Sequence[tuple[object, ...]]:
        if ":" in name or name.replace(".", "").isdigit():
            return real(name, port, family, kind, *rest)
        asked.append(name)
        if name not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in names[name]]
        return [(fam, kind, 6, "", (ip, port)) for fam, ip in found if family in (0, fam)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked
