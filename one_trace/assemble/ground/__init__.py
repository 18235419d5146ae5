"""What all readings of a record share: what it says, and what they have found out of it."""
