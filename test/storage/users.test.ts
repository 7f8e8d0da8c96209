import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { durableFamilies } from "../../src/storage/durable-families.ts";
import { durableUsers } from "../../src/storage/durable-users.ts";
import { memoryFamilies } from "../../src/storage/memory-families.ts";
import { memoryUsers } from "../../src/storage/memory-users.ts";
import { usersContract } from "./users.contract.ts";

beforeEach(reset);

usersContract("durable users", () => ({ users: durableUsers(env.USERS), families: durableFamilies(env.FAMILIES) }));
usersContract("users in memory", () => {
  const families = memoryFamilies();
  return { users: memoryUsers(families), families };
});
