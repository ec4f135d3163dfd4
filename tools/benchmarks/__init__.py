"""Side-by-side timings of our code and of straightforward formulations of the same mathematics."""
