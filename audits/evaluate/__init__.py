"""Judging facts by policy: pure functions over a snapshot."""
