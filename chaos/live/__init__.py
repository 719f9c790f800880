"""A small world of real processes and real browsers, broken on purpose from a seed. Is any page ever wrong for long?"""
