"""References move on: is a fast environment still the same as the newest version of its own?"""
