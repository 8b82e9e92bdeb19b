// An OpenID provider with its own pages to sign in: any name is a person, whose password does not matter.
import http from "node:http";
import { Provider } from "oidc-provider";

const given = JSON.parse(process.env.GATEPOST);
const groups = (name) => (name.startsWith("boss") ? ["gatepost-admins"] : ["staff"]);
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: given.client,
        client_secret: given.secret,
        redirect_uris: [given.redirect],
        post_logout_redirect_uris: [given.back],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["for the tests only"] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        email: `${id}@example.org`,
        groups: groups(id),
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
