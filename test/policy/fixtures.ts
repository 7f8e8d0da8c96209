import type { ExchangeRequest, Requester, Subject, Target } from "../../src/policy.ts";

/** The instant that every table is judged at. */
export const NOW = 1_000_000;

/** A user's access token at the front end, with everything that a test does not care about. */
export const subject: Subject = {
  kind: "access_token",
  client: "front",
  audience: ["front"],
  scope: ["openid", "email", "orders:read"],
  principal: "dona",
  isUser: true,
  expires: NOW + 300,
  grantExpires: NOW + 43_200,
  hops: 0,
  deadline: NOW + 86_400,
  authTime: NOW - 100,
  ancestors: 1,
};

export const requester: Requester = {
  id: "front",
  isPublic: false,
  mayExchangePublicly: false,
  mayRefresh: true,
  refreshTokenLifetime: 43_200,
  maxHops: 5,
  maxExchangePeriod: 7_776_000,
  isIndependent: false,
};

export const itself: Target = { id: "front", audience: ["front"], isRequester: true, ownScopes: [], scopes: [], tokenTypes: [], maxHops: 5 };

export const backend: Target = {
  id: "back",
  audience: ["back"],
  isRequester: false,
  ownScopes: ["read", "write"],
  scopes: ["read"],
  tokenTypes: ["access_token", "refresh_token", "id_token"],
  maxHops: 5,
};

export const request: ExchangeRequest = { requester, targets: [backend], requested: "access_token", isExplicit: true, isDefaultScope: false, tenantMaxHops: 7 };
