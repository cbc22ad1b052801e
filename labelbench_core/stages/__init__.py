"""The table of stages, and the plan of an experiment that follows from it."""
