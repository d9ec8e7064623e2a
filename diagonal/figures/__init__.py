"""Pictures: how they look, and one module for each part of the lecture."""
