"""Files on disk: atomic writing, arrays in blocks, records, rounds."""
