"""The addresses: pages at the root, REST under /api/."""

from django.urls import URLPattern, URLResolver, include, path

from carefund.rest.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("", include("carefund.console.urls")),
]

handler500 = "carefund.console.unavailable.show_error"
