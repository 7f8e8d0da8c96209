import type { Form } from "../protocol/form.ts";
import { SCOPE } from "../protocol/names.ts";
import { parseScope } from "../protocol/scope.ts";
import type { TargetAsk, TargetName } from "./dialect.ts";
import { resourceName } from "./exchange.ts";

/** The `resource` that asks for a single sign-on token. */
export const SSO_RESOURCE = "urn:sap:identity:sso";

// The URNs of application-to-application calls. `apptid` and `tenantid` are two spellings of a subscriber tenant; a service
// instance is a client whose id is that of the instance.
const BY_NAME = /^urn:sap:identity:(application:provider|api):name:([A-Za-z0-9._-]{1,50})$/;
const BY_CLIENT = /^urn:sap:identity:(?:application:provider|consumer):clientid:([A-Za-z0-9._@-]{1,128})(?::(?:apptid|tenantid):([A-Za-z0-9._-]{1,128}))?$/;
const BY_INSTANCE = /^urn:sap:identity:application:service:id:([A-Za-z0-9._@-]{1,128})$/;

/** Targets as SAP names them, beside those of the RFCs. Whatever is malformed is refused, never passed over in silence. */
export function sapTargets(form: Form): TargetAsk {
  const resources = form.all("resource").filter((resource) => resource !== SSO_RESOURCE);
  const targets: TargetName[] = [...form.all("audience").map((id) => ({ by: "client" as const, id })), ...resources.map(targetName)];
  const scope = form.get("scope");
  return { targets, scope: parseScope(scope ?? SCOPE.openid), isDefaultScope: scope === undefined };
}

function targetName(resource: string): TargetName {
  const [, kind, name] = BY_NAME.exec(resource) ?? [];
  if (name !== undefined) return { by: "dependency", name, isOwn: kind === "api" };
  const [, id, appTid] = BY_CLIENT.exec(resource) ?? BY_INSTANCE.exec(resource) ?? [];
  if (id === undefined) return resourceName(resource);
  return { by: "client", id, ...(appTid === undefined ? {} : { appTid }) };
}
