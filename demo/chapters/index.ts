import type { Chapter } from "../stage.ts";
import { cern } from "./cern.ts";
import { corporateIdp } from "./corporate-idp.ts";
import { delegation } from "./delegation.ts";
import { handOff } from "./hand-off.ts";
import { idaas } from "./idaas.ts";
import { rfc8693 } from "./rfc8693.ts";
import { saml } from "./saml.ts";
import { sap } from "./sap.ts";

/** Every chapter of the demo, in the order they are played. */
export const CHAPTERS: readonly Chapter[] = [handOff, sap, cern, idaas, rfc8693, delegation, corporateIdp, saml];
