"""What the documents call scripts: each module one command, for Python and for `kraken-golive`."""
