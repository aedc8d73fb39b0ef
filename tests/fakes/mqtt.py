"""An MQTT broker on loopback that says what a test wants, and what a test says to a real one."""

import socket

import trio

from asura.protocols.mqtt_wire import connect, disconnect
from tests.fakes.target import Behaviour, Stream

CONNACK = b"\x20\2\0\0"
CONNACK_5 = b"\x20\3\0\0\0"
SUBACK = b"\x90\3\0\1\0"
SUBACK_5 = b"\x90\4\0\1\0\0"


def packet(first: int, content: bytes) -> bytes:
    """A packet of any length."""
    size, length = len(content), b""
    while size > 127:
        length += bytes((size % 128 + 128,))
        size //= 128
    return bytes((first,)) + length + bytes((size,)) + content


def publish(topic: str, payload: bytes, *, flags: int = 0, after: bytes = b"") -> bytes:
    """A PUBLISH; `after` stands between topic and payload (a packet's number, properties)."""
    name = topic.encode()
    return packet(0x30 | flags, len(name).to_bytes(2, "big") + name + after + payload)


def brokers(*answers: bytes, linger: bool = True) -> Behaviour:
    """Send one of `answers` for each packet that comes, or rather piece, then wait for the other side's end."""

    async def behave(stream: Stream) -> None:
        for answer in answers:
            await stream.receive_some()
            await stream.send_all(answer)
        while linger and await stream.receive_some():
            pass

    return behave


def floods(piece: bytes) -> Behaviour:
    """Take the connection and the subscription, then send `piece` for ever."""
    many = piece * (65_536 // len(piece) or 1)

    async def behave(stream: Stream) -> None:
        await stream.receive_some()
        await stream.send_all(CONNACK)
        await stream.receive_some()
        await stream.send_all(SUBACK)
        while True:
            await stream.send_all(many)

    return behave


async def trickles(stream: Stream) -> None:
    """Take all, then a byte of a message at a time."""
    await stream.receive_some()
    await stream.send_all(CONNACK + SUBACK)
    for byte in publish("a/b", bytes(200)):
        await stream.send_all(bytes((byte,)))
        await trio.sleep(0.05)


def retain(port: int, topic: str, payload: bytes) -> None:
    """Leave a retained message with a broker that lets anybody in."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(connect(level=4, client_id="publisher", username="", password=""))
        assert sock.recv(4) == CONNACK
        # At least once (flag 2), so that the broker says when it has it.
        sock.sendall(publish(topic, payload, flags=3, after=b"\0\1"))
        assert sock.recv(4) == b"\x40\2\0\1"
        sock.sendall(disconnect())
