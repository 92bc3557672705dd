"""All tables of funding, clients and claims, grouped by subject."""

from carefund.records.models.accounts import AccountAnswer, AccountMovement, ProviderAccount
from carefund.records.models.alerts import Alert
from carefund.records.models.care_management import (
    CareManagementBudget,
    CareManagementSave,
    CareManagementSettings,
    CareManagementUse,
)
from carefund.records.models.claims import Claim, ClaimAnswer, ClaimBatch, PaymentRequest
from carefund.records.models.devices import ProdaDevice
from carefund.records.models.exceptions import ExceptionCase, ExceptionNote
from carefund.records.models.file_uploads import FileUpload
from carefund.records.models.history import Answer, Change, Payload, TriedAnswer
from carefund.records.models.invoices import Invoice, InvoiceLineItem, LateEvidence
from carefund.records.models.ndis import (
    DeliveredService,
    FundingComponent,
    FundingPeriod,
    NdiaBudgetCall,
    NdisParticipant,
    OrganisationSetting,
    PaceComparison,
    ServiceContract,
    ServiceContractBudget,
)
from carefund.records.models.people import Client, ClientMatch, FunderIdentity, ServiceProvider, SyncState
from carefund.records.models.rates import EnteredRate
from carefund.records.models.rollovers import Rollover
from carefund.records.models.spending import PlannedService, UnspentBalance
from carefund.records.models.support_at_home import (
    ApprovedService,
    BudgetUsage,
    Classification,
    Entitlement,
    FunderRecord,
    IndividualContribution,
    Plan,
    PlanBudget,
    Supplement,
)
from carefund.records.models.surveys import Survey, SurveyMark, SurveySuspect
from carefund.records.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "AccountAnswer",
    "AccountMovement",
    "Alert",
    "Answer",
    "ApprovedService",
    "BudgetUsage",
    "CareManagementBudget",
    "CareManagementSave",
    "CareManagementSettings",
    "CareManagementUse",
    "Change",
    "Claim",
    "ClaimAnswer",
    "ClaimBatch",
    "Classification",
    "Client",
    "ClientMatch",
    "DeliveredService",
    "EnteredRate",
    "Entitlement",
    "ExceptionCase",
    "ExceptionNote",
    "FileUpload",
    "FunderIdentity",
    "FunderRecord",
    "FundingComponent",
    "FundingPeriod",
    "IndividualContribution",
    "Invoice",
    "InvoiceLineItem",
    "LateEvidence",
    "NdiaBudgetCall",
    "NdisParticipant",
    "OrganisationSetting",
    "PaceComparison",
    "Payload",
    "PaymentRequest",
    "Plan",
    "PlanBudget",
    "PlannedService",
    "ProdaDevice",
    "ProviderAccount",
    "Rollover",
    "ServiceContract",
    "ServiceContractBudget",
    "ServiceProvider",
    "Supplement",
    "Survey",
    "SurveyMark",
    "SurveySuspect",
    "SyncState",
    "TriedAnswer",
    "UnspentBalance",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
