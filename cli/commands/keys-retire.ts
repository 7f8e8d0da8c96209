import { retireCommand } from "../key-commands.ts";

/** `keys retire N`: drops a previous key that nothing alive needs. */
export const keysRetire = retireCommand("signing");
