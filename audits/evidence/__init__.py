"""What a run leaves behind: its directory, its manifest."""
