"""What is alive while a log is replayed: spans, attempts of containers, iterations, the host's maps of
results. And what is asked of them everywhere: is this timer due, is this over, how late may a line be?"""
