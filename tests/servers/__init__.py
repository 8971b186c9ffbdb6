"""Real servers that tests start on free ports, harm and end."""
