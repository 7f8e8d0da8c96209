import { dialectOf } from "../dialects/index.ts";
import { type Reason, Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { accessToken } from "./access-token.ts";
import { externalAccessToken } from "./external-access-token.ts";
import { externalIdToken } from "./external-id-token.ts";
import { externalJwt } from "./external-jwt.ts";
import { isExternal } from "./external-token.ts";
import { idToken } from "./id-token.ts";
import { jwt } from "./jwt.ts";
import { refreshToken } from "./refresh-token.ts";
import { samlAssertion } from "./saml-assertion.ts";
import { samlSession } from "./saml-session.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

export { readAssertion } from "./assertion.ts";
export { type AssertionLimits, readJwtAssertion } from "./jwt-assertion.ts";

/** What may be presented: every type of subject and actor token. */
const SUBJECT_TOKEN_TYPES: readonly SubjectTokenType[] = [accessToken, refreshToken, idToken, jwt, samlAssertion, samlSession, externalAccessToken, externalIdToken, externalJwt];

/** Verifies a subject token: its type is one that the client's dialect takes, and its kind is the declared one. */
export async function readSubjectToken(request: ClientRequest, text: string, type: string): Promise<VerifiedToken> {
  const external = isExternal(request, text) ? true : undefined;
  const rows = dialectOf(request.client).subjectTokenTypes.includes(type) ? SUBJECT_TOKEN_TYPES : [];
  const row = rows.find((candidate) => candidate.type === type && candidate.isExternal === external);
  return await read(request, text, row, { unsupported: "subject_type_unsupported", unreadable: "subject_unreadable", differs: "subject_type_differs" });
}

/** Verifies an actor token: an access token, an ID token or a JWT. */
export async function readActorToken(request: ClientRequest, text: string, type: string): Promise<VerifiedToken> {
  const row = SUBJECT_TOKEN_TYPES.find((candidate) => candidate.isActor && candidate.type === type);
  return await read(request, text, row, { unsupported: "actor_type_unsupported", unreadable: "actor_unreadable", differs: "actor_type_differs" });
}

async function read(
  request: ClientRequest,
  text: string,
  row: SubjectTokenType | undefined,
  faults: Readonly<Record<"unsupported" | "unreadable" | "differs", Reason>>,
): Promise<VerifiedToken> {
  if (row === undefined) throw new Rejection(faults.unsupported);
  const token = await (row.read?.(request, text) ?? readToken(request.ring, text, request.service.now()));
  if (isUnreadable(token)) throw new Rejection(faults.unreadable, { note: token.reason });
  if (!row.accepts(token, dialectOf(request.client))) throw new Rejection(faults.differs, { note: token.kind });
  return token;
}
