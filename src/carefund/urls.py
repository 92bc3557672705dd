"""The doors, by address: pages at the root, machines under /api/."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("carefund.console.urls")),
]
