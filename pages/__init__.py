"""One file per address; a page is a table of contents of components."""

from pages import new_claim as new_claim  # before pages.claim: the first page whose address fits answers
