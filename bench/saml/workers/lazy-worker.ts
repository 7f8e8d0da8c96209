// The verifier in the bundle of the Worker at the edge, run when it is first asked for.
import { cambioWith } from "./verifying.ts";

export default cambioWith(async () => (await import("../../../src/saml/verifier/verify.ts")).verifier);
