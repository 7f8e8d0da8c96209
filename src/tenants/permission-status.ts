/** The states of a permission; only `granted` lets a token through. */
export const PERMISSION_STATUSES = ["requested", "granted", "denied", "withdrawn"] as const;
export type PermissionStatus = (typeof PERMISSION_STATUSES)[number];
