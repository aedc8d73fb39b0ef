"""The body of an answer, bounded: one layer of gzip or deflate taken off, counted, searched, kept only when asked for.

A keyword is searched while the body passes by, so a check's memory is one piece however large the body is.
"""

import zlib

PIECE_BYTES = 65_536
"""Decompressed at a time: a bomb grows a thousandfold, and must neither fill memory nor hold the event loop."""

MAX_KEPT_BYTES = 2 * 2**20
"""Of a body that is kept. As text, a byte can take four, twice while it is decoded: one check stays below 16 MiB."""


GZIP_MARK = b"\x1f\x8b"


class CorruptBodyError(Exception):
    """The body isn't what its Content-Encoding says."""


class Body:
    """Takes what arrives through `feed`, then `step` as long as it says so. `size` counts what comes out."""

    __slots__ = (
        "_decoder",
        "_encoding",
        "_head",
        "_kept",
        "_needle",
        "_rest",
        "_tail",
        "found",
        "is_full",
        "limit",
        "raw_size",
        "size",
    )

    def __init__(self, limit: int, *, encoding: str = "", needle: bytes = b"", keeps: bool = False) -> None:
        self.limit = limit
        self.size = 0
        self.raw_size = 0
        self.is_full = False
        """The limit was reached: the rest isn't read."""
        self.found = not needle
        self._needle = needle
        self._tail = b""
        self._encoding = encoding
        self._decoder = zlib.decompressobj(31) if encoding == "gzip" else None
        self._head = b""
        self._rest = b""
        self._kept: bytearray | None = bytearray() if keeps else None

    @property
    def is_encoded(self) -> bool:
        """Whether a layer is taken off."""
        return self._encoding != ""

    def feed(self, data: bytes) -> bool:
        """Take what arrived. True when there is more to do: call `step`."""
        self.raw_size += len(data)
        if not self._encoding:
            self._take(data)
            return False
        if self._decoder is None:
            self._head += data
            if len(self._head) < 2:
                return False
            self._decoder, data, self._head = _inflater(self._head), self._head, b""
        self._rest += data
        return bool(self._rest) and not self.is_full

    def step(self) -> bool:
        """Decompress one piece. True when there is more.

        Raises CorruptBodyError: it can't be.
        """
        decoder = self._decoder
        if decoder is None or self.is_full:
            return False
        if decoder.eof:
            # RFC 1952 §2.2: several members in a row are one file. Anything else behind the end is padding.
            if self._encoding != "gzip" or not self._rest.startswith(GZIP_MARK):
                # The mark may be cut through, and its other half arrive later.
                self._rest = self._rest if self._rest == GZIP_MARK[:1] else b""
                return False
            decoder = self._decoder = zlib.decompressobj(31)
        try:
            piece = decoder.decompress(self._rest, PIECE_BYTES)
        except zlib.error:
            raise CorruptBodyError(self._encoding) from None
        self._rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
        self._take(piece)
        # A stream of empty blocks grows nothing, so what arrived is held to the limit too.
        self.is_full = self.is_full or self.raw_size >= self.limit
        return not self.is_full and (bool(self._rest) or len(piece) == PIECE_BYTES)

    def check_end(self) -> None:
        """The body ends here.

        Raises CorruptBodyError: in the middle of the compressed data.
        """
        if self.raw_size == 0:
            return
        if self._head or (self._decoder is not None and not self._decoder.eof and not self.is_full):
            raise CorruptBodyError(self._encoding)

    @property
    def is_kept_in_part(self) -> bool:
        """Whether there was more than what would be kept."""
        return self.size > MAX_KEPT_BYTES

    def take_kept(self) -> bytes:
        """What was kept, once: afterwards nothing is."""
        kept, self._kept = self._kept, None
        return bytes(kept or b"")

    def _take(self, piece: bytes) -> None:
        room = self.limit - self.size
        if len(piece) >= room:
            self.is_full = True
            piece = piece[:room]
        if self._kept is not None and self.size < MAX_KEPT_BYTES:
            self._kept += piece[: MAX_KEPT_BYTES - self.size]
        self.size += len(piece)
        if self.found:
            return
        window = self._tail + piece
        self.found = self._needle in window
        self._tail = window[1 - len(self._needle) :] if len(self._needle) > 1 else b""


def _inflater(head: bytes) -> "zlib._Decompress":
    """`deflate` means zlib (RFC 9110 §8.4.1.2), but some servers send it bare."""
    is_zlib = head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return zlib.decompressobj(15 if is_zlib else -15)
