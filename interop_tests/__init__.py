"""Real clients against a real broker process on a real port; see README.md."""
