import { emergencyDropCommand } from "../key-commands.ts";

/** `keys emergency-drop N`: drops a leaked key at once. */
export const keysEmergencyDrop = emergencyDropCommand("signing");
