"""The rules of Pong, written once per target; ``constants`` holds the numbers both share."""
