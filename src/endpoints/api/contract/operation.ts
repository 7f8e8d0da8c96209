import type * as z from "zod/mini";

/** A schema that the document shows under a name of its own. */
export interface Named {
  readonly name: string;
  readonly schema: z.ZodMiniType;
  /** Members that another named schema describes. */
  readonly members?: Readonly<Record<string, string>>;
}

/** A parameter of the path or the query. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly description: string;
  readonly schema: z.ZodMiniType;
}

/** One operation of the JSON API, as its document tells it. */
export interface Operation {
  readonly method: "get" | "put" | "post" | "delete";
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** Who may ask; nobody in the list: everybody may. */
  readonly who: readonly ("operator" | "client")[];
  readonly parameters?: readonly Parameter[];
  readonly body?: Named;
  readonly answer: Named;
  /** Statuses of refusals beside those that every operation has. */
  readonly refusals: readonly (404 | 409)[];
}
