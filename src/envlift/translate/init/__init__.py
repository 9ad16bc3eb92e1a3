"""``envlift init``: from a reference to a folder in which a translation can begin."""
