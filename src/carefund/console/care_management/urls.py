"""The addresses of care management, under the administrators' settings; part of the console's table."""

from django.urls import path

from carefund.console.care_management import history
from carefund.console.care_management import pools as pages
from carefund.console.views import service_providers

_BASE = "settings/support-at-home"

urlpatterns = [
    path(_BASE, pages.show_first, name="support-at-home"),
    path(f"{_BASE}/service-providers", service_providers.sync_providers, name="service-providers-sync"),
    path(f"{_BASE}/service-providers/progress", service_providers.show_search, name="service-providers-progress"),
    path(f"{_BASE}/saving", pages.switch, name="care-management-saving"),
    path(f"{_BASE}/all", pages.show_all, name="care-management-all"),
    path(f"{_BASE}/<str:service_provider_id>", pages.show, name="care-management"),
    path(f"{_BASE}/<str:service_provider_id>/history", history.show, name="care-management-history"),
]
