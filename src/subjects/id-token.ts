import { TOKEN_TYPE } from "../protocol/names.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** An ID token of ours. */
export const idToken: SubjectTokenType = {
  type: TOKEN_TYPE.id_token,
  isActor: true,
  accepts: ({ kind }) => kind === "id_token",
};
