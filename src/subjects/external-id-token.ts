import { TOKEN_TYPE } from "../protocol/names.ts";
import { readExternalJwt } from "./external-token.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** An ID token of a corporate IdP. */
export const externalIdToken: SubjectTokenType = {
  type: TOKEN_TYPE.id_token,
  isActor: false,
  isExternal: true,
  read: (request, text) => readExternalJwt(request, text, [undefined, "jwt"]),
  accepts: () => true,
};
