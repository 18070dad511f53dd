"""Exim's configuration: what it says, and what the daemon makes of it."""
