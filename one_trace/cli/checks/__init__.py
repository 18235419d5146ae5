"""What `trace doctor` checks: one function a subject, each of which yields its findings. A check fixes what
it finds only if it is asked to, and raises CliError if it cannot be made."""
