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
    ("entitlement", "a reason why there is money in a budget, with its amount"),
    ("usage", "what was drawn from a budget, line by line"),
    ("draw", "one amount taken from one budget; drawn by says who was paid"),
    ("committed", "services delivered whose invoice is in Carefund, and that the funder has not drawn yet"),
    ("planned", "visits that are booked and for which no line has come in"),
    ("safe to spend", "available less committed and planned: our estimate"),
    ("unspent funds", "what is left of a Home Care Package, held by the provider or in the home care account"),
    ("rolled in", "money of the quarter before in a budget's total"),
    ("rollover deduction", "money that moved from a budget to the next quarter"),
    (
        "write off",
        "money that lapsed at the end of a budget's quarter: Services Australia decides it, Carefund shows its figure",
    ),
    ("contribution", "the share of the price that a person pays"),
    (
        "consent",
        "what a person gives in My Aged Care, so that Services Australia shows a budget's details; refused, "
        "it is an outcome of its own",
    ),
    ("pool", "a branch's care management budget of one quarter"),
    ("carry over", "what of a pool goes on into the next financial year; the rest may be lost on 30 June"),
    (
        "claim, batch, invoice line",
        "lines of delivered services go in a batch to the funder, and one claim is made over it",
    ),
    ("exception", "a decided line that does not match what was paid or drawn, or a draw by us without a line"),
    ("PACE", "the NDIA's computer system"),
    ("service contract", "an NDIS plan as the provider works with it"),
    ("sync, synchronise", "fetch, compare and apply all that the funder says about one person"),
    (
        "survey",
        "read the lists of each Service Provider ID to find out who changed, and sync them and a share of "
        "all others in turn",
    ),
    ("preview", "what a sync would change, kept as it was shown, to be applied as it was shown or not at all"),
    ("as at a date", "what was known at the end of that day, from the archive"),
    (
        "reprocessing",
        "compare everybody's stored responses again after an upgrade that reads them differently, without a call",
    ),
)
