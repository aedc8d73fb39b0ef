"""From a decision to somebody who knows: who is told (`routing`), what (`messages`), and the outbox (`service`)."""
