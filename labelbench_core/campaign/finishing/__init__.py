"""The end of a campaign: its labels, a model with its card, and predictions for the whole pool.

Everything here is made of facts and changes none of them; the campaign can go on afterwards.
"""
