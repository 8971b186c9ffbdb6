// node's oidc-provider with AltDentifier's paths and scopes: `node oidc_server.mjs PORT`.
import { createServer } from "node:http";
import { Provider, errors } from "oidc-provider";

const secret = "a b+c%d:e/f";
const redirectUri = "http://localhost/callback";
const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const clients = ["post", "basic", "strict", "reader", "machine"].map((id) => ({
  client_id: id,
  client_secret: secret,
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: id === "basic" ? "client_secret_basic" : "client_secret_post",
  ...(id === "reader" && { scope: "read:user" }),
}));

const provider = new Provider(issuer, {
  clients,
  cookies: { keys: ["not-a-real-secret"] },
  scopes: ["read:user", "write:integrations"],
  routes: { authorization: "/oauth2/authorize", token: "/oauth2/token" },
  features: { devInteractions: { enabled: false } },
  pkce: { required: (ctx, client) => client.clientId === "strict" },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  extraParams: {
    // An authorization request with fail=... fails so.
    fail(ctx, value) {
      if (value) throw new errors.CustomOIDCProviderError(value);
    },
  },
});

async function readForm(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

// What the user allowed, or null if the user canceled.
async function saveGrant(details, form) {
  if (!form.has("allow")) return null;
  const grant = new provider.Grant({
    accountId: details.session.accountId,
    clientId: details.params.client_id,
  });
  const allowed = form.get("scope").split(" ");
  for (const scope of details.params.scope.split(" ")) {
    if (allowed.includes(scope)) grant.addOIDCScope(scope);
    else grant.rejectOIDCScope(scope);
  }
  return grant.save();
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === "login") {
    const result = { login: { accountId: "ada" } };
    return provider.interactionFinished(request, response, result);
  }
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html");
    const scope = `<input type="hidden" name="scope" value="${details.params.scope}">`;
    return response.end(`<form method="post">${scope}<button name="allow">Allow</button></form>`);
  }
  const grantId = await saveGrant(details, await readForm(request));
  const result = grantId ? { consent: { grantId } } : { error: "access_denied" };
  return provider.interactionFinished(request, response, result);
}

const respond = provider.callback();
createServer((request, response) =>
  request.url.startsWith("/interaction/") ? interact(request, response) : respond(request, response),
).listen(port, "127.0.0.1");
