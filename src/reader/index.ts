export { Verifier } from "./saml.ts";
export { Schemas } from "./schemas.ts";

/** The second Worker: it reads what others wrote, and holds no key, no binding and no state. */
export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
