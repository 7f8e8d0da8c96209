import { TOKEN_TYPE } from "../protocol/names.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** An access token of ours, opaque or JWT. */
export const accessToken: SubjectTokenType = {
  type: TOKEN_TYPE.access_token,
  isActor: true,
  accepts: ({ kind }) => kind === "access_token",
};
