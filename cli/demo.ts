import { CHAPTERS } from "../demo/chapters/index.ts";
import { stage } from "../demo/play.ts";
import type { Chapter } from "../demo/stage.ts";
import { transcript } from "../demo/transcript.ts";
import { CommandFailed, readArguments, readPort, runMain, terminal, UsageError } from "./command.ts";
import { DEMO_PORTS } from "./local/demo-tenant.ts";
import { answers, startCambio } from "./local/start-cambio.ts";

const HELP = `npm run demo -- [--chapter NAME] [--port PORT] [--idp-port PORT] [--partner-port PORT]

Walks through what Cambio does and prints each request and response, secrets and tokens shortened. Uses the Cambio
that npm start has brought up on this port, or brings one up for the time being.

  --chapter NAME       only this one: ${CHAPTERS.map((one) => one.name).join(", ")}
  --port PORT          where Cambio is (${DEMO_PORTS.port})
  --idp-port PORT      where the demo identity provider is brought up if Cambio does not run yet (${DEMO_PORTS.idpPort})
  --partner-port PORT  and that of the partners (${DEMO_PORTS.partnerPort})
  --help               this text`;

const OPTIONS = {
  chapter: { type: "string" },
  port: { type: "string", default: String(DEMO_PORTS.port) },
  "idp-port": { type: "string", default: String(DEMO_PORTS.idpPort) },
  "partner-port": { type: "string", default: String(DEMO_PORTS.partnerPort) },
  help: { type: "boolean", short: "h", default: false },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, OPTIONS);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const chapters = choose(values.chapter);
  const port = readPort(values.port, "--port");
  const idpPort = readPort(values["idp-port"], "--idp-port");
  const partnerPort = readPort(values["partner-port"], "--partner-port");
  const issuer = `http://localhost:${port}`;
  if (await answers(`${issuer}/health/ready`)) {
    terminal.note(`using the Cambio that runs at ${issuer}`);
    await play(chapters, issuer);
    return 0;
  }
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => controller.abort());
  const running = await startCambio({ port, idpPort, partnerPort, note: terminal.note, signal: controller.signal });
  controller.signal.addEventListener("abort", () => void running.stop().then(() => process.exit(1)));
  try {
    await play(chapters, issuer);
  } finally {
    await running.stop();
  }
  return 0;
}

function choose(name: string | undefined): readonly Chapter[] {
  if (name === undefined) return CHAPTERS;
  const chosen = CHAPTERS.filter((one) => one.name === name);
  if (chosen.length === 0) throw new UsageError(`no chapter "${name}"; there are: ${CHAPTERS.map((one) => one.name).join(", ")}`);
  return chosen;
}

async function play(chapters: readonly Chapter[], issuer: string): Promise<void> {
  const lines = transcript(terminal.out);
  for (const chapter of chapters) {
    lines.heading(chapter.title);
    await chapter.play(stage(issuer, lines)).catch((error: unknown) => {
      throw new CommandFailed(`\nthe chapter "${chapter.name}" stopped: ${error instanceof Error ? error.message : String(error)}`);
    });
    lines.say(`✓ ${chapter.title}`);
  }
}

await runMain(main);
