"""Is the line diagonal? The lecture as functions of arrays and plain arguments.

Nothing is imported here, so that each stage of the pipeline loads only what it needs.
"""
