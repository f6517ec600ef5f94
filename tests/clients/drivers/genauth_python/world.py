"""What the steps share: a client, names of their own, and a record of what answered."""

import functools
import inspect
import re

import requests

SECONDS = 60
PATH = re.compile(r"url=['\"]/api/v3/([\w/-]+)['\"]")

# The packages wait for ever.
requests.request = functools.partial(requests.request, timeout=SECONDS)


class World:
    """``call`` gives the data of an answer and fails on any other than 200."""

    def __init__(self, *, module, url, key_id, secret, prefix):
        self.client = module.ManagementClient(
            access_key_id=key_id, access_key_secret=secret, host=url, lang="en-US"
        )
        self.module = module
        self.prefix = prefix
        self.answered = {}
        http = self.client.http_client
        http.request = functools.partial(self._recorded, http.request)

    def _recorded(self, request, **arguments):
        answer = request(**arguments)
        name = arguments["url"].removeprefix("/api/v3/")
        self.answered.setdefault(name, set()).add(answer["statusCode"])
        return answer

    def call(self, method, *arguments, **named):
        answer = self.status(200, method, *arguments, **named)
        assert set(answer) >= {"message", "requestId", "data"}, answer
        return answer["data"]

    def status(self, expected, method, *arguments, **named):
        answer = getattr(self.client, method)(*arguments, **named)
        assert answer["statusCode"] == expected, (method, answer)
        return answer

    def has(self, method):
        """The two packages differ: only one knows departments."""
        return hasattr(self.client, method)

    def name(self, word):
        return f"{self.prefix}-{word}"

    def user(self, word):
        made = self.call("create_user", username=self.name(word), name=word.capitalize())
        return made["userId"]

    def role(self, word):
        self.call("create_role", code=self.name(word), name=word.capitalize())
        return self.name(word)

    def names(self):
        """Every operation the package has a method for."""
        return set(PATH.findall(inspect.getsource(type(self.client))))


def user(user_id):
    return target("USER", user_id)


def target(kind, identifier):
    return {"targetType": kind, "targetIdentifier": identifier}
