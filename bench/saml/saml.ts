import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { ROOT } from "../../cli/root.ts";
import { bundle } from "../../cli/size/bundle.ts";
import { compatibilityDate, freePort, quote } from "../../cli/size/startup.ts";
import type { Contestant } from "../contestant.ts";
import { post } from "../request.ts";
import { serveWorkers } from "../served.ts";

// So many that the request itself does not count.
const EACH = 10;

/**
 * Cambio's signing of assertions and its floor, the bare RSA signature: two paths of one Worker that is made of Cambio's own
 * code and nothing else, because a whole exchange into SAML cannot be told from what else it does.
 */
export async function startSaml(folder: string): Promise<readonly [cambio: Contestant, floor: Contestant]> {
  const configFile = join(folder, "saml.json");
  writeFileSync(configFile, JSON.stringify({ name: "saml", main: join(ROOT, "bench", "saml", "workers", "assertion-worker.ts"), compatibility_date: compatibilityDate() }));
  const bindings = [`(name = "SAML_KEY", text = ${quote(JSON.stringify(newPrivateJwk("SAML")))})`, `(name = "EACH", text = "${EACH}")`];
  const { file } = bundle(configFile, join(folder, "saml"));
  const port = await freePort();
  const served = await serveWorkers([{ name: "saml", bundleFile: file, date: compatibilityDate(), bindings }], port, "/");
  const contestant = (name: string, path: string): Contestant => ({
    ...{ name, served },
    supplies: { samlAssertion: async () => ({ requests: [post(served.host, path, {})], each: EACH }) },
    stop: served.stop,
  });
  return [contestant("cambio", "/assertion"), contestant("floor", "/signature")];
}
