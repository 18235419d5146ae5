"""The assembler that has the engine read the log, on trial beside `assemble`."""
