"""Settings that are compared: crossings in one report, and published ones beside ours."""
