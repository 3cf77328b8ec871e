"""What a run leaves behind: the verdict file and the terminal's summary."""
