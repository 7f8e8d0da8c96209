/** What every IdP is held to, whatever its record says: these are not settings. */

/** From before we connect until the last byte is read. */
export const DEADLINE_MILLISECONDS = 5000;
/** Decoded: a small answer that unpacks to a large one is a large one. */
export const BODY_LIMIT_BYTES = 262_144;
/** A failed or a successful fetch of a document is not repeated within this time, whatever asks for it. */
export const FETCH_INTERVAL_SECONDS = 30;
/** How long the last good document serves while newer ones fail. */
export const KEEP_SECONDS = 3600;
/** After this long a good document is asked for again. */
export const REFRESH_SECONDS = 600;
/** After this long it is asked for ahead, following a response, so that no request waits for it. */
export const REFRESH_AHEAD_SECONDS = 300;
