"""Waiting for the first of several things."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import trio


async def until_any(*waits: Callable[[], Awaitable[Any]], timeout_s: float = math.inf) -> None:
    """Return when the first of `waits` has returned or `timeout_s` has passed; the others are cancelled."""
    async with trio.open_nursery() as nursery:

        async def one(wait: Callable[[], Awaitable[Any]]) -> None:
            await wait()
            nursery.cancel_scope.cancel()

        for wait in waits:
            nursery.start_soon(one, wait)
        nursery.cancel_scope.deadline = trio.current_time() + timeout_s
