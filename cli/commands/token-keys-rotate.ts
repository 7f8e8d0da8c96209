import { rotateCommand } from "../key-commands.ts";

/** `token-keys rotate`: the next step of a rotation. */
export const tokenKeysRotate = rotateCommand("token");
