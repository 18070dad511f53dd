"""Collectors that ask the running world."""
