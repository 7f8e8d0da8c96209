import { TOKEN_TYPE } from "../protocol/names.ts";
import { readAssertion } from "./assertion.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** A SAML assertion in base64url: one of ours, or of a corporate SAML IdP. */
export const samlAssertion: SubjectTokenType = {
  type: TOKEN_TYPE.saml2,
  isActor: false,
  read: readAssertion,
  // It reads nothing else.
  accepts: () => true,
};
