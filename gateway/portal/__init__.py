"""The developer portal: applications, their keys and tokens, for people with a browser and for programs."""
