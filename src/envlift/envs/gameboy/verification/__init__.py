"""How the Game Boy is shown to be right: beside PyBoy, frame by frame, and by test ROMs."""
