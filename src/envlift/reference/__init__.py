"""Driving a slow, trusted implementation in another process."""
