from django.urls import path

from api.authzen import evaluation

urlpatterns = [
    path("evaluation", evaluation.evaluation),
    path("evaluations", evaluation.evaluations),
]
