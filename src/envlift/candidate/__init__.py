"""The judged side: opened, driven and probed without anything of the verifier's."""
