"""Files of any source: their names, what is left out of them, and listings of them."""
