// The verifier as a part of the Worker at the edge.
import { verifier } from "../../../src/saml/verifier/verify.ts";
import { cambioWith } from "./verifying.ts";

export default cambioWith(async () => verifier);
