export { AttemptObject } from "../storage/attempt-object.ts";
export { FamilyObject } from "../storage/family-object.ts";
export { SingleUseObject } from "../storage/single-use-object.ts";
export { TenantObject } from "../storage/tenant-object.ts";
export { UserObject } from "../storage/user-object.ts";

/** The Worker of the objects: what must be true everywhere at once. It holds no key, and answers nobody but the Worker at the edge. */
export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
