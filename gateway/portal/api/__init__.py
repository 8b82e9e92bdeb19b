"""The portal for programs: the same services as REST, in the shapes that WSO2 API Manager's clients know."""
