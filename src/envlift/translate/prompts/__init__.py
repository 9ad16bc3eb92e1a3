"""What an agent is told: templates, the contract, failures as evidence."""
