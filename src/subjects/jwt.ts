import { TOKEN_TYPE } from "../protocol/names.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** A JWT of ours: an access token in that format, and an ID token where the dialect calls it so. */
export const jwt: SubjectTokenType = {
  type: TOKEN_TYPE.jwt,
  isActor: true,
  accepts: ({ format, kind }, dialect) => format === "jwt" && (kind === "access_token" || (kind === "id_token" && dialect.idTokenIsJwt)),
};
