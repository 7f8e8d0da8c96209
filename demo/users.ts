/** Somebody who can log in at the demo identity provider. */
export interface DemoUser {
  /** The provider's own, never changing name for the user; on purpose not the login. */
  readonly sub: string;
  readonly login: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly groups: readonly string[];
}

/** The demo users. */
export const USERS: readonly DemoUser[] = [
  { sub: "employee-1001", login: "dona.moore", givenName: "Dona", familyName: "Moore", groups: ["employees", "travel-bookers"] },
  { sub: "employee-1002", login: "julie.armstrong", givenName: "Julie", familyName: "Armstrong", groups: ["employees", "managers"] },
];

/** The OpenID Connect claims of a demo user. */
export function claimsOf(user: DemoUser): { readonly sub: string; readonly [claim: string]: unknown } {
  return {
    sub: user.sub,
    preferred_username: user.login,
    email: `${user.login}@example.com`,
    email_verified: true,
    name: `${user.givenName} ${user.familyName}`,
    given_name: user.givenName,
    family_name: user.familyName,
    groups: user.groups,
  };
}
