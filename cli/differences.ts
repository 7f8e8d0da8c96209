/** A member that differs, as JSON; undefined where it is not there. */
export interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const SECRET = /(^|\.)(developmentSecret|secrets)$/;

/** The members in which two documents differ, in order. Lists are compared whole; of secrets only that they differ is told. */
export function differences(before: unknown, after: unknown, path = ""): readonly Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (SECRET.test(path)) return [{ path, before: before === undefined ? undefined : "(not shown)", after: after === undefined ? undefined : "(not shown)" }];
  const isEnd = !isObject(after) || !isObject(before);
  if (isEnd) return [{ path, before: shown(before), after: shown(after) }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => differences(before[name], after[name], path === "" ? name : `${path}.${name}`));
}

// What is there on one side only is shown whole, but for its secrets.
function shown(value: unknown): string | undefined {
  return JSON.stringify(value, (name, member: unknown) => (SECRET.test(name) ? "(not shown)" : member));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
