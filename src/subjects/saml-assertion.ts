import { TOKEN_TYPE } from "../protocol/names.ts";
import { readAssertion } from "../tokens/read-assertion.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** A SAML assertion that we issued, base64url. */
export const samlAssertion: SubjectTokenType = {
  type: TOKEN_TYPE.saml2,
  isActor: false,
  read: readAssertion,
  accepts: ({ kind }) => kind === "saml_assertion",
};
