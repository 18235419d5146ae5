"""Which of all readings is one that nothing contradicts?"""
