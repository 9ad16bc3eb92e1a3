"""The candidate: opened, driven and probed without anything of the verifier's."""
