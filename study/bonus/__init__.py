"""The bonus chapter: two parabolas, and how small networks separate them."""
