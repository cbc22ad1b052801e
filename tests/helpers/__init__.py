"""What tests share: no module in here is a test."""
