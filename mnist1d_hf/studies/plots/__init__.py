"""The figures of a study: from its result alone, without torch."""
