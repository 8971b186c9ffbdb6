// node's openid-client at an origin: prints where to go, reads where it came back, prints the result.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const [origin, secret, scope, pkce] = process.argv.slice(2);
const server = {
  issuer: origin,
  authorization_endpoint: `${origin}/oauth2/authorize`,
  token_endpoint: `${origin}/oauth2/token`,
};
const config = new client.Configuration(server, "the-client", secret);
client.allowInsecureRequests(config);

const expectedState = client.randomState();
const pkceCodeVerifier = pkce ? client.randomPKCECodeVerifier() : undefined;
const parameters = { redirect_uri: "http://localhost/callback", scope, state: expectedState };
if (pkce) {
  parameters.code_challenge = await client.calculatePKCECodeChallenge(pkceCodeVerifier);
  parameters.code_challenge_method = "S256";
}
console.log(client.buildAuthorizationUrl(config, parameters).href);

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const checks = { expectedState, pkceCodeVerifier };
    const token = await client.authorizationCodeGrant(config, new URL(line), checks);
    console.log(JSON.stringify({ scope: token.scope }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.error ?? String(error.status ?? error) }));
  }
}
