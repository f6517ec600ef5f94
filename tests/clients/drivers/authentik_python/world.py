"""What the steps work with: the client's API classes, watched, and raw HTTP for what it lacks."""

import functools
import json
import urllib.request
from types import SimpleNamespace

from authentik_client import ApiClient, Configuration, CoreApi, RbacApi, RootApi, SchemaApi

# Every operation of these classes is driven; of the core API only those of users, groups, tokens.
APIS = {
    RbacApi: ("rbac_",),
    CoreApi: ("core_users_", "core_groups_", "core_tokens_"),
    SchemaApi: ("schema_",),
    RootApi: ("root_",),
}
VARIANTS = ("_with_http_info", "_without_preload_content")


def operations():
    """The names of the client's operations that belong to this door."""
    return sorted(
        name
        for api, prefixes in APIS.items()
        for name in vars(api)
        if name.startswith(prefixes) and not name.endswith(VARIANTS)
    )


class Watched:
    """An API object that notes which operations have answered."""

    def __init__(self, api, answered):
        self._api = api
        self._answered = answered

    def __getattr__(self, name):
        method = getattr(self._api, name)

        @functools.wraps(method)
        def call(*args, **kwargs):
            result = method(*args, **kwargs)
            self._answered.add(name)
            return result

        return call


class World(SimpleNamespace):
    """The administrator's APIs, and whatever earlier steps leave for later ones."""

    def __init__(self, *, url, token, prefix):
        self.url, self.token, self.prefix = url, token, prefix
        self.answered = set()
        super().__init__(**vars(self.acting(token)))

    def acting(self, token):
        """The four API objects, speaking for the owner of a token."""
        client = ApiClient(Configuration(host=f"{self.url}/api/v3", access_token=token))
        return SimpleNamespace(
            rbac=Watched(RbacApi(client), self.answered),
            core=Watched(CoreApi(client), self.answered),
            schema=Watched(SchemaApi(client), self.answered),
            root=Watched(RootApi(client), self.answered),
        )

    def has(self, operation):
        """Whether this generation of the client has an operation."""
        return operation in operations()

    def named(self, name):
        """A name nobody else uses on the server."""
        return f"{self.prefix}-{name}"

    def post(self, path, body):
        request = urllib.request.Request(  # noqa: S310  the server of this run
            f"{self.url}/api/v3/{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)


def refused(exception, call, *args, **kwargs):
    """The body of the refusal; fails when the call is accepted or refused otherwise."""
    try:
        call(*args, **kwargs)
    except exception as error:
        return json.loads(error.body)
    raise AssertionError("the call was accepted")


def walk(list_page, *, page_size, **filters):
    """Every row of a list, page by page, checking what each page says of itself."""
    rows, number = [], 1
    while number:
        page = list_page(page=number, page_size=page_size, **filters)
        assert page.pagination.current == number
        assert page.pagination.start_index == (len(rows) + 1 if page.results else 0)
        rows += page.results
        assert page.pagination.end_index == len(rows)
        number = int(page.pagination.next)
    assert page.pagination.count == len(rows)
    return rows
