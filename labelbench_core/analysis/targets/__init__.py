"""What it takes to reach a level of the metric: labels, and money."""
