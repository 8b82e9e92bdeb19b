"""Descriptions of APIs by OpenAPI 3.0 and 3.1: read strictly, and brought into a form for pages."""
