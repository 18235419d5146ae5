"""Which readings does nothing contradict, and where do they differ?"""
