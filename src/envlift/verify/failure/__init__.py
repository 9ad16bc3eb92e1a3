"""A failure's life: a case, minimised, recorded, replayed."""
