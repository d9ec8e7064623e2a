"""What the lecture claims, measured: many trainings in each arm of an experiment."""
