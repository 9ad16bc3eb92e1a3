"""`envlift report`: one self-contained HTML page and `report.json`, from evidence and ledgers."""
