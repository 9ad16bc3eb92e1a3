"""Coding agents: any command, any chat endpoint, a person, or a recording."""
