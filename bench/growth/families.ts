import { secretOf } from "../cambio.ts";
import { type Asking, awake } from "./asking.ts";
import type { Curve, Job, Point } from "./curve.ts";

// As many families are asked at a time, whatever their size; each job asks each of them so often.
const GROUP = 2;
const JOBS = 5;
const EACH = 20;
// What leaves the family as it is may be asked more often.
const READS = 100;
// Below the budget of a node.
const CHILDREN = 900;
// Families up to here are made anew for each round, so that they stay about as small as they are said to be.
const YOUNG = 100;

/** One login: its refresh token, and an access token that is exchanged. */
interface Family {
  readonly chain: string;
  readonly subject: string;
}

type Group = readonly Family[];

/** What is done with a group of families; what it needs for that is made before. */
type Act = (group: Group) => Promise<readonly Job[]>;

/** What an exchange costs in families of so many nodes, which were all made by exchanges; and an introspection, and a revocation. */
export async function familyCurves(asking: Asking, sizes: readonly number[], note: (text: string) => void): Promise<readonly Curve[]> {
  const populations: ((round: number) => Promise<readonly Group[]>)[] = [];
  for (const size of sizes) {
    if (size > YOUNG) note(`making families of ${size} nodes`);
    populations.push(size > YOUNG ? await old(asking, size) : young(asking, size));
  }
  const curve = (title: string, act: Act): Curve => ({
    ...{ title, grows: "family nodes" },
    points: sizes.map((size, index): Point => {
      const supply = async (round: number) => {
        const groups = (await populations[index]?.(round)) ?? [];
        const jobs: Job[] = [];
        for (let job = 0; job < JOBS; job++) jobs.push(...(await act(groups[job % groups.length] ?? [])));
        return jobs;
      };
      return { size, served: asking.cambio.served, supply };
    }),
  });
  return [
    curve("exchange JWT→JWT, strong", (group) => awake(asking, exchanges(asking, group), GROUP * EACH)),
    curve("exchange opaque→JWT", async (group) => {
      const opaque = await asking.send({ requests: group.map(({ subject }) => asking.exchanging("app-strong", "api-opaque", subject)) }, group.length);
      const requests = opaque.map((token) => asking.exchanging("api-opaque", "api-strong", token));
      return await awake(asking, requests, GROUP * EACH);
    }),
    curve("introspect JWT, strong", async (group) => {
      const tokens = await asking.send({ requests: exchanges(asking, group) }, group.length);
      const requests = tokens.map((token) => about(asking, "introspect", token));
      return await awake(asking, requests, GROUP * READS);
    }),
    curve("revoke", async (group) => {
      const tokens = await asking.send({ requests: exchanges(asking, group) }, GROUP * EACH);
      return [{ requests: tokens.map((token) => about(asking, "revoke", token)), count: tokens.length }];
    }),
  ];
}

function exchanges({ exchanging }: Asking, group: Group): readonly string[] {
  return group.map(({ subject }) => exchanging("app-strong", "api-strong", subject));
}

function about({ form }: Asking, what: "introspect" | "revoke", token: string): string {
  return form(`/oauth2/${what}`, ["app-strong", secretOf("app-strong")], { token });
}

async function logIns({ cambio }: Asking, count: number): Promise<Group> {
  const families: Family[] = [];
  for (let made = 0; made < count; made += GROUP) {
    const tokens = await Promise.all(Array.from({ length: GROUP }, () => cambio.logIn("app-strong")));
    families.push(...tokens.map(({ refresh_token: chain, access_token: subject }) => ({ chain, subject })));
  }
  return families;
}

// As many groups as jobs, new in each round.
function young(asking: Asking, size: number) {
  let made: { readonly round: number; readonly groups: readonly Group[] } | undefined;
  return async (round: number) => {
    if (made?.round === round) return made.groups;
    const families = await logIns(asking, GROUP * JOBS);
    if (size > 1) await asking.send({ requests: exchanges(asking, families) }, families.length * size);
    made = { round, groups: Array.from({ length: JOBS }, (_none, job) => families.slice(job * GROUP, (job + 1) * GROUP)) };
    return made.groups;
  };
}

// One group, grown once below as many access tokens as it takes; what is measured in a round hangs below a new one.
async function old(asking: Asking, size: number) {
  let group = await logIns(asking, GROUP);
  const renew = async () => {
    const { tokens, chains } = await asking.refresh(
      "app-strong",
      group.map(({ chain }) => chain),
    );
    group = chains.map((chain, index) => ({ chain, subject: tokens[index] ?? "" }));
  };
  for (let made = 0; made < size; made += CHILDREN) {
    await renew();
    await asking.send({ requests: exchanges(asking, group) }, GROUP * Math.min(CHILDREN, size - made));
  }
  let renewed: number | undefined;
  return async (round: number) => {
    if (renewed !== round) await renew();
    renewed = round;
    return [group];
  };
}
