"""What the live bot leaves behind and how it is judged: events, metrics, feature flags, logs, post-mortem copies."""
