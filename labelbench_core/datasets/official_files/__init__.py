"""What data sets in official files share: fetching and checking them, and their layouts."""
