import { GRANT_TYPE, TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { readJwtAssertion } from "../subjects/index.ts";
import { issueForAssertion } from "./assertion.ts";
import type { Grant } from "./grant.ts";

/**
 * The JWT bearer grant (RFC 7523 §2.1) with an ID token or JWT access token of our own: a principal handed on between
 * applications; with a JWT of a corporate IdP, or with an ID-JAG. What is wrong with the assertion is `invalid_grant`.
 */
export const jwtBearer: Grant = {
  name: "jwt_bearer",
  grantType: GRANT_TYPE.jwt_bearer,
  issue: async (request) => {
    const { token, limits } = await readJwtAssertion(request, request.form.require("assertion"));
    if (token.format === "opaque") throw new Rejection("assertion_refused", { note: token.kind });
    return await issueForAssertion(request, token, TOKEN_TYPE.jwt, limits);
  },
};
