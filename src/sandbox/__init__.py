"""A local stand-in for PRODA, Services Australia and the NDIA, over real HTTP.

Shares nothing with carefund but the wire.
"""
