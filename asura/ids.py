"""Identifiers. Rows have integer ids; what leaves the house and must be unguessable or stable has text."""

import secrets
from typing import NewType

MonitorId = NewType("MonitorId", int)
IncidentId = NewType("IncidentId", int)
ChannelId = NewType("ChannelId", int)
DeliveryId = NewType("DeliveryId", int)
"""The row of the outbox. The receiver sees the delivery's `key` instead."""


def new_delivery_key() -> str:
    """A fresh idempotency key: 32 hexadecimal characters, the same on every retry of one delivery."""
    return secrets.token_hex(16)


def new_heartbeat_token() -> str:
    """A fresh secret for a heartbeat's address: 32 URL-safe characters, 192 bits."""
    return secrets.token_urlsafe(24)
