"""The words of pages, in the language of whoever reads them."""
