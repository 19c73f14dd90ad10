"""`make bench-server`: the model server beside MLServer, BentoML and LitServe."""
