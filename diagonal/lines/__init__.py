"""Images of lines: drawn, counted, split."""
