"""Cassettes: what the exchange answered, kept for a line, and played to it again. Nothing here knows pytest."""
