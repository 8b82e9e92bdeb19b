"""Configurations of other products as drafts of gateway.yaml. Pure: documents in, a draft out."""
