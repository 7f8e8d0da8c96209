import { retireCommand } from "../key-commands.ts";

/** `token-keys retire N`: drops a previous key that nothing alive needs. */
export const tokenKeysRetire = retireCommand("token");
