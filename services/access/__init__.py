"""Who is calling, how often, and whether they asked before."""
