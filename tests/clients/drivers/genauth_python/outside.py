"""Operations that the service knows and does not offer."""

import inspect

from world import PATH


def every_one_says_so(world):
    outside = world.outside & world.names()
    for method in methods(world):
        found = PATH.findall(inspect.getsource(method))
        if found and found[0] in outside:
            arguments = list(inspect.signature(method).parameters)
            answer = method(**dict.fromkeys(arguments, "x"))
            assert answer["statusCode"] == 501, (found, answer)


def methods(world):
    return [one for _, one in inspect.getmembers(world.client, inspect.ismethod)]


STEPS = [every_one_says_so]
