// The verifier in a Worker of its own, as Cambio has it.
import { boundVerifier } from "../../../src/saml/bound-verifier.ts";
import { cambioWith } from "./verifying.ts";

export default cambioWith(async (env) => boundVerifier(env.SAML));
