import { dirname } from "node:path";

/** The checkout's directory; every command works from anywhere. */
export const ROOT: string = dirname(import.meta.dirname);
