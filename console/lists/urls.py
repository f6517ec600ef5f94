from django.urls import URLPattern, path

from console.lists.kinds import KINDS
from console.lists.pages import Facts, form_of
from console.lists.together import Together

urlpatterns: list[URLPattern] = []
for kind in KINDS:
    view = Facts.as_view(kind=kind, form_class=form_of(kind))
    together = Together.as_view(kind=kind)
    urlpatterns += [
        path(f"lists/{kind.slug}/", view, name=kind.slug),
        path(f"lists/{kind.slug}/together/", together, name=f"{kind.slug}-together"),
    ]
