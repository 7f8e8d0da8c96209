import { type Command, readArguments, UsageError } from "./command.ts";
import type { LocalAlgorithm } from "./jwk.ts";
import { rotate } from "./key-rotation.ts";
import { changeKey, type KeyKind, keyLines, nameOf } from "./keys-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "./operator-options.ts";
import { secretStore } from "./secret-store.ts";

const GROUP: Readonly<Record<KeyKind, string>> = { signing: "keys", token: "token-keys" };
const WHAT: Readonly<Record<KeyKind, string>> = { signing: "signing key", token: "token key" };

/** `keys rotate` and `token-keys rotate`: the next step of a rotation. */
export function rotateCommand(kind: KeyKind): Command {
  const isSigning = kind === "signing";
  const words = `${GROUP[kind]} rotate`;
  const options = { ...OPERATOR_OPTIONS, wait: { type: "boolean", default: false }, number: { type: "string" }, algorithm: { type: "string" } } as const;
  return {
    words,
    summary: `rotate the ${WHAT[kind]}: store a new one, publish it, promote it when it is time`,
    help: `${words}${isSigning ? " [--algorithm ES256|RS256|SAML]" : ""} [--number N] [--wait] [--env NAME] [--url URL] [--key FILE] [--json]

Takes the next step of a rotation: makes a key and stores it (with --env by wrangler secret put, by standard input;
else in the local server's file), publishes it as next once it is deployed, and promotes it once everybody knows it,
310 seconds later. Call it again to go on, or let it wait. The former key stays trusted: ${GROUP[kind]} retire ends it.

${isSigning ? "  --algorithm  which keys to rotate (ES256); SAML: the RSA key and certificate that sign assertions\n" : ""}  --number N   the number of a new key (the next one that is free)
  --wait       wait until the key can be promoted, and promote it
${OPERATOR_HELP}`,
    async run(args, terminal) {
      const { values } = readArguments(args, options);
      if (!isSigning && values.algorithm !== undefined) throw new UsageError("token keys have no --algorithm");
      const algorithm = isSigning ? readAlgorithm(values.algorithm) : undefined;
      const rotated = await rotate({
        operator: readOperator(values),
        terminal,
        secrets: secretStore(values),
        kind,
        algorithm,
        wait: values.wait,
        number: values.number === undefined ? undefined : readNumber(values.number),
      });
      terminal.out(values.json ? JSON.stringify(rotated) : `${rotated.step} ${rotated.key}\n${keyLines(rotated.keys).join("\n")}`);
    },
  };
}

/** `keys retire N` and `token-keys retire N`: a previous key that nothing alive needs is dropped. */
export function retireCommand(kind: KeyKind): Command {
  const words = `${GROUP[kind]} retire`;
  return {
    words,
    summary: `drop a previous ${WHAT[kind]} that nothing alive needs any more`,
    help: `${words} NUMBER [--env NAME] [--url URL] [--key FILE] [--json]

Drops a previous ${WHAT[kind]}. Refused until everything that was made with it has expired; keys list says when.
Finish a gradual deployment before: an older version of the Worker may still ${kind === "signing" ? "sign" : "seal"} with it.
Afterwards delete the secret: npx wrangler secret delete ${nameOf({ kind, number: 0 }).slice(0, -1)}NUMBER --env NAME

${OPERATOR_HELP}`,
    async run(args, terminal) {
      const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["NUMBER"]);
      const keys = await changeKey(readOperator(values), kind, readNumber(positionals[0]), "retire");
      terminal.out(values.json ? JSON.stringify(keys) : keyLines(keys).join("\n"));
    },
  };
}

/** `keys emergency-drop N` and `token-keys emergency-drop N`: a key is gone, everywhere within ten seconds. */
export function emergencyDropCommand(kind: KeyKind): Command {
  const words = `${GROUP[kind]} emergency-drop`;
  const cost =
    kind === "signing" ? "Every token that it signed is dead" : "Every opaque token, refresh token and session that it made is dead, and every JWT whose origin it sealed";
  const options = { ...OPERATOR_OPTIONS, force: { type: "boolean", default: false } } as const;
  return {
    words,
    summary: `drop a leaked ${WHAT[kind]} at once, everywhere within ten seconds`,
    help: `${words} NUMBER [--force] [--env NAME] [--url URL] [--key FILE] [--json]

For a key that has leaked. ${cost}: at our own endpoints
within ten seconds, at resource servers when they ask for the key set again. If it was the current one, the newest
published other key takes its place.

  --force      also where no other key has been published long enough: resource servers may refuse until they ask again
${OPERATOR_HELP}`,
    async run(args, terminal) {
      const { values, positionals } = readArguments(args, options, ["NUMBER"]);
      const keys = await changeKey(readOperator(values), kind, readNumber(positionals[0]), "drop", values.force);
      terminal.out(values.json ? JSON.stringify(keys) : keyLines(keys).join("\n"));
    },
  };
}

function readNumber(text = ""): number {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) throw new UsageError(`NUMBER is the number in the name of the key's secret, not "${text}"`);
  return Number(text);
}

function readAlgorithm(text = "ES256"): LocalAlgorithm {
  if (text !== "ES256" && text !== "RS256" && text !== "SAML") throw new UsageError(`--algorithm takes ES256, RS256 or SAML, not "${text}"`);
  return text;
}
