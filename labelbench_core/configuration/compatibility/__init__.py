"""What cannot run or be measured, refused by name before any job."""
