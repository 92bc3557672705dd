"""Who carries runs out: a child process beside SQLite, or any number of workers on PostgreSQL.

Which one it is follows from the database; nothing outside this folder and runs/handover.py knows.
"""
