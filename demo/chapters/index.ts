import type { Chapter } from "../stage.ts";
import { handOff } from "./hand-off.ts";

/** Every chapter of the demo, in the order they are played. */
export const CHAPTERS: readonly Chapter[] = [handOff];
