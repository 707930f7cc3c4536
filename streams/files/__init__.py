"""Reading files (CSV, parquet, JSON lines, MTConnect adapter logs) as one stream of readings."""
