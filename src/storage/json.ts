/**
 * A value as JSON text: how asks and answers travel that are made with every request. To clone one string between caller
 * and object costs a tenth of cloning sixty members. What JSON does not know (Infinity, a member that is undefined) is in none.
 */
export type Json<T> = string & { readonly of?: T };

/** A value, or its text: what an object is asked by callers of either kind. */
export type Told<T> = T | Json<T>;

/** Writes a value down. */
export function toJson<T>(value: T): Json<T> {
  return JSON.stringify(value) as Json<T>;
}

/** Reads what `toJson` has written; what is no text is the value itself. */
export function fromTold<T extends object>(told: Told<T>): T {
  return typeof told === "string" ? (JSON.parse(told) as T) : told;
}
