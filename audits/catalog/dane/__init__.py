"""Audits of TLSA records, by which senders authenticate MX hosts."""
