"""What several sources of networks share."""
