/** Somebody who can log in at a demo identity provider. */
export interface DemoUser {
  /** The provider's own, never changing name for the user; on purpose not the login. */
  readonly sub: string;
  readonly login: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly groups: readonly string[];
}

/** One demo identity provider: an organisation and its users. */
export interface DemoOrganisation {
  /** What the demo tenant calls it. */
  readonly alias: string;
  readonly name: string;
  readonly mailDomain: string;
  readonly users: readonly DemoUser[];
}

/** The demo identity providers. Dona Moore of the partners is another Dona: same login, same `sub`, and somebody else. */
export const ORGANISATIONS: readonly DemoOrganisation[] = [
  {
    alias: "corp",
    name: "Example Corporation",
    mailDomain: "example.com",
    users: [
      { sub: "employee-1001", login: "dona.moore", givenName: "Dona", familyName: "Moore", groups: ["employees", "travel-bookers"] },
      { sub: "employee-1002", login: "julie.armstrong", givenName: "Julie", familyName: "Armstrong", groups: ["employees", "managers"] },
    ],
  },
  {
    alias: "partner",
    name: "Example Partners",
    mailDomain: "partner.example",
    users: [
      { sub: "supplier-7001", login: "chris.lee", givenName: "Chris", familyName: "Lee", groups: ["suppliers"] },
      { sub: "employee-1001", login: "dona.moore", givenName: "Dona", familyName: "Moore", groups: ["suppliers"] },
    ],
  },
];

/** The OpenID Connect claims of a demo user. */
export function claimsOf(user: DemoUser, { mailDomain }: DemoOrganisation): { readonly sub: string; readonly [claim: string]: unknown } {
  return {
    sub: user.sub,
    preferred_username: user.login,
    email: `${user.login}@${mailDomain}`,
    email_verified: true,
    name: `${user.givenName} ${user.familyName}`,
    given_name: user.givenName,
    family_name: user.familyName,
    groups: user.groups,
  };
}
