import { GRANT_TYPE, TOKEN_TYPE } from "../protocol/names.ts";
import { readAssertion } from "../subjects/index.ts";
import { issueForAssertion } from "./assertion.ts";
import type { Grant } from "./grant.ts";

/** The SAML 2.0 bearer grant (RFC 7522 §2.1). What is wrong with the assertion is `invalid_grant`. */
export const saml2Bearer: Grant = {
  name: "saml2_bearer",
  grantType: GRANT_TYPE.saml2_bearer,
  issue: async (request) => await issueForAssertion(request, await readAssertion(request, request.form.require("assertion")), TOKEN_TYPE.saml2),
};
