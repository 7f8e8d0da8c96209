import type { Route, TenantEndpoint } from "../index.ts";
import { addCertificate, addClient, addSecret, listClients, readClient, retireCertificate, retireSecret, switchClient } from "./clients.ts";
import { lookUpFamily, readFamily, revokeFamily } from "./families.ts";
import { changeKey, type KeyAction, listKeys, registerKeys } from "./keys.ts";
import { type Decision, decidePermission, listPermissions, requestPermission } from "./permissions.ts";
import { revokeUser } from "./users.ts";

const decision = (name: Decision): Route<TenantEndpoint> => ({
  paths: [`/api/v1/permissions/:consumer/:provider/${name}`],
  methods: { POST: (exchange, parameters) => decidePermission(exchange, name, parameters) },
});

const keyAction = (action: KeyAction): Route<TenantEndpoint> => ({
  paths: [`/api/v1/keys/:kind/:number/${action}`],
  methods: { POST: (exchange, parameters) => changeKey(exchange, action, parameters) },
});

/** The JSON API of a tenant, for operators and for clients on their own side. Beside it: `/api/v1/tenant`, which needs no tenant. */
export const API_ROUTES: readonly Route<TenantEndpoint>[] = [
  {
    paths: ["/api/v1/permissions"],
    methods: {
      GET: listPermissions,
      POST: requestPermission,
    },
  },
  decision("grant"),
  decision("deny"),
  decision("withdraw"),
  { paths: ["/api/v1/families/lookup"], methods: { POST: lookUpFamily } },
  { paths: ["/api/v1/families/:id"], methods: { GET: (exchange, { id = "" }) => readFamily(exchange, id) } },
  { paths: ["/api/v1/families/:id/revoke"], methods: { POST: (exchange, { id = "" }) => revokeFamily(exchange, id) } },
  { paths: ["/api/v1/users/:id/revoke"], methods: { POST: (exchange, { id = "" }) => revokeUser(exchange, id) } },
  { paths: ["/api/v1/keys"], methods: { GET: listKeys } },
  { paths: ["/api/v1/keys/register"], methods: { POST: registerKeys } },
  keyAction("promote"),
  keyAction("retire"),
  keyAction("drop"),
  {
    paths: ["/api/v1/clients"],
    methods: { GET: listClients, POST: addClient },
  },
  { paths: ["/api/v1/clients/:id"], methods: { GET: (exchange, { id = "" }) => readClient(exchange, id) } },
  { paths: ["/api/v1/clients/:id/disable"], methods: { POST: (exchange, { id = "" }) => switchClient(exchange, "disable", id) } },
  { paths: ["/api/v1/clients/:id/enable"], methods: { POST: (exchange, { id = "" }) => switchClient(exchange, "enable", id) } },
  { paths: ["/api/v1/clients/:id/secrets"], methods: { POST: (exchange, { id = "" }) => addSecret(exchange, id) } },
  {
    paths: ["/api/v1/clients/:id/secrets/:prefix"],
    methods: { DELETE: (exchange, { id = "", prefix = "" }) => retireSecret(exchange, id, prefix) },
  },
  { paths: ["/api/v1/clients/:id/certificates"], methods: { POST: (exchange, { id = "" }) => addCertificate(exchange, id) } },
  {
    paths: ["/api/v1/clients/:id/certificates/:prefix"],
    methods: { DELETE: (exchange, { id = "", prefix = "" }) => retireCertificate(exchange, id, prefix) },
  },
];
