"""The NDIA's side of the sandbox: participants with PACE plans, the APIs that tell of them, and ways to change them.

Shares nothing with carefund but the wire. Everybody here is fictitious.
"""
