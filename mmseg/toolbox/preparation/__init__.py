"""Data sets before training: converting and counting label maps, what is drawn of them."""
