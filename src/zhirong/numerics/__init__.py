"""Array in, frozen result out: simulation, survival, renewal, graphs, text vectors, weighting."""
