"""The rows of the verdict, by what they look at."""
