// What the steps work with: the client's API classes, watched, and raw HTTP for what it lacks.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

// Every operation of these classes is driven; of the core API only those of users, groups, tokens.
const APIS = {
  RbacApi: /^rbac/,
  CoreApi: /^core(Users|Groups|Tokens)/,
  SchemaApi: /^schema/,
  RootApi: /^root/,
};

// Operations that this service does not have: sign-in flows, mail, exports.
const OUTSIDE = {
  coreUsersAccountLockdownCreate: { userAccountLockdownRequest: {} },
  coreUsersExportCreate: {},
  coreUsersImpersonateCreate: { id: 1, impersonationRequest: { reason: "to see" } },
  coreUsersImpersonateEndRetrieve: {},
  coreUsersMetricsRetrieve: { id: 1 },
  coreUsersRecoveryCreate: { id: 1 },
  coreUsersRecoveryEmailCreate: {
    id: 1,
    emailStage: "00000000-0000-4000-8000-000000000000",
    userRecoveryEmailRequest: { emailStage: "00000000-0000-4000-8000-000000000000" },
  },
  coreUsersSetPasswordHashCreate: { id: 1, userPasswordHashSetRequest: { password: "p$1$a$b" } },
  coreUsersSwitchCreate: {},
};

export class World {
  constructor({ modules, url, token, prefix }) {
    this.client = createRequire(join(modules, "package.json"))("@goauthentik/api");
    this.url = url;
    this.token = token;
    this.prefix = prefix;
    this.answered = new Set();
    Object.assign(this, this.acting(token));
  }

  // The four API objects, speaking for the owner of a token.
  acting(token) {
    const configuration = new this.client.Configuration({
      basePath: `${this.url}/api/v3`,
      accessToken: token,
    });
    const api = (name) => this.watched(new this.client[name](configuration));
    return {
      rbac: api("RbacApi"),
      core: api("CoreApi"),
      schema: api("SchemaApi"),
      root: api("RootApi"),
    };
  }

  watched(api) {
    const answered = this.answered;
    return new Proxy(api, {
      get(target, name) {
        const method = target[name];
        if (typeof method !== "function") return method;
        return async (...args) => {
          const result = await method.apply(target, args);
          answered.add(name);
          return result;
        };
      },
    });
  }

  operations() {
    return Object.entries(APIS)
      .flatMap(([api, own]) =>
        Object.getOwnPropertyNames(this.client[api].prototype).filter(
          (name) => own.test(name) && !/(Raw|RequestOpts)$/.test(name),
        ),
      )
      .sort();
  }

  outside() {
    return Object.keys(OUTSIDE)
      .filter((name) => this.has(name))
      .sort();
  }

  async callOutside(name) {
    return this.core[name](OUTSIDE[name]);
  }

  // Whether this generation of the client has an operation.
  has(operation) {
    return this.operations().includes(operation);
  }

  // A name nobody else uses on the server.
  named(name) {
    return `${this.prefix}-${name}`;
  }

  async post(path, body) {
    const response = await fetch(`${this.url}/api/v3/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
  }

  // The key of a new token of somebody.
  async keyOf(user) {
    const identifier = `${user.username}-key`;
    await this.core.coreTokensCreate({
      tokenRequest: { identifier, user: user.pk, intent: "api", expiring: false },
    });
    return (await this.core.coreTokensViewKeyRetrieve({ identifier })).key;
  }

  async told(failure) {
    const body = failure.response ? await failure.response.text().catch(() => "") : "";
    return `${failure.stack} ${body}`;
  }
}

// The body of the refusal; fails when the call is accepted or refused otherwise. The status, or the
// ones that will do.
export async function refused(status, call) {
  try {
    await call();
  } catch (failure) {
    if (!failure.response) throw failure;
    assert.ok([status].flat().includes(failure.response.status), `${failure.response.status}`);
    return failure.response.json();
  }
  throw new assert.AssertionError({ message: "the call was accepted" });
}

// Every row of a list, page by page, checking what each page says of itself.
export async function walk(listPage, { pageSize, ...filters }) {
  const rows = [];
  let page = { pagination: { next: 1 } };
  while (page.pagination.next) {
    const number = page.pagination.next;
    page = await listPage({ page: number, pageSize, ...filters });
    assert.equal(page.pagination.current, number);
    assert.equal(page.pagination.startIndex, page.results.length ? rows.length + 1 : 0);
    rows.push(...page.results);
    assert.equal(page.pagination.endIndex, rows.length);
  }
  assert.equal(page.pagination.count, rows.length);
  return rows;
}
