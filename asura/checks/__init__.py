"""The kinds of monitors, one module each. A new one is a module, a line here and a test."""

from asura.checks.base import CheckType
from asura.checks.command import COMMAND
from asura.checks.dns import DNS
from asura.checks.docker import DOCKER
from asura.checks.domain import DOMAIN
from asura.checks.grpc import GRPC
from asura.checks.heartbeat import HEARTBEAT
from asura.checks.http import HTTP
from asura.checks.icmp import ICMP
from asura.checks.mqtt import MQTT
from asura.checks.tcp import TCP
from asura.checks.tls import TLS
from asura.checks.websocket import WEBSOCKET

CHECK_TYPES: dict[str, CheckType] = {
    each.name: each for each in (HTTP, TCP, ICMP, DNS, DOMAIN, WEBSOCKET, GRPC, MQTT, TLS, COMMAND, DOCKER, HEARTBEAT)
}


def is_passive(name: str) -> bool:
    """Whether monitors of this type report by themselves; a type that this version doesn't know is none of these."""
    check_type = CHECK_TYPES.get(name)
    return check_type is not None and check_type.is_passive
