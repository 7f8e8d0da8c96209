import * as z from "zod/mini";
import { SigningAlgorithm } from "./token-policy.ts";

/** Where a key stands: published only, signing, no longer signing but trusted, or gone. */
export const KeyRole = z.enum(["next", "current", "previous", "dropped"]);

/** The role of one signing key; `number` is the n of `SIGNING_KEY_<n>`. */
export const SigningKeyRole = z.strictObject({ number: z.int(), keyId: z.string(), algorithm: SigningAlgorithm, role: KeyRole, since: z.int() });

/** The role of one token key; `number` is the n of `TOKEN_KEY_<n>`. */
export const TokenKeyRole = z.strictObject({ number: z.int(), role: KeyRole, since: z.int() });

/** Which keys a tenant signs and seals with. A configuration record, so that promotion and drop take hold within its bound. */
export const KeyRoles = z.strictObject({ signing: z.array(SigningKeyRole), token: z.array(TokenKeyRole) });
export type KeyRoles = z.output<typeof KeyRoles>;

/** A key that this deployment holds. */
export interface DeployedKeys {
  readonly signing: readonly { readonly number: number; readonly keyId: string; readonly algorithm: SigningAlgorithm }[];
  readonly token: readonly number[];
}

/** The roles that a new tenant begins with: the lowest-numbered key of each algorithm signs, the others wait. */
export function initialKeyRoles(deployed: DeployedKeys, now: number): KeyRoles {
  const current = new Set<string>();
  const first = (kind: string) => {
    const role = current.has(kind) ? ("next" as const) : ("current" as const);
    current.add(kind);
    return role;
  };
  const signing = deployed.signing.toSorted((a, b) => a.number - b.number).map((key) => ({ ...key, role: first(key.algorithm), since: now }));
  const token = deployed.token.toSorted((a, b) => a - b).map((number) => ({ number, role: first("token"), since: now }));
  return { signing, token };
}
