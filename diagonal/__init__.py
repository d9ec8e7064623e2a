"""Is the line diagonal? The lecture as functions of arrays and plain arguments."""
