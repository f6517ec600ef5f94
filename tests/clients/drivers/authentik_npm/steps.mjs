// The steps, in order; each leaves what later ones need on the world.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { refused, walk } from "./world.mjs";

const GROUP = "authentik_core.group";
const FLOW = "authentik_flows.flow";
const GLOBALLY = ["authentik_core.view_user", "authentik_core.view_group"];
const SENTENCE = "You do not have permission to perform this action.";

const names = (page) => page.results.map((each) => each.username ?? each.name ?? each.identifier);
const codenames = (rows) => rows.map((row) => row.codename).sort();

async function theServiceDescribesItself({ schema, root, core }) {
  const document = await schema.schemaRetrieve({ format: "json" });
  assert.ok(document);
  assert.deepEqual((await root.rootConfigRetrieve()).capabilities, []);
  const { user } = await core.coreUsersMeRetrieve();
  assert.equal(user.username, "akadmin");
  assert.ok(user.isSuperuser);
}

async function usersAreCreatedReadAndChanged(world) {
  for (const name of ["ann", "ben", "cat"]) {
    world[name] = await world.core.coreUsersCreate({
      userRequest: {
        username: world.named(name),
        name,
        email: `${name}@${world.prefix}.example.com`,
        path: `${world.prefix}/${name === "ann" ? "eu" : "us"}`,
        attributes: { nick: world.named(name) },
      },
    });
    assert.equal(world[name].username, world.named(name));
    assert.ok(world[name].isActive);
  }
  assert.deepEqual(await world.core.coreUsersRetrieve({ id: world.ann.pk }), world.ann);
  const put = await world.core.coreUsersUpdate({
    id: world.ben.pk,
    userRequest: { username: world.named("ben"), name: "Benjamin", groups: [], type: "external" },
  });
  assert.deepEqual([put.name, put.type, put.email], ["Benjamin", "external", world.ben.email]);
  const patched = await world.core.coreUsersPartialUpdate({
    id: world.cat.pk,
    patchedUserRequest: { isActive: false },
  });
  assert.ok(!patched.isActive);
}

async function usersAreListedByEveryFilter(world) {
  const listed = async (filters = {}) =>
    names(await world.core.coreUsersList({ search: world.prefix, ...filters }));
  const [ann, ben, cat] = ["ann", "ben", "cat"].map((name) => world.named(name));

  assert.deepEqual(await listed(), [ann, ben, cat]);
  assert.deepEqual(await listed({ ordering: "-username" }), [cat, ben, ann]);
  assert.deepEqual(await listed({ username: ann }), [ann]);
  assert.deepEqual(await listed({ email: world.ben.email }), [ben]);
  assert.deepEqual(await listed({ name: "Benjamin" }), [ben]);
  assert.deepEqual(await listed({ isActive: false }), [cat]);
  assert.deepEqual(await listed({ isSuperuser: true }), []);
  assert.deepEqual(await listed({ path: `${world.prefix}/eu` }), [ann]);
  assert.deepEqual(await listed({ pathStartswith: `${world.prefix}/u` }), [ben, cat]);
  assert.deepEqual(await listed({ type: ["external"] }), [ben]);
  assert.deepEqual(await listed({ attributes: JSON.stringify({ nick: cat }) }), [cat]);
  assert.deepEqual(await listed({ uuid: world.ann.uuid }), [ann]);
  assert.equal((await walk(world.core.coreUsersList, { pageSize: 2, search: world.prefix })).length, 3);
  const bare = await world.core.coreUsersList({ username: ann, includeGroups: false });
  assert.equal(bare.results[0].groupsObj ?? null, null);
}

async function usersHavePathsPasswordsAndServiceAccounts(world) {
  const { paths } = await world.core.coreUsersPathsRetrieve({});
  assert.ok(paths.includes(`${world.prefix}/eu`));
  await world.core.coreUsersSetPasswordCreate({
    id: world.ann.pk,
    userPasswordSetRequest: { password: "a long enough passphrase" },
  });
  assert.ok(Array.isArray(await world.core.coreUsersUsedByList({ id: world.ann.pk })));
  const account = await world.core.coreUsersServiceAccountCreate({
    userServiceAccountRequest: { name: world.named("robot"), createGroup: true },
  });
  const robot = await world.core.coreUsersRetrieve({ id: account.userPk });
  assert.deepEqual([robot.username, robot.type], [world.named("robot"), "service_account"]);
  await refused(403, () => world.acting(account.token).core.coreUsersMeRetrieve());
  await world.core.coreGroupsDestroy({ groupUuid: account.groupPk });
  await world.core.coreUsersDestroy({ id: account.userPk });
  await refused(404, () => world.core.coreUsersRetrieve({ id: account.userPk }));
}

async function groupsAreNested(world) {
  const many = world.has("rbacRolesAddUserCreate");
  const below = (parent) => (many ? { parents: [parent.pk] } : { parent: parent.pk });
  const parents = (group) => (many ? group.parents : [group.parent].filter(Boolean));
  const create = (name, members = {}) =>
    world.core.coreGroupsCreate({ groupRequest: { name: world.named(name), ...members } });

  world.company = await create("company", { attributes: { floor: 1 } });
  world.staff = await create("staff", { users: [world.ann.pk], ...below(world.company) });
  world.night = await create("night", below(world.staff));
  assert.deepEqual(parents(world.staff), [world.company.pk]);
  const read = await world.core.coreGroupsRetrieve({ groupUuid: world.staff.pk });
  assert.deepEqual(read.usersObj.map((user) => user.username), [world.ann.username]);
  const put = await world.core.coreGroupsUpdate({
    groupUuid: world.staff.pk,
    groupRequest: { name: world.staff.name, users: [world.ann.pk], ...below(world.company) },
  });
  assert.deepEqual([parents(put), put.users], [[world.company.pk], [world.ann.pk]]);
  await refused(400, () =>
    world.core.coreGroupsPartialUpdate({
      groupUuid: world.company.pk,
      patchedGroupRequest: below(world.night),
    }),
  );
}

async function groupsHaveMembers(world) {
  const member = { groupUuid: world.night.pk, userAccountRequest: { pk: world.ben.pk } };
  const members = async () =>
    (await world.core.coreGroupsRetrieve({ groupUuid: world.night.pk })).users;

  await world.core.coreGroupsAddUserCreate(member);
  assert.deepEqual(await members(), [world.ben.pk]);
  await world.core.coreGroupsRemoveUserCreate(member);
  assert.deepEqual(await members(), []);
  await world.core.coreGroupsAddUserCreate(member);
}

async function membersBelowASuperuserGroupAreSuperusers(world) {
  const flagged = (isSuperuser) =>
    world.core.coreGroupsPartialUpdate({
      groupUuid: world.company.pk,
      patchedGroupRequest: { isSuperuser },
    });
  const isSuperuser = async () =>
    (await world.core.coreUsersRetrieve({ id: world.ben.pk })).isSuperuser;

  await flagged(true);
  assert.ok(await isSuperuser());
  await flagged(false);
  assert.ok(!(await isSuperuser()));
}

async function groupsAreListedByEveryFilter(world) {
  const listed = async (filters = {}) =>
    names(await world.core.coreGroupsList({ search: world.prefix, ...filters }));
  const [company, night, staff] = ["company", "night", "staff"].map((name) => world.named(name));

  assert.deepEqual(await listed(), [company, night, staff]);
  assert.deepEqual(await listed({ ordering: "-name" }), [staff, night, company]);
  assert.deepEqual(await listed({ name: night }), [night]);
  assert.deepEqual(await listed({ isSuperuser: true }), []);
  assert.deepEqual(await listed({ membersByUsername: [world.ann.username] }), [staff]);
  assert.deepEqual(await listed({ membersByPk: [world.ben.pk] }), [night]);
  assert.deepEqual(await listed({ attributes: JSON.stringify({ floor: 1 }) }), [company]);
  const users = async (filters) => names(await world.core.coreUsersList(filters));
  assert.deepEqual(await users({ groupsByName: [staff] }), [world.ann.username]);
  assert.deepEqual(await users({ groupsByPk: [world.night.pk] }), [world.ben.username]);
  const walked = await walk(world.core.coreGroupsList, { pageSize: 2, search: world.prefix });
  assert.equal(walked.length, 3);
  const used = await world.core.coreGroupsUsedByList({ groupUuid: world.company.pk });
  assert.ok(Array.isArray(used));
}

async function rolesLiveAWholeLife(world) {
  const { rbac } = world;
  for (const name of ["auditor", "keeper"])
    world[name] = await rbac.rbacRolesCreate({ roleRequest: { name: world.named(name) } });
  const uuid = world.keeper.pk;
  assert.equal((await rbac.rbacRolesRetrieve({ uuid })).name, world.keeper.name);
  const put = await rbac.rbacRolesUpdate({ uuid, roleRequest: { name: world.named("warden") } });
  assert.equal(put.name, world.named("warden"));
  const patchedRoleRequest = { name: world.named("keeper") };
  const back = await rbac.rbacRolesPartialUpdate({ uuid, patchedRoleRequest });
  assert.equal(back.name, world.named("keeper"));
  const taken = { roleRequest: { name: world.auditor.name } };
  assert.ok("name" in (await refused(400, () => rbac.rbacRolesCreate(taken))));
  const short = await rbac.rbacRolesCreate({ roleRequest: { name: world.named("short") } });
  await rbac.rbacRolesDestroy({ uuid: short.pk });
  await refused(404, () => rbac.rbacRolesRetrieve({ uuid: short.pk }));
  const walked = await walk(rbac.rbacRolesList, { pageSize: 1, search: world.prefix });
  assert.deepEqual(walked.map((role) => role.name), [world.auditor.name, world.keeper.name]);
}

async function rolesAreHeldByGroups(world) {
  const group = await world.core.coreGroupsPartialUpdate({
    groupUuid: world.staff.pk,
    patchedGroupRequest: { roles: [world.auditor.pk] },
  });
  assert.deepEqual(group.rolesObj.map((role) => role.name), [world.auditor.name]);
  const [use] = await world.rbac.rbacRolesUsedByList({ uuid: world.auditor.pk });
  assert.deepEqual([use.modelName, use.pk], ["group", world.staff.pk]);
}

async function rolesAreHeldByUsers(world) {
  if (!world.has("rbacRolesAddUserCreate")) return;
  const { rbac, core } = world;
  const holder = {
    uuid: world.keeper.pk,
    userAccountSerializerForRoleRequest: { pk: world.ben.pk },
  };
  const held = async (filters) => names(await rbac.rbacRolesList(filters));

  await rbac.rbacRolesAddUserCreate(holder);
  assert.deepEqual((await core.coreUsersRetrieve({ id: world.ben.pk })).roles, [world.keeper.pk]);
  assert.deepEqual(await held({ users: world.ben.pk }), [world.keeper.name]);
  assert.deepEqual(await held({ users: world.ann.pk }), []);
  assert.deepEqual(await held({ users: world.ann.pk, inherited: true }), [world.auditor.name]);
  assert.deepEqual(await held({ groups: world.staff.pk }), [world.auditor.name]);
  await rbac.rbacRolesRemoveUserCreate(holder);
  assert.deepEqual((await core.coreUsersRetrieve({ id: world.ben.pk })).roles, []);
}

async function theCatalogueIsComplete({ rbac }) {
  const all = await walk(rbac.rbacPermissionsList, { pageSize: 100 });
  assert.ok(all.length > 490);
  assert.equal(new Set(all.map((each) => each.id)).size, all.length);
  const { results } = await rbac.rbacPermissionsList({
    codename: "view_user",
    contentTypeAppLabel: "authentik_core",
    contentTypeModel: "user",
  });
  assert.equal(results.length, 1);
  const one = await rbac.rbacPermissionsRetrieve({ id: results[0].id });
  assert.deepEqual([one.appLabel, one.model, one.name], ["authentik_core", "user", "Can view User"]);
}

async function rolesAreGrantedGlobally(world) {
  const given = await world.rbac.rbacPermissionsAssignedByRolesAssign({
    uuid: world.auditor.pk,
    permissionAssignRequest: { permissions: GLOBALLY },
  });
  assert.equal(given.length, GLOBALLY.length);
  const held = await world.rbac.rbacPermissionsList({ role: world.auditor.pk });
  assert.deepEqual(codenames(held.results), ["view_group", "view_user"]);
  world.annKey = await world.keyOf(world.ann);
  const seen = await world.acting(world.annKey).core.coreUsersList({ search: world.prefix });
  assert.ok(names(seen).includes(world.ben.username));
}

async function rolesAreGrantedOnObjects(world) {
  const { rbac } = world;
  const uuid = world.auditor.pk;
  const onGroup = { model: GROUP, objectPk: world.company.pk };
  const assign = (role, body) =>
    rbac.rbacPermissionsAssignedByRolesAssign({ uuid: role, permissionAssignRequest: body });
  const given = await assign(uuid, { permissions: ["change_group", "delete_group"], ...onGroup });
  const rows = (await rbac.rbacPermissionsRolesList({ uuid })).results;
  assert.deepEqual(rows.map((row) => String(row.id)).sort(), given.map((each) => each.id).sort());
  assert.ok(rows.every((row) => row.objectDescription.includes(world.company.name)));

  const flow = randomUUID();
  await world.post(`rbac/resource_types/${FLOW}/resources/`, { object_pk: flow, name: "login" });
  const onFlow = { model: FLOW, objectPk: flow };
  const [one] = await assign(world.keeper.pk, { permissions: ["view_flow"], ...onFlow });
  const [row] = (await rbac.rbacPermissionsRolesList({ uuid: world.keeper.pk })).results;
  assert.deepEqual([String(row.id), row.objectPk], [one.id, flow]);

  const holders = await rbac.rbacPermissionsAssignedByRolesList(onGroup);
  const holder = holders.results.find((role) => role.rolePk === uuid);
  assert.deepEqual(codenames(holder.permissions ?? holder.objectPermissions), [
    "change_group",
    "delete_group",
  ]);
}

async function grantsOfRolesAreMovedAndDeleted(world) {
  if (!world.has("rbacPermissionsRolesRetrieve")) return;
  const { rbac } = world;
  const [row] = (await rbac.rbacPermissionsRolesList({ uuid: world.keeper.pk })).results;
  const other = randomUUID();
  await world.post(`rbac/resource_types/${FLOW}/resources/`, { object_pk: other, name: "logout" });

  const id = row.id;
  assert.equal((await rbac.rbacPermissionsRolesRetrieve({ id })).objectPk, row.objectPk);
  const moved = await rbac.rbacPermissionsRolesPartialUpdate({
    id,
    patchedExtraRoleObjectPermissionRequest: { objectPk: other },
  });
  assert.deepEqual([moved.id, moved.objectPk, moved.objectDescription], [id, other, "logout"]);
  const back = { objectPk: row.objectPk };
  await rbac.rbacPermissionsRolesUpdate({ id, extraRoleObjectPermissionRequest: back });
  await rbac.rbacPermissionsRolesDestroy({ id });
  await refused(404, () => rbac.rbacPermissionsRolesRetrieve({ id }));
}

async function grantsOfRolesAreTaken(world) {
  const { rbac } = world;
  const uuid = world.auditor.pk;
  const unassign = (body) =>
    rbac.rbacPermissionsAssignedByRolesUnassignPartialUpdate({
      uuid,
      patchedPermissionAssignRequest: body,
    });
  await unassign({ permissions: ["delete_group"], model: GROUP, objectPk: world.company.pk });
  const rows = (await rbac.rbacPermissionsRolesList({ uuid })).results;
  assert.deepEqual(codenames(rows), ["change_group"]);
  await unassign({ permissions: [GLOBALLY[0]] });
  await refused(403, () => world.acting(world.annKey).core.coreUsersList({}));
}

async function usersAreGrantedMovedAndTaken(world) {
  if (!world.has("rbacPermissionsAssignedByUsersAssign")) return;
  const { rbac } = world;
  const id = world.ben.pk;
  const onGroup = { model: GROUP, objectPk: world.company.pk };
  const assign = (body) =>
    rbac.rbacPermissionsAssignedByUsersAssign({ id, permissionAssignRequest: body });
  await assign({ permissions: GLOBALLY });
  const [given] = await assign({ permissions: ["change_group"], ...onGroup });
  const held = await rbac.rbacPermissionsList({ user: id });
  assert.deepEqual(codenames(held.results), ["view_group", "view_user"]);
  const users = await walk(rbac.rbacPermissionsAssignedByUsersList, { pageSize: 2, ...onGroup });
  const ben = users.find((user) => user.pk === id);
  assert.deepEqual(codenames(ben.permissions), ["change_group"]);

  const [row] = (await rbac.rbacPermissionsUsersList({ userId: id })).results;
  assert.equal(String(row.id), given.id);
  assert.deepEqual(await rbac.rbacPermissionsUsersRetrieve({ id: row.id }), row);
  const moved = await rbac.rbacPermissionsUsersPartialUpdate({
    id: row.id,
    patchedExtraUserObjectPermissionRequest: { objectPk: world.staff.pk },
  });
  assert.equal(moved.objectPk, world.staff.pk);
  const back = { objectPk: row.objectPk };
  await rbac.rbacPermissionsUsersUpdate({ id: row.id, extraUserObjectPermissionRequest: back });
  await rbac.rbacPermissionsUsersDestroy({ id: row.id });
  await rbac.rbacPermissionsAssignedByUsersUnassignPartialUpdate({
    id,
    patchedPermissionAssignRequest: { permissions: GLOBALLY },
  });
  assert.deepEqual((await rbac.rbacPermissionsList({ user: id })).results, []);
}

async function initialPermissionsLiveAWholeLife(world) {
  if (!world.has("rbacInitialPermissionsCreate")) return;
  const { rbac } = world;
  const [view] = (await rbac.rbacPermissionsList({ codename: "view_group" })).results;
  const body = { name: world.named("initial"), role: world.keeper.pk, permissions: [view.id] };
  const made = await rbac.rbacInitialPermissionsCreate({ initialPermissionsRequest: body });
  const id = made.pk;
  assert.deepEqual(codenames(made.permissionsObj), ["view_group"]);
  assert.equal((await rbac.rbacInitialPermissionsRetrieve({ id })).name, body.name);
  await rbac.rbacInitialPermissionsUpdate({ id, initialPermissionsRequest: body });
  const renamed = await rbac.rbacInitialPermissionsPartialUpdate({
    id,
    patchedInitialPermissionsRequest: { name: world.named("renamed") },
  });
  assert.deepEqual([renamed.name, renamed.permissions], [world.named("renamed"), [view.id]]);
  const listed = await rbac.rbacInitialPermissionsList({ name: renamed.name });
  assert.deepEqual(listed.results.map((each) => each.pk), [id]);
  assert.ok(Array.isArray(await rbac.rbacInitialPermissionsUsedByList({ id })));
  await rbac.rbacInitialPermissionsDestroy({ id });
  await refused(404, () => rbac.rbacInitialPermissionsRetrieve({ id }));
}

async function tokensLiveAWholeLife(world) {
  const { core } = world;
  const identifier = world.named("deploy");
  const expires = new Date(Date.now() + 3 * 24 * 3600 * 1000);
  const made = await core.coreTokensCreate({
    tokenRequest: { identifier, user: world.ben.pk, description: "for deployments", expires },
  });
  assert.ok(Math.abs(made.expires - expires) < 1000);
  assert.deepEqual([made.intent, made.userObj.username], ["api", world.ben.username]);
  const { key } = await core.coreTokensViewKeyRetrieve({ identifier });
  assert.equal((await world.acting(key).core.coreUsersMeRetrieve()).user.pk, world.ben.pk);

  const own = `${identifier}-a-key-of-my-own-choice`;
  await core.coreTokensSetKeyCreate({ identifier, tokenSetKeyRequest: { key: own } });
  assert.equal((await world.acting(own).core.coreUsersMeRetrieve()).user.pk, world.ben.pk);
  await refused(403, () => world.acting(key).core.coreUsersMeRetrieve());

  assert.equal((await core.coreTokensRetrieve({ identifier })).pk, made.pk);
  const tokenRequest = { identifier, user: world.ben.pk, description: "renewed" };
  const put = await core.coreTokensUpdate({ identifier, tokenRequest });
  assert.equal(put.description, "renewed");
  const patchedTokenRequest = { description: "for deployments" };
  await core.coreTokensPartialUpdate({ identifier, patchedTokenRequest });
  const moved = { identifier, patchedTokenRequest: { user: world.ann.pk } };
  assert.ok("user" in (await refused(400, () => core.coreTokensPartialUpdate(moved))));

  const listed = async (filters) => names(await core.coreTokensList({ search: world.prefix, ...filters }));
  assert.deepEqual(await listed({ identifier }), [identifier]);
  assert.deepEqual(await listed({ description: "for deployments" }), [identifier]);
  assert.ok((await listed({ userUsername: world.ben.username })).includes(identifier));
  assert.ok(!(await listed({ intent: "app_password" })).includes(identifier));
  await walk(core.coreTokensList, { pageSize: 1, search: world.prefix });
  assert.ok(Array.isArray(await core.coreTokensUsedByList({ identifier })));
  await core.coreTokensDestroy({ identifier });
  await refused(403, () => world.acting(own).core.coreUsersMeRetrieve());
}

async function badInputIs400(world) {
  const assign = (body) =>
    refused(400, () =>
      world.rbac.rbacPermissionsAssignedByRolesAssign({
        uuid: world.keeper.pk,
        permissionAssignRequest: body,
      }),
    );
  const group = { permissions: ["view_group"], model: GROUP };

  assert.ok("permissions" in (await assign({ permissions: ["authentik_core.fly_user"] })));
  assert.ok("model" in (await assign({ ...group, model: "shop.nothing", objectPk: "1" })));
  assert.ok("non_field_errors" in (await assign(group)));
  assert.ok("object_pk" in (await assign({ ...group, objectPk: randomUUID() })));
  assert.ok("object_pk" in (await assign({ ...group, objectPk: "no uuid" })));
}

async function strangersAreRefused(world) {
  const nobody = await world.core.coreUsersCreate({
    userRequest: { username: world.named("nobody"), name: "" },
  });
  const { core, rbac } = world.acting(await world.keyOf(nobody));
  assert.deepEqual(await refused(403, () => core.coreUsersList({})), { detail: SENTENCE });
  assert.deepEqual(await refused(403, () => rbac.rbacRolesList({})), { detail: SENTENCE });
  const wrong = await refused(403, () => world.acting("no such key").core.coreUsersMeRetrieve());
  assert.equal(wrong.detail, "Token invalid/expired");
  await refused(404, () => world.core.coreUsersRetrieve({ id: 2_000_000_000 }));
  await refused(404, () => world.rbac.rbacRolesRetrieve({ uuid: randomUUID() }));
  await refused(404, () => world.rbac.rbacRolesList({ page: 10_000 }));
}

// 404, or 405 where the last word of the path could be a key of another route.
async function whatIsOutsideIsNotFound(world) {
  for (const name of world.outside()) {
    assert.ok("detail" in (await refused([404, 405], () => world.callOutside(name))), name);
  }
}

async function usersAndGroupsAreDeleted(world) {
  await world.core.coreUsersDestroy({ id: world.cat.pk });
  await refused(404, () => world.core.coreUsersRetrieve({ id: world.cat.pk }));
  await world.core.coreGroupsDestroy({ groupUuid: world.night.pk });
  await refused(404, () => world.core.coreGroupsRetrieve({ groupUuid: world.night.pk }));
}

export const steps = [
  theServiceDescribesItself,
  usersAreCreatedReadAndChanged,
  usersAreListedByEveryFilter,
  usersHavePathsPasswordsAndServiceAccounts,
  groupsAreNested,
  groupsHaveMembers,
  membersBelowASuperuserGroupAreSuperusers,
  groupsAreListedByEveryFilter,
  rolesLiveAWholeLife,
  rolesAreHeldByGroups,
  rolesAreHeldByUsers,
  theCatalogueIsComplete,
  rolesAreGrantedGlobally,
  rolesAreGrantedOnObjects,
  grantsOfRolesAreMovedAndDeleted,
  grantsOfRolesAreTaken,
  usersAreGrantedMovedAndTaken,
  initialPermissionsLiveAWholeLife,
  tokensLiveAWholeLife,
  badInputIs400,
  strangersAreRefused,
  whatIsOutsideIsNotFound,
  usersAndGroupsAreDeleted,
];
