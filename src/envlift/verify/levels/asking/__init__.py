"""What is asked of the reference about itself, of the pair, and of the contract."""
