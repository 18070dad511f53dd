"""Collectors that read files under review in place of what is live."""
