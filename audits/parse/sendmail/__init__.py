"""Sendmail: the m4 source of its configuration, and what its daemon does by it."""
