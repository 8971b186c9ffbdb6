"""The eight invariants of DESIGN.md, on real servers, and a model of them."""
