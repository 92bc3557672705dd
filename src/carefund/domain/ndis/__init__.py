"""Rules of NDIS plans on PACE: categories, management, funding periods, adjustment records, contract against PACE.

Standard library only; "today" is an argument. What the NDIA's answers look like is funders/ndia, what is stored is
records/models/ndis.py.
"""
