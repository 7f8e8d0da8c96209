import { rotateCommand } from "../key-commands.ts";

/** `keys rotate`: the next step of a rotation. */
export const keysRotate = rotateCommand("signing");
