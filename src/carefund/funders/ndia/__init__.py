"""The NDIA's PACE APIs: who is on PACE, which plan, which budgets. No Django, no rules, nothing stored."""
