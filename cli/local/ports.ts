import { createServer } from "node:net";
import { CommandFailed } from "../command.ts";

/** What a port is wanted for, and which option chooses another. */
export interface WantedPort {
  readonly port: number;
  readonly purpose: string;
  readonly option: string;
}

/**
 * Resolves when all of the ports are free, and none is wanted twice; else rejects and names every one that is not, and
 * what to do. Never picks another.
 */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  for (const [index, { port, option }] of wanted.entries()) {
    const other = wanted.slice(0, index).find((one) => one.port === port);
    if (other !== undefined) throw new CommandFailed(`${other.option} and ${option} are both ${port}; they must differ`);
  }
  const taken: WantedPort[] = [];
  for (const one of wanted) {
    if (!(await isFree(one.port))) taken.push(one);
  }
  if (taken.length === 0) return;
  const lines = taken.map(({ port, purpose, option }) => `port ${port} (${purpose}) is taken: end what uses it, or choose another with ${option} PORT`);
  throw new CommandFailed(lines.join("\n"));
}

// Both loopback addresses: "localhost" means either, and half a port would answer some clients and not others.
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, "127.0.0.1")) && (await canListen(port, "::1"));
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") resolve(true);
      else reject(new CommandFailed(`cannot listen on port ${port}: ${error.message}`));
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
