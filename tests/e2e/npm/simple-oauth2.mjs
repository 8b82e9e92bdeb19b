// simple-oauth2: client credentials in the header and in the body, refresh by asking again, revocation.
import { ClientCredentials } from "simple-oauth2";

const given = JSON.parse(process.env.GATEPOST);
const results = {};

for (const [id, authorizationMethod] of [["basic", "header"], ["post", "body"]]) {
  const config = {
    client: { id, secret: `${id}-secret` },
    auth: { tokenHost: given.issuer, tokenPath: "/token", revokePath: "/revoke" },
    options: { authorizationMethod },
  };
  const client = new ClientCredentials(config);
  const token = await client.getToken({ scope: "default" });
  const call = async () =>
    (await fetch(`${given.issuer}/any`, { headers: { Authorization: `Bearer ${token.token.access_token}` } })).status;
  const before = await call();
  await token.revoke("access_token");
  results[id] = [token.token.token_type, token.expired(), before, await call()];
}
const wrong = new ClientCredentials({
  client: { id: "basic", secret: "wrong" },
  auth: { tokenHost: given.issuer, tokenPath: "/token" },
});
results.wrong = await wrong.getToken({}).then(
  () => "taken",
  (error) => error.data.payload.error,
);
console.log(JSON.stringify(results));
