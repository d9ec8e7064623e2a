"""From images and labels to trained weights."""
