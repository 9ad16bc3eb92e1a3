"""What a person types, ``init`` to ``ledger``, and what is printed."""
