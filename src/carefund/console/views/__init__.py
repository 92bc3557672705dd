"""The pages, one module per subject. A view translates: it asks, hands on, and shows; rules live below."""
