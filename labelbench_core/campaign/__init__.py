"""A labelling campaign: a pool without labels, people who label, and which rows they label next.

What people were handed and what they answered are facts, kept in the campaign's own folder and
never made again: the random order of the audit, every batch proposed, every file of answers
received. Everything else follows from them.
"""
