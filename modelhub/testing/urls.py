"""Paths of the test controls, below `/__admin/`."""

from django.urls import path

from modelhub.testing import clock_views, fault_views, organization_views, views

urlpatterns = [
    path("", views.Index.as_view(), name="test_controls"),
    path("clock", clock_views.ClockOfOrganization.as_view(), name="test_clock"),
    path("ids", clock_views.IdsOfOrganization.as_view(), name="test_ids"),
    path("organizations", organization_views.Organizations.as_view(), name="test_organizations"),
    path("organizations/<id:pk>", organization_views.OneOrganization.as_view(), name="test_organization"),
    path("reset", organization_views.Reset.as_view(), name="test_reset"),
    path("faults", fault_views.FaultList.as_view(), name="test_faults"),
    path("faults/<id:pk>", fault_views.OneFault.as_view(), name="test_fault"),
    path("requests", fault_views.Requests.as_view(), name="test_requests"),
]
