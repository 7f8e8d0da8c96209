import { emergencyDropCommand } from "../key-commands.ts";

/** `token-keys emergency-drop N`: drops a leaked key at once. */
export const tokenKeysEmergencyDrop = emergencyDropCommand("token");
