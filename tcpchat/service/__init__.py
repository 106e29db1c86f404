"""Running a server: as a process, inside a client, or offline for the operator."""
