"""What makes the model and measures it: part of the trainer image, not of the server's."""
