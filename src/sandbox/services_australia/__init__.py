"""Services Australia's Support at Home API: one handler file per API. Rules of money and people live one floor up."""
