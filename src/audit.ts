/** What an audit line may hold. There is no field for a token, a secret, a code or anything that a user typed. */
export interface AuditFields {
  readonly endpoint?: string;
  readonly tenant?: string;
  readonly client?: string;
  readonly grant?: string;
  readonly subject?: string;
  readonly family?: string;
  readonly node?: string;
  readonly idp?: string;
  readonly operator?: string;
  /** Consumer and provider. */
  readonly permission?: string;
  /** What is done with which key: action, kind and number. */
  readonly key?: string;
  readonly scope?: string;
  readonly audience?: string;
  readonly issued?: string;
  readonly consistency?: string;
  /** The answer is that of an exchange a moment ago, which has the same node. */
  readonly coalesced?: boolean;
  readonly reason?: string;
  readonly note?: string;
  readonly status?: number;
  readonly alert?: string;
}

const FIELDS: ReadonlySet<string> = new Set<keyof AuditFields>([
  "endpoint",
  "tenant",
  "client",
  "grant",
  "subject",
  "family",
  "node",
  "idp",
  "operator",
  "permission",
  "key",
  "scope",
  "audience",
  "issued",
  "consistency",
  "coalesced",
  "reason",
  "note",
  "status",
  "alert",
]);
const VALUE_LIMIT = 300;

/** One event per request: fields are noted as they become known, and written once when the outcome is. */
export interface Audit {
  /** Random; the same in the line and in the header `Cambio-Trace` of the answer. */
  readonly trace: string;
  note(fields: AuditFields): void;
  write(fields: AuditFields): void;
}

/** Writes one JSON line per outcome, of allowed fields only. `print` is standard output. */
export function audit(trace: string, now: () => number, print: (line: string) => void): Audit {
  // In the order of the line: its time is that of the outcome.
  const line: Record<string, unknown> = { time: 0, trace };
  const note = (fields: AuditFields): void => {
    for (const name in fields) {
      const value = fields[name as keyof AuditFields];
      if (FIELDS.has(name)) line[name] = typeof value === "string" && value.length > VALUE_LIMIT ? value.slice(0, VALUE_LIMIT) : value;
    }
  };
  return {
    trace,
    note,
    write: (fields) => {
      note(fields);
      line.time = now();
      print(JSON.stringify(line));
    },
  };
}
