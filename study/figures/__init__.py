"""Pictures of the study."""
