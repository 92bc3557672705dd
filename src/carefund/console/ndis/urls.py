"""The addresses of the NDIS pages, in the order in which a person meets them; part of the console's table."""

from django.urls import path

import carefund.console.url_numbers  # noqa: F401 makes <number:…> known
from carefund.console.ndis import comparing, contracts, creating, enabling

urlpatterns = [
    path("settings/ndis-syncpro", enabling.show_settings, name="ndis-settings"),
    path("clients/<number:client_id>/ndis", enabling.show_client, name="ndis-client"),
    path("clients/<number:client_id>/ndis/edit", enabling.edit_client, name="ndis-client-edit"),
    path("clients/<number:client_id>/ndis/pace", creating.retrieve, name="ndis-pace"),
    path("clients/<number:client_id>/ndis/pace/create", creating.create, name="ndis-pace-create"),
    path("clients/<number:client_id>/ndis/pace/<number:item_id>", creating.show, name="ndis-pace-plan"),
    path("ndis/contracts/<number:contract_id>", contracts.show, name="ndis-contract"),
    path("ndis/contracts/<number:contract_id>/sync", contracts.retrieve, name="ndis-contract-sync"),
    path("ndis/contracts/<number:contract_id>/sync/<number:item_id>", contracts.decide, name="ndis-contract-decide"),
    path("ndis/comparisons", comparing.show, name="ndis-comparisons"),
]
