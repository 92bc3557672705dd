"""The client of Services Australia's Support at Home APIs and the types of what they send."""
