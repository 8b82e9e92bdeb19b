"""Images that the portal shows, by the endings of their files."""

from __future__ import annotations

IMAGE_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
LARGEST_LOGO = 48 * 1024
"""Bytes: a page of the portal stays under 100 KiB."""
LARGEST_IMAGE = 1024 * 1024
"""Bytes of one of `portal.images`: they stay in memory."""
