"""One module for each revision; the numbers are those of ``meta.schema_version``."""
