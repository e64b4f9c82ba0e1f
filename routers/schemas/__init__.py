"""Request and response models: the wire contract, by resource."""
