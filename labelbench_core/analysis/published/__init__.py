"""An experiment beside what others have published."""
