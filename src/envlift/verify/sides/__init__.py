"""The two environments of a comparison, each behind one interface (``reference.types.Side``)."""
