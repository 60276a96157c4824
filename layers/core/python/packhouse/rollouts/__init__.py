"""Rollouts: capture sessions of scenarios, as they are sent, kept and looked at. What is made of them is `training`."""
