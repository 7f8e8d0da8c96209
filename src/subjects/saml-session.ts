import { TOKEN_TYPE } from "../protocol/names.ts";
import { readOpaque } from "../tokens/opaque.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** The SessionIndex of a live login, presented by the SAML application that was told of it (SAP). It is no secret: so by no public client. */
export const samlSession: SubjectTokenType = {
  type: TOKEN_TYPE.saml2_session,
  isActor: false,
  read: async ({ ring, client }, text) => {
    const token = client.public ? undefined : await readOpaque(ring, "sid", text);
    // A reference has no secret.
    return token === undefined ? { format: "none", reason: "malformed" } : { format: "opaque", kind: "saml_session", token, hash: "" };
  },
  accepts: ({ kind }) => kind === "saml_session",
};
