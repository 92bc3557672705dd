"""What the performance figures in docs/performance.md are made with. Run by `make bench`; no part of the product."""
