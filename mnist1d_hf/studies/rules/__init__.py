"""The rules by which a study judges claims: from its result alone, without torch."""
