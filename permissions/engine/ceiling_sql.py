"""The statement behind the grant ceiling; its parts are those of the decisions (``sql.py``)."""

from __future__ import annotations

from functools import cache

from permissions.engine.sql import DIALECTS, ONE_SUBJECT, Text


@cache
def beyond(vendor: str) -> str:
    """An actor, and ``roles``, ``groups`` and ``users`` as JSON arrays in; what it lacks out.

    Rows (kind, permission, object_pk): what whoever joins the groups, is given the roles (within
    ``scope_id``) or acts as the users would hold and the actor does not. Kind 'superuser' comes
    when they confer that and the actor is none; 'grant' for the rest, at most ``limit`` of each
    sort and none for actors who may escalate. Facts not valid yet count, expired ones do not.
    """
    text = Text(DIALECTS[vendor].dialect)
    return _beyond(text)


def _beyond(text: Text) -> str:
    dialect, live = text.dialect, text.live
    roles = dialect.listed("roles", dialect.uuid_of)
    groups = dialect.listed("groups", dialect.uuid_of)
    users = dialect.listed("users", dialect.integer_of)
    not_over = f"(a.valid_until IS NULL OR a.valid_until > {dialect.now})"
    scope = dialect.uuid_of.format(text="CAST(%(scope_id)s AS text)")
    in_scope = dialect.longer_path.format(path=dialect.no_path, scope=scope)
    within = text.within("h.path", "p.content_type_id", "g.object_pk")
    # Read downwards: what is conferred, what the actor has, whom the ceiling binds, what is left.
    return f"""WITH RECURSIVE {text.who(ONE_SUBJECT)},
{text.member()},
{text.held()},
of_group AS (
    SELECT c.ancestor_id AS group_id FROM authentik_core_groupclosure c
    WHERE c.descendant_id IN ({groups})
       OR c.descendant_id IN (SELECT m.group_id FROM authentik_core_groupmembership m
                              WHERE m.user_id IN ({users}))
), conferred AS (
    SELECT r.uuid AS role_id FROM authentik_rbac_role r WHERE r.uuid IN ({roles})
    UNION
    SELECT a.role_id FROM of_group g
    JOIN authentik_rbac_roleassignment a ON a.group_id = g.group_id AND {not_over}
    UNION
    SELECT a.role_id FROM authentik_rbac_roleassignment a
    WHERE a.user_id IN ({users}) AND {not_over}
    UNION
    SELECT a.role_id FROM conferred c
    JOIN authentik_rbac_roleassignment a ON a.holder_role_id = c.role_id AND {not_over}
), super AS (
    SELECT m.user_id FROM member m JOIN authentik_core_group g ON g.group_uuid = m.group_id
    WHERE g.is_superuser
), mine AS (
    SELECT g.permission_id FROM who w
    JOIN permissions_userglobalgrant g ON g.user_id = w.user_id
    WHERE w.is_active AND {live("g")}
    UNION
    SELECT g.permission_id FROM held h
    JOIN permissions_roleglobalgrant g ON g.role_id = h.role_id
    WHERE {live("g")} AND h.path IN ({dialect.no_path}, {in_scope})
      AND (h.path = {dialect.no_path} OR %(scope_id)s IS NOT NULL)
), may_escalate AS (
    SELECT 1 AS yes FROM auth_permission p
    JOIN django_content_type ct ON ct.id = p.content_type_id
    WHERE ct.app_label = 'authentik_rbac' AND p.codename = 'escalate' AND (
        p.id IN (SELECT g.permission_id FROM who w
                 JOIN permissions_userglobalgrant g ON g.user_id = w.user_id
                 WHERE w.is_active AND {live("g")})
        OR p.id IN (SELECT g.permission_id FROM held h
                    JOIN permissions_roleglobalgrant g ON g.role_id = h.role_id
                    WHERE {live("g")} AND h.path = {dialect.no_path}))
), bound AS (
    SELECT w.user_id FROM who w
    WHERE NOT EXISTS (SELECT 1 FROM super) AND NOT EXISTS (SELECT 1 FROM may_escalate)
), foreign_role AS (
    SELECT c.role_id FROM conferred c CROSS JOIN bound
    WHERE NOT EXISTS (
        SELECT 1 FROM held h WHERE h.role_id = c.role_id
        AND (h.path = {dialect.no_path} OR %(scope_id)s IS NOT NULL AND h.path = {in_scope}))
), wanted_global AS (
    SELECT g.permission_id FROM foreign_role f
    JOIN permissions_roleglobalgrant g ON g.role_id = f.role_id
    UNION
    SELECT g.permission_id FROM bound CROSS JOIN permissions_userglobalgrant g
    WHERE g.user_id IN ({users})
), wanted_object AS (
    SELECT g.permission_id, g.object_pk FROM foreign_role f
    JOIN permissions_roleobjectpermission g ON g.group_id = f.role_id
    UNION
    SELECT g.permission_id, g.object_pk FROM bound CROSS JOIN permissions_userobjectpermission g
    WHERE g.user_id IN ({users})
)
SELECT 'superuser' AS kind, '' AS permission, '' AS object_pk
WHERE NOT EXISTS (SELECT 1 FROM super) AND EXISTS (
    SELECT 1 FROM of_group g JOIN authentik_core_group confers
    ON confers.group_uuid = g.group_id WHERE confers.is_superuser)
UNION ALL
SELECT 'grant', missing.name, '' FROM (
    SELECT ct.app_label || '.' || p.codename AS name
    FROM wanted_global g
    JOIN auth_permission p ON p.id = g.permission_id
    JOIN django_content_type ct ON ct.id = p.content_type_id
    WHERE g.permission_id NOT IN (SELECT permission_id FROM mine)
    ORDER BY 1 LIMIT %(limit)s) AS missing
UNION ALL
SELECT 'grant', missing.name, missing.object_pk FROM (
    SELECT ct.app_label || '.' || p.codename AS name, g.object_pk
    FROM wanted_object g
    JOIN auth_permission p ON p.id = g.permission_id
    JOIN django_content_type ct ON ct.id = p.content_type_id
    WHERE g.permission_id NOT IN (SELECT permission_id FROM mine)
      AND NOT EXISTS (
        SELECT 1 FROM bound JOIN permissions_userobjectpermission own ON own.user_id = bound.user_id
        WHERE own.permission_id = g.permission_id AND own.object_pk = g.object_pk
          AND {live("own")})
      AND NOT EXISTS (
        SELECT 1 FROM held h JOIN permissions_roleobjectpermission own ON own.group_id = h.role_id
        WHERE own.permission_id = g.permission_id AND own.object_pk = g.object_pk
          AND {live("own")} AND {within})
      AND NOT EXISTS (
        SELECT 1 FROM held h JOIN permissions_roleglobalgrant own ON own.role_id = h.role_id
        WHERE own.permission_id = g.permission_id AND {live("own")} AND {within})
    ORDER BY 1, 2 LIMIT %(limit)s) AS missing"""
