import { expect, test } from "vitest";
import { permissionLine, permissionTable } from "../../cli/permission-lines.ts";
import type { PermissionAnswer } from "../../src/endpoints/api/contract/permissions.ts";

const permission = (changes: Partial<PermissionAnswer> = {}): PermissionAnswer => ({
  ...{ consumer: "front", provider: "back", name: "to-back", apis: [], scopes: ["a:read"], tokenTypes: ["access_token"], status: "granted" },
  ...changes,
});

test("a list of permissions is a table with what each permits and who decided", () => {
  const rows = [
    permission(),
    permission({ consumer: "a-longer-name", status: "requested", apis: ["one"], requestedBy: "client/front" }),
    permission({ decidedBy: "operator/olga", requestedBy: "client/front" }),
  ];
  expect(permissionTable(rows)).toEqual([
    "CONSUMER       PROVIDER  NAME     STATUS     MAY ASK FOR                          BY",
    "front          back      to-back  granted    access_token, scope a:read           file",
    "a-longer-name  back      to-back  requested  access_token, scope a:read, api one  client/front",
    "front          back      to-back  granted    access_token, scope a:read           operator/olga",
  ]);
});

test("one permission is a line, which says what is cut off", () => {
  expect(permissionLine(permission())).toBe("granted: front → back (to-back), access_token, scope a:read");
  expect(permissionLine(permission({ cutoff: 1_800_000_000 }))).not.toContain("cut off");
  expect(permissionLine(permission({ status: "withdrawn", cutoff: 1_800_000_000 }))).toMatch(/^withdrawn: .*; what was issued until 2027-01-15T08:00:00Z is cut off$/);
});
