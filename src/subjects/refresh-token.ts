import { TOKEN_TYPE } from "../protocol/names.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** A refresh token of ours, by its own client; an exchange does not consume it. */
export const refreshToken: SubjectTokenType = {
  type: TOKEN_TYPE.refresh_token,
  isActor: false,
  accepts: ({ kind }) => kind === "refresh_token",
};
