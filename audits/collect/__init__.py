"""The only layer that touches network, SSH or the clock."""
