"""The words on the pages that need a meaning, in the order of the Help page.

Each stands with the same meaning in docs/glossary.md; tests/house/test_glossary.py holds the two together.
"""

PAGE_TERMS = (
    ("client", "a person whom the provider cares for"),
    ("provider", "the organisation that runs Carefund"),
    (
        "branch",
        "a service delivery branch of the provider, with the clients whose funding comes through it; a "
        "coordinator sees the clients of some branches",
    ),
    ("Service Provider ID", "the ID by which Services Australia knows a branch"),
    ("care recipient", "a client as Services Australia knows them; the Care Recipient ID is its ID of the person"),
    ("participant", "a client as the NDIA knows them"),
    ("funder", "who pays: Services Australia or the NDIA"),
    ("classification", "a level of funding that a person was assessed for, with its dates"),
    ("plan", "a person's classifications, services and budgets together; its dates follow from the classifications"),
    ("budget", "money of one kind for one quarter, or for other dates"),
    (
        "open budget",
        "a budget that has no end date, or ended at most 90 days ago (the 90-day rule). A full sync reads its details",
    ),
    ("entitlement", "an amount that is part of a budget, such as that of a level or a supplement"),
    ("usage", "what was drawn from a budget, line by line"),
    ("draw", "one amount taken from one budget; drawn by says who was paid"),
    ("committed", "delivered services whose invoice is in Carefund and that the funder has not drawn yet"),
    ("planned", "booked visits for which Carefund has no invoice line yet"),
    ("safe to spend", "available less committed and planned: our estimate"),
    ("unspent funds", "what is left of a Home Care Package, held by the provider or in the home care account"),
    (
        "rollover",
        "what is left of a client's home support budget and goes to the next quarter: at most $1,000 or 10% of "
        "the quarter's budget, whichever is more. The rest is lost. Carefund estimates both until Services "
        "Australia has rolled the budget over",
    ),
    ("rollover received", "the part of a budget's total that no entitlement explains: usually rollover"),
    (
        "rollover deduction",
        "the amount that Services Australia deducted from a budget to offset funds that rolled over from one "
        "quarter to the next",
    ),
    (
        "write off",
        "unspent or unrecoverable funds that Services Australia has written off",
    ),
    ("contribution", "the share of the price that a person pays"),
    (
        "consent",
        "permission that a person gives in My Aged Care, so that Services Australia shows the details of their "
        "budgets. Without it, a sync retrieves everything else and keeps the last known details",
    ),
    ("pool", "a branch's care management budget of one quarter"),
    (
        "carry over",
        "what a pool keeps into the next financial year; the rest may be lost on 30 June. For a client's budget, "
        "see rollover",
    ),
    (
        "claim, batch, invoice line",
        "an invoice line is one delivered service. Lines are sent to Services Australia in a batch, and one "
        "claim is made for each batch",
    ),
    (
        "exception",
        "an invoice line that was refused, or whose claim, payment and draw do not match, or a draw by us "
        "without a line",
    ),
    ("PACE", "the NDIA's computer system"),
    ("service contract", "Carefund's record of an NDIS plan, with its budgets and delivered services"),
    (
        "sync, synchronise",
        "retrieve all that the funder has about one client, compare it with what is stored, and save what differs",
    ),
    (
        "survey",
        "read the lists of each Service Provider ID to find the clients whose records changed, then sync these "
        "clients, and some of the others in turn",
    ),
    ("preview", "what a sync would change, before it is saved. It is saved exactly as it was shown, or not at all"),
    ("as at a date", "what was known at the end of that day, from the archive"),
    (
        "reprocessing",
        "read everyone's stored responses again after an upgrade that reads them differently, without asking "
        "the funder",
    ),
)
