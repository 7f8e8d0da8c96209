import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload, type SourceMapping } from "node:module";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../../cli/root.ts";
import type { CallFrame } from "./inspector.ts";

/** A function as whoever wrote it knows it. */
export interface Source {
  readonly name: string;
  /** From the root of the repository; empty for what is native. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

const NAMED = /(?:function\s*\*?\s*|^\s*(?:async\s+)?)([\w$#]+)\s*[(<]|([\w$#]+)\s*[:=]\s*(?:async\s*)?(?:\(|<|[\w$]+\s*=>)/;

const KEYWORDS = new Set(["async", "await", "catch", "for", "function", "if", "return", "switch", "while"]);

/** Finds the sources of a bundle's functions by the source map that stands beside it. */
export function sourcesOf(bundleFile: string): (frame: CallFrame) => Source {
  const map = new SourceMap(JSON.parse(readFileSync(`${bundleFile}.map`, "utf8")) as SourceMapPayload);
  const texts = new Map<string, readonly string[]>();
  const lineOf = (file: string, line: number) => {
    const lines = texts.get(file) ?? readFileSync(file, "utf8").split("\n");
    texts.set(file, lines);
    return lines[line] ?? "";
  };
  return ({ functionName, url, lineNumber, columnNumber }) => {
    const { originalSource, originalLine }: Partial<SourceMapping> = url === "" ? {} : map.findEntry(lineNumber, columnNumber);
    if (originalSource === undefined || originalLine === undefined) return { name: functionName, file: "", line: 0 };
    const file = join(dirname(bundleFile), originalSource);
    const [, called, assigned] = NAMED.exec(lineOf(file, originalLine)) ?? [];
    // What the bundler calls it only where the source does not say: two functions of one name get a number there.
    const name = [called, assigned].find((word) => word !== undefined && !KEYWORDS.has(word)) ?? (functionName || "(anonymous)");
    return { name, file: relative(ROOT, file).replace(/^.*(?=node_modules\/)/, ""), line: originalLine + 1 };
  };
}
