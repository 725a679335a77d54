"""The database and what the vault cannot give back, as files of one instant that say what they belong to."""
