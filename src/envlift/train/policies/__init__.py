"""What a policy is: networks, what they read, what they put out."""
