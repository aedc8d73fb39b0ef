"""Whom TLS trusts: the machine's certificate authorities. Making a context is dear (20 ms, 700 kB): make few."""

import os
import ssl

import certifi


def verifying_context(cafile: str | None = None) -> ssl.SSLContext:
    """A fresh context for connecting that trusts the machine's authorities, or only those of `cafile`."""
    if cafile is None and not _has_trust_store():
        cafile = certifi.where()
    return ssl.create_default_context(cafile=cafile)


def blind_context() -> ssl.SSLContext:
    """A fresh context for connecting that takes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _has_trust_store() -> bool:
    """A bare container has an empty one, and every certificate in the world would be untrusted."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return True
    if paths.capath is None:
        return False
    with os.scandir(paths.capath) as entries:
        return any(entries)
