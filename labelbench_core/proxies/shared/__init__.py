"""The parts that several proxies share."""
