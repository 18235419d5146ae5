"""Runs of flows with an injected fault: whether the first document that an agent asks for has the answer."""
