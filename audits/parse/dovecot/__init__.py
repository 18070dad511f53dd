"""Dovecot 2.3 and 2.4: its files, their filters, and whom its login services let in how."""
