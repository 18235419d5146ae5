"""A reading: the engine runs the flow again, and the log says what goes on."""
