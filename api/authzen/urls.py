from django.urls import path

from api.authzen import evaluation, search

urlpatterns = [
    path("evaluation", evaluation.evaluation, name="authzen-evaluation"),
    path("evaluations", evaluation.evaluations, name="authzen-evaluations"),
    path("search/subject", search.subjects, name="authzen-search-subject"),
    path("search/resource", search.resources, name="authzen-search-resource"),
    path("search/action", search.actions, name="authzen-search-action"),
]
