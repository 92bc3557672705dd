"""Where the views for BI tools are, which are made from the tables and so are in no backup: sync/report_views.py."""

SCHEMA = "reporting"
