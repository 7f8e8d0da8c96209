import worker from "../../src/index.ts";
import { equalInConstantTime } from "../../src/protocol/bytes.ts";

export * from "../../src/index.ts";

/**
 * The Worker as `npm run start:mtls` runs it: src/ itself, behind one check. wrangler dev believes the MF-CF-Blob header of
 * anybody who reaches its port, so whatever did not come from our proxy, which alone knows the secret, has no certificate.
 *
 * What this shows: that src/ does the right thing with each word of the platform. What it does not show: that the platform
 * says the right word. In production nobody can write `request.cf`, and nothing of this file is there.
 */
export default {
  fetch: (request, env, context) => {
    const isFromProxy = equalInConstantTime(request.headers.get("cambio-mtls-proxy") ?? "", env.MTLS_PROXY_SECRET);
    return worker.fetch(isFromProxy ? request : (new Request(request, { cf: {} }) as typeof request), env, context);
  },
} satisfies ExportedHandler<Cloudflare.Env & { readonly MTLS_PROXY_SECRET: string }>;
