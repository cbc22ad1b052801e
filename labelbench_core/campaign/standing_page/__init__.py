"""The page of where a campaign stands: `campaign.html`."""
