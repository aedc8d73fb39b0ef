"""The ways to tell somebody, one file each. A new one is a file, a line here and a test."""

from asura.channels.base import ChannelType
from asura.channels.webhook import WEBHOOK

CHANNEL_TYPES: dict[str, ChannelType] = {each.name: each for each in (WEBHOOK,)}
"""Every channel type by its name."""
