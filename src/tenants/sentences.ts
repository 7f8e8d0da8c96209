import type * as z from "zod/mini";

/** What is said of a value that a schema refuses, where the schema itself says nothing. zod has sentences too, in far more words. */
export function sentenceOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_type") return issue.input === undefined ? "is missing" : `must be of type ${issue.expected}`;
  if (issue.code === "invalid_value") return `must be one of: ${issue.values.join(", ")}`;
  if (issue.code === "unrecognized_keys") return `has what is not known here: ${issue.keys.join(", ")}`;
  if (issue.code === "too_small") return `must ${bound(issue.origin, "at least", Number(issue.minimum))}`;
  if (issue.code === "too_big") return `must ${bound(issue.origin, "at most", Number(issue.maximum))}`;
  if (issue.code === "invalid_union") return "has none of the shapes that are allowed here: see the schema";
  return "is not allowed here";
}

function bound(origin: string, word: string, limit: number): string {
  const unit = origin === "string" ? "character" : origin === "array" ? "member" : undefined;
  return unit === undefined ? `be ${word} ${limit}` : `have ${word} ${limit} ${unit}${limit === 1 ? "" : "s"}`;
}
