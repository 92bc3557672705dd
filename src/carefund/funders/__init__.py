"""The outside world: clients of the funders' systems. No Django, no domain rules, nothing that is stored."""
