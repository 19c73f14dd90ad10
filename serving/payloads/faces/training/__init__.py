"""Training and measurement of the face model: part of the trainer image, not of the server's."""
