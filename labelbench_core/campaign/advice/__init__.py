"""What our own results recommend where a campaign's file leaves out its strategy or its proxy."""
