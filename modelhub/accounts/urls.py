"""Paths of users."""

from django.urls import path

from modelhub.accounts import views

urlpatterns = [
    path("model-hub/users/", views.Users.as_view(), name="users"),
    path("model-hub/users/me/", views.OwnUser.as_view(), name="user-own"),
    path("model-hub/users/<id:pk>/", views.OneUser.as_view(), name="user"),
    path("model-hub/users/<id:pk>/activate/", views.ActivateUser.as_view(), name="user-activate"),
    path("model-hub/users/<id:pk>/deactivate/", views.DeactivateUser.as_view(), name="user-deactivate"),
]
