import { exchange, refusedExchange, TOKEN_TYPE } from "../exchange.ts";
import { APPLICATIONS, credentials, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

const SAML2 = "urn:ietf:params:oauth:token-type:saml2";

/** SAML 2.0: an ID token becomes a signed assertion for an application that knows no OAuth, and comes back. */
export const saml: Chapter = {
  name: "saml",
  title: "SAML 2.0: a token becomes an assertion for another application, and comes back with its origin",
  async play(stage) {
    stage.say("1. The web app logs Dona Moore in.");
    const tokens = await logInTo(stage, APPLICATIONS.webApp);

    stage.say("2. It trades her token for an assertion for the SAML application that has permitted it, named as SAP names it.");
    const subject = { subject_token: tokens.access_token, subject_token_type: TOKEN_TYPE.access };
    const given = await exchange(stage, "web-app", { ...subject, requested_token_type: SAML2, resource: "urn:sap:identity:application:provider:name:SAML2SSO" });

    stage.say("3. What the application reads in it, once it has verified the signature (npm run cambio -- saml certificate):");
    const xml = Buffer.from(given.access_token, "base64url").toString();
    for (const name of ["Issuer", "NameID", "Audience"]) stage.say(`      ${name}: ${new RegExp(`<saml:${name}[^>]*>([^<]*)<`).exec(xml)?.[1] ?? ""}`);
    if (!xml.includes(">dona.moore@example.com<")) throw new Error("the assertion is not about Dona Moore");

    stage.say("4. It is a node of her login: presented back, it becomes a token again, one hop further.");
    const back = { subject_token: given.access_token, subject_token_type: SAML2 };
    await exchange(stage, "web-app", back);

    stage.say("5. Where it came from is revoked, and the assertion is dead.");
    await stage.post("/oauth2/revoke", { token: tokens.access_token }, credentials("web-app"));
    await refusedExchange(stage, "invalid_request", "web-app", back);
  },
};
