"""How large is what went in and came out of a step, and what did an LLM call use?"""
