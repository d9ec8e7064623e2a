"""Many trainings at once: their data, networks, outcomes and statistics."""
