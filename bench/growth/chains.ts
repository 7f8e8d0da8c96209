import { secretOf } from "../cambio.ts";
import { type Asking, awake } from "./asking.ts";
import type { Curve, Point } from "./curve.ts";

// As many logins are asked in turn, and each so often in a round.
const LOGINS = 4;
const EACH = 60;
const JOBS = 5;

/** What an exchange costs as the so-manieth of its chain, and an introspection of what such an exchange gave. */
export async function chainCurves(asking: Asking, depths: readonly number[]): Promise<readonly Curve[]> {
  const { cambio, exchanging, form, refresh, send } = asking;
  const toItself = (tokens: readonly string[]) => tokens.map((token) => exchanging("app-strong", "app-strong", token));
  let chains: readonly string[] = (await Promise.all(Array.from({ length: LOGINS }, () => cambio.logIn("app-strong")))).map((tokens) => tokens.refresh_token);
  const exchanged = async (times: number) => {
    const refreshed = await refresh("app-strong", chains);
    chains = refreshed.chains;
    let { tokens } = refreshed;
    for (let hop = 0; hop < times; hop++) tokens = await send({ requests: toItself(tokens) }, LOGINS);
    return tokens;
  };
  const curve = (title: string, act: (depth: number) => Promise<readonly string[]>): Curve => ({
    ...{ title, grows: "chain length" },
    points: depths.map((depth): Point => ({ size: depth, served: cambio.served, supply: async () => await awake(asking, await act(depth), LOGINS * EACH, JOBS) })),
  });
  return [
    curve("exchange JWT→JWT, strong", async (depth) => toItself(await exchanged(depth - 1))),
    curve("introspect JWT, strong", async (depth) => (await exchanged(depth)).map((token) => form("/oauth2/introspect", ["app-strong", secretOf("app-strong")], { token }))),
  ];
}
