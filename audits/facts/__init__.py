"""What was seen: frozen, typed, without opinion and without I/O."""
