import type { Source } from "./sources.ts";

/** What time goes to that no function of ours is to blame for. */
export const OUTSIDE = "HTTP, dispatch and storage, native";

// The first that fits, by file and function. WebCrypto is native: its time is that of the function that calls it.
const AREAS: readonly (readonly [area: string, is: RegExp])[] = [
  ["cryptography", /^src\/protocol\/signature\.ts |^src\/tokens\/(seal|keys)\.ts |^src\/\S+ (mac|sha256|digest|randomId|newSecret)$/],
  ["audit", /^src\/audit\.ts /],
  ["reading the request", /^src\/protocol\/form\.ts |^src\/endpoints\/(arrival|client-request|tenant|token|introspect|revoke|cors)\.ts /],
  ["client authentication", /^src\/clients\//],
  ["verification of what is presented", /^src\/(subjects\/|protocol\/jwt-gate|tokens\/(read|lineage|opaque|inspect|token|verified-tokens|session-reference)\.ts )/],
  ["object call", /^src\/(storage\/|protocol\/bound-worker)/],
  ["policy and claims", /^src\/(policy|grants|tokens|tenants|dialects|protocol|federation)/],
  ["dispatch and answer", /^src\/|^node_modules\/hono\//],
];

/** What a sample's time goes to, by the innermost function that is no native one: `stack`, innermost first. */
export function areaOf(stack: readonly Source[], isState: boolean): string {
  const [innermost] = stack;
  if (innermost?.name === "(garbage collector)") return "garbage collection";
  const own = stack.find(({ file }) => file !== "");
  if (own === undefined) return OUTSIDE;
  if (isState) return innermost?.file === "" || /sql-rows|sqlRows/.test(own.file) ? "the object: SQL" : "the object: its rules";
  return AREAS.find(([, is]) => is.test(`${own.file} ${own.name}`))?.[0] ?? "other JavaScript";
}
