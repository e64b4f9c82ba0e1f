"""The service without HTTP: vendors, interviews, evidence, storage, access."""
