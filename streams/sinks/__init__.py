"""Where results go beside the topics: InfluxDB, or an embedded SQLite file."""
