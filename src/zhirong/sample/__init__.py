"""A synthetic but calibrated world, seeded, and labelled synthetic everywhere it shows."""

from zhirong.sample.facts import FACTS, SOURCE_ID, Fact
from zhirong.sample.world import latent_values, write_world

__all__ = ["FACTS", "SOURCE_ID", "Fact", "latent_values", "write_world"]
