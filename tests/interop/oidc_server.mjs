// node's oidc-provider with AltDentifier's paths and scopes: `node oidc_server.mjs PORT`.
import { createServer } from "node:http";
import { Provider, errors } from "oidc-provider";

const port = Number(process.argv[2]);
const clients = ["post", "basic", "strict", "reader", "machine"].map((id) => ({
  client_id: id,
  client_secret: "a b+c%d:e/f",
  redirect_uris: ["http://localhost/callback"],
  token_endpoint_auth_method: id === "basic" ? "client_secret_basic" : "client_secret_post",
  ...(id === "reader" && { scope: "read:user" }),
}));

const provider = new Provider(`http://127.0.0.1:${port}`, {
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

// What the user decided on the consent page.
async function decide({ session, params }, request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const form = new URLSearchParams(Buffer.concat(parts).toString());
  if (!form.has("allow")) return { error: "access_denied" };
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const allowed = form.get("scope").split(" ");
  for (const scope of params.scope.split(" ")) {
    if (allowed.includes(scope)) grant.addOIDCScope(scope);
    else grant.rejectOIDCScope(scope);
  }
  return { consent: { grantId: await grant.save() } };
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  let result = { login: { accountId: "ada" } };
  if (details.prompt.name === "consent") {
    if (request.method === "GET") {
      response.setHeader("Content-Type", "text/html");
      return response.end(`<input type="hidden" name="scope" value="${details.params.scope}">`);
    }
    result = await decide(details, request);
  }
  return provider.interactionFinished(request, response, result);
}

const respond = provider.callback();
createServer((request, response) =>
  request.url.startsWith("/interaction/") ? interact(request, response) : respond(request, response),
).listen(port, "127.0.0.1");
