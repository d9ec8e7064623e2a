"""Pictures of your own into the pipeline, and trained models out of it."""
