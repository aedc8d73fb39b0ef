"""What answers the network: the guarded listener, the app that it serves, the dashboard's files."""
