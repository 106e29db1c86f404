"""Runs in which everything around the server and its clients fails; a seed replays them."""
