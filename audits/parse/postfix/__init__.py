"""Postfix: its files, its language of values, and what its SMTP server does by them."""
