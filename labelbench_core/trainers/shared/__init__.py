"""The parts that several trainers share."""
