"""What `trace doctor` checks: one function a subject, each of which yields its findings. A check may fix what
it finds only where it is told to, and raises CliError if it cannot be made."""
