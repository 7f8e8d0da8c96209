import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { durableSingleUse } from "../../src/storage/durable-single-use.ts";
import { memorySingleUse } from "../../src/storage/memory-single-use.ts";
import { singleUseContract } from "./single-use.contract.ts";

beforeEach(reset);

singleUseContract("durable single use", () => durableSingleUse(env.SINGLE_USE));
singleUseContract("single use in memory", memorySingleUse);
