"""Who may: roles, gate functions, API tokens, access log. No pages here, and no reading of funding without a gate."""
