"""What lies on disk: files written as a whole, arrays in blocks, records, rounds."""
