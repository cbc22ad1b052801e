"""Label efficiency: selection, proxies, fine-tuning and evaluation; arrays in, arrays out."""
