"""PAGE → PICTURES: a server on this machine, which the page in the browser and scripts talk to."""
