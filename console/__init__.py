"""The console: where administrators look, understand and act, in a browser, below ``/admin/``.

A door like the others: it asks the engine, shows what the queries say, and changes things by the
operations alone. How a page is made is told in ``console.pages``; its forms in ``console.forms``.

* ``site``: who gets in, and the ways from page to page; ``rights``: what the caller may do there
* ``tables/``: the plain lists of Django's admin, for whatever has no page of its own
* ``access/``: explain, who can, what can, compare; ``giving``: a role, a membership, a grant
* ``lists/``: assignments, memberships and grants, many ended or prolonged at once
* ``record/``: the change log, and what the home page says of now
* ``choices``: what the fields of forms offer while somebody types
"""
