"""Every table of the catalogue, by room: `schema` has the shared types, the others one group of nouns each."""
