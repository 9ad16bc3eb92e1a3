"""The published recipe beside ours, as a page of the docs."""
