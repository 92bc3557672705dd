"""The outside world: clients of PRODA, Services Australia and the NDIA, async only. No Django, no database, no rules."""
