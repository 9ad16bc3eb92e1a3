"""Fast environments behind the interfaces of other libraries."""
