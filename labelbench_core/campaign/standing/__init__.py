"""Where a campaign stands: accuracy by the audit, what more labels may bring, and what to look at.

Everything here is read from facts and changes none of them.
"""
