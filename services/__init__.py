"""What the service does, without HTTP: vendors, interviews, evidence, storage, access."""
